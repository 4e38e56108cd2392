//! The hands: files, folders and streams, the network, the clock and randomness.
//!
//! **Invariant:** whatever touches the outside of the process lies here or in the binary; an error names what was touched
//! and says what to do.

pub mod channels;
pub mod clock;
pub mod disk;
pub mod file_parts;
pub mod folder_depository;
pub mod graph;
pub mod http;
pub mod key_file;
pub mod lock_file;
pub mod one_shot_authority;
pub mod random;
pub mod record_files;
pub mod security_key;
pub mod snapshot_files;
pub mod sqlite_store;
mod sqlite_watch;
pub mod vault_depository;
pub mod whole_file;
pub mod witness_folder;

pub use snapshot_files::{LoadError, LoadedSnapshot, Unrecognised, read_snapshot, read_snapshot_stream};
