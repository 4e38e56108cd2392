//! Sign-in names that Entra takes.
//!
//! **Source:** "UserPrincipalName policies that apply to user accounts" (learn.microsoft.com/entra/identity): the letters
//! that are allowed, and how many.

/// Characters of a sign-in name before the `@`.
pub const LOCAL_CHARS_MAX: usize = 64;

/// Characters of a sign-in name after the `@`.
const DOMAIN_CHARS_MAX: usize = 48;

/// Characters of a domain name. **Source:** RFC 1035, section 2.3.4.
const DOMAIN_NAME_CHARS_MAX: usize = 253;

/// Why Entra takes no account of that sign-in name; `None` if it may.
#[must_use]
pub fn name_fault(name: &str) -> Option<&'static str> {
    let Some((local, domain)) = name.split_once('@').filter(|(local, domain)| !local.is_empty() && is_domain(domain))
    else {
        return Some("must be a whole sign-in name, as emergency-access-1@contoso.onmicrosoft.com");
    };
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "'.-_!#^~".contains(letter);
    if !local.chars().all(is_allowed) {
        return Some("has a letter that Entra allows in no sign-in name: a-z, 0-9 and '.-_!#^~ are allowed");
    }
    if local.ends_with('.') {
        return Some("has a dot before the @, which Entra does not allow");
    }
    if local.len() > LOCAL_CHARS_MAX || domain.len() > DOMAIN_CHARS_MAX {
        return Some("is too long for Entra, which takes 64 letters before the @ and 48 behind it");
    }
    None
}

/// Whether it can be the name of a domain: labels of letters, digits and hyphens, of which there are two at least.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(is_letter) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.contains('.') && text.len() <= DOMAIN_NAME_CHARS_MAX && text.split('.').all(is_label)
}
