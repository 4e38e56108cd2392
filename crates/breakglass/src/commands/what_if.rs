//! `what-if`: one sign-in or many against the policies.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use breakglass_adapters::record_files::LogError;
use breakglass_engine::access::beside::ClosedAccount;
use breakglass_engine::access::{Access, Situation};
use breakglass_engine::agreement::Sample;
use breakglass_engine::replay::Replay;
use breakglass_model::sign_in::{
    AuthenticationFlow, DeviceInfo, SignInConditions, SignInContext, SignInIdentity, WHAT_IF_BODY_BYTES_MAX,
    WhatIfRequest,
};

use serde_json::Value;

use crate::codes::ErrorCode;
use crate::commands::agreement::{self, Beside};
use crate::commands::application::{self, ApplicationError};
use crate::commands::device::device_info;
use crate::commands::{logs, replay};
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::output::{self, OutputError};
use crate::render::what_if::{Answers, BYTE_ORDER_MARK, NO_TARGET, graph_answer, names_target};
use crate::render::{self, what_if_page};
use crate::subject::{Subject, SubjectArguments, SubjectError};
use crate::wiring::World;

/// Bytes that are read and written at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Ask what the policies would make of a sign-in
///
/// Asks about one sign-in, given by flags or as Graph's own body for `conditionalAccess/evaluate`, or about many, one
/// body a line. As text, facts that are left out are tried in every form; as JSON they follow Graph: what is not given
/// matches no condition. With `--replay`, sign-ins of a log are decided again, and every policy's result is held against
/// the one that Microsoft recorded; what a record does not say is unknown.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: SubjectArguments,

    #[command(flatten)]
    sign_in: SignInArguments,

    /// One sign-in as Graph's body for `evaluate`, from a file or `-`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["requests", "user", "service_principal"])]
    request: Option<PathBuf>,

    /// Many sign-ins, one body a line, from a file or `-`; answers one line each
    #[arg(long, value_name = "FILE.ndjson", conflicts_with_all = ["user", "service_principal", "format", "all"])]
    requests: Option<PathBuf>,

    /// Recorded sign-ins to decide again: log files, folders of them or `-`, of Graph or of a diagnostic setting
    #[arg(
        long,
        value_name = "LOGS",
        num_args = 1..,
        conflicts_with_all = ["user", "service_principal", "request", "requests", "all"]
    )]
    replay: Vec<PathBuf>,

    /// The form of the answer to one sign-in, or of what came of recorded ones
    #[arg(long, value_enum, default_value = "text")]
    format: AnswerFormat,

    /// Show every policy, those that do not apply too
    #[arg(long)]
    all: bool,

    /// Put a sample that tells apart whatever the policies do to the tenant's own What If, and show every difference
    #[arg(
        long,
        conflicts_with_all = [
            "user", "service_principal", "request", "requests", "replay", "all", "app", "user_action", "auth_context",
            "ip", "country", "platform", "client_app", "sign_in_risk", "user_risk", "insider_risk", "flow", "device",
        ]
    )]
    compare_live: bool,

    /// Requests that --compare-live may spend at once; what is left is asked by the same command later [default: 300]
    #[arg(long, value_name = "N", requires = "compare_live", value_parser = agreement::budget)]
    budget: Option<usize>,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum AnswerFormat {
    /// A page to read
    Text,
    /// Graph's own answer
    Json,
}

/// A sign-in in flags.
#[derive(Debug, clap::Args)]
struct SignInArguments {
    /// Who signs in
    #[arg(long, value_name = "UPN-or-id")]
    user: Option<String>,
    /// Which service principal signs in
    #[arg(long, value_name = "ID", conflicts_with = "user")]
    service_principal: Option<String>,
    /// To which application: an id, or the name or a part of the name of one that is known
    #[arg(long, value_name = "APP", conflicts_with_all = ["user_action", "auth_context"], long_help = application::help())]
    app: Vec<String>,
    /// For which user action
    #[arg(long, value_name = "ACTION", conflicts_with = "auth_context")]
    user_action: Option<String>,
    /// For which authentication context, c1 to c99
    #[arg(long, value_name = "CONTEXT")]
    auth_context: Option<String>,
    /// From which public address
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// From which country, two letters
    #[arg(long, value_name = "CODE")]
    country: Option<String>,
    /// On which platform: android, iOS, windows, windowsPhone, macOS, linux
    #[arg(long)]
    platform: Option<String>,
    /// With which kind of client: browser, mobileAppsAndDesktopClients, exchangeActiveSync, easSupported, other
    #[arg(long)]
    client_app: Option<String>,
    /// At which sign-in risk: none, low, medium, high
    #[arg(long, value_name = "LEVEL")]
    sign_in_risk: Option<String>,
    /// At which user risk: none, low, medium, high
    #[arg(long, value_name = "LEVEL")]
    user_risk: Option<String>,
    /// At which insider risk: none, minor, moderate, elevated
    #[arg(long, value_name = "LEVEL")]
    insider_risk: Option<String>,
    /// By which flow: none, deviceCodeFlow, authenticationTransfer
    #[arg(long, value_name = "METHOD")]
    flow: Option<String>,
    /// From which device: an id or name of the snapshot, or properties as isCompliant=true; several times for more
    #[arg(long, value_name = "DEVICE")]
    device: Vec<String>,
}

/// Why a question cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WhatIfError {
    /// Nobody signs in.
    #[error("nobody was named who signs in")]
    Nobody,
    /// The requests cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The request cannot be judged.
    #[error("the sign-in cannot be judged: {0}")]
    Request(String),
    /// No application has this name, or several have.
    #[error(transparent)]
    Application(ApplicationError),
    /// The device is not one.
    #[error("{0}")]
    Device(String),
    /// Standard input can only be read once.
    #[error("the snapshot and the requests cannot both come on standard input")]
    TwoStreams,
    /// The logs cannot be read.
    #[error(transparent)]
    Logs(#[from] LogError),
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG1501",
        title: "nobody was named who signs in",
        explanation: "A question is about somebody: give `--user` or `--service-principal`, or the whole question with \
                      `--request` or many with `--requests`.",
    },
    ErrorCode {
        code: "BG1502",
        title: "the requests cannot be read",
        explanation: "The file given with `--request` or `--requests` does not exist, may not be read, or broke off.",
    },
    ErrorCode {
        code: "BG1503",
        title: "the sign-in cannot be judged",
        explanation: "The request is not the JSON that Graph's `evaluate` takes, names somebody whom a complete list \
                      does not have, or has a value that does not exist. The message says which.",
    },
    ErrorCode {
        code: "BG1504",
        title: "the device is not one",
        explanation: "`--device` takes the id, device id or name of a device of the snapshot, or properties of \
                      Graph's `deviceInfo` as NAME=VALUE: `isCompliant=true`, `trustType=ServerAD`.",
    },
    ErrorCode {
        code: "BG1505",
        title: "two things cannot both come on standard input",
        explanation: "`-` was given for two things, such as the snapshot and the requests, and standard input can be \
                      read only once. Put one of them into a file.",
    },
    ErrorCode {
        code: "BG1506",
        title: "the application is not known",
        explanation: "`--app` takes the id of an application, the name of a surface (`breakglass what-if --help` lists \
                      them), or the name of an application of the tenant; a part of a name does where only one \
                      application has it. A name that is not known is refused, because whatever policies say about the \
                      application that was meant would be missed.",
    },
    ErrorCode {
        code: "BG1507",
        title: "the logs cannot be read",
        explanation: "A file or folder given with `--replay` does not exist, may not be read, or a folder has no files. \
                      Nothing was judged. Logs are JSON, plain or compressed with gzip or zstd; what inside them is \
                      malformed is counted and named and does not stop the reading.",
    },
];

impl Coded for WhatIfError {
    fn code(&self) -> &'static str {
        match self {
            Self::Nobody => "BG1501",
            Self::Io { .. } => "BG1502",
            Self::Request(_) => "BG1503",
            Self::Application(_) => "BG1506",
            Self::Device(_) => "BG1504",
            Self::TwoStreams => "BG1505",
            Self::Logs(_) => "BG1507",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Nobody => "say who: `--user admin@contoso.com`, or give `--request FILE`".to_owned(),
            Self::Io { .. } => "name a file that exists and that you may read, or `-`".to_owned(),
            Self::Request(_) => "see `breakglass what-if --help` for what can be given".to_owned(),
            Self::TwoStreams => "put one of them into a file".to_owned(),
            Self::Application(error) => error.help(),
            Self::Logs(error) => error.help().to_owned(),
            Self::Device(_) => "give properties as `--device isCompliant=true`".to_owned(),
        })
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let asked = self.request.as_deref().or(self.requests.as_deref());
        if self.subject.is_stream() && asked.is_some_and(|path| path.as_os_str() == "-") {
            return Err(WhatIfError::TwoStreams.into());
        }
        if !self.replay.is_empty() {
            return self.replay(world);
        }
        if self.compare_live {
            return self.compare(world);
        }
        let subject = self.subject.load(world)?;
        let access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
        match &self.requests {
            Some(path) => many(path, &access),
            None => self.one(&subject, &access, world),
        }
    }

    fn replay(&self, world: &World) -> Result<Exit, Failure> {
        let files = logs::find(&self.replay).map_err(WhatIfError::Logs)?;
        if self.subject.is_stream() && files.has_stream() {
            return Err(WhatIfError::TwoStreams.into());
        }
        let subject = self.subject.load(world)?;
        let access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
        let replay = Replay::of(&access);
        let read = logs::read(&files, &replay, world);
        let text = match self.format {
            AnswerFormat::Json => format!("{:#}\n", render::replay::document(&replay, &read)),
            AnswerFormat::Text => render::replay::page(&replay, &read, world.stdout.columns),
        };
        world.print(&text).map_err(OutputError::Stdout)?;
        Ok(replay::exit(&read))
    }

    fn compare(&self, world: &World) -> Result<Exit, Failure> {
        let beside = Beside::of(&self.subject, "what-if", world)?;
        let access = Access::compile(&beside.subject.snapshot, &beside.subject.access).map_err(SubjectError::from)?;
        world.progress("working out what to ask");
        let sample = Sample::of(&access);
        let questions: Vec<Value> = sample.questions.iter().map(|question| question.body.clone()).collect();
        let comparison = beside.compare(&access, &questions, self.budget, world)?;
        let asked = render::agreement::Asked::Sample(&sample);
        let text = match self.format {
            AnswerFormat::Json => render::agreement::document(&access, asked, &comparison),
            AnswerFormat::Text => {
                let screen = (world.stdout.columns, world.stdout.paint);
                render::agreement::text(&access, asked, (&questions, &comparison), screen)
            }
        };
        world.print(&text).map_err(OutputError::Stdout)?;
        Ok(agreement::exit(&comparison, true))
    }

    fn one(&self, subject: &Subject, access: &Access<'_>, world: &World) -> Result<Exit, Failure> {
        let body = self.request.as_deref().map(read_body).transpose()?;
        let request = match &body {
            Some(body) => WhatIfRequest::from_json(body).map_err(|error| WhatIfError::Request(error.to_string()))?,
            None => self.sign_in.request(subject)?,
        };
        let situation = access.situation(&request).map_err(|error| WhatIfError::Request(error.to_string()))?;
        let analyses = access.analyse(&situation);
        let (text, is_known) = match self.format {
            AnswerFormat::Json => {
                let applied_only = request.applied_policies_only == Some(true) && !self.all;
                let outcome = access.outcome(&situation);
                let mut text = format!("{:#}", graph_answer(access, &analyses, outcome, applied_only));
                text.push('\n');
                note(world, access, &request, &situation);
                (text, analyses.iter().all(|analysis| analysis.unknown.is_empty()) && !access.may_have_more())
            }
            AnswerFormat::Text => what_if_page::page(access, &request, &situation, (world.stdout.columns, self.all)),
        };
        world.print(&text).map_err(OutputError::Stdout)?;
        Ok(if is_known { Exit::Good } else { Exit::Unknown })
    }
}

/// What Graph's answer has no place for is said beside it.
fn note(world: &World, access: &Access<'_>, request: &WhatIfRequest<'_>, situation: &Situation) {
    if let Some(why) = access.policy_doubt() {
        world.note(&why);
    }
    if !names_target(request) {
        world.note(&format!("{NO_TARGET}; as with Graph, no condition on applications matches"));
    }
    let user = situation.user.and_then(|user| access.snapshot().user(user));
    match user.and_then(ClosedAccount::of) {
        Some(ClosedAccount::Disabled) => world.note("the account is disabled and cannot sign in at all"),
        Some(ClosedAccount::Deleted) => world.note("the account is deleted and cannot sign in at all"),
        None => {}
    }
}

impl SignInArguments {
    fn request(&self, subject: &Subject) -> Result<WhatIfRequest<'_>, WhatIfError> {
        if self.user.is_none() && self.service_principal.is_none() {
            return Err(WhatIfError::Nobody);
        }
        let text = |value: &'_ Option<String>| value.as_deref().map(str::to_owned).map(Cow::<'_, str>::Owned);
        let found = self.app.iter().map(|app| application::find(&subject.snapshot, app).map(Cow::Owned));
        let applications: Vec<Cow<'_, str>> = found.collect::<Result<_, _>>().map_err(WhatIfError::Application)?;
        let context = SignInContext {
            include_applications: (!applications.is_empty()).then_some(applications),
            authentication_context_value: text(&self.auth_context),
            user_action: text(&self.user_action),
        };
        let transfer_method = text(&self.flow);
        let device: Option<DeviceInfo<'_>> = match self.device.as_slice() {
            [] => None,
            device => Some(device_info(&subject.snapshot, device).map_err(WhatIfError::Device)?),
        };
        Ok(WhatIfRequest {
            sign_in_identity: SignInIdentity {
                user_id: text(&self.user),
                service_principal_id: text(&self.service_principal),
                ..SignInIdentity::default()
            },
            sign_in_context: (context != SignInContext::default()).then_some(context),
            sign_in_conditions: Some(SignInConditions {
                device_platform: text(&self.platform),
                client_app_type: text(&self.client_app),
                sign_in_risk_level: text(&self.sign_in_risk),
                user_risk_level: text(&self.user_risk),
                insider_risk_level: text(&self.insider_risk),
                country: text(&self.country),
                ip_address: text(&self.ip),
                authentication_flow: transfer_method.map(|method| AuthenticationFlow { transfer_method: Some(method) }),
                device_info: device,
                ..SignInConditions::default()
            }),
            applied_policies_only: None,
        })
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> WhatIfError + '_ {
    move |source| WhatIfError::Io { path: path.into(), source }
}

fn open(path: &Path) -> Result<Box<dyn Read>, WhatIfError> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    File::open(path).map(|file| Box::new(file) as Box<dyn Read>).map_err(failed(path))
}

fn read_body(path: &Path) -> Result<Vec<u8>, WhatIfError> {
    let mut body = Vec::new();
    let limit = WHAT_IF_BODY_BYTES_MAX as u64 + 1;
    open(path)?.take(limit).read_to_end(&mut body).map_err(failed(path))?;
    if body.starts_with(BYTE_ORDER_MARK) {
        body.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(body)
}

/// Answers one body a line, in order. A reader that has gone away has seen enough.
fn many(path: &Path, access: &Access<'_>) -> Result<Exit, Failure> {
    let mut input = BufReader::with_capacity(CHUNK_BYTES, open(path)?);
    output::widen_pipe();
    let mut output = io::stdout().lock();
    let mut answers = Answers::new(access);
    let mut text: Vec<u8> = Vec::with_capacity(2 * CHUNK_BYTES);
    let mut carried: Vec<u8> = Vec::new();
    loop {
        let chunk = input.fill_buf().map_err(failed(path))?;
        let length = chunk.len();
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = behind.get(1..).unwrap_or_default();
            if carried.is_empty() {
                answers.line(line, &mut text);
            } else {
                carry(&mut carried, line);
                answers.line(&carried, &mut text);
                carried.clear();
            }
            if text.len() >= CHUNK_BYTES && !flush(&mut output, &mut text)? {
                return Ok(exit(&answers));
            }
        }
        carry(&mut carried, rest);
        if length == 0 {
            break;
        }
        input.consume(length);
    }
    answers.line(&carried, &mut text);
    flush(&mut output, &mut text)?;
    output.flush().map_err(OutputError::Stdout)?;
    Ok(exit(&answers))
}

/// Keeps the beginning of a line that goes on in the next chunk; of one that is too long only so much that it is
/// refused as such.
fn carry(carried: &mut Vec<u8>, part: &[u8]) {
    let room = (WHAT_IF_BODY_BYTES_MAX + 1).saturating_sub(carried.len());
    carried.extend_from_slice(part.get(..room).unwrap_or(part));
}

/// Writes what was answered; `false` when the reader has gone away.
fn flush(output: &mut impl Write, text: &mut Vec<u8>) -> Result<bool, OutputError> {
    let written = output.write_all(text);
    text.clear();
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(OutputError::Stdout(error)),
    }
}

fn exit(answers: &Answers<'_>) -> Exit {
    if answers.is_incomplete { Exit::Unknown } else { Exit::Good }
}
