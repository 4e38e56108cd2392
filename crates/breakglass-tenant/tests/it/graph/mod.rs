//! Graph over real HTTPS: a tenant and a server of its own for each test, and every answer held against Graph's schema.

mod bad_input;
mod changes;
mod contexts;
mod endpoint;
mod every_resource;
mod keys;
mod permissions;
mod pim;
mod policies;
mod protection;
mod roles;
mod schema;
mod subscriptions;
mod units;
mod world;
