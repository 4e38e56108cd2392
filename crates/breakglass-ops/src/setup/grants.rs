//! Which of Graph's permissions gives what another is asked for.

/// Whether one permission gives what another is asked for.
///
/// **Source:** Graph's permissions reference: what is for all of the directory has what is for a part of it.
pub(crate) fn grants(held: &str, wanted: &str) -> bool {
    if held.eq_ignore_ascii_case(wanted) {
        return true;
    }
    match held {
        "Directory.ReadWrite.All" => {
            matches!(
                wanted,
                "User.ReadWrite.All"
                    | "Group.ReadWrite.All"
                    | "AdministrativeUnit.ReadWrite.All"
                    | "Application.Read.All"
            )
        }
        "Directory.AccessAsUser.All" => {
            matches!(
                wanted,
                "User.ReadWrite.All"
                    | "Group.ReadWrite.All"
                    | "User-PasswordProfile.ReadWrite.All"
                    | "Application.Read.All"
            )
        }
        "Application.ReadWrite.All" => wanted == "Application.Read.All",
        "Policy.ReadWrite.ConditionalAccess" => wanted == "Policy.Read.ConditionalAccess",
        _ => false,
    }
}
