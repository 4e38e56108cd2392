//! `--compare-live`: sign-ins of a sample, or those on which a proof rests, put to the tenant's own What If.

use std::path::Path;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::file_parts::FileParts;
use breakglass_engine::access::Access;
use breakglass_engine::agreement::Kind;
use breakglass_ops::comparing::{Comparing, Comparison, PERMISSIONS, REQUEST_COUNT_MAX, REQUEST_COUNT_USUAL};
use breakglass_ops::ports::Parts as _;
use serde_json::Value;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::live::{Live, LiveError, Steps};
use crate::state::state_folder;
use crate::subject::{Subject, SubjectArguments, folder_of, reading_permissions};
use crate::wiring::World;

/// How many requests may be spent at once.
pub(super) fn budget(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=REQUEST_COUNT_MAX).contains(count));
    count.ok_or_else(|| format!("expected a whole number of requests from 1 to {REQUEST_COUNT_MAX}"))
}

/// A tenant that was read, and that can be asked.
pub(super) struct Beside {
    pub(super) subject: Subject,
    live: Live,
    parts: FileParts,
}

impl Beside {
    /// Reads the tenant, or the snapshot that was named, and keeps the client. Answers are kept under a name.
    pub(super) fn of(arguments: &SubjectArguments, kept_as: &str, world: &World) -> Result<Self, Failure> {
        let found = arguments.config(world)?;
        let folder = found.as_ref().map(|(_, name)| folder_of(name)).unwrap_or_default();
        let mut permissions = reading_permissions();
        permissions.extend(PERMISSIONS.iter().filter(|one| !permissions.contains(one)).collect::<Vec<_>>());
        let usual = Config::default();
        let config = found.as_ref().map_or(&usual, |(config, _)| config);
        let live = Live::connect(config, &folder, &permissions, world)?;
        let parts = FileParts::new(state_folder(None, Path::new(&folder)).join("comparison").join(kept_as));
        let subject = arguments.load_with(found, Some(&live), world)?;
        Ok(Self { subject, live, parts })
    }

    /// Asks, with at most so many requests.
    pub(super) fn compare(
        &self,
        access: &Access<'_>,
        questions: &[Value],
        budget: Option<usize>,
        world: &World,
    ) -> Result<Comparison, Failure> {
        let progress = Steps::of("asking", world);
        let comparing =
            Comparing { directory: &self.live.directory, clock: &SystemClock, parts: &self.parts, progress: &progress };
        let compared = comparing.compare(access, questions, budget.unwrap_or(REQUEST_COUNT_USUAL));
        let compared = self.live.runtime.block_on(compared);
        world.progress_is_over();
        let comparison = compared.map_err(LiveError::from)?;
        if comparison.left == 0 {
            self.parts.clear().map_err(LiveError::Parts)?;
        }
        Ok(comparison)
    }
}

/// What a comparison says to scripts.
pub(super) fn exit(comparison: &Comparison, is_everything_asked: bool) -> Exit {
    if comparison.has(Kind::Applies) {
        Exit::Found
    } else if !is_everything_asked || !comparison.is_whole() {
        Exit::Unknown
    } else {
        Exit::Good
    }
}
