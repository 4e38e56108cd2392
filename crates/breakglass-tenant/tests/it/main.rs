//! Tests of the embedded tenant.

#[cfg(test)]
mod differential;
#[cfg(test)]
mod graph;
#[cfg(test)]
mod odata;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod served;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod webauthn;
