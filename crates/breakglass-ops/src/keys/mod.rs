//! Security keys of an account: where each is and who has it, how one gets into the tenant, and how it is taken out again.

pub mod journey;
mod options;
pub mod record;
