//! Whoever the Azure CLI is signed in as.
//!
//! The program is started by itself, without a shell, and inherits the environment: its folder and its proxies are its
//! own affair.
//! **Source:** "az account get-access-token" of the Azure CLI's reference.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::SecretText;
use super::authority::{Authority, Grant, reason};
use super::error::SignInError;
use crate::graph::refusal::plain;
use crate::http::Gathered;

/// Bytes of the longest answer, and of the longest complaint.
const OUTPUT_BYTES_MAX: usize = 256 << 10;
/// Characters of a complaint that are given back.
const COMPLAINT_CHARS_MAX: usize = 400;
/// Bytes that are read at a time.
const PIECE_BYTES: usize = 8 << 10;

/// The program.
#[derive(Debug, Clone)]
pub struct AzureCli {
    program: OsString,
}

impl Default for AzureCli {
    fn default() -> Self {
        Self { program: if cfg!(windows) { "az.cmd" } else { "az" }.into() }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "accessToken")]
    access: SecretText,
    /// Seconds since 1970; the other member with the end is in some local time.
    expires_on: Option<i64>,
}

/// Seconds for which a token is taken to be good whose end is not told: the least that Entra gives is an hour.
const UNTOLD_SECONDS: u64 = 600;

impl AzureCli {
    /// Another program than `az` of the path.
    #[must_use]
    pub fn of_program(program: impl Into<OsString>) -> Self {
        Self { program: program.into() }
    }

    pub(super) async fn sign_in(&self, at: &Authority, claims: Option<&str>) -> Result<Grant, SignInError> {
        if claims.is_some() {
            let why = "the tenant demands a new sign-in, which it cannot do by itself: run `az logout` and `az login`";
            return Err(SignInError::AzureCli(why.to_owned()));
        }
        let seconds = at.limits.azure_cli.as_secs();
        let output = timeout(at.limits.azure_cli, self.run(at)).await;
        let output =
            output.map_err(|_| SignInError::AzureCli(format!("it did not answer within {seconds} seconds")))??;
        let answer: Answer = serde_json::from_slice(output.bytes())
            .map_err(|error| SignInError::AzureCli(format!("its answer is not understood, {}", reason(&error))))?;
        let left = answer.expires_on.map(|end| end.saturating_sub(at.clock.now().as_second()));
        let left = left.map_or(UNTOLD_SECONDS, |left| u64::try_from(left).unwrap_or(0));
        Ok(Grant::new(answer.access, left))
    }

    async fn run(&self, at: &Authority) -> Result<Gathered, SignInError> {
        let mut command = Command::new(&self.program);
        command
            .args(["account", "get-access-token", "--resource", at.cloud.graph()])
            .args(["--tenant", &at.tenant, "--output", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let failed = |error: std::io::Error| {
            SignInError::AzureCli(match error.kind() {
                ErrorKind::NotFound => format!(
                    "the program `{}` is not there: install it, or sign in in another way",
                    self.program.display()
                ),
                _ => format!("`{}` cannot be run: {error}", self.program.display()),
            })
        };
        let mut child = command.spawn().map_err(failed)?;
        let (Some(output), Some(complaint)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(SignInError::AzureCli("it has no output".to_owned()));
        };
        let (output, complaint) = tokio::join!(gathered(output), gathered(complaint));
        let (output, complaint) = (output.map_err(failed)?, complaint.map_err(failed)?);
        let status = child.wait().await.map_err(failed)?;
        if status.success() {
            return Ok(output);
        }
        let text = String::from_utf8_lossy(complaint.bytes());
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("WARNING"));
        let said =
            plain(lines.map(|line| line.trim_start_matches("ERROR: ")).next().unwrap_or_default(), COMPLAINT_CHARS_MAX);
        let is_signed_out = text.contains("az login");
        Err(SignInError::AzureCli(match (is_signed_out, said.is_empty()) {
            (true, _) => format!("it is not signed in to the tenant: run `az login --tenant {}`", at.tenant),
            (false, true) => format!("it ended with {status}"),
            (false, false) => said,
        }))
    }
}

/// What a program writes; more than is read is an error.
async fn gathered(mut from: impl AsyncRead + Unpin) -> std::io::Result<Gathered> {
    let mut gathered = Gathered::default();
    let mut piece = zeroize::Zeroizing::new([0_u8; PIECE_BYTES]);
    loop {
        let count = from.read(&mut piece[..]).await?;
        if count == 0 {
            return Ok(gathered);
        }
        if gathered.len().saturating_add(count) > OUTPUT_BYTES_MAX {
            return Err(std::io::Error::other("it writes more than an answer has"));
        }
        gathered.push(piece.get(..count).unwrap_or_default());
    }
}
