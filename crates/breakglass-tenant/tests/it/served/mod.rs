//! Tenants that are served over real connections, and what fails in them.

pub(crate) mod authenticator;
mod continuous;
mod faults;
mod graph_faults;
mod hostile;
mod keys;
mod logs;
mod passkeys;
mod passkeys_graph;
mod passwords;
mod profiles;
mod registration;
pub(crate) mod world;
