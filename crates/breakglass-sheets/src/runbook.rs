//! One page for somebody who is locked out of everything at night.
//!
//! **Invariant:** it is one page. Where not all custodians fit there are as many as are needed and more, and a line says how
//! many were left away and where they stand; where that is not enough, fewer security keys are named.
//! What is repaired is what E1 to E4 of the requirements are about, and as little as lets an everyday administrator in.

use breakglass_custody::document::Account;
use breakglass_custody::signed_set::SignedSet;
use jiff::civil::Date;
use zeroize::Zeroizing;

use crate::blocks::{Column, Room, TYPED_LINES_MAX};
use crate::canvas::{Leaf, Style};
use crate::error::SheetError;
use crate::facts::{Custodian, PLACE_COUNT_MAX, Tenant, check_accounts, field, numbered, some};
use crate::flow::Flow;
use crate::margin::{Margin, NOT_FOR_STRANGERS};
use crate::paper::Paper;
use crate::second_factors::SecondFactors;
use crate::shown::shown;
use crate::spans::spans;
use crate::typeface::{Face, Typefaces};
use crate::written::{About, written};

/// Points of a sentence, the largest first: the page is set in the largest in which everything fits.
const TEXT_POINTS: [f32; 6] = [11.0, 10.5, 10.0, 9.5, 9.0, 8.5];

/// Characters of the longest sign-in name that commands are shown with.
const TYPED_CHARS_MAX: usize = 64;

/// What is on the page.
pub struct Runbook<'a> {
    /// The tenant.
    pub tenant: &'a Tenant,
    /// The set of shares that opens what is sealed now.
    pub set: &'a SignedSet,
    /// Who has the shares. Whoever is called first stands first.
    pub custodians: &'a [Custodian],
    /// The reserve that opens as well, and who has its shares outside, if there is one.
    pub reserve: Option<(&'a SignedSet, &'a [Custodian])>,
    /// The accounts.
    pub accounts: &'a [Account],
    /// The folder of the configuration on the machine where breakglass is set up: commands are typed there.
    pub folder: &'a str,
    /// Where the documents are, on paper or on computers that need nothing of the tenant; what is at hand without that
    /// machine stands first.
    pub documents_at: &'a [String],
    /// What the accounts prove themselves with besides the password, and where it lies.
    pub second_factors: SecondFactors<'a>,
    /// The group that is excluded from all policies, if there is one.
    pub exclusion_group: Option<&'a str>,
    /// Who is told at once, with a telephone number.
    pub report_to: &'a str,
    /// The date that stands on it.
    pub made_on: Date,
}

impl Runbook<'_> {
    /// The page as a PDF.
    ///
    /// # Errors
    /// It does not fit a page with as many custodians as are needed, or something is missing or too long.
    pub fn pdf(&self, paper: Paper) -> Result<Zeroizing<Vec<u8>>, SheetError> {
        self.check()?;
        let faces = Typefaces::read()?;
        let least = usize::from(self.set.set().quorum.threshold()).min(self.custodians.len());
        let mut leaves = self.fitting(&faces, paper, least).ok_or(SheetError::Full { custodians: least })?;
        let margin = Margin {
            tenant: self.tenant,
            set: self.set,
            title: "Runbook".to_owned(),
            made_on: self.made_on,
            open: NOT_FOR_STRANGERS,
        };
        margin.put(&faces, paper, &mut leaves);
        let title = format!("Runbook, set {}", self.set.set().id);
        written(&faces, paper, &leaves, &About { title, made_on: self.made_on })
    }

    /// The page with all custodians in the largest size that fits, or in the smallest with as many of them as fit, or with
    /// the fewest and as many security keys.
    fn fitting(&self, faces: &Typefaces, paper: Paper, least: usize) -> Option<Vec<Leaf>> {
        let (all, named) = (self.custodians.len(), self.second_factors.named_count());
        let sizes = TEXT_POINTS.iter().map(|size| (*size, all, named));
        let smallest = TEXT_POINTS.last().copied()?;
        let fewer = (least..all).rev().map(|count| (smallest, count, named));
        let fewest = (0..named).rev().map(|named| (smallest, least, named));
        let settings = sizes.chain(fewer).chain(fewest).map(|(size, count, named)| {
            let mut flow = Flow::new(faces, paper, size);
            self.page(&mut flow, (count, named));
            flow.finished()
        });
        settings.into_iter().find(|leaves| leaves.len() == 1)
    }

    fn check(&self) -> Result<(), SheetError> {
        self.tenant.check()?;
        Custodian::check_all(self.custodians, self.set.set().quorum)?;
        if let Some((reserve, custodians)) = self.reserve {
            Custodian::check_all(custodians, reserve.set().quorum)?;
        }
        check_accounts(self.accounts)?;
        field("folder of the configuration", self.folder)?;
        some("places of documents", self.documents_at.len(), PLACE_COUNT_MAX)?;
        for place in self.documents_at {
            field("place of documents", place)?;
        }
        self.second_factors.check()?;
        if let Some(group) = self.exclusion_group {
            field("exclusion group", group)?;
        }
        field("person to report to", self.report_to)
    }

    fn page(&self, flow: &mut Flow<'_>, (custodians, named): (usize, usize)) {
        self.head(flow);
        self.call(flow, custodians);
        self.open(flow);
        self.sign_in(flow, named);
        never(flow);
        flow.beside(20.0, |flow| self.repair(flow), |flow| self.afterwards(flow));
    }

    fn head(&self, flow: &mut Flow<'_>) {
        flow.banner("LOCKED OUT?", "start at 1 and go on line by line");
        let style = Style::new(Face::Bold, 17.0);
        for line in flow.measure(style.size, flow.width).at_most(Face::Bold, &self.tenant.name, 2) {
            flow.line_at(flow.x, style, &line);
            flow.space(style.size * 1.2);
        }
        flow.space(style.size * 0.2);
        flow.typed_fact("Id of the tenant", Face::Mono, &self.tenant.id);
        for (called, account) in numbered(self.accounts) {
            flow.typed_fact(&called, Face::Mono, &account.user_principal_name);
        }
    }

    fn call(&self, flow: &mut Flow<'_>, count: usize) {
        let quorum = self.set.set().quorum;
        flow.part(&format!("1  Call, until {} of these say yes", quorum.threshold()));
        let columns = [
            Column { heading: "Custodian", part: 0.37, face: Face::Bold },
            Column { heading: "Telephone", part: 0.27, face: Face::Mono },
            Column { heading: "Where", part: 0.26, face: Face::Plain },
            Column { heading: "Share", part: 0.1, face: Face::Plain },
        ];
        let shown = self.custodians.iter().take(count);
        let rows: Vec<Vec<String>> = shown
            .map(|custodian| {
                let phone = custodian.phone.clone().unwrap_or_else(|| "not given".to_owned());
                vec![
                    custodian.name.clone(),
                    phone,
                    custodian.site.clone().unwrap_or_default(),
                    custodian.share.to_string(),
                ]
            })
            .collect();
        let room = Room { size: flow.size, lines: 2 };
        flow.table(room, &columns, &rows);
        let left = self.custodians.len() - count;
        if left > 0 {
            let left = left.to_string();
            flow.small("*{} more custodians* did not fit here: they stand on the cover in the safe.", &[&left]);
        }
        flow.small(
            "Each brings the sheet of the set *{}*. Tell {} now. Never be alone with it.",
            &[&self.set.set().id.to_string(), self.report_to],
        );
        self.call_outside(flow);
    }

    /// Who has the reserve: for whoever cannot reach enough of those above.
    fn call_outside(&self, flow: &mut Flow<'_>) {
        let Some((reserve, holders)) = self.reserve else { return };
        let reserve = reserve.set();
        let called = holders.iter().map(|holder| match &holder.phone {
            Some(phone) => format!("{} {phone}", holder.name),
            None => holder.name.clone(),
        });
        let called: Vec<String> = called.collect();
        flow.small(
            "*Too few can be reached?* The reserve *{}* opens as well, with any {} of: {}. Then add `--reserve` under 2.",
            &[&reserve.id.to_string(), &reserve.quorum.threshold().to_string(), &called.join("; ")],
        );
    }

    fn open(&self, flow: &mut Flow<'_>) {
        flow.part("2  Open the password");
        flow.tick(
            "*breakglass works:* type all commands in the folder `{}` on the machine where it is set up. `YOU` and `OTHER` are \
             ids of two people whose key files, `YOU.key` and `OTHER.key`, are there; a wrong id shows all ids. A line that ends \
             with `\\` goes on below.",
            &[self.folder],
        );
        let commands = [
            "breakglass checkout request --account {} --person YOU --reason WHY",
            "breakglass checkout approve --account {} --person OTHER",
            "breakglass checkout open --account {}",
        ];
        let account = self.account(flow);
        flow.typed(&commands, account);
        flow.tick(
            "*It does not:* any computer you trust, offline. Copy the text of the document that *counts* into a file, here \
             `FILE`.",
            &[],
        );
        let operator = self.set.operator().fingerprint().to_string();
        flow.typed(&["breakglass custody open --document FILE --operator {}"], &operator);
        let places: Vec<&str> = self.documents_at.iter().map(String::as_str).collect();
        let holes = vec!["{}"; places.len()].join("; or ");
        flow.tick(
            &format!("*Documents are here:* {holes}. *No breakglass at all:* every custodian’s sheet says how."),
            &places,
        );
    }

    /// The sign-in name that commands are shown with here, if they are typed in one go with it.
    fn account(&self, flow: &Flow<'_>) -> &str {
        let name = self.accounts.first().map(|account| account.user_principal_name.as_str());
        let is_short = |name: &&str| shown(Face::Mono, name).chars().count() <= TYPED_CHARS_MAX;
        name.filter(is_short).filter(|name| flow.has_room_for(name)).unwrap_or("ACCOUNT")
    }

    fn sign_in(&self, flow: &mut Flow<'_>, named: usize) {
        flow.part("3  Sign in");
        flow.tick(
            "In a *private window* open `{}`. Type account and password. The alarm goes off; it should.",
            &[&self.tenant.sign_in_address],
        );
        for filled in self.second_factors.sentences(named) {
            let fillings: Vec<&str> = filled.fillings.iter().map(String::as_str).collect();
            flow.tick(&filled.sentence, &fillings);
        }
        let other = if self.accounts.len() > 1 { ", then another account" } else { "" };
        let next = format!("Then the next document{other}.");
        flow.tick(&format!("*It fails:* type once more, slowly. {next} Ten failures lock it for a while."), &[]);
    }

    fn repair(&self, flow: &mut Flow<'_>) {
        flow.part("4  Repair only what locks you out");
        let policy = "*A policy keeps people out:* the sign-in log names it. Set it to *Report-only*";
        if let Some(group) = self.exclusion_group {
            flow.tick(&format!("{policy}; exclude *{{}}* from it before it is on again."), &[group]);
        } else {
            flow.tick(&format!("{policy}."), &[]);
        }
        flow.tick("*Security defaults* demand what nobody has: Overview, Properties, switch them off, for hours.", &[]);
        flow.tick(
            "*Second factors are down:* exclude one administrator whom you know from the policy that asks, for hours.",
            &[],
        );
        flow.tick(
            "*No administrator is left:* enable one, or assign *Global Administrator* to a person you can see.",
            &[],
        );
        flow.tick(
            "*An attacker is in:* block sign-in of the accounts taken and revoke their sessions first; \
             then look for new administrators and applications.",
            &[],
        );
        flow.tick("*Done* when an everyday administrator signs in.", &[]);
    }

    fn afterwards(&self, flow: &mut Flow<'_>) {
        flow.part("5  Afterwards, today");
        let account = self.account(flow);
        flow.tick("Sign out. Undo what was loosened under 4.", &[]);
        flow.typed_step("breakglass checkout return --account {} --person YOU", account);
        flow.tick("Opened offline; `TIME` is the time when it was opened, as `2026-11-27T03:00:00Z`:", &[]);
        flow.typed(
            &["breakglass custody record-opening --document ID --opened-at TIME --person YOU --person OTHER --reason WHY"],
            "",
        );
        flow.typed_step("breakglass rotate --account {}", account);
        flow.tick("Write it into the log in the safe: when, who, why. Call {}.", &[self.report_to]);
    }
}

fn never(flow: &mut Flow<'_>) {
    let sentence = "*Do not* delete policies, groups or users: switch off, note it down. *Do not* change or delete the emergency \
                    accounts. *Do not* send, photograph or save a password or a share. *Do not* silence the alarm, or use the \
                    account otherwise.";
    flow.step("\u{d7}", &spans(sentence, &[]));
}

impl Flow<'_> {
    /// A name that somebody has to type: whole, if there is any way.
    fn typed_fact(&mut self, called: &str, face: Face, value: &str) {
        self.fact_in(Room { size: self.size, lines: TYPED_LINES_MAX }, called, face, value);
    }

    fn part(&mut self, text: &str) {
        let style = Style::new(Face::Bold, self.size * 1.25);
        self.space(3.5);
        self.line_at(self.x, style, text);
        self.y += style.leading();
        self.rule(1.2);
        self.space(2.5);
    }

    fn small(&mut self, sentence: &str, fillings: &[&str]) {
        self.space(2.0);
        self.paragraph(0.0, &spans(sentence, fillings));
    }

    fn tick(&mut self, sentence: &str, fillings: &[&str]) {
        self.step("", &spans(sentence, fillings));
    }
}
