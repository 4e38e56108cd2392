//! The floors of the house, as two tables: who may name whom, and who keeps the heavy crates.
//!
//! A new crate of ours is one line in [`ARROWS`]; a heavy crate taken in is one line in
//! [`KEEPERS`], each with the reason beside it when the reason is not plain. The tables are judged
//! by `floors.rs`.
//! **Invariant:** every arrow points to a lower floor, and no line is left over for a crate that
//! is gone.
//! **Source:** docs/decisions/0001-the-house-and-its-floors.md.

/// Where a crate of ours stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It ships; 0 is the ground floor, and an arrow points only to a lower floor.
    Floor(u8),
    /// Only tests may name it: it appears under `[dev-dependencies]` and nowhere else.
    Tests,
    /// Nobody may name it: it works on the repository and is no part of the product.
    Repository,
}

/// One crate of ours and the crates of ours that it may name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrow {
    /// The name of the package, which is also the name of its folder.
    pub(crate) name: &'static str,
    /// Where it stands.
    pub(crate) place: Place,
    /// Which crates of ours it may name.
    pub(crate) may_name: &'static [&'static str],
}

/// A crate from elsewhere that brings sockets, a runtime, files, secrets or a face with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeper {
    /// The name of the crate as its registry spells it.
    pub(crate) heavy: &'static str,
    /// Which crates of ours may depend on it directly, for any purpose.
    pub(crate) keepers: &'static [&'static str],
}

/// Every crate of the workspace, top floor first.
pub(crate) const ARROWS: &[Arrow] = &[
    Arrow {
        name: "breakglass",
        place: Place::Floor(4),
        may_name: &[
            "breakglass-adapters",
            "breakglass-custody",
            "breakglass-engine",
            "breakglass-ledger",
            "breakglass-model",
            "breakglass-ops",
            "breakglass-sheets",
            "breakglass-tenant",
        ],
    },
    Arrow {
        name: "breakglass-adapters",
        place: Place::Floor(3),
        may_name: &["breakglass-custody", "breakglass-ledger", "breakglass-model", "breakglass-ops"],
    },
    Arrow {
        name: "breakglass-ops",
        place: Place::Floor(2),
        may_name: &["breakglass-custody", "breakglass-engine", "breakglass-ledger", "breakglass-model"],
    },
    // It must not see what the product does with a tenant: the two meet only over HTTP.
    Arrow { name: "breakglass-tenant", place: Place::Floor(2), may_name: &["breakglass-engine", "breakglass-model"] },
    // Paper: it thinks, and gives bytes. Who prints them is above it.
    Arrow { name: "breakglass-sheets", place: Place::Floor(1), may_name: &["breakglass-custody"] },
    Arrow { name: "breakglass-engine", place: Place::Floor(1), may_name: &["breakglass-model"] },
    Arrow { name: "breakglass-custody", place: Place::Floor(0), may_name: &[] },
    Arrow { name: "breakglass-ledger", place: Place::Floor(0), may_name: &[] },
    Arrow { name: "breakglass-model", place: Place::Floor(0), may_name: &[] },
    // It builds the engine's sources itself, so it names what the engine names.
    Arrow { name: "breakglass-faults", place: Place::Tests, may_name: &["breakglass-model"] },
    Arrow { name: "breakglass-testkit", place: Place::Tests, may_name: &["breakglass-engine", "breakglass-model"] },
    Arrow { name: "xtask", place: Place::Repository, may_name: &[] },
];

/// Every heavy crate. One that nobody keeps yet is listed all the same, so that the first to want
/// it has to say why here.
pub(crate) const KEEPERS: &[Keeper] = &[
    Keeper { heavy: "axum", keepers: &["breakglass-tenant"] },
    Keeper { heavy: "clap", keepers: &["breakglass"] },
    Keeper { heavy: "encoding_rs_io", keepers: &["breakglass-adapters"] },
    Keeper { heavy: "hidapi", keepers: &["breakglass-adapters"] },
    Keeper { heavy: "keyring-core", keepers: &["breakglass-adapters"] },
    Keeper { heavy: "krafka", keepers: &["breakglass-tenant"] },
    // It makes PDFs, and keeps copies of what it draws that it does not wipe.
    Keeper { heavy: "krilla", keepers: &["breakglass-sheets"] },
    // It speaks to servers of mail.
    Keeper { heavy: "lettre", keepers: &["breakglass-adapters"] },
    Keeper { heavy: "miette", keepers: &["breakglass"] },
    Keeper { heavy: "reqwest", keepers: &["breakglass-adapters"] },
    Keeper { heavy: "secrecy", keepers: &[] },
    Keeper { heavy: "sqlx", keepers: &["breakglass-adapters"] },
    Keeper { heavy: "tokio", keepers: &["breakglass", "breakglass-adapters", "breakglass-tenant"] },
    Keeper { heavy: "walkdir", keepers: &["breakglass-adapters"] },
];

/// A crate below this floor keeps its manifest short.
pub(crate) const SHORT_MANIFEST_BELOW_FLOOR: u8 = 3;

/// How many direct dependencies such a crate may have; what only its tests need is not counted.
pub(crate) const DIRECT_DEPENDENCY_COUNT_MAX: usize = 20;
