//! Which components are meant: one by its id, or all whose ids begin in the same way.

use std::fmt;
use std::str::FromStr;

use super::component::{Component, NotAComponent};

/// Marks that anything may follow; only at the end, and never before the colon.
const ANYTHING: char = '*';

/// One component, as `svc:pim`, or every component whose id begins in a way, as `net:*` or `quiet:signin-risk:*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentPattern {
    /// Exactly this one.
    One(Component),
    /// Every one whose id begins with this text, which has a kind and a colon.
    Beginning(Box<str>),
}

impl ComponentPattern {
    /// Whether a component is meant.
    #[must_use]
    pub fn is_about(&self, component: &Component) -> bool {
        match self {
            Self::One(one) => one == component,
            Self::Beginning(beginning) => component.id().starts_with(&**beginning),
        }
    }
}

impl fmt::Display for ComponentPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => one.fmt(f),
            Self::Beginning(beginning) => write!(f, "{beginning}{ANYTHING}"),
        }
    }
}

impl FromStr for ComponentPattern {
    type Err = NotAComponent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What stands before the mark has to be an id once something follows it.
        let component: Component = text.parse()?;
        match text.strip_suffix(ANYTHING) {
            None => Ok(Self::One(component)),
            Some(beginning) => Ok(Self::Beginning(beginning.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ComponentPattern;

    #[test]
    fn patterns_are_about_what_begins_as_they_do() {
        for (pattern, id, expected) in [
            ("svc:pim", "svc:pim", true),
            ("svc:pim", "svc:pim2", false),
            ("net:*", "net:hq", true),
            ("net:*", "svc:net", false),
            ("quiet:*", "quiet:signin-risk:u1", true),
            ("quiet:signin-risk:*", "quiet:user-risk:u1", false),
            ("method:u1#*", "method:u1#key", true),
            ("method:u1#*", "method:u11#key", false),
        ] {
            let read: ComponentPattern = pattern.parse().unwrap();
            assert_eq!(read.is_about(&id.parse().unwrap()), expected, "{pattern}, {id}");
            assert_eq!(read.to_string(), pattern);
        }
    }

    #[test]
    fn what_has_no_kind_is_no_pattern() {
        for text in ["*", "", "net", "net*", "net:", "ne*:hq", "nothing:*"] {
            assert!(text.parse::<ComponentPattern>().is_err(), "{text}");
        }
    }
}
