//! What is known of each person's account.

use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;
use breakglass_model::snapshot::Snapshot;
use breakglass_model::user::{User, UserType};

use crate::referee::Answer;

/// Somebody.
#[derive(Debug)]
pub(super) struct Person<'a> {
    pub(super) id: &'a str,
    pub(super) key: ObjectKey,
    pub(super) user: &'a User,
    /// Whether the account is enabled and not deleted.
    pub(super) is_open: Answer,
    /// Whether the credentials are another tenant's.
    pub(super) is_guest: Answer,
    pub(super) is_synchronised: Answer,
    pub(super) is_federated: Answer,
    /// The domain as the list of domains writes it.
    pub(super) domain: Option<&'a str>,
}

pub(super) fn people(snapshot: &Snapshot) -> Vec<Person<'_>> {
    let users = snapshot.users.items().iter();
    users
        .map(|user| {
            let (is_federated, domain) = federated(snapshot, user);
            let is_synchronised = match user.on_premises_sync_enabled {
                Property::Absent => Answer::Unknown,
                Property::Null => Answer::No,
                Property::Value(flag) => Answer::of(flag),
            };
            Person {
                id: snapshot.objects.id(user.key),
                key: user.key,
                user,
                is_open: open(user),
                is_guest: guest(user),
                is_synchronised,
                is_federated,
                domain,
            }
        })
        .collect()
}

fn open(user: &User) -> Answer {
    if user.detail().deleted_date_time.value().is_some() {
        return Answer::No;
    }
    match user.account_enabled {
        Property::Value(flag) => Answer::of(flag),
        Property::Absent | Property::Null => Answer::Unknown,
    }
}

fn guest(user: &User) -> Answer {
    let detail = user.detail();
    let is_invited = user.user_principal_name.as_deref().is_some_and(|name| name.contains("#EXT#"))
        || detail.creation_type.value().is_some_and(|kind| kind == "Invitation")
        || detail.external_user_state.value().is_some();
    match &user.user_type {
        _ if is_invited => Answer::Yes,
        Property::Value(UserType::Guest) => Answer::Yes,
        Property::Value(UserType::Member) | Property::Null => Answer::No,
        Property::Absent | Property::Value(UserType::Unknown(_)) => Answer::Unknown,
    }
}

fn federated<'a>(snapshot: &'a Snapshot, user: &User) -> (Answer, Option<&'a str>) {
    let name = user.user_principal_name.as_deref().unwrap_or_default();
    let Some((_, suffix)) = name.rsplit_once('@') else { return (Answer::Unknown, None) };
    if suffix.to_ascii_lowercase().ends_with(".onmicrosoft.com") {
        return (Answer::No, None);
    }
    let domains = snapshot.domains.items();
    let Some(domain) = domains.iter().find(|domain| domain.id.eq_ignore_ascii_case(suffix)) else {
        return (Answer::Unknown, None);
    };
    let kind = domain.authentication_type.value().map(String::as_str).unwrap_or_default();
    let answer = if kind.eq_ignore_ascii_case("Federated") {
        Answer::Yes
    } else if kind.eq_ignore_ascii_case("Managed") {
        Answer::No
    } else {
        Answer::Unknown
    };
    (answer, Some(&domain.id))
}
