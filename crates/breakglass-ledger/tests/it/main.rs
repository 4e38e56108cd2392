//! What the record promises.

#[cfg(test)]
mod logs;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trees;
#[cfg(test)]
mod witnesses;
