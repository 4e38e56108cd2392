//! What reading snapshots and log records from files promises.

#[cfg(test)]
mod channels;
#[cfg(test)]
mod depositories;
#[cfg(test)]
mod forgetful_disk;
#[cfg(test)]
mod graph;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod key_files;
#[cfg(test)]
mod one_shot_authority;
#[cfg(test)]
mod real_exports;
#[cfg(test)]
mod record_files;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod security_key;
#[cfg(test)]
mod snapshot_files;
#[cfg(test)]
mod support;
#[cfg(test)]
mod torn_logs;
#[cfg(test)]
mod watch_killed;
#[cfg(test)]
mod watch_stores;
#[cfg(test)]
mod whole_files;
#[cfg(test)]
mod witness_folders;
