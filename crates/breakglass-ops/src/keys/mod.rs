//! Security keys and certificates of an account: where each key is and who has it, how one gets into the tenant, how it is
//! taken out again, and what of them lies sealed.

pub mod certificates;
pub mod due;
pub mod journey;
mod options;
pub mod record;
pub mod sealing;
