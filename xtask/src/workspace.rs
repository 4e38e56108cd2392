//! The workspace as cargo sees it: our packages and what each manifest names directly.
//!
//! Read from `cargo metadata --no-deps`, which needs no network and no lock on the build folder.
//! Only the manifests are read: what a dependency brings along is not ours to order.
//! **Source:** the Cargo book, `cargo metadata`, "JSON format".

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// What of cargo's answer the checks use.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// Our packages: with `--no-deps` there are no others.
    pub(crate) packages: Vec<Package>,
    /// The folder of the root manifest.
    pub(crate) workspace_root: PathBuf,
}

/// One package of ours.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Where its `Cargo.toml` lies.
    pub(crate) manifest_path: PathBuf,
    /// What that manifest names, of every kind and for every target.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line under `[dependencies]`, `[build-dependencies]` or `[dev-dependencies]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The package's own name, whatever the manifest calls it.
    pub(crate) name: String,
    /// Which of the three tables it stands in; cargo writes null for the first.
    pub(crate) kind: Option<Kind>,
    /// The folder, when it is named by path: then it is ours.
    pub(crate) path: Option<PathBuf>,
}

/// The tables that are not plain `[dependencies]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// `[dev-dependencies]`
    Dev,
    /// `[build-dependencies]`
    Build,
}

impl Dependency {
    /// True when only tests, benches and examples see it.
    pub(crate) fn is_for_tests(&self) -> bool {
        self.kind == Some(Kind::Dev)
    }
}

/// Why the workspace could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Cargo could not be started.
    #[error("could not start `cargo metadata`")]
    Start(#[source] std::io::Error),
    /// Cargo ran and refused.
    #[error("`cargo metadata` failed: {0}")]
    Refused(String),
    /// Cargo's answer is not what its documentation says.
    #[error("could not read what `cargo metadata` answered")]
    Answer(#[source] serde_json::Error),
}

/// Asks cargo about the workspace that `manifest` is the root of.
pub(crate) fn read(manifest: &Path) -> Result<Workspace, ReadError> {
    let answer = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .arg("--manifest-path")
        .arg(manifest)
        .output()
        .map_err(ReadError::Start)?;
    if !answer.status.success() {
        let why = String::from_utf8_lossy(&answer.stderr);
        return Err(ReadError::Refused(why.trim().to_owned()));
    }
    serde_json::from_slice(&answer.stdout).map_err(ReadError::Answer)
}

/// The root manifest of the repository that this tool was built in.
pub(crate) fn root_manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")
}
