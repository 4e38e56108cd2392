//! How the two applications are registered: one that reads, one with which a person changes.
//!
//! Permissions are named and never given as ids, which the tools look up in the tenant itself.

use std::collections::BTreeSet;

use breakglass_ops::setup::WRITING_PERMISSIONS;
use clap::ValueEnum;

use crate::subject::reading_permissions;

/// Microsoft Graph's application id.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// In which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Sentences, and the link to consent
    Text,
    /// Commands of the Azure CLI
    Az,
    /// Resources of Terraform
    Terraform,
}

/// In which cloud the tenant is.
pub(super) struct Place<'p> {
    /// One that is known by name, as the configuration has it.
    pub(super) cloud: Option<&'p str>,
    /// The origin at which people sign in.
    pub(super) login: &'p str,
}

impl Place<'_> {
    /// How the Azure CLI is told of it.
    ///
    /// **Source:** `az cloud list`.
    fn az(&self) -> &'static str {
        match self.cloud {
            Some("us-government" | "us-government-dod") => "az cloud set --name AzureUSGovernment\n",
            Some("china") => "az cloud set --name AzureChinaCloud\n",
            Some(_) => "",
            None => "# In a cloud of its own: `az cloud register` comes first.\n",
        }
    }

    /// How Terraform is told of it.
    ///
    /// **Source:** the documentation of the provider azuread, `environment`.
    fn terraform(&self) -> String {
        let name = match self.cloud {
            Some("us-government") => "usgovernmentl4",
            Some("us-government-dod") => "usgovernmentl5",
            Some("china") => "china",
            Some(_) => return String::new(),
            None => {
                return "# In a cloud of its own: the provider needs its `metadata_host`.\n\n".to_owned();
            }
        };
        format!("provider \"azuread\" {{\n  environment = \"{name}\"\n}}\n\n")
    }
}

/// The registrations of both.
pub(super) fn text(language: Language, tenant: Option<&str>, place: &Place<'_>) -> String {
    let tenant = tenant.unwrap_or("YOUR-TENANT-ID");
    match language {
        Language::Text => sentences(tenant, place),
        Language::Az => az(tenant, place),
        Language::Terraform => terraform(place),
    }
}

fn sentences(tenant: &str, place: &Place<'_>) -> String {
    let lines = |names: &[&str]| names.iter().map(|name| format!("  {name}\n")).collect::<String>();
    format!(
        "Reader: an application as itself, with a certificate. It can change nothing.\nApplication permissions of \
         Microsoft Graph:\n\n{}\nWriter: a public client, to which a person signs in. It can do nothing by itself: every \
         change is made as that person.\nDelegated permissions of Microsoft Graph:\n\n{}\nAn administrator consents to each \
         at\n\n  {}/{tenant}/adminconsent?client_id=CLIENT-ID\n\nAn application that holds \
         permissions to change roles, policies or passwords by itself is a way around everything here: give none to the \
         reader.\n",
        lines(&reading_permissions()),
        lines(&writing_and_reading()),
        place.login,
    )
}

/// What a person needs who plans and carries out.
fn writing_and_reading() -> Vec<&'static str> {
    let all: BTreeSet<&str> = WRITING_PERMISSIONS.into_iter().chain(reading_permissions()).collect();
    all.into_iter().collect()
}

fn az(tenant: &str, place: &Place<'_>) -> String {
    let permissions = |app: &str, names: &[&str], (map, kind): (&str, &str)| {
        let names: String = names.iter().map(|name| format!("  {name}\n")).collect();
        format!(
            "permissions='\n{names}'\nfor name in $permissions; do\n  \
             id=$(az ad sp show --id $graph --query \"{map}[?value=='$name'].id | [0]\" -o tsv)\n  \
             az ad app permission add --id \"${app}\" --api $graph --api-permissions \"$id={kind}\"\ndone\n"
        )
    };
    format!(
        "set -eu\n{}graph={GRAPH}\n\n\
         # Reader: an application as itself. Give it a certificate: az ad app credential reset --create-cert\n\
         reader=$(az ad app create --display-name 'breakglass reader' --sign-in-audience AzureADMyOrg --query appId -o tsv)\n\
         az ad sp create --id \"$reader\" --output none\n{}\n\
         # Writer: a public client, to which a person signs in.\n\
         writer=$(az ad app create --display-name 'breakglass writer' --sign-in-audience AzureADMyOrg \
         --is-fallback-public-client true --public-client-redirect-uris http://localhost --query appId -o tsv)\n\
         az ad sp create --id \"$writer\" --output none\n{}\n\
         for app in \"$reader\" \"$writer\"; do\n  \
         echo \"Consent: {}/{tenant}/adminconsent?client_id=$app\"\ndone\n",
        place.az(),
        permissions("reader", &reading_permissions(), ("appRoles", "Role")),
        permissions("writer", &writing_and_reading(), ("oauth2PermissionScopes", "Scope")),
        place.login,
    )
}

fn terraform(place: &Place<'_>) -> String {
    let list = |names: &[&str]| names.iter().map(|name| format!("    \"{name}\",\n")).collect::<String>();
    let access = |names: &str, (map, kind): (&str, &str)| {
        format!(
            "  required_resource_access {{\n    \
             resource_app_id = data.azuread_service_principal.graph.client_id\n\n    \
             dynamic \"resource_access\" {{\n      for_each = local.{names}\n      content {{\n        \
             id   = data.azuread_service_principal.graph.{map}[resource_access.value]\n        \
             type = \"{kind}\"\n      }}\n    }}\n  }}\n"
        )
    };
    format!(
        "{}data \"azuread_service_principal\" \"graph\" {{\n  client_id = \"{GRAPH}\"\n}}\n\n\
         locals {{\n  reading = [\n{}  ]\n  writing = [\n{}  ]\n}}\n\n\
         # Reader: an application as itself. It can change nothing.\n\
         resource \"azuread_application\" \"breakglass_reader\" {{\n  display_name = \"breakglass reader\"\n\n{}}}\n\n\
         # Writer: a public client, to which a person signs in.\n\
         resource \"azuread_application\" \"breakglass_writer\" {{\n  display_name                   = \"breakglass writer\"\n  \
         fallback_public_client_enabled = true\n\n  public_client {{\n    redirect_uris = [\"http://localhost\"]\n  }}\n\n\
         {}}}\n\n\
         output \"client_ids\" {{\n  value = [azuread_application.breakglass_reader.client_id, \
         azuread_application.breakglass_writer.client_id]\n}}\n",
        place.terraform(),
        list(&reading_permissions()),
        list(&writing_and_reading()),
        access("reading", ("app_role_ids", "Role")),
        access("writing", ("oauth2_permission_scope_ids", "Scope")),
    )
}
