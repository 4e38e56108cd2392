//! Where a document goes: to stdout, or into a file.

use std::io;
use std::path::{Path, PathBuf};

use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::Coded;
use crate::wiring::World;

/// Why a document could not be handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// stdout does not take it.
    #[error("the output cannot be written")]
    Stdout(#[source] io::Error),
    /// The file cannot be opened.
    #[error("`{}` cannot be opened for writing", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file does not take it.
    #[error("`{}` could not be written to its end", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG1301",
        title: "the output cannot be written",
        explanation: "Standard output did not take the document: the disk behind it is full, or the device is gone. \
                      The judgement was made, but what was written is cut off: do not use it. Make room and run the \
                      command again. A reader that ends early, as `head` does, is no error.",
    },
    ErrorCode {
        code: "BG1302",
        title: "a file cannot be opened for writing",
        explanation: "The file or folder given with `--output` cannot be made or written: its folder does not exist, \
                      or permission is missing. Make the folder, or name another file.",
    },
    ErrorCode {
        code: "BG1303",
        title: "a file could not be written to its end",
        explanation: "The file was opened, and then the disk was full or went away. What is in the file is cut off: \
                      delete it, make room, and run the command again.",
    },
];

impl Coded for OutputError {
    fn code(&self) -> &'static str {
        match self {
            Self::Stdout(_) => "BG1301",
            Self::Open { .. } => "BG1302",
            Self::Write { .. } => "BG1303",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Stdout(_) | Self::Write { .. } => {
                "what was written is cut off; make room and run it again".to_owned()
            }
            Self::Open { .. } => "name a file in a folder that exists and that you may write to".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Open { .. } => Exit::NotStarted,
            Self::Stdout(_) | Self::Write { .. } => Exit::Partial,
        }
    }
}

/// Bytes that a pipe behind stdout is asked to hold: what Linux grants anybody.
#[cfg(target_os = "linux")]
const PIPE_BYTES: i32 = 1 << 20;

/// Asks for a wider pipe behind stdout, for much output: with the usual 64 KiB every write puts this program to sleep
/// and wakes the reader, which costs more than the answers. Where stdout is no pipe, or the system grants no more,
/// nothing changes.
#[cfg(target_os = "linux")]
pub(crate) fn widen_pipe() {
    use nix::fcntl::{FcntlArg, fcntl};
    fcntl(io::stdout(), FcntlArg::F_SETPIPE_SZ(PIPE_BYTES)).ok();
}

/// Elsewhere a pipe has the width that it has.
#[cfg(not(target_os = "linux"))]
pub(crate) fn widen_pipe() {}

/// Hands a document over: to the file, if there is one, else to stdout.
pub(crate) fn deliver(world: &World, file: Option<&Path>, document: &str) -> Result<(), OutputError> {
    match file {
        Some(path) => write_file(path, document.as_bytes()),
        None => world.print(document).map_err(OutputError::Stdout),
    }
}

/// Writes a file, replacing what was in it.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let mut file = std::fs::File::create(path).map_err(|source| OutputError::Open { path: path.into(), source })?;
    io::Write::write_all(&mut file, bytes).map_err(|source| OutputError::Write { path: path.into(), source })
}
