//! `/devices`: the devices that the tenant knows, to be read.
//!
//! **Source:** "List devices", "Get device".

use breakglass_model::snapshot::Resource;

use super::error::GraphError;
use super::list::{Shape, listed, shown};
use super::{Request, membership};
use crate::call::Reply;

const READ: &[&str] = &["Device.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const SHAPE: Shape = Shape {
    resource: Resource::Devices,
    context: "devices",
    default_properties: &[],
    // Relations, which are shown where they are expanded.
    hidden: &["registeredOwners", "registeredUsers"],
    count_default: 100,
    count_max: 999,
};

/// Answers a request below `/devices`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, &[])?;
            listed(request, &SHAPE)
        }
        ("GET", [id]) => {
            request.caller.needs(READ, &[])?;
            shown(request, &SHAPE, id)
        }
        ("GET", [id, segment, ..]) => {
            request.tenant.state.read().object(Resource::Devices, id).ok_or_else(|| GraphError::not_found(id))?;
            let related = membership::answer(request, id, rest.get(1..).unwrap_or_default());
            related.unwrap_or_else(|| Err(GraphError::no_segment(segment)))
        }
        _ => Err(GraphError::method()),
    }
}
