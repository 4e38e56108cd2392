//! What sheets promise.

#[cfg(test)]
mod cover_sheets;
#[cfg(test)]
mod document_sheets;
#[cfg(test)]
mod extracted;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod runbooks;
#[cfg(test)]
mod share_sheets;
#[cfg(test)]
mod support;
