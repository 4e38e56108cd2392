//! Where the product remembers what it did.

use std::path::{Path, PathBuf};

/// Name of the folder unless another is given.
const FOLDER_USUAL: &str = ".breakglass";

/// The folder that was named, or the usual one beside the configuration that was named, or of this folder.
pub(crate) fn state_of(named: Option<&Path>, config: Option<&Path>) -> PathBuf {
    state_folder(named, config.and_then(Path::parent).unwrap_or(Path::new("")))
}

/// The folder that was named, or the usual one beside the configuration.
pub(crate) fn state_folder(named: Option<&Path>, beside: &Path) -> PathBuf {
    named.map_or_else(|| beside.join(FOLDER_USUAL), Path::to_path_buf)
}
