//! One custodian's share on paper. It is secret, and for that custodian alone.
//!
//! The first page has the words; the others have nothing secret: what the custodian does, how to open with and without this
//! program, and the documents in full that there are. A sheet of a new set has none: they come on a
//! [sheet of their own](crate::document_sheet) after each rotation, and there are lines to note it.
//! **Invariant:** of shares there is the one that was handed in, on the first page, and nothing of any other. There is no
//! picture of its words, which would ask for a camera.

use breakglass_custody::document::Account;
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::slip39::Share;
use jiff::civil::Date;
use zeroize::Zeroizing;

use crate::blocks::BODY_POINTS;
use crate::canvas::{Area, Style};
use crate::documents::{AbsentDocument, SealedDocument};
use crate::error::SheetError;
use crate::facts::{Custodian, Tenant, check_accounts, check_documents, field, numbered};
use crate::flow::{Flow, HAIRLINE_POINTS};
use crate::margin::{Margin, NOT_SECRET};
use crate::paper::Paper;
use crate::shown::shown;
use crate::typeface::{Face, Typefaces};
use crate::written::{About, written};

/// Columns of words.
const COLUMN_COUNT: u8 = 3;

/// Points of a word: read at arm's length.
const WORD_POINTS: f32 = 15.5;

/// Points of the number of a word.
const NUMBER_POINTS: f32 = 10.0;

/// Points from one word to the one below.
const WORD_LEADING_POINTS: f32 = 23.0;

/// Lines to note which documents lie with the sheet.
const NOTE_COUNT: u8 = 5;

/// Points from one of them to the next: room to write.
const NOTE_LEADING_POINTS: f32 = 26.0;

/// What is on the sheet of one custodian.
pub struct ShareSheet<'a> {
    /// The tenant.
    pub tenant: &'a Tenant,
    /// The set that the share is of.
    pub set: &'a SignedSet,
    /// The share.
    pub share: &'a Share,
    /// Whose it is.
    pub custodian: &'a Custodian,
    /// Whether the set is the reserve, whose shares are held outside.
    pub is_reserve: bool,
    /// Whose passwords are sealed to the set, or will be.
    pub accounts: &'a [Account],
    /// What is sealed to the set so far, in the order in which it is opened; nothing, as long as it is new.
    pub documents: &'a [SealedDocument],
    /// What may count and is not among them.
    pub absent: &'a [AbsentDocument],
    /// Whom the custodian calls when the sheet is lost, with a telephone number.
    pub report_to: &'a str,
    /// The date that stands on it.
    pub made_on: Date,
}

impl ShareSheet<'_> {
    /// The sheet as a PDF. It is as secret as the share.
    ///
    /// # Errors
    /// The share is another than the custodian's, a document is not of the set, or something is missing or too long.
    pub fn pdf(&self, paper: Paper) -> Result<Zeroizing<Vec<u8>>, SheetError> {
        self.check()?;
        let faces = Typefaces::read()?;
        let mut flow = Flow::new(&faces, paper, BODY_POINTS);
        self.first_page(&mut flow);
        // With long names a few facts may be on a second page already.
        if flow.page_count() == 1 {
            flow.next_page();
        }
        flow.custodian_duties(self.set.set(), self.report_to);
        flow.opening_with_breakglass(self.set, self.is_reserve);
        flow.next_page();
        flow.opening_with_others(self.set.set());
        flow.next_page();
        self.last_pages(&mut flow);
        let mut leaves = flow.finished();
        let title = format!("Share {} of {}", self.custodian.share, self.set.set().quorum.count());
        let margin = Margin {
            tenant: self.tenant,
            set: self.set,
            title: format!("{title}, for {}", shown(Face::Plain, &self.custodian.name)),
            made_on: self.made_on,
            open: NOT_SECRET,
        };
        margin.put(&faces, paper, &mut leaves);
        let title = format!("{title} of the set {}: secret", self.set.set().id);
        written(&faces, paper, &leaves, &About { title, made_on: self.made_on })
    }

    fn check(&self) -> Result<(), SheetError> {
        self.tenant.check()?;
        self.custodian.check(self.set.set().quorum)?;
        self.custodian.check_share(self.share, self.set)?;
        check_accounts(self.accounts)?;
        check_documents(self.documents, self.absent, self.set)?;
        field("person to report to", self.report_to)
    }

    fn first_page(&self, flow: &mut Flow<'_>) {
        let set = self.set.set();
        let (threshold, count) = (set.quorum.threshold().to_string(), set.quorum.count().to_string());
        flow.banner("SECRET", &format!("for {} alone", self.custodian.name));
        flow.title(&format!("Share {} of {count}", self.custodian.share));
        flow.say(
            "One part of the key to the emergency passwords of *{}.* Any *{} of the {}* shares together open them; this \
             one alone opens nothing. Found this sheet? Please call {}.",
            &[&self.tenant.name, &threshold, &count, self.report_to],
        );
        if self.is_reserve {
            flow.say(
                "This is *the reserve*: it is kept closed, and is asked for only when too few people inside can be reached. \
                 Hand it to nobody but two people whom you know to speak for *{}.*",
                &[&self.tenant.name],
            );
        }
        flow.heading_with("Your 33 words", 11.0 * WORD_LEADING_POINTS + 50.0);
        self.words(flow);
        flow.heading("What it belongs to");
        flow.fact("Set of shares", Face::Mono, &set.id.to_string());
        flow.fact("Custodian", Face::Bold, &self.custodian.name);
        flow.fact("Tenant", Face::Bold, &self.tenant.name);
        flow.fact("Id of the tenant", Face::Mono, &self.tenant.id);
        for (called, account) in numbered(self.accounts) {
            flow.fact(&called, Face::Mono, &account.user_principal_name);
        }
        flow.fact("Recipient", Face::Mono, &set.recipient.to_string());
        flow.fact("Its fingerprint", Face::Mono, &set.recipient.fingerprint().to_string());
        flow.fact("Operator key", Face::Mono, &self.set.operator().fingerprint().to_string());
        flow.fact("Made on", Face::Plain, &self.made_on.to_string());
    }

    /// The words with their numbers, down the columns.
    fn words(&self, flow: &mut Flow<'_>) {
        let (top, x, width) = (flow.y, flow.x, flow.width);
        flow.leaf().is_secret = true;
        let inset = 14.0;
        let column = (width - inset) / f32::from(COLUMN_COUNT);
        let rows = self.share.with_words(|words| {
            let rows = words.split(' ').count().div_ceil(usize::from(COLUMN_COUNT));
            let (mut down, mut left) = (0, x + inset);
            flow.space(10.0);
            for (number, word) in (1..).zip(words.split(' ')) {
                let number = format!("{number:>2}");
                // Both stand on one line.
                flow.space(WORD_POINTS - NUMBER_POINTS);
                flow.line_at(left, Style::new(Face::Plain, NUMBER_POINTS), &number);
                flow.space(NUMBER_POINTS - WORD_POINTS);
                flow.line_at(left + 22.0, Style::new(Face::Mono, WORD_POINTS), word);
                flow.space(WORD_LEADING_POINTS);
                down += 1;
                if down == rows {
                    (down, left, flow.y) = (0, left + column, top + 10.0);
                }
            }
            rows
        });
        let height = (0..rows).map(|_| WORD_LEADING_POINTS).sum::<f32>() + 14.0;
        flow.leaf().framed(Area { x, y: top, width, height }, 1.2);
        flow.y = top + height;
        flow.space(6.0);
        flow.say(
            "Read down each column. All are small letters. The first two words are the name of the set, and the same on \
             every share of it.",
            &[],
        );
    }

    fn last_pages(&self, flow: &mut Flow<'_>) {
        flow.signed_set(self.set);
        if self.documents.is_empty() {
            flow.heading("Documents");
            flow.say("None yet: when this sheet was made nothing was sealed to the set.", &[]);
        }
        flow.absent(self.absent);
        flow.documents(self.documents, self.absent);
        later(flow);
    }
}

/// Where documents are that come after the sheet, and lines to note which lie with it.
fn later(flow: &mut Flow<'_>) {
    let room = NOTE_LEADING_POINTS * f32::from(NOTE_COUNT);
    flow.heading_with("What is sealed later", room + 4.0 * Style::new(Face::Plain, flow.size).leading());
    flow.say(
        "It is not on this sheet. After each rotation you are given a new *sheet of documents,* which `breakglass custody sheet \
         documents` makes: keep the last one with this sheet, and note it here. If you have none, the *cover in the safe* has \
         the documents too.",
        &[],
    );
    let style = Style::new(Face::Plain, flow.size);
    for _ in 0..NOTE_COUNT {
        flow.space(NOTE_LEADING_POINTS - style.leading() - HAIRLINE_POINTS);
        flow.line_at(flow.x, style, "Kept with this sheet: the documents, printed on");
        flow.line_at(flow.x + flow.width * 0.72, style, "by");
        flow.space(style.leading());
        flow.rule(HAIRLINE_POINTS);
    }
}
