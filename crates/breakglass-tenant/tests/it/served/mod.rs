//! Tenants that are served over real connections, and what fails in them.

mod faults;
mod graph_faults;
mod hostile;
mod logs;
mod profiles;
pub(crate) mod world;
