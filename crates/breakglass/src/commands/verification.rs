//! What `apply` looks at when every step is done: the rules, the lockout analysis, the tenant's own What If, and what is
//! left of the declaration.

use std::collections::BTreeSet;

use breakglass_adapters::clock::SystemClock;
use breakglass_engine::access::Access;
use breakglass_engine::agreement::{Kind, of_ways};
use breakglass_engine::lockout::Analysis;
use breakglass_engine::lockout::goal::{Goal, Horizon, Question, Stage};
use breakglass_engine::lockout::report::Way;
use breakglass_engine::posture::{Finding, Severity, Status};
use breakglass_ops::comparing::{Comparing, Comparison};
use breakglass_ops::ports::InMemoryParts;
use breakglass_ops::setup::plan::Plan;
use breakglass_ops::setup::{self, Wanted};
use serde_json::Value;

use super::lockout::AnalysisArguments;
use super::plan::refused;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::live::{Live, LiveError, Steps};
use crate::render::plan::by_hand;
use crate::render::{counted, fitted, visible};
use crate::subject::{Subject, SubjectArguments, SubjectError};
use crate::wiring::World;

/// Sign-ins of the accounts that are put to the tenant's own What If; all applications together may ask once a second.
const SIGN_IN_COUNT_MAX: usize = 30;

/// Reads the tenant again, judges it, and says whether anything is left to do. A way back is not judged: it is meant to
/// take away.
pub(super) fn verify(
    plan: &Plan,
    (live, config, name): (&Live, Config, String),
    world: &World,
) -> Result<Exit, Failure> {
    if plan.takes_back.is_some() {
        world.note("`breakglass check --live` judges the tenant as it is now");
        return Ok(Exit::Good);
    }
    // From the first look at it on, Ctrl-C is nobody's but ours.
    let listening = world.clone();
    live.runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            listening.note("interrupted: every step is done, but nobody has looked whether it holds");
            std::process::exit(Exit::Partial.code().into());
        }
    });
    let (subject, wanted) = SubjectArguments::load_over(live, Some((config, name)), world)?;
    let access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
    let rules = subject.judged(&access);
    let settings = AnalysisArguments::default().settings(&subject, Horizon::Day, world)?;
    let question = Question { goal: Goal::FullRepair, surface: None, stage: Stage::Direct };
    let mut analysis = Analysis::of_question(&access, &settings, question);
    let answer = analysis.answer(question);
    analysis.end();
    let order = answer.order;
    let failures = match order.proved {
        Some(0) => "Nobody gets in to repair the tenant.".to_owned(),
        Some(count) => format!("The smallest lockout takes {}.", counted(count, "failure")),
        None => format!("No {} lock everybody out.", counted(settings.max_order, "failure")),
    };
    world.tell(&format!("\n{}\n{failures}", filled(&rules.sentence, world)));
    let asked = ask_tenant(&access, (&subject, &answer.ways), live, world);
    let is_critical = |finding: &Finding| finding.status == Status::Fail && finding.severity == Severity::Critical;
    let judged = if rules.findings.iter().any(is_critical) || order.proved == Some(0) {
        world.note("`breakglass check --live` says what is critical, and what to do");
        Exit::Found
    } else {
        world.note("`breakglass check --live` says how each of the accounts gets in, and what there is to look at");
        asked
    };
    left_to_do((&subject, &wanted), judged, world)
}

fn filled(text: &str, world: &World) -> String {
    fitted(&visible(text), "", "", world.stderr.columns).trim_end().to_owned()
}

/// Puts the accounts' sign-ins, on which their ways in rest, to the tenant's own What If. If it cannot be asked, or does
/// not answer everything, it cannot be told whether it says the same.
fn ask_tenant(access: &Access<'_>, (subject, ways): (&Subject, &[Way]), live: &Live, world: &World) -> Exit {
    let ids: BTreeSet<&str> = subject.accounts.keys.iter().map(|key| subject.snapshot.objects.id(*key)).collect();
    let of_accounts = |way: &&Way| way.sessions.iter().all(|session| ids.contains(session.user.as_str()));
    let ways: Vec<&Way> = ways.iter().filter(of_accounts).collect();
    let questions: Vec<Value> = of_ways(access, &ways).into_iter().filter_map(|way| way.body).collect();
    if questions.is_empty() {
        return Exit::Good;
    }
    let asked = questions.get(..SIGN_IN_COUNT_MAX).unwrap_or(&questions);
    let (parts, progress) = (InMemoryParts::default(), Steps::of("asking", world));
    let comparing = Comparing { directory: &live.directory, clock: &SystemClock, parts: &parts, progress: &progress };
    let compared = live.runtime.block_on(comparing.compare(access, asked, SIGN_IN_COUNT_MAX));
    world.progress_is_over();
    match compared {
        Ok(comparison) => verdict(&comparison, asked.len(), world),
        Err(error) => {
            world.tell("The tenant's own What If could not be asked whether it says the same:");
            world.complain(&LiveError::from(error).into());
            Exit::Unknown
        }
    }
}

/// What the tenant's own What If says, beside ours.
fn verdict(comparison: &Comparison, count: usize, world: &World) -> Exit {
    let sign_ins = counted(count, "sign-in");
    let (said, exit) = if comparison.has(Kind::Applies) {
        (format!("says otherwise of some of {sign_ins}"), Exit::Found)
    } else if comparison.is_whole() {
        (format!("says the same of {sign_ins}"), Exit::Good)
    } else {
        let answered = comparison.answered.len();
        (format!("answered about {answered} of {sign_ins}, not everything, and says nothing else"), Exit::Unknown)
    };
    world.tell(&filled(&format!("The tenant's own What If {said} of the accounts."), world));
    if exit == Exit::Found {
        world.note("`breakglass lockout --compare-live` shows each difference");
    }
    exit
}

fn left_to_do((subject, wanted): (&Subject, &Wanted), judged: Exit, world: &World) -> Result<Exit, Failure> {
    match setup::plan(&subject.snapshot, wanted, subject.now) {
        Ok(left) if left.steps.is_empty() && !left.by_hand.is_empty() => {
            let so = "Of what was declared, no request is left to send. No answer replaces a drill: sign in with each \
                      account.";
            world.tell(&format!("{}\n{}", filled(so, world), by_hand(&left, world.stderr.columns).trim_end()));
            Ok(if left.is_reached() || judged != Exit::Good { judged } else { Exit::Found })
        }
        Ok(left) if left.steps.is_empty() => {
            let so = "The tenant is as it was declared: nothing is left to do. No answer replaces a drill: sign in with \
                      each account.";
            world.tell(&filled(so, world));
            Ok(judged)
        }
        Ok(left) => {
            let (steps, are) = (counted(left.steps.len(), "step"), if left.steps.len() == 1 { "is" } else { "are" });
            world.note(&format!("{steps} {are} left to do; `breakglass plan` shows them"));
            Ok(Exit::Found)
        }
        Err(objections) => {
            world.note("every step is done; whether anything is left to do cannot be told, since no plan can be made:");
            world.complain(&refused(objections, world));
            Ok(Exit::Unknown)
        }
    }
}
