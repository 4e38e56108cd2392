//! Graph over real HTTPS: a tenant and a server of its own for each test, and every answer held against Graph's schema.

mod activity;
mod addresses;
mod bad_input;
mod changes;
mod contexts;
mod endpoint;
mod etags;
mod every_resource;
mod grants;
mod guarded;
mod keys;
mod passes;
mod per_user_mfa;
mod permissions;
mod pim;
mod policies;
mod policy_rules;
mod protection;
mod relations;
mod roles;
mod schema;
mod seen;
mod subscriptions;
mod units;
mod world;
mod written;
