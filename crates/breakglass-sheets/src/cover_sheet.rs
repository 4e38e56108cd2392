//! The cover of what lies in a safe: what it is, who has the shares, and a log of openings to be filled in by hand.
//!
//! Nothing on it is secret. It names people with their telephone numbers, and is not for strangers all the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_custody::document::Account;
use breakglass_custody::signed_set::SignedSet;
use jiff::civil::Date;
use zeroize::Zeroizing;

use crate::blocks::{BODY_POINTS, Column, Room};
use crate::canvas::{Area, Style};
use crate::documents::{AbsentDocument, SealedDocument};
use crate::error::SheetError;
use crate::facts::{Checkpoint, Custodian, Tenant, check_accounts, check_documents, field, numbered};
use crate::flow::{Flow, HAIRLINE_POINTS};
use crate::margin::{Margin, NOT_FOR_STRANGERS};
use crate::paper::Paper;
use crate::typeface::{Face, Typefaces};
use crate::written::{About, written};

/// Points of a line of the log, in which somebody writes and signs.
const LOG_LINE_POINTS: f32 = 62.0;

/// What is written down of each opening.
const LOG_COLUMNS: [(&str, f32); 4] = [
    ("Date and time", 0.17),
    ("Names of all who were there", 0.29),
    ("Reason, and what was opened", 0.29),
    ("Two signatures", 0.25),
];

/// How documents stand on a cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Documents {
    /// As a list, with their ids; they lie elsewhere in full.
    Listed,
    /// As a list, and then in full.
    Full,
}

/// What is on the cover of a safe.
pub struct CoverSheet<'a> {
    /// The tenant.
    pub tenant: &'a Tenant,
    /// Which safe.
    pub safe: &'a str,
    /// The set of shares.
    pub set: &'a SignedSet,
    /// Who has the shares; shares that nobody has yet are named as such.
    pub custodians: &'a [Custodian],
    /// Whose passwords are sealed.
    pub accounts: &'a [Account],
    /// What is sealed to the set, in the order in which it is opened.
    pub documents: &'a [SealedDocument],
    /// What may count and is not among them.
    pub absent: &'a [AbsentDocument],
    /// Whether the documents are there in full.
    pub detail: Documents,
    /// How far the record had come.
    pub checkpoint: Option<&'a Checkpoint>,
    /// The date that stands on it.
    pub made_on: Date,
}

impl CoverSheet<'_> {
    /// The sheet as a PDF.
    ///
    /// # Errors
    /// A custodian has a share that there is not or that another one has, a document is not of the set, or something is
    /// missing or too long.
    pub fn pdf(&self, paper: Paper) -> Result<Zeroizing<Vec<u8>>, SheetError> {
        self.check()?;
        let faces = Typefaces::read()?;
        let mut flow = Flow::new(&faces, paper, BODY_POINTS);
        self.first_part(&mut flow);
        self.who(&mut flow);
        self.what(&mut flow);
        flow.next_page();
        log(&mut flow);
        if self.detail == Documents::Full {
            flow.next_page();
            flow.signed_set(self.set);
            flow.documents(self.documents, self.absent);
        }
        let mut leaves = flow.finished();
        let margin = Margin {
            tenant: self.tenant,
            set: self.set,
            title: "Cover of the safe".to_owned(),
            made_on: self.made_on,
            open: NOT_FOR_STRANGERS,
        };
        margin.put(&faces, paper, &mut leaves);
        let title = format!("Cover of the safe, set {}", self.set.set().id);
        written(&faces, paper, &leaves, &About { title, made_on: self.made_on })
    }

    fn check(&self) -> Result<(), SheetError> {
        self.tenant.check()?;
        field("name of the safe", self.safe)?;
        Custodian::check_all(self.custodians, self.set.set().quorum)?;
        check_accounts(self.accounts)?;
        check_documents(self.documents, self.absent, self.set)?;
        self.checkpoint.map_or(Ok(()), |checkpoint| field("name of the log", &checkpoint.origin))
    }

    fn first_part(&self, flow: &mut Flow<'_>) {
        let set = self.set.set();
        let (threshold, count) = (set.quorum.threshold().to_string(), set.quorum.count().to_string());
        flow.title("What lies in this safe");
        flow.say(
            "The documents in which the emergency passwords of *{}* are sealed, and *at most one* envelope with a share of the \
             key that opens them. Any *{} of the {}* shares open them; fewer open nothing, so two of a set never lie \
             together. Take out nothing without an entry in the log on the next page.",
            &[&self.tenant.name, &threshold, &count],
        );
        flow.space(4.0);
        flow.fact("Safe", Face::Bold, self.safe);
        flow.fact("Tenant", Face::Bold, &self.tenant.name);
        flow.fact("Id of the tenant", Face::Mono, &self.tenant.id);
        for (called, account) in numbered(self.accounts) {
            flow.fact(&called, Face::Mono, &account.user_principal_name);
        }
        flow.fact("Set of shares", Face::Mono, &set.id.to_string());
        flow.fact("Recipient", Face::Mono, &set.recipient.to_string());
        flow.fact("Its fingerprint", Face::Mono, &set.recipient.fingerprint().to_string());
        flow.fact("Operator key", Face::Mono, &self.set.operator().fingerprint().to_string());
        if let Some(checkpoint) = self.checkpoint {
            flow.fact("Ledger", Face::Mono, &checkpoint.origin);
            flow.fact("Its entries", Face::Mono, &checkpoint.size.to_string());
            flow.fact("Their root hash", Face::Mono, &STANDARD.encode(checkpoint.root));
        }
        flow.fact("Made on", Face::Plain, &self.made_on.to_string());
    }

    fn who(&self, flow: &mut Flow<'_>) {
        flow.heading_with("Who has which share", 80.0);
        let columns = [
            Column { heading: "Share", part: 0.1, face: Face::Bold },
            Column { heading: "Custodian", part: 0.36, face: Face::Plain },
            Column { heading: "Where", part: 0.27, face: Face::Plain },
            Column { heading: "Telephone", part: 0.27, face: Face::Mono },
        ];
        let rows: Vec<Vec<String>> = (1..=self.set.set().quorum.count())
            .map(|share| {
                let custodian = self.custodians.iter().find(|custodian| custodian.share == share);
                let name = custodian.map_or_else(|| "nobody yet".to_owned(), |custodian| custodian.name.clone());
                let site = custodian.and_then(|custodian| custodian.site.clone()).unwrap_or_default();
                let phone = custodian.and_then(|custodian| custodian.phone.clone()).unwrap_or_default();
                vec![share.to_string(), name, site, phone]
            })
            .collect();
        flow.table(Room { size: BODY_POINTS, lines: 3 }, &columns, &rows);
    }

    fn what(&self, flow: &mut Flow<'_>) {
        flow.heading_with("Documents", 60.0);
        if self.documents.is_empty() {
            flow.say("None: nothing that may count was sealed to the set and found when this sheet was made.", &[]);
            return flow.absent(self.absent);
        }
        flow.listed(self.documents, self.absent);
        if self.detail == Documents::Listed {
            flow.space(5.0);
            flow.say("They stand in full on the sheet of documents of each custodian.", &[]);
        }
        flow.absent(self.absent);
    }
}

/// An empty table to write in, to the end of the page.
fn log(flow: &mut Flow<'_>) {
    flow.title("Log of openings");
    flow.say(
        "Every time something is taken out or opened: a line here, at once, by two persons. After an opening the passwords are \
         changed and a new set is made; this log goes to whoever looks after the ledger.",
        &[],
    );
    flow.space(6.0);
    let mut x = flow.x;
    for (heading, part) in LOG_COLUMNS {
        flow.line_at(x, Style::new(Face::Bold, BODY_POINTS - 1.0), heading);
        x += part * flow.width;
    }
    flow.space(16.0);
    flow.rule(1.2);
    while flow.y + LOG_LINE_POINTS <= flow.bottom() {
        let mut x = flow.x;
        for (_, part) in LOG_COLUMNS {
            if x > flow.x {
                let (y, height) = (flow.y + 5.0, LOG_LINE_POINTS - 10.0);
                flow.leaf().filled(Area { x: x - 6.0, y, width: HAIRLINE_POINTS, height });
            }
            x += part * flow.width;
        }
        let width = LOG_COLUMNS.last().map_or(0.0, |(_, part)| part * flow.width);
        let y = flow.y + LOG_LINE_POINTS / 2.0;
        flow.leaf().filled(Area { x: x - width, y, width, height: HAIRLINE_POINTS / 2.0 });
        flow.space(LOG_LINE_POINTS);
        flow.rule(HAIRLINE_POINTS);
    }
}
