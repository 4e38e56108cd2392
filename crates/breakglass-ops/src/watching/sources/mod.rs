//! Logs, one file each.

pub mod graph_sign_ins;
