//! What the safe promises.

#[cfg(test)]
mod slip39_vectors;
