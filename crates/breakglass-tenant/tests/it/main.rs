//! Tests of the embedded tenant.

#[cfg(test)]
mod odata;
#[cfg(test)]
mod regressions;
