//! The stage: an embedded Entra tenant that real clients sign in to over HTTPS.
//!
//! It serves the login endpoints, Microsoft Graph and the corner of Azure Resource Manager that clients need, keeps its
//! state in a folder, and asks the one Conditional Access engine at every issuance of a token.
//!
//! **Invariant:** it knows nothing of what the product does with a tenant; the two meet only over HTTP. Secrets are kept
//! as what they are checked with, never as they are.

mod admin;
mod audit;
pub mod backstage;
pub mod call;
pub mod clock;
mod cross_origin;
pub mod demo;
pub mod export;
mod faults;
mod grants;
mod graph;
mod ids;
mod jwt;
mod keys;
mod login;
mod manager;
pub mod odata;
mod outgoing;
pub mod profile;
mod random;
pub mod retention;
mod secret;
pub mod seed;
pub mod serve;
mod sign_in;
mod state;
mod subscriptions;
pub mod tenant;
pub mod tls;
mod totp;
pub mod webauthn;

pub use crate::secret::HashWork;
pub use crate::state::StateError;
