//! What the readers of snapshots and of proposals promise.

#[cfg(test)]
mod differences;
#[cfg(test)]
mod elements;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod policy_sets;
#[cfg(test)]
mod proposals;
#[cfg(test)]
mod random_proposals;
#[cfg(test)]
mod read;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod scubagear;
#[cfg(test)]
mod support;
