//! What the safe promises.

#[cfg(test)]
mod sealing_keys;
#[cfg(test)]
mod slip39_vectors;
#[cfg(test)]
mod support;
