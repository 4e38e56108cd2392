//! What a person sees of a guard's answer.
