//! Keeps the floors: no arrow upwards, no heavy crate outside its keepers.
//!
//! Pure: the tables and cargo's answer in, one line for each thing refused out, in the order of
//! the crates' names. An empty answer means that the house stands.
//! **Invariant:** a crate without a line in `ARROWS` is refused, never waved through.

use std::collections::BTreeSet;
use std::path::Path;

use crate::arrows::{Arrow, DIRECT_DEPENDENCY_COUNT_MAX, Keeper, Place, SHORT_MANIFEST_BELOW_FLOOR};
use crate::workspace::{Dependency, Package, Workspace};

/// The two tables that a workspace is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// Who may name whom.
    pub(crate) arrows: &'a [Arrow],
    /// Who keeps what is heavy.
    pub(crate) keepers: &'a [Keeper],
}

/// Everything in `workspace` that `plan` does not allow, one line each.
pub(crate) fn refusals(plan: Plan<'_>, workspace: &Workspace) -> Vec<String> {
    let mut packages: Vec<&Package> = workspace.packages.iter().collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));

    let mut lines = stale_lines(plan, &packages);
    for package in packages {
        match plan.line_of(&package.name) {
            Some(arrow) => {
                lines.extend(wrong_arrows(plan, arrow, package));
                lines.extend(long_manifest(arrow, package));
            }
            None => {
                lines.push(format!("`{}` has no line in ARROWS: give it its floor and what it may name", package.name))
            }
        }
        lines.extend(wrong_keepers(plan, package));
        lines.extend(wrong_folder(package));
    }
    lines
}

impl<'a> Plan<'a> {
    fn line_of(self, name: &str) -> Option<&'a Arrow> {
        self.arrows.iter().find(|arrow| arrow.name == name)
    }
}

/// The tables themselves: an arrow that does not point down, a line for a crate that is gone.
fn stale_lines(plan: Plan<'_>, packages: &[&Package]) -> Vec<String> {
    let exists = |name: &str| packages.iter().any(|package| package.name == name);
    let mut lines = Vec::new();
    for arrow in plan.arrows {
        if !exists(arrow.name) {
            lines.push(format!("ARROWS has a line for `{}`, which is not in the workspace", arrow.name));
        }
        for target in arrow.may_name {
            if !points_down(arrow.place, plan.line_of(target)) {
                lines.push(format!("ARROWS lets `{}` name `{target}`, which is not on a lower floor", arrow.name));
            }
        }
    }
    for keeper in plan.keepers {
        for name in keeper.keepers.iter().filter(|name| !exists(name)) {
            lines.push(format!("KEEPERS gives `{}` to `{name}`, which is not in the workspace", keeper.heavy));
        }
    }
    lines
}

fn points_down(from: Place, target: Option<&Arrow>) -> bool {
    match (from, target.map(|arrow| arrow.place)) {
        (Place::Floor(from), Some(Place::Floor(to))) => to < from,
        (Place::Tests | Place::Repository, Some(Place::Floor(_))) => true,
        _ => false,
    }
}

/// Dependencies on crates of ours that the line of `package` does not allow.
fn wrong_arrows(plan: Plan<'_>, arrow: &Arrow, package: &Package) -> Vec<String> {
    let mut lines = Vec::new();
    for dependency in &package.dependencies {
        let target = plan.line_of(&dependency.name);
        let is_ours = dependency.path.is_some() || target.is_some();
        // A crate's tests may name the crate itself by way of a feature; that is no arrow.
        if !is_ours || dependency.name == package.name {
            continue;
        }
        lines.extend(wrong_arrow(arrow, dependency, target));
    }
    lines
}

fn wrong_arrow(arrow: &Arrow, dependency: &Dependency, target: Option<&Arrow>) -> Option<String> {
    let from = arrow.name;
    let to = &dependency.name;
    if arrow.may_name.contains(&to.as_str()) {
        return None;
    }
    match target.map(|arrow| arrow.place) {
        Some(Place::Tests) if dependency.is_for_tests() => None,
        Some(Place::Tests) => Some(format!("`{from}` names `{to}` outside [dev-dependencies]: only tests may name it")),
        Some(Place::Repository) => Some(format!("`{from}` names `{to}`, which is no part of the product")),
        Some(Place::Floor(_)) => {
            Some(format!("`{from}` may not name `{to}`: its line in ARROWS allows {}", listed(arrow.may_name)))
        }
        None => Some(format!("`{from}` names `{to}` by path, and `{to}` has no line in ARROWS")),
    }
}

/// Heavy crates that `package` names without being their keeper.
fn wrong_keepers(plan: Plan<'_>, package: &Package) -> Vec<String> {
    let named: BTreeSet<&str> = direct(package, |_| true);
    plan.keepers
        .iter()
        .filter(|keeper| named.contains(keeper.heavy))
        .filter(|keeper| !keeper.keepers.contains(&package.name.as_str()))
        .map(|keeper| {
            format!(
                "`{}` may not depend on `{}`: its line in KEEPERS allows {}",
                package.name,
                keeper.heavy,
                listed(keeper.keepers)
            )
        })
        .collect()
}

/// A manifest on the lower floors that names too much.
fn long_manifest(arrow: &Arrow, package: &Package) -> Option<String> {
    let Place::Floor(floor) = arrow.place else {
        return None;
    };
    let count = direct(package, |dependency| !dependency.is_for_tests()).len();
    (floor < SHORT_MANIFEST_BELOW_FLOOR && count > DIRECT_DEPENDENCY_COUNT_MAX).then(|| {
        format!(
            "`{}` has {count} direct dependencies: below floor {SHORT_MANIFEST_BELOW_FLOOR} at \
             most {DIRECT_DEPENDENCY_COUNT_MAX} are allowed",
            package.name
        )
    })
}

/// A package whose folder has another name: nobody would find it.
fn wrong_folder(package: &Package) -> Option<String> {
    let folder = package.manifest_path.parent().and_then(Path::file_name)?;
    (folder != package.name.as_str())
        .then(|| format!("`{}` lies in a folder named `{}`: they are one name", package.name, folder.to_string_lossy()))
}

fn direct(package: &Package, counts: impl Fn(&Dependency) -> bool) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| counts(dependency))
        .map(|dependency| dependency.name.as_str())
        .collect()
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::arrows::{ARROWS, KEEPERS};
    use crate::workspace;

    const HOUSE: Plan<'_> = Plan {
        arrows: &[
            Arrow { name: "roof", place: Place::Floor(4), may_name: &["cellar", "hall"] },
            Arrow { name: "hall", place: Place::Floor(1), may_name: &["cellar"] },
            Arrow { name: "cellar", place: Place::Floor(0), may_name: &[] },
            Arrow { name: "lab", place: Place::Tests, may_name: &["cellar", "hall"] },
            Arrow { name: "shed", place: Place::Repository, may_name: &[] },
        ],
        keepers: &[Keeper { heavy: "tokio", keepers: &["roof"] }, Keeper { heavy: "axum", keepers: &[] }],
    };

    fn package(name: &str, dependencies: &[Value]) -> Value {
        json!({
            "name": name,
            "manifest_path": format!("/house/{name}/Cargo.toml"),
            "dependencies": dependencies,
        })
    }

    fn ours(name: &str) -> Value {
        json!({ "name": name, "kind": null, "path": format!("/house/{name}") })
    }

    fn ours_in_tests(name: &str) -> Value {
        json!({ "name": name, "kind": "dev", "path": format!("/house/{name}") })
    }

    fn theirs(name: &str) -> Value {
        json!({ "name": name, "kind": null, "path": null })
    }

    fn theirs_in_tests(name: &str) -> Value {
        json!({ "name": name, "kind": "dev", "path": null })
    }

    /// The made-up house with `changed` in the place of the packages of the same name.
    fn house_with(changed: &[Value]) -> Workspace {
        let sound = [
            package("roof", &[ours("cellar"), ours("hall"), theirs("tokio")]),
            package("hall", &[ours("cellar"), ours_in_tests("lab")]),
            package("cellar", &[theirs("serde")]),
            package("lab", &[ours("cellar"), ours("hall")]),
            package("shed", &[theirs("serde")]),
        ];
        let kept = sound.iter().filter(|old| changed.iter().all(|new| new["name"] != old["name"]));
        let packages: Vec<&Value> = kept.chain(changed).collect();
        serde_json::from_value(json!({ "packages": packages, "workspace_root": "/house" })).unwrap()
    }

    #[track_caller]
    fn check(changed: &[Value], expected: &[&str]) {
        assert_eq!(refusals(HOUSE, &house_with(changed)), expected);
    }

    #[test]
    fn this_workspace_keeps_its_floors() {
        let workspace = workspace::read(&workspace::root_manifest()).unwrap();
        assert!(workspace.packages.len() >= ARROWS.len());
        let plan = Plan { arrows: ARROWS, keepers: KEEPERS };
        assert_eq!(refusals(plan, &workspace), Vec::<String>::new());
    }

    #[test]
    fn a_sound_house_is_allowed() {
        check(&[], &[]);
    }

    #[test]
    fn an_arrow_upwards_is_refused() {
        check(&[package("cellar", &[ours("hall")])], &["`cellar` may not name `hall`: its line in ARROWS allows none"]);
    }

    #[test]
    fn an_arrow_upwards_from_tests_is_refused_too() {
        check(
            &[package("hall", &[ours_in_tests("roof")])],
            &["`hall` may not name `roof`: its line in ARROWS allows `cellar`"],
        );
    }

    #[test]
    fn an_arrow_upwards_in_a_build_script_is_refused() {
        let build = json!({ "name": "hall", "kind": "build", "path": "/house/hall" });
        check(&[package("cellar", &[build])], &["`cellar` may not name `hall`: its line in ARROWS allows none"]);
    }

    #[test]
    fn a_heavy_crate_outside_its_keepers_is_refused() {
        check(
            &[package("hall", &[theirs("tokio"), theirs("serde")])],
            &["`hall` may not depend on `tokio`: its line in KEEPERS allows `roof`"],
        );
    }

    #[test]
    fn a_heavy_crate_that_nobody_keeps_is_refused_in_tests_too() {
        check(
            &[package("roof", &[theirs_in_tests("axum")])],
            &["`roof` may not depend on `axum`: its line in KEEPERS allows none"],
        );
    }

    #[test]
    fn a_crate_for_tests_is_refused_as_a_plain_dependency() {
        check(
            &[package("hall", &[ours("cellar"), ours("lab")])],
            &["`hall` names `lab` outside [dev-dependencies]: only tests may name it"],
        );
    }

    #[test]
    fn a_crate_for_tests_is_refused_in_a_build_script() {
        let build = json!({ "name": "lab", "kind": "build", "path": "/house/lab" });
        check(&[package("roof", &[build])], &["`roof` names `lab` outside [dev-dependencies]: only tests may name it"]);
    }

    #[test]
    fn the_repository_tool_is_refused_everywhere() {
        check(&[package("lab", &[ours("shed")])], &["`lab` names `shed`, which is no part of the product"]);
    }

    #[test]
    fn a_crate_without_a_line_is_refused_with_all_it_does() {
        check(
            &[package("attic", &[ours("cellar"), theirs("tokio")])],
            &[
                "`attic` has no line in ARROWS: give it its floor and what it may name",
                "`attic` may not depend on `tokio`: its line in KEEPERS allows `roof`",
            ],
        );
    }

    #[test]
    fn a_folder_outside_the_workspace_is_refused() {
        check(
            &[package("roof", &[ours("neighbour")])],
            &["`roof` names `neighbour` by path, and `neighbour` has no line in ARROWS"],
        );
    }

    #[test]
    fn a_crate_of_ours_named_through_a_registry_is_still_ours() {
        check(
            &[package("cellar", &[theirs("hall")])],
            &["`cellar` may not name `hall`: its line in ARROWS allows none"],
        );
    }

    #[test]
    fn a_folder_with_another_name_is_refused() {
        let moved = json!({
            "name": "hall",
            "manifest_path": "/house/lobby/Cargo.toml",
            "dependencies": [],
        });
        check(&[moved], &["`hall` lies in a folder named `lobby`: they are one name"]);
    }

    fn many(count: usize) -> Vec<Value> {
        (0..count).map(|n| theirs(&format!("crate-{n:02}"))).collect()
    }

    #[test]
    fn as_many_direct_dependencies_as_may_be_are_allowed_below() {
        check(&[package("hall", &many(DIRECT_DEPENDENCY_COUNT_MAX))], &[]);
    }

    #[test]
    fn one_more_is_refused_below() {
        let (most, more) = (DIRECT_DEPENDENCY_COUNT_MAX, DIRECT_DEPENDENCY_COUNT_MAX + 1);
        let refusal = format!("`hall` has {more} direct dependencies: below floor 3 at most {most} are allowed");
        check(&[package("hall", &many(more))], &[&refusal]);
    }

    #[test]
    fn one_more_is_allowed_above() {
        check(&[package("roof", &many(DIRECT_DEPENDENCY_COUNT_MAX + 1))], &[]);
    }

    #[test]
    fn what_tests_need_and_repeated_lines_are_not_counted() {
        let mut dependencies = many(DIRECT_DEPENDENCY_COUNT_MAX);
        dependencies.push(theirs("crate-00"));
        dependencies.push(theirs_in_tests("crate-99"));
        check(&[package("hall", &dependencies)], &[]);
    }

    #[test]
    fn lines_for_crates_that_are_gone_are_refused() {
        let mut workspace = house_with(&[package("hall", &[])]);
        workspace.packages.retain(|package| package.name == "hall" || package.name == "shed");
        assert_eq!(
            refusals(HOUSE, &workspace),
            [
                "ARROWS has a line for `roof`, which is not in the workspace",
                "ARROWS has a line for `cellar`, which is not in the workspace",
                "ARROWS has a line for `lab`, which is not in the workspace",
                "KEEPERS gives `tokio` to `roof`, which is not in the workspace",
            ]
        );
    }

    #[test]
    fn a_table_whose_arrow_does_not_point_down_is_refused() {
        let upside_down = Plan {
            arrows: &[
                Arrow { name: "hall", place: Place::Floor(1), may_name: &["hall", "lab", "roof"] },
                Arrow { name: "lab", place: Place::Tests, may_name: &[] },
            ],
            keepers: &[],
        };
        let workspace: Workspace = serde_json::from_value(json!({
            "packages": [package("hall", &[]), package("lab", &[])],
            "workspace_root": "/house",
        }))
        .unwrap();
        assert_eq!(
            refusals(upside_down, &workspace),
            [
                "ARROWS lets `hall` name `hall`, which is not on a lower floor",
                "ARROWS lets `hall` name `lab`, which is not on a lower floor",
                "ARROWS lets `hall` name `roof`, which is not on a lower floor",
            ]
        );
    }
}
