//! What proposals promise of any bytes: an answer and no panic, the same snapshot when applied twice, the snapshot of
//! before when taken back or refused, and policies that say the same when they are read again.
//!
//! The first byte of an input chooses what the bytes are read as.

use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::proposal::{NameMap, Proposal, ProposalError, ProposalKind, ProposalPlace, Proposed, difference};
use breakglass_model::snapshot::read::{Origin, read_document};
use breakglass_model::snapshot::{Snapshot, SnapshotBuilder};

/// The tenant that everything is proposed for.
fn tenant() -> Snapshot {
    let mut builder = SnapshotBuilder::default();
    let origin = Origin { file_name: "tenant.json", folders: &[] };
    read_document(&mut builder, include_bytes!("tenant.json").as_slice(), &origin).expect("the tenant is readable");
    builder.finish()
}

fn read(form: u8, bytes: &[u8]) -> Result<Proposal, ProposalError> {
    let mut proposal = Proposal::default();
    match form {
        b'0' => proposal.read(bytes, "input", ProposalKind::Policy)?,
        b'1' => proposal.read(bytes, "input", ProposalKind::NamedLocation)?,
        b'2' => proposal.read(bytes, "input", ProposalKind::Group)?,
        b'3' => proposal.read(bytes, "input", None)?,
        b'4' => {
            let name = String::from_utf8_lossy(bytes).into_owned();
            proposal.push(ProposalPlace::new("input", ""), Proposed::PolicyRemoved(name))?;
        }
        _ => proposal.read_terraform_plan(bytes, "input")?,
    }
    Ok(proposal)
}

/// Checks it for one input.
pub(crate) fn hold(bytes: &[u8]) {
    let [form, bytes @ ..] = bytes else { return };
    let mut proposal = match read(*form, bytes) {
        Ok(proposal) => proposal,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let before = tenant();
    let mut snapshot = before.clone();
    let applied = match snapshot.with_proposal(&proposal) {
        Ok(applied) => applied,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return assert!(snapshot == before, "refused, and changed: {error}");
        }
    };
    let lines: Vec<String> = applied.iter().map(ToString::to_string).collect();
    let after = snapshot.clone();
    for policy in snapshot.conditional_access_policies.items() {
        let again = ConditionalAccessPolicy::from_value(policy.source.clone(), policy.id.as_str());
        assert_eq!(again.ok().as_ref(), Some(policy));
    }
    let differences = difference(&before, &after);
    assert_eq!(differences.is_empty(), difference(&after, &before).is_empty());
    snapshot.undo(applied);
    assert!(snapshot == before, "taken back, and not as before");
    let again = snapshot.with_proposal(&proposal).expect("it was applied once");
    assert_eq!(again.iter().map(ToString::to_string).collect::<Vec<_>>(), lines);
    assert!(snapshot == after, "applied again, and not the same");
    let mapping = proposal.map_names(&NameMap::default(), &before).expect("an empty map fits");
    assert_eq!(mapping.mapped, 0);
}
