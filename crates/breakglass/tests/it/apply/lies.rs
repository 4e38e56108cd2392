//! A Graph that lies: answers that are old, pages that overlap or are empty, refusals that stay, bodies that are cut off,
//! clocks that are wrong. Either what was declared is reached, or `apply` stops and says why, and goes on later.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Mutex;

use async_trait::async_trait;
use breakglass_ops::ports::{
    Clock as _, Directory, DirectoryError, GraphAnswer, GraphRequest, Method, Refusal, SignedIn,
};
use breakglass_ops::setup;
use breakglass_ops::setup::{Applied, Applier, ApplyError};
use breakglass_testkit::is_full;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::referee::Referee;
use super::script::Script;
use super::world::{Scene, Template, World, pause, run};

/// In which way it lies.
#[derive(Debug, Clone, Copy, Default)]
struct Lies {
    /// Looks at each address that show what was there before a change, after each change.
    old_looks: usize,
    /// Whether old and new answers take turns.
    is_in_turns: bool,
    /// Requests in which an object that was made is not found.
    unfound_requests: usize,
    /// Whether each object of a list is there twice, on two pages.
    is_double: bool,
    /// Whether a list begins with a page that has nothing.
    begins_empty: bool,
    /// Whether the last object of a list is missing.
    is_short: bool,
    /// From this request on every one is refused like that.
    from: Option<(usize, Refused)>,
}

#[derive(Debug, Clone, Copy)]
enum Refused {
    Status(u16),
    NotSignedIn,
    CutOff,
}

/// How the address of a second page ends.
const PAGE: &str = "page=2";

type Answer = Result<GraphAnswer, DirectoryError>;

#[derive(Default)]
struct Memory {
    /// What each address answered before a change, and how often it still does.
    old: BTreeMap<String, (Answer, usize)>,
    /// Every address that was looked at.
    looked_at: BTreeMap<String, usize>,
    /// What was made, and how often it is not found.
    unfound: BTreeMap<String, usize>,
    count: usize,
}

struct Liar<'s, 'w> {
    script: &'s Script<'w>,
    lies: Lies,
    memory: Mutex<Memory>,
}

impl<'s, 'w> Liar<'s, 'w> {
    fn new(script: &'s Script<'w>, lies: Lies) -> Self {
        Self { script, lies, memory: Mutex::default() }
    }

    fn apply(&self, template: &Template) -> Result<Applied, ApplyError> {
        let applier = Applier {
            directory: self,
            clock: &*self.script.world.clock,
            store: self.script,
            passwords: self.script,
            tell: &|_, _| {},
        };
        run(applier.apply(&template.plan))
    }

    fn looked(&self, world: &World, request: &GraphRequest<'_>) -> Answer {
        let mut memory = self.memory.lock().unwrap();
        let looks = memory.looked_at.entry(request.target.to_string()).or_default();
        *looks += 1;
        let is_turn = !self.lies.is_in_turns || *looks % 2 == 1;
        if let Some((answer, left)) = memory.old.get_mut(request.target.as_ref())
            && *left > 0
        {
            *left -= 1;
            if is_turn {
                return answer.clone();
            }
        }
        drop(memory);
        self.unfound(&request.target, 404)?;
        let target = request.target.trim_start_matches(&self.origin());
        let plain = target.trim_end_matches(PAGE).trim_end_matches(['?', '&']).to_owned();
        let answer = world.answer(&GraphRequest { target: plain.into(), ..request.clone() })?;
        Ok(self.paged(target, answer))
    }

    /// What was made a moment ago is not found.
    fn unfound(&self, text: &str, status: u16) -> Result<(), DirectoryError> {
        let mut memory = self.memory.lock().unwrap();
        let found = memory.unfound.iter_mut().find(|(id, left)| text.contains(id.as_str()) && **left > 0);
        let Some((_, left)) = found else { return Ok(()) };
        *left -= 1;
        Err(refused(status))
    }

    fn paged(&self, target: &str, mut answer: GraphAnswer) -> GraphAnswer {
        let Ok(mut body) = answer.json::<Value>() else { return answer };
        let Some(list) = body["value"].as_array().cloned() else { return answer };
        let is_first = !target.ends_with(PAGE);
        let next = format!("{target}{}{PAGE}", if target.contains('?') { '&' } else { '?' });
        if self.lies.is_double && is_first {
            body["@odata.nextLink"] = json!(format!("{}{next}", self.origin()));
        }
        if self.lies.begins_empty && is_first {
            body["@odata.nextLink"] = json!(format!("{}{next}", self.origin()));
            body["value"] = json!([]);
        }
        if self.lies.is_short {
            body["value"] = Value::from(&list[..list.len().saturating_sub(1)]);
        }
        answer.body = body.to_string().into_bytes();
        answer
    }

    fn changed(&self, world: &World, request: &GraphRequest<'_>) -> Answer {
        let body = request.body.as_deref().map(ToString::to_string).unwrap_or_default();
        self.unfound(&request.target, 404)?;
        self.unfound(&body, 400)?;
        if self.lies.old_looks > 0 {
            let targets: Vec<String> = self.memory.lock().unwrap().looked_at.keys().cloned().collect();
            for target in targets {
                let before = world.answer(&GraphRequest::get(target.as_str()));
                self.memory.lock().unwrap().old.insert(target, (before, self.lies.old_looks));
            }
        }
        let answer = self.script.carried_out(request)?;
        let id = answer.json::<Value>().ok().and_then(|object| Some(object["id"].as_str()?.to_owned()));
        if let Some(id) = id.filter(|_| request.method == Method::Post) {
            self.memory.lock().unwrap().unfound.insert(id, self.lies.unfound_requests);
        }
        Ok(answer)
    }
}

fn refused(status: u16) -> DirectoryError {
    DirectoryError::Refused(Refusal {
        status,
        code: "Played".to_owned(),
        message: "It is played.".to_owned(),
        request_id: None,
    })
}

#[async_trait]
impl Directory for Liar<'_, '_> {
    async fn send(&self, request: &GraphRequest<'_>) -> Answer {
        pause().await;
        let world = self.script.world;
        let count = {
            let mut memory = self.memory.lock().unwrap();
            memory.count += 1;
            memory.count - 1
        };
        match self.lies.from.filter(|(from, _)| count >= *from) {
            Some((_, Refused::Status(status))) => return Err(refused(status)),
            Some((_, Refused::NotSignedIn)) => {
                return Err(DirectoryError::NotSignedIn { why: "the session has ended".to_owned() });
            }
            Some((_, Refused::CutOff)) | None => {}
        }
        let mut answer =
            if request.method == Method::Get { self.looked(world, request) } else { self.changed(world, request) };
        if let (Some((from, Refused::CutOff)), Ok(answer)) = (self.lies.from, &mut answer)
            && count >= from
        {
            answer.body.truncate(answer.body.len() / 2);
        }
        answer
    }

    fn origin(&self) -> String {
        self.script.world.origin()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        self.script.world.signed_in().await
    }
}

/// Applies through a liar, and if that stops, once more through somebody honest; whether it stopped.
fn survives(template: &Template, referee: &Referee, lies: Lies) -> Option<String> {
    let world = template.world();
    let script = Script::new(&world, Some(referee), &[]);
    let first = Liar::new(&script, lies).apply(template);
    let why = first.as_ref().err().map(|error| format!("{error}: {:?}", error.source().map(ToString::to_string)));
    if why.is_some()
        && let Err(error) = Liar::new(&script, Lies::default()).apply(template)
    {
        panic!("{}, {lies:?}: {why:?}, then {error}: {:?}", template.scene.name(), error.source());
    }
    if let Some(fault) = referee.fault_at_end(&script) {
        panic!("{}, {lies:?}: {fault} ({why:?})", template.scene.name());
    }
    why
}

fn each_scene(test: &str, check: impl Fn(&Template, &Referee)) {
    for scene in Scene::ALL {
        let template = Template::new(scene, test);
        let referee = Referee::new(scene, &template.world());
        check(&template, &referee);
    }
}

#[test]
fn what_is_seen_late_is_waited_for() {
    each_scene("late", |template, referee| {
        for old_looks in [1, 2, 5, 10] {
            for is_in_turns in [false, true] {
                let lies = Lies { old_looks, is_in_turns, ..Lies::default() };
                assert_eq!(survives(template, referee, lies), None, "{lies:?}");
            }
        }
        for unfound_requests in [1, 3, 8] {
            let lies = Lies { unfound_requests, ..Lies::default() };
            assert_eq!(survives(template, referee, lies), None, "{lies:?}");
        }
    });
}

#[test]
fn what_is_never_seen_stops_it_and_is_gone_on_with_later() {
    each_scene("never", |template, referee| {
        for lies in
            [Lies { old_looks: 10_000, ..Lies::default() }, Lies { unfound_requests: 10_000, ..Lies::default() }]
        {
            let why = survives(template, referee, lies).unwrap();
            let words = ["nothing is to be seen of it", "is not found", "the tenant refused it"];
            assert!(words.iter().any(|words| why.contains(words)), "{why}");
        }
    });
}

#[test]
fn pages_that_overlap_or_are_empty_change_nothing_and_one_that_is_missing_is_no_reason_to_do_harm() {
    each_scene("pages", |template, referee| {
        for lies in [Lies { is_double: true, ..Lies::default() }, Lies { begins_empty: true, ..Lies::default() }] {
            assert_eq!(survives(template, referee, lies), None, "{lies:?}");
        }
        let why = survives(template, referee, Lies { is_short: true, ..Lies::default() }).unwrap();
        assert!(why.contains("is gone"), "{why}");
    });
}

#[test]
fn a_role_a_session_or_a_line_that_is_lost_at_any_request_stops_it_and_is_gone_on_with_later() {
    each_scene("lost", |template, referee| {
        let world = template.world();
        let script = Script::new(&world, None, &[]);
        let liar = Liar::new(&script, Lies::default());
        liar.apply(template).unwrap();
        let count = liar.memory.lock().unwrap().count;
        // In the usual form every third, as it comes.
        let (mut runs, step) = (0, if is_full() { 1 } else { 3 });
        for from in (0..count).step_by(step) {
            for refused in [Refused::Status(403), Refused::Status(429), Refused::Status(503), Refused::NotSignedIn] {
                survives(template, referee, Lies { from: Some((from, refused)), ..Lies::default() }).unwrap();
            }
            runs += 5;
            // The last answer says yes by its status alone.
            survives(template, referee, Lies { from: Some((from, Refused::CutOff)), ..Lies::default() });
        }
        println!("{}: {runs} runs that something ended for good", template.scene.name());
    });
}

#[test]
fn a_clock_that_is_wrong_changes_nothing() {
    each_scene("clock", |template, referee| {
        let world = template.world();
        let snapshot = world.snapshot();
        for hours in [-10_000, -1, 1, 10_000] {
            let at = world.clock.now().checked_add(SignedDuration::from_hours(hours)).unwrap();
            let plan = setup::plan(&snapshot, &template.scene.wanted(), at).unwrap();
            assert_eq!(plan.steps, template.plan.steps);
        }
        let script = Script::new(&world, Some(referee), &[]);
        world.clock.pass(SignedDuration::from_hours(2_000));
        Liar::new(&script, Lies::default()).apply(template).unwrap();
        assert_eq!(referee.fault_at_end(&script), None);
    });
}
