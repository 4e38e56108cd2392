//! Randomness from a seed, and a tenant with everything that is put on paper.

use breakglass_custody::document::{Account, CredentialKind, EnvelopeId, Label};
use breakglass_custody::password::{LENGTH_CHARS_USUAL, Password};
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::seal;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use breakglass_custody::slip39::Share;
use breakglass_sheets::cover_sheet::{CoverSheet, Documents};
use breakglass_sheets::document_sheet::DocumentSheet;
use breakglass_sheets::runbook::Runbook;
use breakglass_sheets::share_sheet::ShareSheet;
use breakglass_sheets::{
    AbsentDocument, Custodian, DocumentStanding, OnRecord, SealedDocument, SecondFactor, SecondFactors, Tenant,
};
use jiff::civil::{Date, date};

pub(crate) const MADE_ON: Date = date(2026, 11, 27);
pub(crate) const REPORT_TO: &str = "Dana Fischer, +49 30 5550 100";
pub(crate) const FOLDER: &str = "/srv/breakglass/contoso";

/// Bytes that are as good as random, from a seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn fill(&mut self) -> impl FnMut(&mut [u8]) -> Result<(), ()> {
        |bytes: &mut [u8]| {
            for byte in bytes {
                *byte = self.next().to_be_bytes()[0];
            }
            Ok(())
        }
    }

    /// A text of up to so many characters of every kind, nasty ones too.
    pub(crate) fn text(&mut self, chars_max: usize) -> String {
        const NASTY: &[char] = &[
            '\u{202e}', '\n', '\0', '\u{200b}', ' ', ' ', '-', '-', '\\', '`', '*', '{', '}', 'ü', 'Ж', 'λ', 'א',
            '\u{301}', '🔑', '\u{feff}', '@', '"', '…', '\u{ad}', 'W', 'W', 'i',
        ];
        let count = 1 + self.below(chars_max);
        let plain = self.below(2) == 0;
        (0..count)
            .map(|_| match self.below(8) {
                0 if !plain => char::from_u32(u32::try_from(self.below(0x11_0000)).unwrap()).unwrap_or('?'),
                1..=3 if !plain => NASTY[self.below(NASTY.len())],
                4 => ' ',
                _ => char::from(b'a' + u8::try_from(self.below(26)).unwrap()),
            })
            .collect()
    }

    /// A text as an account may be named: on one line.
    fn name(&mut self, chars_max: usize) -> String {
        let name: String = self.text(chars_max).chars().filter(|character| !character.is_control()).collect();
        if name.is_empty() { "name".to_owned() } else { name }
    }
}

/// A set with its shares and what is sealed to it, and the people.
pub(crate) struct World {
    pub(crate) tenant: Tenant,
    pub(crate) set: SignedSet,
    pub(crate) shares: Vec<Share>,
    pub(crate) custodians: Vec<Custodian>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) documents: Vec<SealedDocument>,
    pub(crate) absent: Vec<AbsentDocument>,
    pub(crate) passwords: Vec<Password>,
    pub(crate) folder: String,
    pub(crate) places: Vec<String>,
    /// What the record has of second factors; somebody tells of them where it is not asked.
    pub(crate) on_record: Option<Vec<OnRecord>>,
}

/// A tenant that is like others: three of five, two accounts.
pub(crate) fn world(seed: u64) -> World {
    let mut dice = Dice::new(seed);
    let accounts = ["break-glass-1@contoso.onmicrosoft.com", "break-glass-2@contoso.onmicrosoft.com"];
    let accounts = accounts.map(|name| Account { id: format!("id-of-{name}"), user_principal_name: name.to_owned() });
    let people = ["Jürgen Weiß", "Aylin Şahin", "Marta Żółkiewska", "Tom Okafor", "Dr. Lindqvist"];
    let custodians = (1..).zip(people).map(|(share, name)| Custodian {
        name: name.to_owned(),
        site: Some(format!("Berlin, house {share}")),
        phone: Some(format!("+49 30 5550 11{share}")),
        share,
    });
    let tenant = Tenant {
        name: "Contoso Görlitz".to_owned(),
        id: "6f1c2b8e-52d4-4c5e-9a67-0a4e8c6b1d23".to_owned(),
        sign_in_address: "https://entra.microsoft.com".to_owned(),
    };
    dice.world(Quorum::new(3, 5).unwrap(), tenant, custodians.collect(), accounts.to_vec())
}

impl Dice {
    fn world(&mut self, quorum: Quorum, tenant: Tenant, custodians: Vec<Custodian>, accounts: Vec<Account>) -> World {
        let SplitKey { set, shares } = SealingKey::generate(self.fill()).unwrap().split(quorum, self.fill()).unwrap();
        let operator = SigningKey::generate(self.fill()).unwrap();
        let sealed_on = "2026-11-27T03:00:00Z".parse().unwrap();
        let set = SignedSet::sign(&set, sealed_on, &operator).unwrap();
        let (mut documents, mut passwords) = (Vec::new(), Vec::new());
        for account in &accounts {
            let label = Label {
                envelope: EnvelopeId::generate(self.fill()).unwrap(),
                set: set.set().clone(),
                reserve: None,
                account: account.clone(),
                credential: CredentialKind::Password,
                version: 3,
                sealed_on,
            };
            let password = Password::generate(LENGTH_CHARS_USUAL, self.fill()).unwrap();
            let document = seal(&password, &label, &set, &operator).unwrap();
            documents.push(SealedDocument { document, standing: DocumentStanding::Counts });
            passwords.push(password);
        }
        let places = vec!["in safe 2, Berlin".to_owned()];
        let folder = FOLDER.to_owned();
        let (absent, on_record) = (Vec::new(), None);
        World { tenant, set, shares, custodians, accounts, documents, absent, passwords, folder, places, on_record }
    }

    /// A tenant with names that nobody has, of any length that is taken.
    pub(crate) fn odd_world(&mut self) -> World {
        let count = 3 + self.below(14);
        let threshold = u8::try_from(2 + self.below(count - 2)).unwrap();
        let quorum = Quorum::new(threshold, u8::try_from(count).unwrap()).unwrap();
        let chars = [20, 60, 256][self.below(3)];
        let tenant = Tenant { name: self.text(chars), id: self.text(chars), sign_in_address: self.text(chars) };
        let custodians = (1..=quorum.count()).map(|share| Custodian {
            name: self.text(chars),
            site: (share % 2 == 0).then(|| self.text(chars)),
            phone: (share % 3 != 0).then(|| self.text(chars)),
            share,
        });
        let custodians = custodians.collect();
        let accounts =
            (0..=self.below(3)).map(|_| Account { id: self.name(chars), user_principal_name: self.name(chars) });
        let accounts = accounts.collect();
        let mut world = self.world(quorum, tenant, custodians, accounts);
        world.places = vec![self.text(chars)];
        // Drawn from elsewhere, so that the worlds of a seed stay what they are.
        let mut others = Self::new(self.0 ^ 0x6b65_7973);
        world.folder = others.text(chars);
        world.on_record = Some(world.accounts.iter().map(|_| others.on_record(chars)).collect());
        world
    }

    /// Whatever a record may have of an account.
    fn on_record(&mut self, chars_max: usize) -> OnRecord {
        let mut factors = Vec::new();
        match self.below(5) {
            0 => return OnRecord::Lacks,
            1 => return OnRecord::Untold,
            _ => {}
        }
        for _ in 0..self.below(5) {
            let document = (self.below(2) == 0).then(|| self.text(64));
            factors.push(if self.below(3) == 0 {
                SecondFactor::Certificate { name: self.text(chars_max), document }
            } else {
                SecondFactor::Key {
                    name: self.text(chars_max),
                    place: self.text(chars_max),
                    held_by: self.text(chars_max),
                    pin_held_by: self.text(chars_max),
                    pin_document: document,
                }
            });
        }
        OnRecord::Has(factors)
    }
}

impl World {
    /// The sheet of a custodian, by the number of the share.
    pub(crate) fn share_sheet(&self, share: usize) -> ShareSheet<'_> {
        ShareSheet {
            tenant: &self.tenant,
            set: &self.set,
            share: &self.shares[share - 1],
            custodian: &self.custodians[share - 1],
            is_reserve: false,
            accounts: &self.accounts,
            documents: &self.documents,
            absent: &self.absent,
            report_to: REPORT_TO,
            made_on: MADE_ON,
        }
    }

    pub(crate) fn cover_sheet(&self) -> CoverSheet<'_> {
        CoverSheet {
            tenant: &self.tenant,
            safe: "Safe 2, Berlin",
            set: &self.set,
            custodians: &self.custodians,
            accounts: &self.accounts,
            documents: &self.documents,
            absent: &self.absent,
            detail: Documents::Full,
            checkpoint: None,
            made_on: MADE_ON,
        }
    }

    pub(crate) fn document_sheet(&self) -> DocumentSheet<'_> {
        DocumentSheet {
            tenant: &self.tenant,
            set: &self.set,
            is_reserve: false,
            accounts: &self.accounts,
            documents: &self.documents,
            absent: &self.absent,
            made_on: MADE_ON,
        }
    }

    pub(crate) fn runbook(&self) -> Runbook<'_> {
        Runbook {
            tenant: &self.tenant,
            set: &self.set,
            custodians: &self.custodians,
            reserve: None,
            accounts: &self.accounts,
            folder: &self.folder,
            documents_at: &self.places,
            second_factors: self
                .on_record
                .as_deref()
                .map_or(SecondFactors::Told("security key 7, in safe 2"), SecondFactors::OnRecord),
            exclusion_group: Some("Emergency access: excluded"),
            report_to: REPORT_TO,
            made_on: MADE_ON,
        }
    }

    /// The words of a share.
    pub(crate) fn words(&self, share: usize) -> Vec<String> {
        self.shares[share - 1].with_words(|words| words.split(' ').map(str::to_owned).collect())
    }
}
