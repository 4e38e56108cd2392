//! Tests of the duties over whole tenants.

#[cfg(test)]
mod account_deletions;
#[cfg(test)]
mod checkouts;
#[cfg(test)]
mod comparing;
#[cfg(test)]
mod drill_journeys;
#[cfg(test)]
mod drill_records;
#[cfg(test)]
mod journal_checkpoints;
#[cfg(test)]
mod journals;
#[cfg(test)]
mod key_boxes;
#[cfg(test)]
mod key_journeys;
#[cfg(test)]
mod key_records;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod readings;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod rotation_journeys;
#[cfg(test)]
mod rotation_records;
#[cfg(test)]
mod rotation_settlings;
#[cfg(test)]
mod rotations;
#[cfg(test)]
mod watching;
#[cfg(test)]
mod watching_accounts;
#[cfg(test)]
mod watching_simulation;
#[cfg(test)]
mod watching_sources;
#[cfg(test)]
mod witnesses;
