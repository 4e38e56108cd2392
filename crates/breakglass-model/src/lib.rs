//! The words: Microsoft Graph resources as Rust values, the snapshot of a tenant that holds them, and the
//! readers that turn bytes into both.
//!
//! **Invariant:** no I/O beyond a `Read` that the caller hands in, no clock, no environment. After a
//! [`snapshot::Snapshot`] exists nothing in it is malformed: what could not be read is an error with its
//! place, what is not there is a [`snapshot::Listing::missing`] with its reason, and what this code does not
//! know is kept and named.
//!
//! **Source:** Microsoft Graph metadata v1.0 and beta; property names are Graph's own.

pub mod authentication_method;
pub mod device;
pub mod graph_enum;
pub mod group;
pub mod ids;
pub mod named_location;
pub mod nearest;
pub mod object;
pub mod plain_words;
pub mod policy;
pub mod property;
pub mod proposal;
pub mod request_reader;
pub mod role;
pub mod scan;
pub mod sign_in;
pub mod sign_in_record;
pub mod snapshot;
pub mod strength;
pub mod tenant;
pub mod terraform;
pub mod user;
pub mod well_known;
