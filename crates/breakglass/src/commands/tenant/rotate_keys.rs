//! `tenant rotate-keys`: makes an embedded tenant that is being served sign with a new key.

use std::path::PathBuf;

use breakglass_tenant::backstage;
use serde_json::Value;

use super::TenantError;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::wiring::World;

/// Make an embedded tenant that is being served sign its tokens with a new key at once
///
/// The key before it stays published for two days, so that tokens which it has signed are good until they end. Without
/// this, a new key follows every 60 days.
#[derive(Debug, clap::Args)]
pub(super) struct RotateKeys {
    /// The folder that keeps the tenant
    #[arg(long, value_name = "FOLDER", default_value = "breakglass-tenant")]
    data: PathBuf,
}

impl RotateKeys {
    pub(super) async fn run(&self, world: &World) -> Result<Exit, Failure> {
        let asked = backstage::ask(&self.data, ("POST", &["keys"]), None).await;
        let (_, answer) = asked.map_err(TenantError::NotServed)?;
        let Some(kid) = answer.get("kid").and_then(Value::as_str) else {
            let why = answer.get("error").and_then(|error| error.get("message")?.as_str());
            return Err(TenantError::Keys(why.unwrap_or("the tenant does not say why").to_owned()).into());
        };
        deliver(world, None, &format!("Tokens are signed with the key {kid} from now on.\n"))?;
        Ok(Exit::Good)
    }
}
