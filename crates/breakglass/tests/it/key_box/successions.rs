//! Accounts that take each other's place in turn, at a tenant where everything is as it was declared.

use std::collections::VecDeque;

use breakglass_ops::journal::look;
use breakglass_ops::key_box::accounts::{STREAM, replacements};
use breakglass_ops::ports::Store as _;
use serde_json::{Value, json};

use super::replaced::{add, configure, declare, graph, group, rotate};
use super::world::{DOCUMENTS, FIRST, GLOBAL_ADMINISTRATOR, SECOND, World, other};

/// An account: its id, its sign-in name, and the password that it has before anything is sealed.
pub(super) type Who = (String, String, String);

/// Two accounts that are declared and known to get in, and others that can take their places.
pub(super) struct Succession {
    pub(super) world: World,
    pub(super) shares: Vec<String>,
    group: String,
    /// Those that are declared, the one that goes next first.
    accounts: VecDeque<Who>,
    /// How many of the others were declared so far.
    count: usize,
}

impl Succession {
    /// With so many others.
    pub(super) fn new(name: &str, others: usize) -> Self {
        let world = World::with_others(name, others);
        let shares = world.new_set();
        let group = group(&world);
        let accounts = [FIRST, SECOND].map(|(id, name, before)| (id.to_owned(), name.to_owned(), before.to_owned()));
        for (id, name, _) in &accounts {
            add(&world, &group, id);
            rotate(&world, 0, name, &[]);
        }
        Self { world, shares, group, accounts: accounts.into(), count: 0 }
    }

    /// Declares one more, which is all that it is to be and has no sealed password; who goes, and who comes.
    pub(super) fn declare_next(&mut self) -> (Who, Who) {
        let new = other(self.count);
        self.count += 1;
        declare(&self.world, &new.1);
        let assignment = json!({
            "principalId": new.0, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/",
        });
        graph(&self.world, "POST /v1.0/roleManagement/directory/roleAssignments", &assignment);
        add(&self.world, &self.group, &new.0);
        let old = self.accounts.pop_front().unwrap();
        self.accounts.push_back(new.clone());
        (old, new)
    }

    /// Has one take the place of the other, with an exit code that has to be.
    #[track_caller]
    pub(super) fn replace(&self, code: i32, (old, new): (&Who, &Who)) -> String {
        rotate(&self.world, code, &old.1, &["--replace-account", &new.1])
    }

    /// What `custody list` asks for.
    pub(super) fn to_do(&self) -> String {
        let listing = self.world.run(&["custody", "list", "--format", "json"], "").out;
        serde_json::from_str::<Value>(&listing).unwrap()["toDo"].to_string()
    }

    fn is_there(&self, who: &Who) -> bool {
        let users = graph(&self.world, "GET /v1.0/users?$select=id&$top=999", &Value::Null);
        users["value"].as_array().unwrap().iter().any(|user| user["id"] == who.0)
    }

    /// Whoever of the two is there gets in with what opens, or with what was before anything was sealed; the new one is. How
    /// many sign-ins that took.
    #[cfg(unix)]
    #[track_caller]
    pub(super) fn holds(&self, (old, new): (&Who, &Who)) -> usize {
        assert!(self.is_there(new));
        let left = [old, new].into_iter().filter(|who| self.is_there(who));
        left.map(|(id, name, before)| self.world.holds((id, name, before), (DOCUMENTS, &self.shares)).1).sum()
    }

    /// That the old one is gone and the new one gets in, that the record and the ledger say so, and that whoever does the same
    /// again is told so and asked for nothing.
    #[track_caller]
    pub(super) fn is_done(&self, (old, new): (&Who, &Who)) {
        let world = &self.world;
        assert!(!self.is_there(old) && self.is_there(new), "one of the two is left");
        let (current, _) = world.holds((&new.0, &new.1, "never"), (DOCUMENTS, &self.shares));
        assert!(current.is_some(), "what was before was never proved");
        assert!(look(&world.store()).unwrap().missing.is_empty(), "the ledger has all of it");
        world.ledger_holds();
        let known = replacements(&world.store()).unwrap();
        let of_old: Vec<_> = known.iter().filter(|one| one.account == old.0).collect();
        let [of_old] = of_old[..] else { panic!("{known:?}") };
        assert!(of_old.is_deleted && of_old.by == new.0, "{of_old:?}");
        let to_do = self.to_do();
        assert!(!to_do.contains(&old.1), "nothing is asked for it, though it is declared: {to_do}");
        let count = || world.store().entries(STREAM).unwrap().len();
        let before = count();
        let again = self.replace(0, (old, new));
        let told = format!("`{}` is deleted, and `{}` is in its place", old.1, new.1);
        assert!(again.contains(&told) && !again.contains("restore"), "{again}");
        let alone = rotate(world, 2, &old.1, &[]);
        let told = format!("`{}` is deleted: `{}` has taken its place", old.1, new.1);
        assert!(alone.contains(&told) && !alone.contains("restore"), "{alone}");
        assert_eq!(count(), before, "nothing happens twice");
    }

    /// Takes what is gone out of the configuration.
    pub(super) fn forget(&self, old: &Who) {
        let declared = format!("[[account]]\nuser_principal_name = \"{}\"\n", old.1);
        configure(&self.world, |text| text.replace(&declared, ""));
    }
}
