//! How the two applications are registered: one that reads, one with which a person changes.
//!
//! Permissions are named and never given as ids, which the tools look up in the tenant itself.

use std::collections::BTreeSet;

use breakglass_ops::setup::WRITING_PERMISSIONS;
use clap::ValueEnum;

use super::suggested::shell_word;
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
    /// The tenant, by its id or a domain.
    pub(super) tenant: Option<&'p str>,
    /// The application, where it is there already.
    pub(super) client_id: Option<&'p str>,
}

impl Place<'_> {
    /// How the Azure CLI is told of it.
    ///
    /// **Source:** `az cloud list`.
    fn az(&self) -> &'static str {
        match self.cloud {
            Some("us-government" | "us-government-dod") => "az cloud set --name AzureUSGovernment --output none\n",
            Some("china") => "az cloud set --name AzureChinaCloud --output none\n",
            Some(_) => "",
            None => "# In a cloud of its own: `az cloud register` and `az cloud set` come here.\n",
        }
    }

    /// How Terraform is told of it and of the tenant. A domain is left to a comment, since the provider takes an id.
    ///
    /// **Source:** the documentation of the provider azuread, `environment` and `tenant_id`.
    fn terraform(&self) -> String {
        let (name, comment) = match self.cloud {
            Some("us-government") => (Some("usgovernmentl4"), ""),
            Some("us-government-dod") => (Some("usgovernmentl5"), ""),
            Some("china") => (Some("china"), ""),
            Some(_) => (None, ""),
            None => (None, "  # In a cloud of its own: the provider needs its `metadata_host`.\n"),
        };
        let environment = name.map(|name| format!("  environment = \"{name}\"\n")).unwrap_or_default();
        let tenant = match self.tenant {
            Some(id) if super::application::is_guid(id) => {
                let space = if name.is_some() { "  " } else { "" };
                format!("  tenant_id{space} = {}\n", hcl(id))
            }
            _ => "  # tenant_id = \"…\": without it, the tenant that you are signed in to.\n".to_owned(),
        };
        format!("provider \"azuread\" {{\n{comment}{environment}{tenant}}}\n\n")
    }
}

/// The registrations of both.
pub(super) fn text(language: Language, place: &Place<'_>) -> String {
    match language {
        Language::Text => sentences(place),
        Language::Az => az(place),
        Language::Terraform => terraform(place),
    }
}

fn sentences(place: &Place<'_>) -> String {
    let lines = |names: &[&str]| names.iter().map(|name| format!("  {name}\n")).collect::<String>();
    format!(
        "Reader: an application as itself, with a certificate. It can change nothing.\nApplication permissions of \
         Microsoft Graph:\n\n{}\nWriter: a public client, to which a person signs in. It can do nothing by\nitself: every \
         change is made as that person. Delegated permissions of Microsoft\nGraph:\n\n{}\nAn administrator consents to \
         each at\n\n  {}/{}/adminconsent?client_id={}\n\nThe reader has no address to come back to: a page that misses one (AADSTS50011,\nAADSTS500113) \
         comes after the consent and does not matter.\n\nAn application that holds permissions to change roles, policies \
         or passwords\nby itself is a way around everything here: give none to the reader.\n",
        lines(&reading_permissions()),
        lines(&writing_and_reading()),
        place.login,
        place.tenant.unwrap_or("YOUR-TENANT-ID"),
        place.client_id.unwrap_or("CLIENT-ID"),
    )
}

/// What a person needs who plans and carries out.
fn writing_and_reading() -> Vec<&'static str> {
    let all: BTreeSet<&str> = WRITING_PERMISSIONS.into_iter().chain(reading_permissions()).collect();
    all.into_iter().collect()
}

/// Commands that stop at the first answer that is empty, and leave the Azure CLI's own settings as they are.
fn az(place: &Place<'_>) -> String {
    let permissions = |app: &str, names: &[&str], (map, kind): (&str, &str)| {
        let names: String = names.iter().map(|name| format!("  {name}\n")).collect();
        format!(
            "permissions='\n{names}'\nfor name in $permissions; do\n  \
             id=$(az ad sp show --id \"$graph\" --query \"{map}[?value=='$name'].id | [0]\" -o tsv)\n  \
             told \"$id\" \"the id of $name\"\n  \
             az ad app permission add --id \"${app}\" --api \"$graph\" --api-permissions \"$id={kind}\"\ndone\n"
        )
    };
    let tenant = place.tenant.map(|tenant| format!(" --tenant {}", shell_word(tenant))).unwrap_or_default();
    format!(
        "set -eu\n\n\
         # Settings of its own, so that your cloud and your sign-in stay as they are.\n\
         AZURE_CONFIG_DIR=$(mktemp -d)\nexport AZURE_CONFIG_DIR\ntrap 'rm -rf \"$AZURE_CONFIG_DIR\"' EXIT\n\n\
         # Nothing is done with an answer that is empty.\n\
         told() {{\n  case $1 in '' | None)\n    echo \"az did not tell $2; nothing more is done\" >&2\n    exit 1\n    ;;\n  \
         esac\n}}\n\n\
         {}az login{tenant} --allow-no-subscriptions --output none\n\
         tenant=$(az account show --query tenantId -o tsv)\ntold \"$tenant\" 'the id of the tenant'\n\
         graph={GRAPH}\n\n\
         # Reader: an application as itself. Give it a certificate: az ad app credential reset --create-cert\n\
         reader=$(az ad app create --display-name 'breakglass reader' --sign-in-audience AzureADMyOrg --query appId -o tsv)\n\
         told \"$reader\" 'the id of the reader'\n\
         az ad sp create --id \"$reader\" --output none\n{}\n\
         # Writer: a public client, to which a person signs in.\n\
         writer=$(az ad app create --display-name 'breakglass writer' --sign-in-audience AzureADMyOrg \
         --is-fallback-public-client true --public-client-redirect-uris http://localhost --query appId -o tsv)\n\
         told \"$writer\" 'the id of the writer'\n\
         az ad sp create --id \"$writer\" --output none\n{}\n\
         login={}\nfor app in \"$reader\" \"$writer\"; do\n  \
         echo \"Consent: $login/$tenant/adminconsent?client_id=$app\"\ndone\n\
         echo 'The reader has no address to come back to: AADSTS50011 or AADSTS500113 after its consent does not matter.'\n",
        place.az(),
        permissions("reader", &reading_permissions(), ("appRoles", "Role")),
        permissions("writer", &writing_and_reading(), ("oauth2PermissionScopes", "Scope")),
        shell_word(place.login),
    )
}

/// A text of Terraform's language.
///
/// **Source:** "Strings and Templates" of Terraform's documentation.
fn hcl(text: &str) -> String {
    let plain = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{plain}\"")
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
         locals {{\n  login = {}\n  reading = [\n{}  ]\n  writing = [\n{}  ]\n}}\n\n\
         # Reader: an application as itself. It can change nothing.\n\
         resource \"azuread_application\" \"breakglass_reader\" {{\n  display_name = \"breakglass reader\"\n\n{}}}\n\n\
         # Writer: a public client, to which a person signs in.\n\
         resource \"azuread_application\" \"breakglass_writer\" {{\n  display_name                   = \"breakglass writer\"\n  \
         fallback_public_client_enabled = true\n\n  public_client {{\n    redirect_uris = [\"http://localhost\"]\n  }}\n\n\
         {}}}\n\n\
         data \"azuread_client_config\" \"current\" {{}}\n\n\
         # Where an administrator consents to each. The reader has no address to come back to: AADSTS50011 or\n\
         # AADSTS500113 after its consent does not matter.\n\
         locals {{\n  consent = \"${{local.login}}/${{data.azuread_client_config.current.tenant_id}}/adminconsent?client_id=\"\n}}\n\n\
         output \"breakglass_reader\" {{\n  value = {{\n    \
         client_id = azuread_application.breakglass_reader.client_id\n    \
         consent   = \"${{local.consent}}${{azuread_application.breakglass_reader.client_id}}\"\n  }}\n}}\n\n\
         output \"breakglass_writer\" {{\n  value = {{\n    \
         client_id = azuread_application.breakglass_writer.client_id\n    \
         consent   = \"${{local.consent}}${{azuread_application.breakglass_writer.client_id}}\"\n  }}\n}}\n",
        place.terraform(),
        hcl(place.login),
        list(&reading_permissions()),
        list(&writing_and_reading()),
        access("reading", ("app_role_ids", "Role")),
        access("writing", ("oauth2_permission_scope_ids", "Scope")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "$(touch x)`id`'\"${a}%{b}\\";

    #[test]
    fn nothing_of_the_command_line_runs() {
        let place = Place { cloud: Some("public"), login: HOSTILE, tenant: Some(HOSTILE), client_id: None };
        let script = text(Language::Az, &place);
        let quoted = shell_word(HOSTILE);
        assert_eq!(script.matches(HOSTILE).count(), 0, "{script}");
        assert!(script.contains(&format!("login={quoted}\n")) && script.contains(&format!("--tenant {quoted} ")));
        let resources = text(Language::Terraform, &place);
        let quoted = r#"login = "$(touch x)`id`'\"$${a}%%{b}\\""#;
        assert!(resources.contains(quoted) && !resources.contains("\n  tenant_id"), "{resources}");
    }

    #[test]
    fn every_answer_is_looked_at_before_it_is_used() {
        let script = text(Language::Az, &Place { cloud: Some("china"), login: "l", tenant: None, client_id: None });
        let lines: Vec<&str> = script.lines().map(str::trim).collect();
        let mut answers = 0;
        for pair in lines.windows(2) {
            let [line, next] = pair else { continue };
            if let Some((name, _)) = line.split_once("=$(az ") {
                assert!(next.starts_with(&format!("told \"${name}\"")), "{line}");
                answers += 1;
            }
        }
        assert_eq!(answers, 5);
        let own = script.find("export AZURE_CONFIG_DIR").unwrap();
        assert!(own < script.find("az cloud set").unwrap(), "the user's cloud is left alone");
    }
}
