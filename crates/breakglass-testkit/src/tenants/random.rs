//! Random numbers from a seed: splitmix64.
//!
//! **Source:** Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, 2014.

use serde_json::Value;

use super::absent;

/// A source of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
    is_wild: bool,
}

impl Random {
    /// The numbers of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, is_wild: false }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let number = self.bits() >> 11;
        usize::try_from(number % (end.max(1) as u64)).unwrap_or_default()
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most + 1 - least)
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// In so many of a hundred cases, lets parts that nobody knows and lists that are missing occur from now on.
    pub fn turn_wild(&mut self, percent: usize) {
        self.is_wild = self.chance(percent);
    }

    /// Whether strange things may occur.
    #[must_use]
    pub const fn is_wild(&self) -> bool {
        self.is_wild
    }

    /// True in so many of a hundred cases, but only where strange things may occur.
    pub fn wild(&mut self, percent: usize) -> bool {
        self.is_wild && self.chance(percent)
    }

    /// One of them; the default when there is none.
    pub fn pick<T: Clone + Default>(&mut self, options: &[T]) -> T {
        let at = self.below(options.len());
        options.get(at).cloned().unwrap_or_default()
    }

    /// One to `most` of them, perhaps one twice.
    pub fn some<T: Clone + Default>(&mut self, options: &[T], most: usize) -> Vec<T> {
        (0..self.between(1, most)).map(|_| self.pick(options)).collect()
    }

    /// The value in so many of a hundred cases; otherwise the member is left out.
    pub fn often(&mut self, percent: usize, value: impl Into<Value>) -> Value {
        if self.chance(percent) { value.into() } else { absent() }
    }

    /// An empty list as Graph and the exporters write it.
    pub fn vacant(&mut self) -> Value {
        match self.below(3) {
            0 => Value::Null,
            1 => Value::Array(Vec::new()),
            _ => absent(),
        }
    }
}
