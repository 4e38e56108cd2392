//! What reading snapshots from files promises.

#[cfg(test)]
mod real_exports;
#[cfg(test)]
mod snapshot_files;
#[cfg(test)]
mod support;
