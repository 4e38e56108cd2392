//! Who may change an object: administrators of the whole tenant, or of an administrative unit that the object is in.
//!
//! Units whose member management is restricted turn that around: what is in one is changed by administrators of that
//! unit alone, so that neither a Global Administrator nor an application with every permission gets through. They may
//! give themselves a role in the unit, and that is a step that is seen.
//!
//! **Source:** "Restricted management administrative units in Microsoft Entra ID" (who is kept out, the error).

use breakglass_model::snapshot::Resource;
use serde_json::Value;

use super::Request;
use super::error::GraphError;
use crate::sign_in::{has_member, roles_at};
use crate::state::{Object, text};

impl Request<'_> {
    /// Refuses whoever has none of these permissions, and whoever holds none of these roles over an object: for the
    /// whole tenant, or for a unit that it is in.
    pub(super) fn needs_over(&self, target: &str, permissions: &[&str], roles: &[&str]) -> Result<(), GraphError> {
        match self.standing_over(target, roles) {
            Standing::InUnit => self.caller.needs(permissions, &[]),
            Standing::Elsewhere => self.caller.needs(permissions, roles),
            Standing::KeptOut => Err(kept_out()),
        }
    }

    /// Whether one of these roles is held over an object, or Global Administrator.
    pub(super) fn stands_over(&self, target: &str, roles: &[&str]) -> bool {
        match self.standing_over(target, roles) {
            Standing::InUnit => true,
            Standing::Elsewhere => self.caller.is_one_of(roles),
            Standing::KeptOut => false,
        }
    }

    fn standing_over(&self, target: &str, roles: &[&str]) -> Standing {
        let directory = self.tenant.state.read();
        let now = self.tenant.clock.now();
        let units: Vec<&Object> =
            directory.all(Resource::AdministrativeUnits).filter(|unit| has_member(unit, target)).collect();
        let has_restricted = units.iter().any(|unit| is_restricted(unit));
        let holds = |unit: &Object| {
            let scope = format!("/administrativeUnits/{}", text(unit, "id").unwrap_or_default());
            let held = roles_at(&directory, (&self.caller.id, &scope), now);
            held.iter().any(|role| roles.contains(&role.as_str()))
        };
        let counts = units.iter().filter(|unit| !has_restricted || is_restricted(unit));
        match counts.into_iter().any(|unit| holds(unit)) {
            true => Standing::InUnit,
            false if has_restricted => Standing::KeptOut,
            false => Standing::Elsewhere,
        }
    }
}

/// How somebody stands over an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// As administrator of a unit that it is in.
    InUnit,
    /// As whatever they are in the whole tenant.
    Elsewhere,
    /// It is in a unit that is for its own administrators.
    KeptOut,
}

/// Whether what is in a unit is for the unit's own administrators.
pub(super) fn is_restricted(unit: &Object) -> bool {
    unit.get("isMemberManagementRestricted").and_then(Value::as_bool) == Some(true)
}

fn kept_out() -> GraphError {
    let message = "Insufficient privileges to complete the operation. Target object is a member of a restricted \
                   management administrative unit and can only be modified by administrators scoped to that \
                   administrative unit. Check that you are assigned a role that has permission to perform the \
                   operation for this restricted management administrative unit.";
    GraphError { message: message.to_owned(), ..GraphError::denied() }
}
