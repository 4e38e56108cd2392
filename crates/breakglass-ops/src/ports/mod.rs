//! The world as small traits: whoever keeps a duty names these and nothing behind them.

mod clock;
mod directory;
mod random;

pub use clock::Clock;
pub use directory::{
    Directory, DirectoryError, GraphAnswer, GraphRequest, Method, Refusal, Repeat, SecretValue, SignedIn, SignedInAs,
};
pub use random::{Random, RandomError};
