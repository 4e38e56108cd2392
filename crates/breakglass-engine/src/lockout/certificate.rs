//! A proof of an order that another program can check without the search: the cut, and ways that no smaller set hits.
//!
//! Each way names the concrete sign-in that it stands for. Whoever checks needs no more than sets: the cut has so many
//! members, it touches every way, and a way is left by every smaller set. For the last, the ways are given with a tree
//! of choices: a branch for each component of a way, so that after as many failures as are allowed a way is still
//! untouched.

use std::collections::BTreeSet;

use super::component::Component;
use super::report::{Certainty, Cut, LockoutReport, Way};

/// Ways that a certificate may have.
pub const CERTIFICATE_WAY_COUNT_MAX: usize = 10_000;

/// A proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate<'r> {
    /// The order that is proved; `None` if there is no cut up to `searched_to`, or none that is certain.
    pub order: Option<usize>,
    /// Up to which size there is no smaller cut.
    pub survives: usize,
    /// The smallest cut, if there is one.
    pub cut: Option<&'r [Component]>,
    /// Ways of which no `survives` failures hit all.
    pub ways: Vec<&'r Way>,
}

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The search was not finished.
    #[error("the search was not finished, so that nothing is proved")]
    NotSearched,
    /// No way can be promised, and there may be one all the same.
    #[error(
        "no way in can be promised, and it is not certain that there is none: that depends on facts that are not known"
    )]
    NotCertain,
    /// The ways that were found do not suffice.
    #[error("the ways that are listed do not prove the order; more of them were cut off")]
    NotEnoughWays,
    /// Of the cuts that are listed none is one for sure.
    #[error("of the cuts that are listed none holds however the unknown facts are; more of them were cut off")]
    NotEnoughCuts,
}

/// The proof of a report's order.
///
/// # Errors
/// When the search was cut short, or its ways were.
pub fn certificate(report: &LockoutReport) -> Result<Certificate<'_>, CertificateError> {
    let answer = &report.direct;
    let promised = answer.order.proved;
    // Where more is possible than is promised the cut may leave a way: what is certain is how much is survived.
    let order = promised.filter(|_| answer.order.possible == promised);
    let searched = answer.order.searched_to.ok_or(CertificateError::NotSearched)?;
    let survives = match promised {
        Some(0) if order.is_none() => return Err(CertificateError::NotCertain),
        Some(size) => size.saturating_sub(1),
        None => searched,
    };
    // Of those of that size, one that is a cut however the unknown facts are.
    let is_proof = |cut: &&Cut| order == Some(cut.elements.len()) && cut.certainty == Certainty::Proved;
    let cut = answer.cuts.iter().find(is_proof).map(|cut| cut.elements.as_slice());
    if order.is_some() && cut.is_none() {
        return Err(CertificateError::NotEnoughCuts);
    }
    let all: Vec<&Way> = answer.ways.iter().collect();
    if order == Some(0) {
        return Ok(Certificate { order, survives, cut, ways: Vec::new() });
    }
    let sets: Vec<BTreeSet<&Component>> = all.iter().map(|way| way.needs.iter().collect()).collect();
    let mut used = BTreeSet::new();
    if !is_never_hit(&sets, &mut BTreeSet::new(), survives, &mut used) {
        return Err(CertificateError::NotEnoughWays);
    }
    let ways = used.into_iter().filter_map(|index| all.get(index)).copied().take(CERTIFICATE_WAY_COUNT_MAX).collect();
    Ok(Certificate { order, survives, cut, ways })
}

/// Whether no `left` failures more hit all ways; collects the ways that show it.
fn is_never_hit<'c>(
    ways: &[BTreeSet<&'c Component>],
    failed: &mut BTreeSet<&'c Component>,
    left: usize,
    used: &mut BTreeSet<usize>,
) -> bool {
    let open = ways.iter().enumerate().filter(|(_, way)| way.is_disjoint(failed)).min_by_key(|(_, way)| way.len());
    let Some((index, way)) = open else { return false };
    used.insert(index);
    left == 0
        || way.iter().all(|component| {
            failed.insert(component);
            let is_open = is_never_hit(ways, failed, left - 1, used);
            failed.remove(component);
            is_open
        })
}
