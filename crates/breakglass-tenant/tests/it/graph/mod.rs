//! Graph over real HTTPS: a tenant and a server of its own for each test, and every answer held against Graph's schema.

mod activity;
mod bad_input;
mod changes;
mod contexts;
mod endpoint;
mod every_resource;
mod grants;
mod keys;
mod permissions;
mod pim;
mod policies;
mod protection;
mod relations;
mod roles;
mod schema;
mod subscriptions;
mod units;
mod world;
