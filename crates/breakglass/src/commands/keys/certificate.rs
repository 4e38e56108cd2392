//! `keys certificate`: an authority that is used once, and its key is gone.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use age::x25519::Recipient;
use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::one_shot_authority::{Holder, IssueError, Issued, Terms, VALID_DAYS_USUAL, issue};
use breakglass_ops::ports::Clock as _;
use clap::Subcommand;
use serde_json::{Value, json};

use super::is_id;
use crate::codes::ErrorCode;
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
    /// sent.
    Issue(Issue),
}

#[derive(Debug, clap::Args)]
struct Issue {
    /// An account, as OBJECT-ID=SIGN-IN-NAME; once for each
    #[arg(long, value_name = "ID=NAME", value_parser = holder, required = true)]
    account: Vec<Holder>,

    /// A public key of age (`age1…`) that the private keys are encrypted to; may be given several times
    #[arg(long, value_name = "KEY", value_parser = recipient, required = true)]
    recipient: Vec<Recipient>,

    /// Days for which the certificates are good
    #[arg(long, value_name = "DAYS", default_value_t = VALID_DAYS_USUAL)]
    valid_days: u16,

    /// Where Entra finds the list of what is revoked, by http; nobody signs in while it is not to be had there
    #[arg(long, value_name = "ADDRESS")]
    list_address: Option<String>,

    /// The folder for all of it, which must not be there yet
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
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
        let What::Issue(asked) = &self.what;
        let terms =
            Terms { begin: SystemClock.now(), valid_days: asked.valid_days, list_address: asked.list_address.clone() };
        make_folder(&asked.output)?;
        let issued = issue(&asked.account, &terms).map_err(CertificateFailure::from)?;
        asked.write(&issued)?;
        world.tell(&format!(
            "The authority `{}` has issued {}, good until {}, and its key is gone. They are in `{}`.",
            issued.name,
            counted(issued.certificates.len(), "certificate"),
            issued.end,
            asked.output.display()
        ));
        world.note("`requests.json` makes the tenant trust it; nothing was sent");
        world.note("`revokes-all.crl` revokes every one of them; keep it where you have it in an emergency");
        Ok(Exit::Good)
    }
}

fn make_folder(folder: &Path) -> Result<(), CertificateFailure> {
    fs::create_dir(folder).map_err(|source| CertificateFailure::Unwritten { path: folder.to_path_buf(), source })
}

impl Issue {
    fn write(&self, issued: &Issued) -> Result<(), CertificateFailure> {
        let keep = |name: &str, bytes: &[u8]| written(&self.output.join(name), bytes);
        for (one, number) in issued.certificates.iter().zip(1..) {
            let account = &one.holder.user_principal_name;
            let sealed = one.secret.with_plaintext(|text| seal(text, &self.recipient));
            let sealed = sealed.map_err(|why| CertificateFailure::Sealed { account: account.clone(), why })?;
            keep(&format!("account-{number}.key.age"), &sealed)?;
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
