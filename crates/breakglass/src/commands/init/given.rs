//! What is given on the command line, checked before it goes into a file or a script.

use breakglass_adapters::graph::Cloud;
use breakglass_engine::posture::PostureSettings;
use breakglass_ops::setup::{LOCAL_CHARS_MAX, is_domain, name_fault};

use crate::commands::application::is_guid;

/// A tenant: its id, or one of its domains.
pub(super) fn tenant(text: &str) -> Result<String, &'static str> {
    if is_guid(text) || is_domain(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be the tenant's id, as 11111111-2222-3333-4444-555555555555, or a domain of it, as \
             contoso.onmicrosoft.com")
    }
}

/// An application.
pub(super) fn client_id(text: &str) -> Result<String, &'static str> {
    if is_guid(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be the application's id, as 11111111-2222-3333-4444-555555555555")
    }
}

/// Where a cloud is, as a scheme, a host and perhaps a port.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let cloud = Cloud::custom(text, text).map_err(|error| error.to_string())?;
    let origin = cloud.login();
    // Hosts may have letters that mean something to a shell, and none that is reached has them.
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".:/[]-".contains(letter);
    if origin.chars().all(is_plain) { Ok(origin.to_owned()) } else { Err("no host has such a name".to_owned()) }
}

/// The sign-in name of a user that is there or may be made.
pub(super) fn sign_in_name(text: &str) -> Result<String, &'static str> {
    name_fault(text).map_or_else(|| Ok(text.to_owned()), Err)
}

/// Names of accounts that are to be made, with a place for their number.
pub(super) fn pattern(text: &str) -> Result<String, &'static str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let rest = text.replace("{n}", "");
    let is_fit = rest.chars().all(is_name) && rest.len() < LOCAL_CHARS_MAX && !text.ends_with('.');
    if text.contains("{n}") && is_fit {
        Ok(text.to_owned())
    } else {
        Err("must be letters, digits, `-`, `_` and `.` with `{n}` for the number, as emergency-access-{n}")
    }
}

/// The generic name that a sign-in name is, whatever number it has: `admin` of `admin-2@contoso.com`.
pub(super) fn generic(name: &str) -> Option<String> {
    let local = name.split('@').next().unwrap_or_default().to_lowercase();
    let bare = local.replace("{n}", "");
    let bare = bare.trim_matches(|letter: char| letter.is_ascii_digit() || "-_.".contains(letter));
    PostureSettings::default().forbidden_names.into_iter().find(|forbidden| forbidden == bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_an_id_or_a_domain() {
        for good in ["11111111-2222-3333-4444-55555555555A", "Contoso.onmicrosoft.com", "contoso.co.uk"] {
            assert_eq!(tenant(good), Ok(good.to_ascii_lowercase()));
        }
        for bad in
            ["", "contoso", "$(touch x)", "a b.com", "contoso.com;id", "contoso..com", "-a.com", "a.com/", "`id`.com"]
        {
            assert!(tenant(bad).is_err(), "{bad}");
        }
        assert!(client_id("11111111-2222-3333-4444-555555555555").is_ok());
        assert!(client_id("contoso.com").is_err() && client_id("").is_err());
    }

    #[test]
    fn an_origin_has_nothing_for_a_shell() {
        assert_eq!(origin("https://127.0.0.1:8443/"), Ok("https://127.0.0.1:8443".to_owned()));
        assert_eq!(origin("https://[::1]:8443"), Ok("https://[::1]:8443".to_owned()));
        for bad in
            ["https://$(id).example", "https://a`id`.example", "https://a\"b.example", "https://a'b", "https://a;b"]
        {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sign_in_name_is_one_that_entra_takes() {
        for good in ["emergency-access-1@contoso.onmicrosoft.com", "o'neil.x@contoso.com", "a#EXT#@contoso.com"] {
            assert!(sign_in_name(good).is_ok(), "{good}");
        }
        let long = format!("{}@contoso.com", "a".repeat(65));
        for bad in [
            "a",
            "a@contoso",
            "@contoso.com",
            "a b@contoso.com",
            "a@con toso.com",
            "a.@contoso.com",
            "ä@contoso.com",
            "a\n@c.de",
            "a@b@c.de",
            &long,
        ] {
            assert!(sign_in_name(bad).is_err(), "{bad}");
        }
        assert!(pattern("bg-{n}").is_ok());
        assert!(pattern("bg-").is_err() && pattern("b g{n}").is_err() && pattern("bg{n}.").is_err());
    }

    #[test]
    fn generic_names_are_known_with_a_number_too() {
        for (name, found) in [
            ("admin@contoso.com", Some("admin")),
            ("Backup-2@contoso.com", Some("backup")),
            ("admin{n}", Some("admin")),
            ("emergency-access-admin@contoso.com", None),
            ("break-glass-1@contoso.com", None),
        ] {
            assert_eq!(generic(name).as_deref(), found, "{name}");
        }
    }
}
