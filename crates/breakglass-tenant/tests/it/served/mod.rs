//! Tenants that are served over real connections, and what fails in them.

mod applications;
pub(crate) mod authenticator;
mod continuous;
mod elevation;
mod errors;
mod faults;
mod frequency;
mod given;
mod graph_faults;
mod heads;
mod hostile;
mod keys;
mod logs;
mod passkeys;
mod passkeys_graph;
mod passwords;
mod plain;
mod profiles;
mod registration;
mod told;
pub(crate) mod world;
