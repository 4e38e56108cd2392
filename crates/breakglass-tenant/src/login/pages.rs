//! The sign-in pages: plain forms that work without scripts, but for passkeys, which only a script can ask for.
//!
//! **Invariant:** whatever came from elsewhere is escaped. No page is kept by the browser, shown in a frame, or loads
//! anything from anywhere.

use crate::call::{Body, Reply};
use crate::random;

/// A page of the sign-in.
pub(super) struct Page {
    pub(super) title: &'static str,
    /// HTML.
    pub(super) body: String,
    /// A script that the page runs where the browser allows scripts.
    pub(super) script: Option<&'static str>,
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;background:#eef1f5;color:#1b1b1b;margin:0}\
main{max-width:26rem;margin:10vh auto;background:#fff;padding:2.5rem;box-shadow:0 2px 6px #0003}\
h1{font-size:1.5rem;font-weight:600;margin:0 0 1rem}label{display:block;margin:1rem 0 .25rem}\
input:not([type=checkbox]){width:100%;box-sizing:border-box;font:inherit;padding:.4rem}\
button{font:inherit;margin-top:1.25rem;padding:.4rem 1.5rem;background:#0067b8;color:#fff;border:0;cursor:pointer}\
form~form button{background:#e6e6e6;color:#1b1b1b}.error{color:#b3001b;overflow-wrap:anywhere}\
.note{color:#555;font-size:.875rem}.number{font-size:2.5rem;text-align:center}a{color:#0067b8}\
.code{display:block;width:12rem;max-width:100%;margin:0 auto}.key{font-family:monospace;overflow-wrap:anywhere}\
button:disabled{opacity:.5}@media(max-width:30rem){main{margin:0;padding:1.5rem;min-height:100vh;box-sizing:border-box}}";

impl Page {
    /// A page without a script.
    pub(super) const fn new(title: &'static str, body: String) -> Self {
        Self { title, body, script: None }
    }

    /// As an answer.
    pub(super) fn reply(&self, status: u16) -> Reply {
        let nonce = random::token().unwrap_or_default();
        let script = self.script.map(|script| format!("<script nonce=\"{nonce}\">{script}</script>"));
        let html = format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><title>{}</title><style nonce=\"{nonce}\">{STYLE}</style></head><body><main>\
             <h1>{}</h1>{}</main>{}</body></html>",
            self.title,
            self.title,
            self.body,
            script.unwrap_or_default(),
        );
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        Reply::of(status, Body::Page(html))
            .with("content-security-policy", policy)
            .with("cache-control", "no-store")
            .with("referrer-policy", "no-referrer")
            .with("x-content-type-options", "nosniff")
            .with("x-frame-options", "DENY")
    }
}

/// Text as HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

/// A field that is not shown.
pub(super) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
}

/// What went wrong.
pub(super) fn error(text: Option<&str>) -> String {
    text.map(|text| format!("<p class=\"error\" role=\"alert\">{}</p>", escaped(text))).unwrap_or_default()
}

/// A form with one button and what it does.
pub(super) fn form((action, does, label): (&str, &str, &str), fields: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{}\">{fields}<button type=\"submit\" name=\"do\" value=\"{}\">{}</button></form>",
        escaped(action),
        escaped(does),
        escaped(label),
    )
}

/// The answer to a client as a form that is sent by itself, or by its button where there are no scripts.
pub(super) fn form_post(address: &str, members: &[(&str, String)]) -> Page {
    let fields: String = members.iter().map(|(name, value)| hidden(name, value)).collect();
    let body = format!(
        "<form method=\"post\" action=\"{}\">{fields}<button type=\"submit\">Continue</button></form>",
        escaped(address)
    );
    Page { title: "Signing in", body, script: Some("document.forms[0].submit()") }
}

#[cfg(test)]
mod tests {
    use super::{escaped, form_post};
    use crate::call::Body;

    #[test]
    fn what_came_from_elsewhere_is_text() {
        assert_eq!(escaped("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
        let page = form_post("http://localhost:1/\"><script>", &[("state", "\"><img>".to_owned())]);
        let reply = page.reply(200);
        let Body::Page(html) = reply.body else { panic!("a page") };
        assert!(!html.contains("<img>") && html.matches("<script").count() == 1, "{html}");
    }
}
