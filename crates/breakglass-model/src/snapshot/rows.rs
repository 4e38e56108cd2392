//! Rows of the bulk lists as they are written: the quick borrowed way in, and the careful one behind it.

use crate::group::{Group, Member, MemberKind};
use crate::object::{ObjectTable, ObjectTableFull};
use crate::policy::Rest;
use crate::property::Property;
use crate::scan::Scan;
use crate::user::UserType;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenUser {
    pub(super) id: crate::ids::UserId,
    #[serde(default)]
    pub(super) user_principal_name: Option<String>,
    #[serde(default)]
    pub(super) display_name: Option<String>,
    #[serde(default)]
    pub(super) account_enabled: Property<bool>,
    #[serde(default)]
    pub(super) user_type: Property<UserType>,
    #[serde(default)]
    pub(super) on_premises_sync_enabled: Property<bool>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenGroup {
    pub(super) id: crate::ids::GroupId,
    #[serde(default)]
    pub(super) display_name: Option<String>,
    #[serde(default)]
    pub(super) security_enabled: Property<bool>,
    #[serde(default)]
    pub(super) is_assignable_to_role: Property<bool>,
    #[serde(default)]
    pub(super) is_management_restricted: Property<bool>,
    #[serde(default)]
    pub(super) membership_rule: Property<Box<str>>,
    #[serde(default)]
    pub(crate) members: Option<Vec<WrittenMember>>,
    #[serde(default)]
    pub(super) owners: Option<Vec<WrittenMember>>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenUnit {
    pub(super) id: crate::ids::AdministrativeUnitId,
    #[serde(default)]
    pub(super) display_name: Option<String>,
    #[serde(default)]
    pub(super) is_member_management_restricted: Property<bool>,
    #[serde(default)]
    pub(super) members: Option<Vec<WrittenMember>>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "expected an id or an object with an `id`")]
pub(crate) enum WrittenMember {
    Id(crate::ids::DirectoryObjectId),
    Object {
        id: crate::ids::DirectoryObjectId,
        #[serde(default, rename = "@odata.type")]
        odata_type: Option<String>,
    },
}

impl WrittenMember {
    /// The id, as it was written.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::Object { id, .. } => id.as_str(),
        }
    }

    /// Says another id.
    pub(crate) fn set_id(&mut self, new: &str) {
        match self {
            Self::Id(id) | Self::Object { id, .. } => *id = new.into(),
        }
    }

    /// What it is, as far as it says so.
    pub(crate) fn kind(&self) -> MemberKind {
        match self {
            Self::Object { odata_type: Some(odata_type), .. } => MemberKind::from_odata_type(odata_type),
            Self::Id(_) | Self::Object { .. } => MemberKind::Unsaid,
        }
    }
}

#[derive(Default)]
pub(super) struct ScannedUser<'a> {
    pub(super) id: &'a str,
    pub(super) user_principal_name: Option<&'a str>,
    pub(super) display_name: Option<&'a str>,
    pub(super) account_enabled: Property<bool>,
    pub(super) user_type: Property<UserType>,
    pub(super) on_premises_sync_enabled: Property<bool>,
}

/// The group as it was written. Graph expands the first members only; a list of some would pass for the list of all.
pub(super) fn group_of(mut written: WrittenGroup, objects: &mut ObjectTable) -> Result<Group, ObjectTableFull> {
    for (list, next) in
        [(&mut written.members, "members@odata.nextLink"), (&mut written.owners, "owners@odata.nextLink")]
    {
        if written.rest.contains_key(next) {
            *list = None;
        }
    }
    Ok(Group {
        key: objects.intern(written.id.as_str())?,
        display_name: written.display_name.map(String::into_boxed_str),
        security_enabled: written.security_enabled,
        is_assignable_to_role: written.is_assignable_to_role,
        is_management_restricted: written.is_management_restricted,
        membership_rule: written.membership_rule,
        members: members_of(written.members, objects)?,
        owners: members_of(written.owners, objects)?,
        rest: (!written.rest.is_empty()).then(|| Box::new(written.rest)),
    })
}

pub(crate) fn members_of(
    written: Option<Vec<WrittenMember>>,
    objects: &mut ObjectTable,
) -> Result<Option<Box<[Member]>>, ObjectTableFull> {
    let Some(written) = written else { return Ok(None) };
    let members: Result<Box<[Member]>, ObjectTableFull> =
        written.iter().map(|member| member_of(member, objects)).collect();
    members.map(Some)
}

pub(crate) fn member_of(written: &WrittenMember, objects: &mut ObjectTable) -> Result<Member, ObjectTableFull> {
    Ok(Member { key: objects.intern(written.id())?, kind: written.kind() })
}

/// The quick way for users that have nothing but the common properties, each once.
pub(super) fn scan_user(json: &[u8]) -> Option<ScannedUser<'_>> {
    let mut scan = Scan::new(json);
    let mut user = ScannedUser::default();
    let mut seen = 0_u8;
    let mut members = scan.object()?;
    while let Some(name) = scan.key(&mut members)? {
        let property = match name {
            b"id" => {
                user.id = scan.text()?;
                1
            }
            b"userPrincipalName" => {
                user.user_principal_name = scan.text_or_null()?;
                2
            }
            b"displayName" => {
                user.display_name = scan.text_or_null()?;
                4
            }
            b"accountEnabled" => {
                user.account_enabled = scan.flag_or_null()?.into();
                8
            }
            b"userType" => {
                user.user_type = scan.text_or_null()?.map(UserType::from_graph).into();
                16
            }
            b"onPremisesSyncEnabled" => {
                user.on_premises_sync_enabled = scan.flag_or_null()?.into();
                32
            }
            _ => return None,
        };
        if seen & property != 0 {
            return None;
        }
        seen |= property;
    }
    (!user.id.is_empty() && scan.is_at_end()).then_some(user)
}

/// The quick way for groups that have few properties and many members. Ids that it interned before it gave up
/// do no harm: the careful way interns the same ones.
pub(super) fn scan_group(json: &[u8], objects: &mut ObjectTable) -> Option<Group> {
    let mut scan = Scan::new(json);
    let (mut id, mut display_name, mut found) = ("", None, None);
    let (mut security_enabled, mut is_assignable_to_role) = (Property::Absent, Property::Absent);
    let mut seen = 0_u8;
    let mut members = scan.object()?;
    while let Some(name) = scan.key(&mut members)? {
        let property = match name {
            b"id" => {
                id = scan.text()?;
                1
            }
            b"displayName" => {
                display_name = scan.text_or_null()?;
                2
            }
            b"securityEnabled" => {
                security_enabled = scan.flag_or_null()?.into();
                4
            }
            b"isAssignableToRole" => {
                is_assignable_to_role = scan.flag_or_null()?.into();
                8
            }
            b"members" => {
                found = Some(scan_members(&mut scan, objects)?);
                16
            }
            _ => return None,
        };
        if seen & property != 0 {
            return None;
        }
        seen |= property;
    }
    if id.is_empty() || !scan.is_at_end() {
        return None;
    }
    Some(Group {
        key: objects.intern(id).ok()?,
        display_name: display_name.map(Into::into),
        security_enabled,
        is_assignable_to_role,
        is_management_restricted: Property::Absent,
        membership_rule: Property::Absent,
        members: Some(found?),
        owners: None,
        rest: None,
    })
}

fn scan_members(scan: &mut Scan<'_>, objects: &mut ObjectTable) -> Option<Box<[Member]>> {
    let (mut ids, mut kinds) = (Vec::new(), Vec::new());
    let mut elements = scan.array()?;
    while scan.element(&mut elements)? {
        let (mut id, mut kind) = ("", None);
        let mut members = scan.object()?;
        while let Some(name) = scan.key(&mut members)? {
            match name {
                b"id" if id.is_empty() => id = scan.text()?,
                b"@odata.type" if kind.is_none() => kind = Some(member_kind(scan.text()?)),
                _ => return None,
            }
        }
        if id.is_empty() {
            return None;
        }
        ids.push(id);
        kinds.push(kind.unwrap_or(MemberKind::Unsaid));
    }
    let keys = objects.intern_all(&ids).ok()?;
    Some(keys.into_iter().zip(kinds).map(|(key, kind)| Member { key, kind }).collect())
}

/// The kinds that nearly all members are of, without a search for the prefix.
fn member_kind(odata_type: &str) -> MemberKind {
    match odata_type {
        "#microsoft.graph.user" => MemberKind::User,
        "#microsoft.graph.group" => MemberKind::Group,
        other => MemberKind::from_odata_type(other),
    }
}
