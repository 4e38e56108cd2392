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

/// The registrations of both.
pub(super) fn text(language: Language, tenant: Option<&str>) -> String {
    let tenant = tenant.unwrap_or("YOUR-TENANT-ID");
    match language {
        Language::Text => sentences(tenant),
        Language::Az => az(tenant),
        Language::Terraform => terraform(),
    }
}

fn sentences(tenant: &str) -> String {
    let lines = |names: &[&str]| names.iter().map(|name| format!("  {name}\n")).collect::<String>();
    format!(
        "Reader: an application as itself, with a certificate. It can change nothing.\nApplication permissions of \
         Microsoft Graph:\n\n{}\nWriter: a public client, to which a person signs in. It can do nothing by itself: every \
         change is made as that person.\nDelegated permissions of Microsoft Graph:\n\n{}\nAn administrator consents to each \
         at\n\n  https://login.microsoftonline.com/{tenant}/adminconsent?client_id=CLIENT-ID\n\nAn application that holds \
         permissions to change roles, policies or passwords by itself is a way around everything here: give none to the \
         reader.\n",
        lines(&reading_permissions()),
        lines(&writing_and_reading()),
    )
}

/// What a person needs who plans and carries out.
fn writing_and_reading() -> Vec<&'static str> {
    let all: BTreeSet<&str> = WRITING_PERMISSIONS.into_iter().chain(reading_permissions()).collect();
    all.into_iter().collect()
}

fn az(tenant: &str) -> String {
    let mut text = String::from(
        "set -eu\n# Reader: an application as itself. Give it a certificate: az ad app credential reset --create-cert\n\
         reader=$(az ad app create --display-name 'breakglass reader' --sign-in-audience AzureADMyOrg --query appId -o tsv)\n\
         az ad sp create --id \"$reader\" --output none\n",
    );
    for name in reading_permissions() {
        text.push_str(&format!(
            "az ad app permission add --id \"$reader\" --api {GRAPH} --api-permissions \"$(az ad sp show --id {GRAPH} \
             --query \"appRoles[?value=='{name}'].id | [0]\" -o tsv)=Role\"\n"
        ));
    }
    text.push_str(
        "\n# Writer: a public client, to which a person signs in.\n\
         writer=$(az ad app create --display-name 'breakglass writer' --sign-in-audience AzureADMyOrg \
         --is-fallback-public-client true --public-client-redirect-uris http://localhost --query appId -o tsv)\n\
         az ad sp create --id \"$writer\" --output none\n",
    );
    for name in writing_and_reading() {
        text.push_str(&format!(
            "az ad app permission add --id \"$writer\" --api {GRAPH} --api-permissions \"$(az ad sp show --id {GRAPH} \
             --query \"oauth2PermissionScopes[?value=='{name}'].id | [0]\" -o tsv)=Scope\"\n"
        ));
    }
    text.push_str(&format!(
        "\nfor app in \"$reader\" \"$writer\"; do\n  echo \"Consent: https://login.microsoftonline.com/{tenant}/adminconsent?client_id=$app\"\ndone\n"
    ));
    text
}

fn terraform() -> String {
    let access = |names: &mut dyn Iterator<Item = &str>, (map, kind): (&str, &str)| {
        let one = |name| {
            format!(
                "    resource_access {{\n      id   = data.azuread_service_principal.graph.{map}[\"{name}\"]\n      type = \"{kind}\"\n    }}\n"
            )
        };
        names.map(one).collect::<String>()
    };
    let reading = reading_permissions();
    let app_roles = access(&mut reading.iter().copied(), ("app_role_ids", "Role"));
    let scopes = access(&mut writing_and_reading().into_iter(), ("oauth2_permission_scope_ids", "Scope"));
    format!(
        "data \"azuread_service_principal\" \"graph\" {{\n  client_id = \"{GRAPH}\"\n}}\n\n\
         # Reader: an application as itself. It can change nothing.\n\
         resource \"azuread_application\" \"breakglass_reader\" {{\n  display_name = \"breakglass reader\"\n\n  \
         required_resource_access {{\n    resource_app_id = data.azuread_service_principal.graph.client_id\n\n{app_roles}  }}\n}}\n\n\
         # Writer: a public client, to which a person signs in.\n\
         resource \"azuread_application\" \"breakglass_writer\" {{\n  display_name                   = \"breakglass writer\"\n  \
         fallback_public_client_enabled = true\n\n  public_client {{\n    redirect_uris = [\"http://localhost\"]\n  }}\n\n  \
         required_resource_access {{\n    resource_app_id = data.azuread_service_principal.graph.client_id\n\n{scopes}  }}\n}}\n\n\
         output \"client_ids\" {{\n  value = [azuread_application.breakglass_reader.client_id, \
         azuread_application.breakglass_writer.client_id]\n}}\n"
    )
}
