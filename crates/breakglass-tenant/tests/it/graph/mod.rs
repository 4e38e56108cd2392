//! Graph over real HTTPS: a tenant and a server of its own for each test, and every answer held against Graph's schema.

mod bad_input;
mod changes;
mod every_resource;
mod permissions;
mod policies;
mod roles;
mod schema;
mod units;
mod world;
