//! What the process asks of the system so that secrets stay in it: no core file, nobody who reads its memory, and no page of
//! it on a disk.
//!
//! **Promise:** nothing here keeps a command from going on; what the system does not allow is left as it is, since somebody
//! locked out at night is worse off without the program than with it.
//! **What it is not:** whoever is root on this machine reads all of its memory, whatever is asked for here.
//! **Source:** setrlimit(2), PR_SET_DUMPABLE(2const), mlock(2).

/// Has the system write no core file of this process, and let no other process of the same user read its memory. To be
/// called before anything else is done.
pub(crate) fn shut() {
    #[cfg(unix)]
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    // A core file that is piped to a program ignores the limit; this it heeds.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Keeps what is in memory from being written to a swap device, where that can be had without making any later allocation
/// fail: where the system sets no limit on it, lets this process take the limit away, or does not bind it by one.
///
/// With a limit, memory that is taken later would be refused as soon as it is reached, and the process would end in the
/// middle of what it does; so nothing is locked then.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn stay_in_memory() {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

    let set = |soft, hard| setrlimit(Resource::RLIMIT_MEMLOCK, soft, hard);
    if set(RLIM_INFINITY, RLIM_INFINITY).is_ok() {
        lock();
        return;
    }
    // Whoever may lock with a limit of nothing is bound by none (CAP_IPC_LOCK); anybody else is refused at once.
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_MEMLOCK)
        && set(0, hard).is_ok()
    {
        lock();
        let _ = set(soft, hard);
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn lock() {
    use nix::libc::MCL_ONFAULT;
    use nix::sys::mman::{MlockAllFlags, mlockall};

    let everything = MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE;
    // Pages are locked when they are first used: the stacks of threads are mostly never.
    if mlockall(everything | MlockAllFlags::from_bits_retain(MCL_ONFAULT)).is_err() {
        // A kernel before 4.4.
        let _ = mlockall(everything);
    }
}

/// Here nothing is locked.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) const fn stay_in_memory() {}
