//! The stage: an embedded Entra tenant that real clients sign in to over HTTPS.
//!
//! **Invariant:** it knows nothing of what the product does with a tenant; the two meet only over HTTP.

pub mod odata;
