//! Tenants that are served over real connections, and what fails in them.

mod continuous;
mod faults;
mod graph_faults;
mod keys;
mod logs;
mod profiles;
pub(crate) mod world;
