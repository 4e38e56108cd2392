//! Tenants that are served over real connections, and what fails in them.

mod authenticator;
mod faults;
mod graph_faults;
mod logs;
mod passkeys;
mod passkeys_graph;
mod passwords;
mod profiles;
mod registration;
mod world;
