//! The documents that lie with a custodian's share: printed anew whenever something was sealed, the same for each of them.
//!
//! A share that was made before anything was sealed opens nothing without it, and may be on no sheet at all. So it has the
//! documents in full, which of them is opened first, and how, with and without this program.
//! **Invariant:** nothing on it is secret, and nobody is named on it.

use breakglass_custody::document::Account;
use breakglass_custody::signed_set::SignedSet;
use jiff::civil::Date;
use zeroize::Zeroizing;

use crate::blocks::BODY_POINTS;
use crate::documents::{AbsentDocument, SealedDocument};
use crate::error::SheetError;
use crate::facts::{Tenant, check_accounts, check_documents, numbered};
use crate::flow::Flow;
use crate::margin::{Margin, NOT_SECRET};
use crate::paper::Paper;
use crate::typeface::{Face, Typefaces};
use crate::written::{About, written};

/// What is on a sheet of documents.
pub struct DocumentSheet<'a> {
    /// The tenant.
    pub tenant: &'a Tenant,
    /// The set whose shares open them.
    pub set: &'a SignedSet,
    /// Whether the set is the reserve, whose shares are held outside.
    pub is_reserve: bool,
    /// Whose passwords are sealed.
    pub accounts: &'a [Account],
    /// What is sealed to the set, in the order in which it is opened.
    pub documents: &'a [SealedDocument],
    /// What may count and is not among them.
    pub absent: &'a [AbsentDocument],
    /// The date that stands on it.
    pub made_on: Date,
}

impl DocumentSheet<'_> {
    /// The sheet as a PDF.
    ///
    /// # Errors
    /// A document is not of the set, or something is missing or too long.
    pub fn pdf(&self, paper: Paper) -> Result<Zeroizing<Vec<u8>>, SheetError> {
        self.check()?;
        let faces = Typefaces::read()?;
        let mut flow = Flow::new(&faces, paper, BODY_POINTS);
        self.first_part(&mut flow);
        flow.opening_with_breakglass(self.set, self.is_reserve);
        flow.next_page();
        flow.opening_with_others(self.set.set());
        flow.next_page();
        flow.signed_set(self.set);
        flow.documents(self.documents, self.absent);
        let mut leaves = flow.finished();
        let margin = Margin {
            tenant: self.tenant,
            set: self.set,
            title: "Documents".to_owned(),
            made_on: self.made_on,
            open: NOT_SECRET,
        };
        margin.put(&faces, paper, &mut leaves);
        let title = format!("Documents, set {}", self.set.set().id);
        written(&faces, paper, &leaves, &About { title, made_on: self.made_on })
    }

    fn check(&self) -> Result<(), SheetError> {
        self.tenant.check()?;
        check_accounts(self.accounts)?;
        check_documents(self.documents, self.absent, self.set)
    }

    fn first_part(&self, flow: &mut Flow<'_>) {
        let set = self.set.set();
        let (threshold, count) = (set.quorum.threshold().to_string(), set.quorum.count().to_string());
        flow.title("What the shares open");
        flow.say(
            "The documents in which the emergency passwords of *{}* are sealed. Any *{} of the {}* shares of the set *{}* open \
             them, and shares open nothing without them. *Keep this with your share.* The one that was printed last goes \
             before all others.",
            &[&self.tenant.name, &threshold, &count, &set.id.to_string()],
        );
        flow.space(4.0);
        flow.fact("Printed on", Face::Bold, &self.made_on.to_string());
        flow.fact("Tenant", Face::Bold, &self.tenant.name);
        flow.fact("Id of the tenant", Face::Mono, &self.tenant.id);
        for (called, account) in numbered(self.accounts) {
            flow.fact(&called, Face::Mono, &account.user_principal_name);
        }
        flow.fact("Recipient", Face::Mono, &set.recipient.to_string());
        flow.fact("Operator key", Face::Mono, &self.set.operator().fingerprint().to_string());
        flow.heading("Documents");
        if self.documents.is_empty() {
            flow.say("None: nothing that may count was sealed to the set and found when this sheet was made.", &[]);
        } else {
            flow.listed(self.documents, self.absent);
        }
        flow.absent(self.absent);
    }
}
