//! Reading documents into a snapshot.

use breakglass_model::named_location::LocationCoverage;
use breakglass_model::snapshot::read::Recognised;
use breakglass_model::snapshot::{Resource, SnapshotBuilder};
use breakglass_model::user::User;
use proptest::prelude::*;

use crate::support::{fault, read_into, recognise, snapshot};

const OWN: &str = r##"{ "format": "breakglass-snapshot/1", "tenantId": "t", "takenAt": "2026-01-31T12:00:00Z", "source": "graph",
  "organization": {"id": "t", "displayName": "Contoso"}, "domains": [{"id": "contoso.com"}],
  "users": [ {"id": "u1", "userPrincipalName": "u1@contoso.com", "authenticationMethods": [{"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": "x"}]}, {"id": "u2"} ],
  "groups": [ {"id": "g", "members": ["u1", {"@odata.type": "#microsoft.graph.user", "id": "u2"}], "owners": []} ],
  "conditionalAccessPolicies": [], "somethingNew": {"a": [1]}, "moreNews": 1, "devices": null,
  "missing": [ {"resource": "roleAssignments", "why": "403 Forbidden: RoleManagement.Read.Directory"} ] }"##;

#[test]
fn our_own_format_is_read() {
    let snapshot = snapshot(&[("snapshot.json", OWN)]);
    assert_eq!(snapshot.tenant_id.as_ref().map(ToString::to_string).as_deref(), Some("t"));
    assert_eq!(snapshot.taken_at.map(|at| at.to_string()).as_deref(), Some("2026-01-31T12:00:00Z"));
    assert_eq!(snapshot.source.as_deref(), Some("graph"));
    assert_eq!(snapshot.users.get().map(Vec::len), Ok(2));
    let user = snapshot.find_user("u1").unwrap();
    assert_eq!(user.detail().authentication_methods.value().map(Vec::len), Some(1));
    let group = &snapshot.groups.get().unwrap()[0];
    assert_eq!(group.members.as_ref().map(|members| members.len()), Some(2));
    assert_eq!(group.owners.as_ref().map(|owners| owners.len()), Some(0));
    assert_eq!(snapshot.conditional_access_policies.get().map(Vec::len), Ok(0));
    assert_eq!(snapshot.role_assignments.get(), Err("403 Forbidden: RoleManagement.Read.Directory"));
    assert_eq!(snapshot.devices.get(), Err("not in the snapshot"));
    assert_eq!(snapshot.named_locations.get(), Err("not in the snapshot"));
}

#[test]
fn names_that_nobody_reads_are_told() {
    let unread = vec!["somethingNew".to_owned(), "moreNews".to_owned()];
    assert_eq!(recognise("", OWN).unwrap(), Recognised::Snapshot { unread });
}

#[test]
fn our_own_format_is_read_in_any_order_of_its_names() {
    let value: serde_json::Value = serde_json::from_str(OWN).unwrap();
    let mut members: Vec<_> = value.as_object().unwrap().clone().into_iter().collect();
    members.sort_by(|a, b| a.0.cmp(&b.0));
    for _ in 0..members.len() {
        members.rotate_left(1);
        let rotated = serde_json::Value::Object(members.iter().cloned().collect());
        let snapshot = snapshot(&[("x.json", &rotated.to_string())]);
        assert_eq!(snapshot.users.items().len(), 2, "{rotated}");
        assert_eq!(snapshot.domains.items().len(), 1, "{rotated}");
        assert_eq!(snapshot.source.as_deref(), Some("graph"), "{rotated}");
        assert!(snapshot.organization.get().is_ok(), "{rotated}");
    }
}

#[test]
fn faults_of_our_own_format_are_named() {
    for (text, message) in [
        (
            r#"{"format":"breakglass-snapshot/2","users":[]}"#,
            "the snapshot has the format `breakglass-snapshot/2`, and this version reads `breakglass-snapshot/1`",
        ),
        (
            r#"{"users":[],"groups":[]}"#,
            r#"it has the list `users` of a snapshot and no `"format": "breakglass-snapshot/1"`"#,
        ),
        (r#"{"format":"breakglass-snapshot/1","users":{}}"#, "$.users: expected a list (line 1)"),
        ("{\"format\":\"breakglass-snapshot/1\",\n\"organization\":7}", "$.organization: expected an object (line 2)"),
        (r#"{"format":"breakglass-snapshot/1","tenantId":7}"#, "$.tenantId: expected a text (line 1)"),
        (
            r#"{"format":"breakglass-snapshot/1","takenAt":"yesterday"}"#,
            "$.takenAt: `yesterday` is not a time such as 2026-01-31T12:00:00Z (line 1)",
        ),
        (
            r#"{"format":"breakglass-snapshot/1","missing":["users"]}"#,
            "$.missing: expected a list of objects with the texts `resource` and `why` (line 1)",
        ),
        (
            "{\"format\":\"breakglass-snapshot/1\",\"users\":[\n{\"id\":\"u\"},\n{}]}",
            "$.users[1]: missing field `id` (line 3)",
        ),
        (
            r#"{"format":"breakglass-snapshot/1","users":[{"id":""}]}"#,
            "$.users[0].id: an id must not be empty (line 1)",
        ),
        (
            r#"{"format":"breakglass-snapshot/1","users":[7]}"#,
            "$.users[0]: invalid type: integer, expected an object (line 1)",
        ),
        (
            r#"{"format":"breakglass-snapshot/1","groups":[{"id":"g","members":[7]}]}"#,
            "$.groups[0].members[0]: expected an id or an object with an `id` (line 1)",
        ),
        (
            "{\"format\":\"breakglass-snapshot/1\",\n\"unread\":nothing}",
            "$.unread: expected ident at line 1 column 2 (line 2)",
        ),
        (
            r#"{"@odata.count":01,"value":[{"id":"u","userPrincipalName":"u"}]}"#,
            "$.@odata.count: invalid number at line 1 column 2 (line 1)",
        ),
        (
            r#"{"value":[{"id":"u","userPrincipalName":"u"}],"unread":truth}"#,
            "$.unread: expected ident at line 1 column 4 (line 1)",
        ),
        (
            r#"{"format":"breakglass-snapshot/1","users":[]"#,
            "the text ends in the middle of an object or a list (line 1, byte 44)",
        ),
    ] {
        assert_eq!(fault("snapshot.json", text), message, "{text}");
    }
}

#[test]
fn faults_of_objects_are_named_with_their_path() {
    for (path, text, message) in [
        (
            "policies.json",
            "{\"value\":[{\"id\":\"p\",\"state\":\"enabled\",\"conditions\":{}},\n{\"id\":\"q\",\"state\":\"enabled\",\"conditions\":{\"users\":{\"includeUsers\":\"All\"}}}]}",
            "$.value[1].conditions.users.includeUsers: invalid type: string, expected a list (line 2)",
        ),
        ("users.json", r#"{"value":null}"#, "$.value: expected a list (line 1)"),
        (
            "x.json",
            "{\"@odata.context\":\"https://graph.microsoft.com/v1.0/$metadata#users\",\n\"value\":{\"id\":\"u\"}}",
            "$.value: expected a list (line 2)",
        ),
        (
            "policies.json",
            r#"[{"id":"p","state":"enabled","conditions":"Microsoft.Graph.PowerShell.Models.MicrosoftGraphConditionalAccessConditionSet"}]"#,
            "$[0].conditions: invalid type: string, expected an object (line 1)",
        ),
        (
            "namedLocations.json",
            r#"{"value":[{"id":"n","ipRanges":[{"cidrAddress":"198.51.100.0/33"}]}]}"#,
            "$.value[0].ipRanges[0].cidrAddress: `198.51.100.0/33` has a prefix that is not between 0 and 32 (line 1)",
        ),
        ("users.ndjson", "{\"id\":\"a\"}\n\n{\"id\":7}\n", "$.id: invalid type: integer, expected a string (line 3)"),
        ("users.ndjson", "{\"id\":\"a\"}\n{\"id\":\"b\"", "$: it ends in the middle of an object (line 2)"),
        ("users.ndjson", "{\"id\":\"a\"}\n{\"id\":\"b\"} {}\n", "$: something follows behind its end (line 2)"),
        ("users.json", "[{\"id\":\"a\"},\n{\"id\":\n\"b\",}]", "$[1]: trailing comma (line 3)"),
        (
            "users.json",
            r#"[{"id":"a","accountEnabled":true},{"id":"a","accountEnabled":false}]"#,
            "$[1]: a second, different users object has the id `a` (line 1)",
        ),
        (
            "group.json",
            r#"{"id":"g","securityEnabled":"yes"}"#,
            "$.securityEnabled: invalid type: string, expected true or false (line 1)",
        ),
    ] {
        assert_eq!(fault(path, text), message, "{text}");
    }
}

#[test]
fn what_is_cut_off_is_never_read_as_whole() {
    let collection = r#"{"@odata.context":"x#users","value":[{"id":"a"},{"id":"b"}],"more":{"a":[1]}}"#;
    let list = r#"[{"id":"a","displayName":"A"},{"id":"b"}]"#;
    let lines = "{\"id\":\"a\"}\n{\"id\":\"b\"}";
    for (path, text) in [("users.json", collection), ("users.json", list), ("x.json", OWN), ("users.ndjson", lines)] {
        for end in 1..text.len() {
            let Some(cut) = text.get(..end) else { continue };
            // A list of lines that ends behind a line is a whole list of lines.
            if path == "users.ndjson" && matches!(cut.trim_end().as_bytes(), [.., b'}']) {
                continue;
            }
            assert!(recognise(path, cut).is_err(), "{cut}");
        }
    }
}

#[test]
fn the_same_object_again_is_taken_once_and_counted() {
    let mut builder = SnapshotBuilder::default();
    for file in ["users-1.json", "users-2.json"] {
        read_into(&mut builder, file, r#"[{"id":"a","displayName":"A"},{"id":"b"}]"#).unwrap();
    }
    read_into(&mut builder, "users-3.json", r#"[{"id":"a","displayName":"Another"}]"#).unwrap();
    assert_eq!(builder.repeated().get(&Resource::Users), Some(&2));
    let [renamed] = builder.renamed() else { panic!("{:?}", builder.renamed()) };
    assert_eq!((renamed.resource, renamed.id.as_str()), (Resource::Users, "a"));
    let snapshot = builder.finish();
    assert_eq!(snapshot.users.items().len(), 2);
    assert_eq!(snapshot.find_user("a").unwrap().display_name.as_deref(), Some("A"));
}

#[test]
fn collections_in_several_files_are_joined() {
    let snapshot = snapshot(&[
        ("users-1.json", r#"{"value":[{"id":"a"}],"@odata.nextLink":"https://…"}"#),
        ("users-2.json", r#"{"value":[{"id":"b"}]}"#),
        ("Groups/g/g.json", r#"{"id":"g","displayName":"G"}"#),
        ("Groups/g/Members/a/a.json", r##"{"@odata.type":"#microsoft.graph.user","id":"a","displayName":"A"}"##),
        ("Groups/g/Members/b/b.json", r##"{"@odata.type":"#microsoft.graph.user","id":"b"}"##),
        ("Groups/g/Owners/c/c.json", r##"{"@odata.type":"#microsoft.graph.user","id":"c"}"##),
        ("Groups/h/h.json", r#"{"id":"h","displayName":"H"}"#),
    ]);
    assert_eq!(snapshot.users.get().map(Vec::len), Ok(2));
    let groups = snapshot.groups.get().unwrap();
    let members = |at: usize| groups[at].members.as_deref().map(<[_]>::len);
    assert_eq!((members(0), members(1)), (Some(2), None));
    assert_eq!(groups[0].owners.as_deref().map(<[_]>::len), Some(1));
}

#[test]
fn what_may_not_be_all_is_not_complete() {
    let page = snapshot(&[("users.json", r#"{"@odata.nextLink":"https://…","value":[{"id":"a"}]}"#)]);
    assert_eq!(page.users.get(), Err("the export ends at a page that says there are more"));
    assert_eq!(page.users.items().len(), 1);
    assert_eq!(page.user_if_known("b"), Err("the export ends at a page that says there are more"));
    assert!(matches!(page.user_if_known("a"), Ok(Some(_))));

    let one = snapshot(&[("me.json", r#"{"@odata.context":"x#users/$entity","id":"a"}"#)]);
    assert_eq!(one.users.get(), Err("the export has single objects and not the list"));

    let told = snapshot(&[(
        "x.json",
        r#"{"format":"breakglass-snapshot/1","users":[{"id":"a"}],"groups":[],"missing":[{"resource":"users","why":"429"},{"resource":"groups","why":"403"}]}"#,
    )]);
    assert!(told.users.is_partial());
    assert_eq!((told.users.get().err(), told.groups.as_present()), (Some("429"), None));

    let group = snapshot(&[("groups.json", r#"[{"id":"g","members":["a"],"members@odata.nextLink":"https://…"}]"#)]);
    assert_eq!(group.groups.items()[0].members, None);

    let all = snapshot(&[("users.json", r#"[{"id":"a"}]"#)]);
    assert_eq!(all.user_if_known("b"), Ok(None));
    assert_eq!(snapshot(&[("groups.json", "[]")]).user_if_known("b"), Err("not in the snapshot"));
}

#[test]
fn an_error_that_graph_gave_instead_of_a_list_is_the_reason_why_it_is_missing() {
    let answer =
        r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges","innerError":{}}}"#;
    let snapshot = snapshot(&[("roleAssignments.json", answer)]);
    let why = "an error of Graph: Authorization_RequestDenied: Insufficient privileges";
    assert_eq!(snapshot.role_assignments.get(), Err(why));
}

#[test]
fn an_empty_list_is_present() {
    for (path, text) in [
        ("namedLocations.json", "[]"),
        ("namedLocations.json", r#"{"value":[]}"#),
        (
            "x.json",
            r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#identity/conditionalAccess/namedLocations","value":[]}"#,
        ),
        ("namedLocations.ndjson", ""),
        ("x.json", r#"{"format":"breakglass-snapshot/1","namedLocations":[]}"#),
    ] {
        assert_eq!(snapshot(&[(path, text)]).named_locations.get().map(Vec::len), Ok(0), "{path} {text}");
    }
}

#[test]
fn net_names_are_read_as_graph_s() {
    let snapshot = snapshot(&[
        (
            "policies.json",
            r#"[{"Id":"p","DisplayName":"P","State":"enabled","Conditions":{"Users":{"IncludeUsers":["All"]},"ClientAppTypes":["all"]},"GrantControls":{"BuiltInControls":["mfa"],"Operator":"OR"},"AdditionalProperties":{}}]"#,
        ),
        (
            "Get-MgIdentityConditionalAccessNamedLocation.json",
            r##"{"Id":"n","DisplayName":"HQ","AdditionalProperties":{"@odata.type":"#microsoft.graph.ipNamedLocation","isTrusted":true,"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"198.51.100.0/24"}]}}"##,
        ),
        ("users.ndjson", "{\"Id\":\"u\",\"UserPrincipalName\":\"u@contoso.com\"}\n{\"Id\":\"v\"}\n"),
    ]);
    let policy = &snapshot.conditional_access_policies.get().unwrap()[0];
    assert_eq!(policy.conditions.users.as_ref().unwrap().include_users, ["All"]);
    assert_eq!(policy.grant_controls.as_ref().unwrap().built_in_controls.len(), 1);
    let location = &snapshot.named_locations.get().unwrap()[0];
    assert!(matches!(location.coverage, LocationCoverage::IpRanges { is_trusted: true, .. }));
    assert!(snapshot.find_user("u@contoso.com").is_some());
    assert_eq!(snapshot.users.items().len(), 2);
}

#[test]
fn objects_without_an_id_are_named_by_their_place() {
    let snapshot = snapshot(&[(
        "policies.json",
        r#"{"value":[{"displayName":"A","state":"enabled","conditions":{}},{"displayName":"B","state":"enabled","conditions":{}}]}"#,
    )]);
    let ids: Vec<_> = snapshot.conditional_access_policies.items().iter().map(|policy| policy.id.to_string()).collect();
    assert_eq!(ids, ["policies.json#0", "policies.json#1"]);
}

#[test]
fn configurations_of_single_methods_make_a_part_of_the_policy() {
    let folder = "Policies/AuthenticationMethodsPolicy/AuthenticationMethodConfigurations";
    let single =
        r##"{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration","id":"Fido2","state":"enabled"}"##;
    let path = format!("{folder}/FIDO2.json");
    let parts = snapshot(&[(&path, single)]);
    assert!(parts.authentication_methods_policy.is_partial());
    let policy = parts.authentication_methods_policy.as_present().unwrap();
    assert_eq!(policy.configuration("fido2").and_then(|method| method.state.as_deref()), Some("enabled"));

    let whole = r#"{"id":"x","policyMigrationState":"migrationComplete","authenticationMethodConfigurations":[]}"#;
    let both = snapshot(&[(&path, single), ("authenticationMethodsPolicy.json", whole)]);
    assert!(both.authentication_methods_policy.is_complete());
}

#[test]
fn the_summary_counts() {
    let now = "2026-02-01T12:00:00Z".parse().unwrap();
    let summary = snapshot(&[("x.json", OWN)]).summary(now);
    assert_eq!((summary.tenant_id.as_deref(), summary.tenant_name.as_deref()), (Some("t"), Some("Contoso")));
    assert_eq!(summary.age.map(|age| age.as_hours()), Some(24));
    let count = |resource| {
        let found = summary.resources.iter().find(|count| count.resource == resource).unwrap();
        (found.count, found.why.as_deref())
    };
    assert_eq!(summary.resources.len(), Resource::ALL.len());
    assert_eq!(count(Resource::Users), (Some(2), None));
    assert_eq!(count(Resource::Organization), (Some(1), None));
    assert_eq!(count(Resource::ConditionalAccessPolicies), (Some(0), None));
    assert_eq!(count(Resource::RoleAssignments), (None, Some("403 Forbidden: RoleManagement.Read.Directory")));
    assert_eq!(count(Resource::Devices), (None, Some("not in the snapshot")));
}

proptest! {
    /// The quick way in and the careful one agree: an unknown property sends the same object the careful way.
    #[test]
    fn both_ways_of_reading_a_user_agree(
        id in "[a-z0-9-]{1,12}",
        name in proptest::option::of("[ -~\u{e9}]{0,12}"),
        enabled in proptest::option::of(any::<bool>()),
        kind in proptest::option::of("Member|Guest|Robot"),
    ) {
        let user = serde_json::json!({ "id": id, "displayName": name, "accountEnabled": enabled, "userType": kind });
        let mut more = user.clone();
        more["unknown"] = 1.into();
        let quick = snapshot(&[("users.json", &format!("[{user}]"))]);
        let careful = snapshot(&[("users.json", &format!("[{more}]"))]);
        prop_assert_eq!(quick.users, careful.users);
    }

    #[test]
    fn both_ways_of_reading_a_group_agree(
        id in "[a-z0-9-]{1,12}",
        members in prop::collection::vec(("[a-z]{1,3}|00000000-0000-4000-8000-00000000000[0-9a-f]", "user|group|device|printer"), 0..6),
        assignable in proptest::option::of(any::<bool>()),
    ) {
        let members: Vec<_> = members
            .iter()
            .map(|(id, kind)| serde_json::json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id }))
            .collect();
        let group = serde_json::json!({ "id": id, "isAssignableToRole": assignable, "members": members });
        let mut more = group.clone();
        more["membershipRule"] = serde_json::Value::Null;
        let quick = snapshot(&[("groups.json", &format!("[{group}]"))]);
        let careful = snapshot(&[("groups.json", &format!("[{more}]"))]);
        let written = |snapshot: &breakglass_model::snapshot::Snapshot| snapshot.group_json(&snapshot.groups.items()[0]);
        let mut expected = written(&quick);
        expected["membershipRule"] = serde_json::Value::Null;
        prop_assert_eq!(written(&careful), expected);
    }

    #[test]
    fn any_text_gives_an_answer(text in "[\\[\\]{}\",: a1\\\\tn]{0,40}|\\{\"(users|value|format|Raw|id)\": ?[\\[\\]{}\",: a1]{0,20}") {
        for path in ["users.json", "policies.ndjson", ""] {
            if let Err(error) = recognise(path, &text) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}

#[test]
fn methods_that_could_not_be_read_are_not_exported_whatever_list_stands_there() {
    let read = |missing: &str| {
        let users = r##"{"id":"none","userPrincipalName":"none@contoso.example"},
            {"id":"empty","authenticationMethods":[]},
            {"id":"some","authenticationMethods":[{"@odata.type":"#microsoft.graph.fido2AuthenticationMethod","id":"k"}]}"##;
        let json = format!(r#"{{"format":"breakglass-snapshot/1","users":[{users}],"missing":[{missing}]}}"#);
        snapshot(&[("snapshot.json", &json)])
    };
    let told = |missing: &str| -> Vec<(Option<usize>, bool, Option<String>)> {
        let snapshot = read(missing);
        assert!(snapshot.users.is_complete(), "{missing}: nobody is missing");
        assert_eq!(snapshot.missing_without_list().count(), 0, "{missing}");
        let users = ["none", "empty", "some"].map(|id| snapshot.find_user(id).unwrap());
        let of = |user: &User| {
            let detail = user.detail();
            let why = snapshot.why_methods_unread(user).map(str::to_owned);
            (detail.authentication_methods.value().map(Vec::len), detail.are_methods_cut(), why)
        };
        users.map(of).to_vec()
    };
    let why = Some("403".to_owned());
    assert_eq!(told(""), [(None, false, None), (Some(0), false, None), (Some(1), false, None)]);
    assert_eq!(
        told(r#"{"resource":"authenticationMethods","why":"403"}"#),
        [(None, false, why.clone()), (None, true, why.clone()), (Some(1), true, why)]
    );
    let why = Some("`users/none@contoso.example/authentication/methods`: 404".to_owned());
    assert_eq!(
        told(r#"{"resource":"users/none@contoso.example/authentication/methods","why":"404"}"#),
        [(None, true, why), (Some(0), false, None), (Some(1), false, None)]
    );
}
