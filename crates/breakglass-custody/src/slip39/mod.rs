//! SLIP-0039: a secret as shares in words, of which some are needed to have it back.
//!
//! Everything that the standard has is read: groups, both kinds of sets, every iteration exponent. Made is what the
//! product needs: one group, from two shares on, with an empty passphrase.
//!
//! It is our own code, since sharing on paper is what this program is there for, and since no maintained crate does it:
//! docs/decisions/0011-custody.md.
//! **Invariant:** secrets, shares and words are wiped; no table is indexed by a secret and no branch taken on one. How
//! long a secret or a word is, shows.
//! **Source:** <https://github.com/satoshilabs/slips/blob/master/slip-0039.md>.

mod cipher;
mod combine;
mod digest;
mod gf256;
mod polynomial;
mod rs1024;
mod share;
mod split;
mod words;

pub(crate) use combine::odd_one;
pub use combine::{CombineError, combine};
pub use share::{Header, Mistyped, SHARE_TEXT_BYTES_MAX, SHARE_WORDS_MAX, SHARE_WORDS_MIN, Share, ShareError};
pub use split::{SECRET_BYTES_MAX, SECRET_BYTES_MIN, SplitError, split};
pub(crate) use words::{index_of, offered};
