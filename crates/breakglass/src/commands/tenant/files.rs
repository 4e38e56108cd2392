//! How many files the server may have open: each connection is one.

use breakglass_tenant::serve::{CONNECTION_COUNT_MAX, Limits};

/// Files beside connections: the database, the logs, the standard streams.
const OTHER_FILES: usize = 128;
/// Files that one connection may cost: its own, and two of the proxy besides that of the address it leads to.
const FILES_OF_CONNECTION: usize = 4;

/// The limits that the system leaves room for, after it has been asked for more room.
pub(super) fn limits() -> Limits {
    let Some(files) = files_max() else { return Limits::USUAL };
    let connections = files.saturating_sub(OTHER_FILES) / FILES_OF_CONNECTION;
    Limits { connections: connections.clamp(1, CONNECTION_COUNT_MAX), ..Limits::USUAL }
}

/// How many files may be open; `None` where that is not known.
#[cfg(target_os = "linux")]
fn files_max() -> Option<usize> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let wanted = u64::try_from(CONNECTION_COUNT_MAX * FILES_OF_CONNECTION + OTHER_FILES).ok()?.min(hard);
    let is_raised = soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok();
    usize::try_from(if is_raised { wanted } else { soft }).ok()
}

#[cfg(not(target_os = "linux"))]
const fn files_max() -> Option<usize> {
    None
}
