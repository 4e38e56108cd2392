//! Devices that show a code, which somebody types in on another one.
//!
//! **Source:** RFC 8628; `tenant-clients.md` section 3.6.

use serde_json::json;

use super::browser::signed_in;
use super::client::named;
use super::error::StsError;
use super::flows::{DEVICE_SECONDS, Goal, Visit};
use super::pages::{Page, error, form};
use super::scope::Scope;
use super::token::correlation_id;
use super::visit::Step;
use crate::call::{Call, Reply, member};
use crate::faults;
use crate::tenant::Tenant;

/// Where codes are typed in.
pub(super) const PAGE: &str = "/devicelogin";
/// Seconds between two questions of a device.
const INTERVAL_SECONDS: u64 = 1;

/// Answers a device that asks for a code.
pub(super) fn code(tenant: &Tenant, call: &Call) -> Reply {
    let correlation_id = correlation_id(call);
    let given = || {
        if faults::is_token_service_down(&tenant.state.read()) {
            return Err(StsError::of(90_033));
        }
        let form = call.form().ok_or_else(|| StsError::of(9_002_313))?;
        StsError::unless_single(&form)?;
        let client = named(tenant, &form)?;
        let scope = Scope::of(tenant, &form)?.ok_or_else(|| StsError::missing("scope"))?;
        if !client.is_public {
            return Err(StsError::of(7_000_218));
        }
        tenant.flows.device((&client, scope), tenant.clock.now()).map_err(|_| StsError::of(90_033))
    };
    match given() {
        Err(error) => error.reply(tenant, &correlation_id),
        Ok((device_code, user_code)) => {
            let page = format!("{}{PAGE}", tenant.addresses.base);
            let message = format!(
                "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
            );
            let body = json!({
                "user_code": user_code, "device_code": device_code, "verification_uri": page,
                "expires_in": DEVICE_SECONDS, "interval": INTERVAL_SECONDS, "message": message,
            });
            Reply::json(200, body).with("cache-control", "no-store")
        }
    }
}

/// The page where a code is typed in.
pub(super) fn page(wrong: Option<&str>) -> Reply {
    let fields = format!(
        "{}<label for=\"otc\">Enter the code displayed on your app or device</label><input id=\"otc\" name=\"otc\" \
         type=\"text\" autocomplete=\"off\" autocapitalize=\"characters\" maxlength=\"16\" required>",
        error(wrong)
    );
    Page::new("Enter code", form((PAGE, "code", "Next"), &fields)).reply(200)
}

/// A code was typed in.
pub(super) fn typed(tenant: &Tenant, call: &Call) -> Reply {
    let form = call.form().unwrap_or_default();
    let now = tenant.clock.now();
    let Some((device, waiting)) = tenant.flows.device_of(member(&form, "otc").unwrap_or_default(), now) else {
        return page(Some(
            "That code didn't work. Check the code and try again: it may be mistyped, used, or too old.",
        ));
    };
    let goal = Goal::Device(device);
    let mut visit = Visit::new(goal, (waiting.client, waiting.scope), (&correlation_id(call), now));
    PAGE.clone_into(&mut visit.begins);
    let step = Step { tenant, call };
    match signed_in(tenant, call) {
        Some(known) => {
            visit.person = Some(known.person);
            visit.keeps = known.keeps;
            step.begin(visit, |step, id, visit| step.keep(id, visit, Step::confirm))
        }
        None => step.begin(visit, Step::began),
    }
}
