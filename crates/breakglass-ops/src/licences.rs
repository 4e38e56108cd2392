//! Which of Entra ID's plans a tenant's licences have.
//!
//! **Source:** the `subscribedSku` resource; "Product names and service plan identifiers for licensing".

use breakglass_model::snapshot::Listing;
use breakglass_model::tenant::GraphObject;
use serde_json::Value;

/// The service plan of Entra ID P1.
pub(crate) const PREMIUM_P1: &str = "AAD_PREMIUM";

/// The service plan of Entra ID P2, which has all of P1.
pub(crate) const PREMIUM_P2: &str = "AAD_PREMIUM_P2";

/// Whether the licences are known, and none of them has P1 or P2.
pub(crate) fn is_free(skus: &Listing<Vec<GraphObject>>) -> bool {
    let Ok(skus) = skus.get() else { return false };
    let skus: Vec<Value> = skus.iter().map(|sku| Value::Object(sku.0.clone())).collect();
    !has_plan(&skus, PREMIUM_P1) && !has_plan(&skus, PREMIUM_P2)
}

/// Whether an enabled licence has a plan.
pub(crate) fn has_plan<'s>(skus: impl IntoIterator<Item = &'s Value>, wanted: &str) -> bool {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let is_on = |sku: &&Value| {
        // A licence in its days of grace still gives what it gives.
        let status = text(sku, "capabilityStatus");
        status.is_none_or(|status| ["Enabled", "Warning"].contains(&status.as_str()))
    };
    let plans = skus.into_iter().filter(is_on).filter_map(|sku| sku.get("servicePlans")?.as_array()).flatten();
    let mut found = plans.filter(|plan| {
        let status = text(plan, "provisioningStatus");
        let is_on = status.is_none_or(|status| status != "Disabled");
        is_on && text(plan, "servicePlanName").as_deref() == Some(wanted)
    });
    found.next().is_some()
}
