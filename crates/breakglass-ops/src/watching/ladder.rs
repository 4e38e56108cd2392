//! Who is told, by which channel, and from when on.
//!
//! **Invariant:** whatever an alert is about, every channel has a delivery of it: a channel whose recipients all stand further
//! up is used from the first step on. Whoever was told on one step is told on the next again. An answer by a link spares
//! only whoever it was, and only reminders.

use breakglass_custody::name::Name;

use super::incident::{Because, Incident};

/// Seconds without an answer, after which the next step is taken.
pub const WAIT_SECONDS_USUAL: i64 = 300;

/// One way to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The channel.
    pub channel: Name,
    /// Whom it reaches.
    pub recipient: Name,
    /// From which step on, from 0.
    pub from_step: u16,
}

/// Every way, and how long an answer is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// The ways.
    pub routes: Vec<Route>,
    /// Seconds without an answer, after which the next step is taken.
    pub wait_seconds: i64,
}

impl Ladder {
    /// The last step.
    #[must_use]
    pub fn last_step(&self) -> u16 {
        self.routes.iter().map(|route| route.from_step).max().unwrap_or(0)
    }

    /// The step of the next alert about an incident: one further if nobody answered, else the first.
    #[must_use]
    pub fn step(&self, incident: &Incident, because: Because) -> u16 {
        match (because, incident.alert()) {
            (Because::Unanswered, Some(last)) => last.step.saturating_add(1).min(self.last_step()),
            // What comes while nobody has answered does not begin at the bottom again.
            (_, Some(last)) if !incident.is_answered() => last.step.min(self.last_step()),
            _ => 0,
        }
    }

    /// The ways by which an alert goes.
    #[must_use]
    pub fn routes(&self, incident: &Incident, because: Because, step: u16) -> Vec<&Route> {
        let first_of = |channel: &Name| {
            let of_it = self.routes.iter().filter(|route| route.channel == *channel);
            of_it.map(|route| route.from_step).min().unwrap_or(0)
        };
        let is_spared = |route: &&Route| because == Because::Unanswered && incident.is_answered_by(&route.recipient);
        let routes = self.routes.iter().filter(|route| route.from_step <= step.max(first_of(&route.channel)));
        routes.filter(|route| !is_spared(route)).collect()
    }
}
