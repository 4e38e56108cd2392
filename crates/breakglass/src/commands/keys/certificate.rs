//! `keys certificate`: an authority that is used once, and its key is gone; and what becomes of its certificates.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use age::x25519::Recipient;
use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::one_shot_authority::{Holder, IssueError, Issued, Terms, VALID_DAYS_USUAL, issue};
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::Account;
use breakglass_custody::name::Name;
use breakglass_ops::keys::journey;
use breakglass_ops::keys::record::Entry;
use breakglass_ops::ports::Clock as _;
use clap::Subcommand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{KeysFailure, Place, is_id, name, note, tell_due};
use crate::codes::ErrorCode;
use crate::commands::custody::desk::name_of;
use crate::commands::custody::sealing::{Sealer, note_to_print};
use crate::commands::passwords::{recipient, seal};
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::render::counted;
use crate::wiring::World;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make an authority, issue a certificate for each account, and destroy the authority's key
    ///
    /// Into a new folder go: the authority's certificate, each account's certificate, its private key encrypted with age,
    /// two lists of what is revoked (nothing, and everything), and the requests that make the tenant trust it. Nothing is
    /// sent. With `--seal` each private key is sealed to the set of shares instead, or as well, into a document of the
    /// depositories. What was issued is written down where there is a state.
    Issue(Issue),
    /// Write down that somebody signed in with a certificate
    Used(OneCertificate),
    /// Write down that a certificate is revoked in the tenant
    Revoked(OneCertificate),
}

#[derive(Debug, clap::Args)]
struct OneCertificate {
    /// The account: its object id, or its sign-in name, by which the record of what is sealed knows it, or else the tenant
    #[arg(long, value_name = "ACCOUNT")]
    account: String,

    /// The certificate: its serial number, in small letters
    #[arg(long, value_name = "SERIAL", value_parser = name)]
    certificate: Name,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("to").args(["recipient", "seal"]).required(true).multiple(true)))]
struct Issue {
    /// An account, as OBJECT-ID=SIGN-IN-NAME; once for each
    #[arg(long, value_name = "ID=NAME", value_parser = holder, required = true)]
    account: Vec<Holder>,

    /// A public key of age (`age1…`) that the private keys are encrypted to; may be given several times
    #[arg(long, value_name = "KEY", value_parser = recipient)]
    recipient: Vec<Recipient>,

    /// Seal each private key to the set of shares, as passwords are sealed
    #[arg(long)]
    seal: bool,

    /// Days for which the certificates are good
    #[arg(long, value_name = "DAYS", default_value_t = VALID_DAYS_USUAL)]
    valid_days: u16,

    /// Where Entra finds the list of what is revoked, by http; nobody signs in while it is not to be had there
    #[arg(long, value_name = "ADDRESS")]
    list_address: Option<String>,

    /// The folder for all of it, which must not be there yet
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,

    #[command(flatten)]
    place: Place,
}

fn holder(text: &str) -> Result<Holder, String> {
    let (id, name) = text.split_once('=').filter(|(id, _)| is_id(id)).ok_or("expected OBJECT-ID=SIGN-IN-NAME")?;
    let is_name =
        name.contains('@') && name.len() <= 256 && !name.chars().any(|letter| letter.is_control() || letter == '/');
    if !is_name {
        return Err("expected a sign-in name with an @ behind the =".to_owned());
    }
    Ok(Holder { id: id.to_ascii_lowercase(), user_principal_name: name.to_owned() })
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateFailure {
    /// They were not issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A key could not be encrypted.
    #[error("the private key of `{account}` could not be encrypted: {why}")]
    Sealed { account: String, why: String },
    /// They could not be kept.
    #[error("`{}` cannot be written", path.display())]
    Unwritten {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG4047",
    title: "no certificates were issued",
    explanation: "The accounts, the days or the address cannot be, or the folder cannot be made or written: it must not be \
                  there yet, so that nothing is overwritten. The authority's key is gone in any case. Delete what is in the \
                  folder and issue anew; what was begun is trusted by nobody.",
}];

impl Coded for CertificateFailure {
    fn code(&self) -> &'static str {
        "BG4047"
    }

    fn help(&self) -> Option<String> {
        Some("name a folder that is not there, and issue anew".to_owned())
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        match &self.what {
            What::Issue(asked) => asked.run(world),
            What::Used(one) => one.note(|certificate, at| Entry::CertificateUsed { certificate, at }, world),
            What::Revoked(one) => one.note(|certificate, at| Entry::CertificateRevoked { certificate, at }, world),
        }
    }

    /// Where something is written down.
    pub(super) const fn place(&self) -> &Place {
        match &self.what {
            What::Issue(asked) => &asked.place,
            What::Used(one) | What::Revoked(one) => &one.place,
        }
    }
}

impl OneCertificate {
    fn note(&self, entry: impl FnOnce(Name, Timestamp) -> Entry, world: &World) -> Result<Exit, Failure> {
        note((&self.account, &self.place), |at| entry(self.certificate.clone(), at), world)
    }
}

fn make_folder(folder: &Path) -> Result<(), CertificateFailure> {
    fs::create_dir(folder).map_err(|source| CertificateFailure::Unwritten { path: folder.to_path_buf(), source })
}

impl Issue {
    fn run(&self, world: &World) -> Result<Exit, Failure> {
        let terms =
            Terms { begin: SystemClock.now(), valid_days: self.valid_days, list_address: self.list_address.clone() };
        let desk = self.place.desk(world)?;
        let store = if self.seal || self.place.has_state() { Some(desk.store()) } else { None };
        let store = match store.transpose() {
            Err(error) if !self.seal => {
                world.complain(&error.into());
                None
            }
            other => other?,
        };
        // That there is a set to seal to is known before anything is made.
        let sealer = match &store {
            Some(store) if self.seal => Some(Sealer::new(&desk, store, world)?),
            _ => None,
        };
        make_folder(&self.output)?;
        let issued = issue(&self.account, &terms).map_err(CertificateFailure::from)?;
        self.write(&issued)?;
        world.tell(&format!(
            "The authority `{}` has issued {}, good until {}, and its key is gone. They are in `{}`.",
            issued.name,
            counted(issued.certificates.len(), "certificate"),
            issued.end,
            self.output.display()
        ));
        let noted = store.as_ref().map(|store| self.note(&issued, (store, sealer), world));
        match noted.transpose() {
            Err(failure) if self.seal => {
                let folder = self.output.display();
                world.note(&format!("not every private key is sealed: delete `{folder}`, and issue anew"));
                return Err(failure);
            }
            Err(failure) => world.complain(&failure),
            Ok(None) => {
                world.note("they are not written down: there is no state here to use; --state names its folder")
            }
            Ok(Some(())) => {}
        }
        world.note("`requests.json` makes the tenant trust it; nothing was sent");
        world.note("`revokes-all.crl` revokes every one of them; keep it where you have it in an emergency");
        Ok(Exit::Good)
    }

    /// Writes each certificate down, with the document in which its private key is sealed.
    fn note(
        &self,
        issued: &Issued,
        (store, mut sealer): (&SqliteStore, Option<Sealer<'_>>),
        world: &World,
    ) -> Result<(), Failure> {
        let until = issued.end.to_zoned(TimeZone::UTC).map_err(|_| IssueError::Days(self.valid_days));
        let until = until.map_err(CertificateFailure::from)?.timestamp();
        for one in &issued.certificates {
            let certificate = name_of(&one.serial)?;
            let (id, of) = (one.holder.id.clone(), certificate.clone());
            let entry = |document, at| Entry::CertificateIssued { certificate, until, document, at };
            let (sealed, course) = match &mut sealer {
                Some(sealer) => {
                    let user_principal_name = one.holder.user_principal_name.clone();
                    let account = Account { id: id.clone(), user_principal_name };
                    let (document, course) =
                        sealer.seal(&one.secret, &account, |document, at| entry(Some(document), at))?;
                    (format!(", its private key sealed in the document `{document}`"), course)
                }
                None => {
                    let noted = journey::note(store, &id, &entry(None, SystemClock.now()));
                    (String::new(), noted.map_err(KeysFailure::from)?)
                }
            };
            world.tell(&format!("  {}: the certificate `{of}`{sealed}", one.holder.user_principal_name));
            tell_due((&course, &id), (&self.place, store), world)?;
        }
        if sealer.is_some() {
            note_to_print(world);
        }
        Ok(())
    }

    fn write(&self, issued: &Issued) -> Result<(), CertificateFailure> {
        let keep = |name: &str, bytes: &[u8]| written(&self.output.join(name), bytes);
        for (one, number) in issued.certificates.iter().zip(1..) {
            let account = &one.holder.user_principal_name;
            if !self.recipient.is_empty() {
                let sealed = one.secret.with_plaintext(|text| seal(text, &self.recipient));
                let sealed = sealed.map_err(|why| CertificateFailure::Sealed { account: account.clone(), why })?;
                keep(&format!("account-{number}.key.age"), &sealed)?;
            }
            keep(&format!("account-{number}.pem"), one.certificate.as_bytes())?;
        }
        keep("authority.pem", issued.authority.as_bytes())?;
        keep("revokes-none.crl", &issued.revokes_none)?;
        keep("revokes-all.crl", &issued.revokes_all)?;
        let requests = issued.requests().into_iter();
        let requests: Vec<Value> = requests
            .map(|request| json!({ "method": request.method, "target": request.target, "body": request.body }))
            .collect();
        keep("requests.json", format!("{:#}\n", json!(requests)).as_bytes())
    }
}

/// Writes a file that is not there yet, durably.
fn written(path: &Path, bytes: &[u8]) -> Result<(), CertificateFailure> {
    let write = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| CertificateFailure::Unwritten { path: path.to_path_buf(), source })
}
