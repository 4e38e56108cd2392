//! What a person sees of the ways in: the report on one goal and horizon, or on several, in each format.
//!
//! [`words`] says things once for all formats, [`fold`] tells what is alike only once, [`picture`] and [`svg`] draw.

pub(crate) mod certificate;
mod fold;
mod html;
pub(super) mod json;
mod listed;
mod metrics;
mod picture;
#[cfg(test)]
pub(super) mod sample;
mod svg;
pub(super) mod text;
pub(super) mod words;

use breakglass_engine::lockout::report::LockoutReport;

use super::Format;

/// Every format, the one for people first.
pub(crate) const FORMATS: &[Format<[LockoutReport]>] = &[text::FORMAT, json::FORMAT, html::FORMAT, svg::FORMAT];

/// The format of this name.
pub(crate) fn format_named(name: &str) -> Option<&'static Format<[LockoutReport]>> {
    FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests;
