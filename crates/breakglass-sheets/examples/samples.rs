//! Writes every sheet for both papers into a folder, to be printed and looked at: `samples FOLDER`. All names are invented
//! and the shares are of a key from a known seed: nothing may be sealed to it.

use std::error::Error;
use std::path::{Path, PathBuf};

use breakglass_custody::document::{Account, CredentialKind, EnvelopeId, Label};
use breakglass_custody::password::{LENGTH_CHARS_USUAL, Password};
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::seal;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use breakglass_sheets::cover_sheet::{CoverSheet, Documents};
use breakglass_sheets::document_sheet::DocumentSheet;
use breakglass_sheets::runbook::Runbook;
use breakglass_sheets::share_sheet::ShareSheet;
use breakglass_sheets::{Checkpoint, Custodian, DocumentStanding, Paper, SealedDocument, SecondFactors, Tenant};
use jiff::civil::{Date, date};

type Failed = Box<dyn Error>;

const MADE_ON: Date = date(2026, 11, 27);
const REPORT_TO: &str = "Dana Fischer, +49 30 5550 100";

fn main() -> Result<(), Failed> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("say into which folder")?;
    std::fs::create_dir_all(&folder)?;
    let mut fill = stream(7);
    let SplitKey { set, shares } = SealingKey::generate(&mut fill)?.split(Quorum::new(3, 5)?, &mut fill)?;
    let operator = SigningKey::generate(&mut fill)?;
    let set = SignedSet::sign(&set, "2026-11-27T03:00:00Z".parse()?, &operator)?;
    let accounts = accounts();
    let documents = documents(&accounts, &set, &operator, &mut fill)?;
    let (tenant, custodians) = (tenant(), custodians());
    let checkpoint = Checkpoint { origin: "contoso.example/breakglass".to_owned(), size: 1_204, root: [0xb7; 32] };
    for (name, paper) in [("a4", Paper::A4), ("letter", Paper::Letter)] {
        for (custodian, share) in custodians.iter().zip(&shares).take(3) {
            let documents = if custodian.share == 2 { &[] } else { documents.as_slice() };
            let sheet = ShareSheet {
                tenant: &tenant,
                set: &set,
                share,
                custodian,
                is_reserve: false,
                accounts: &accounts,
                documents,
                absent: &[],
                report_to: REPORT_TO,
                made_on: MADE_ON,
            };
            keep(&folder, &format!("share-{}-{name}.pdf", custodian.share), &sheet.pdf(paper)?)?;
        }
        let cover = CoverSheet {
            tenant: &tenant,
            safe: "Safe 2, Berlin, basement, room K 04",
            set: &set,
            custodians: &custodians,
            accounts: &accounts,
            documents: &documents,
            absent: &[],
            detail: Documents::Full,
            checkpoint: Some(&checkpoint),
            made_on: MADE_ON,
        };
        keep(&folder, &format!("cover-{name}.pdf"), &cover.pdf(paper)?)?;
        let sheet = DocumentSheet {
            tenant: &tenant,
            set: &set,
            is_reserve: false,
            accounts: &accounts,
            documents: &documents,
            absent: &[],
            made_on: MADE_ON,
        };
        keep(&folder, &format!("documents-{name}.pdf"), &sheet.pdf(paper)?)?;
        let runbook = Runbook {
            tenant: &tenant,
            set: &set,
            custodians: &custodians,
            reserve: Some((&set, custodians.get(..3).unwrap_or_default())),
            accounts: &accounts,
            folder: "/srv/breakglass/contoso",
            documents_at: &[
                "on paper in safe 2, Berlin, basement".to_owned(),
                "on the USB stick in the same safe".to_owned(),
            ],
            second_factors: SecondFactors::Told("security key 7 or 8, in safe 2; its PIN is with custodian 4"),
            exclusion_group: Some("Emergency access: excluded"),
            report_to: REPORT_TO,
            made_on: MADE_ON,
        };
        keep(&folder, &format!("runbook-{name}.pdf"), &runbook.pdf(paper)?)?;
    }
    Ok(())
}

fn keep(folder: &Path, name: &str, pdf: &[u8]) -> Result<(), Failed> {
    Ok(std::fs::write(folder.join(name), pdf)?)
}

fn tenant() -> Tenant {
    Tenant {
        name: "Contoso Maschinenbau Görlitz".to_owned(),
        id: "6f1c2b8e-52d4-4c5e-9a67-0a4e8c6b1d23".to_owned(),
        sign_in_address: "https://entra.microsoft.com".to_owned(),
    }
}

fn custodians() -> Vec<Custodian> {
    let people = [
        ("Jürgen Weiß", "Berlin, house A", "+49 30 5550 111"),
        ("Aylin Şahin", "Berlin, house C", "+49 30 5550 127"),
        ("Marta Nowak-Żółkiewska", "Görlitz", "+49 3581 555 014"),
        ("Tom Okafor", "Leipzig", "+49 341 5550 190"),
        ("Notary Dr. Lindqvist", "Dresden, Neumarkt 4", "+49 351 5550 133"),
    ];
    let all = (1..).zip(people).map(|(share, (name, site, phone))| Custodian {
        name: name.to_owned(),
        site: Some(site.to_owned()),
        phone: Some(phone.to_owned()),
        share,
    });
    all.collect()
}

fn accounts() -> Vec<Account> {
    let names = [
        ("break-glass-1@contoso.onmicrosoft.com", "0b6f7a34-5d0e-4a7e-8f3c-1d9e6a2b4c58"),
        ("break-glass-2@contoso.onmicrosoft.com", "c2d81f90-7b3a-4e15-b6d4-5f0a9e8c7d61"),
    ];
    names.map(|(name, id)| Account { id: id.to_owned(), user_principal_name: name.to_owned() }).to_vec()
}

fn documents(
    accounts: &[Account],
    set: &SignedSet,
    operator: &SigningKey,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), Failed>,
) -> Result<Vec<SealedDocument>, Failed> {
    let mut all = Vec::new();
    for (version, account) in (3..).zip(accounts) {
        let label = Label {
            envelope: EnvelopeId::generate(&mut fill)?,
            set: set.set().clone(),
            reserve: None,
            account: account.clone(),
            credential: CredentialKind::Password,
            version,
            sealed_on: "2026-11-27T03:04:05Z".parse()?,
        };
        let document = seal(&Password::generate(LENGTH_CHARS_USUAL, &mut fill)?, &label, set, operator)?;
        all.push(SealedDocument { document, standing: DocumentStanding::Counts });
    }
    Ok(all)
}

/// Bytes that are as good as random, from a seed (splitmix64).
fn stream(mut state: u64) -> impl FnMut(&mut [u8]) -> Result<(), Failed> {
    move |bytes: &mut [u8]| {
        for byte in bytes {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = u8::try_from((mixed ^ (mixed >> 31)) >> 56)?;
        }
        Ok(())
    }
}
