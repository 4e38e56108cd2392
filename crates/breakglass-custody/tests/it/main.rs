//! What the safe promises.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod other_secrets;
#[cfg(test)]
mod referee;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod reserves;
#[cfg(test)]
mod sealing_keys;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod signed_sets;
#[cfg(test)]
mod slip39_laws;
#[cfg(test)]
mod slip39_vectors;
#[cfg(test)]
mod successions;
#[cfg(test)]
mod support;
