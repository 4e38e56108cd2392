//! Tests of the thinking over whole tenants.

#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod access;
#[cfg(test)]
mod agreement;
#[cfg(test)]
mod aralia;
#[cfg(test)]
mod bridge;
#[cfg(test)]
mod contoso;
#[cfg(test)]
mod expected_cases;
#[cfg(test)]
mod footprint;
#[cfg(test)]
mod lockout_answers;
#[cfg(test)]
mod lockout_applications;
#[cfg(test)]
mod lockout_changes;
#[cfg(test)]
mod lockout_facts;
#[cfg(test)]
mod lockout_not_exported;
#[cfg(test)]
mod lockout_referee;
#[cfg(test)]
mod lockout_suggestions;
#[cfg(test)]
mod lockout_suggestions_done;
#[cfg(test)]
mod lockout_told;
#[cfg(test)]
mod not_exported;
#[cfg(test)]
mod posture;
#[cfg(test)]
mod referee;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod removals;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod scubagear_cases;
#[cfg(test)]
mod sentence;
#[cfg(test)]
mod small_tenants;
#[cfg(test)]
mod support;
