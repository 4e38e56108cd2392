//! Graph's enumerations as open enums: a member that this code does not know is kept as it was written, so
//! that whoever depends on it can say "could not tell" and a round trip loses nothing.

/// Declares an open enum over Graph's spellings, with `Unknown` for every other text.
macro_rules! graph_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$vmeta])* #[doc = concat!("`", $text, "`")] $variant,)+
            /// A member that this version does not know, as it was written.
            Unknown(Box<str>),
        }

        impl $name {
            /// Reads Graph's spelling; anything else becomes `Unknown`.
            #[must_use]
            pub fn from_graph(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Unknown(other.into()),
                }
            }

            /// Graph's spelling.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from_graph(&text))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use graph_enum;

use serde::{Deserialize, Deserializer};

/// Reads a flags enumeration: Graph writes `"minor,moderate"`, some exporters write a list; both are taken.
pub(crate) fn flags<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flags {
        Text(String),
        List(Vec<String>),
    }
    let members = match Option::<Flags>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Flags::Text(text)) => {
            text.split(',').map(|member| member.trim().to_owned()).filter(|member| !member.is_empty()).collect()
        }
        Some(Flags::List(list)) => list,
    };
    Ok(members.into_iter().map(T::from).collect())
}

/// Lets [`flags`] build an open enum from text.
macro_rules! from_string {
    ($($name:ty),+ $(,)?) => {$(
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from_graph(&text)
            }
        }
    )+};
}

pub(crate) use from_string;
