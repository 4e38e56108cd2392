//! Colour for terminals, and nothing where colour is not wanted. Every painted word says the same without it.

/// Whether colour may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Bytes of the text only.
    Plain,
    /// With ANSI escapes.
    Colour,
}

/// A way of standing out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// For headings.
    Strong,
    /// For what is less important.
    Faint,
    /// For what is broken.
    Bad,
    /// For what could not be told.
    Doubtful,
    /// For what is as it should be.
    Good,
}

impl Paint {
    /// The text in a style.
    pub(crate) fn apply(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Bad => "1;31",
            Style::Doubtful => "1;33",
            Style::Good => "1;32",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}
