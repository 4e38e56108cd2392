//! The hands: files, folders and streams.
//!
//! **Invariant:** whatever touches the outside of the process lies here or in the binary; an error names the file
//! and says what to do.

pub mod record_files;
pub mod snapshot_files;

pub use snapshot_files::{LoadError, LoadedSnapshot, Unrecognised, read_snapshot, read_snapshot_stream};
