//! Plain text out of whatever a file is: gzip, zstd or text, told by the first bytes.
//!
//! Several gzip members or zstd frames behind each other are one text, as their tools have it. UTF-16 with a byte order
//! mark becomes UTF-8; a byte order mark of UTF-8 is passed over.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Bytes of one read.
const READ_BYTES: usize = 256 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A zstd frame without content; the lowest four bits are free.
const ZSTD_SKIPPABLE_MAGIC: [u8; 3] = [0x2a, 0x4d, 0x18];
/// Bytes that tell what a file is.
const MAGIC_BYTES: usize = 4;

/// The text of a file.
pub(super) fn plain<R: Read + Send + 'static>(file: R) -> io::Result<Box<dyn Read + Send>> {
    let (magic, buffered) = peek(file)?;
    if magic.starts_with(&GZIP_MAGIC) {
        return text(MultiGzDecoder::new(buffered));
    }
    if is_zstd(&magic) {
        return text(Frames::new(buffered));
    }
    decoded(&magic, buffered)
}

fn is_zstd(magic: &[u8]) -> bool {
    let is_skippable = matches!(magic, [first, rest @ ..] if first >> 4 == 5 && rest == ZSTD_SKIPPABLE_MAGIC);
    magic == ZSTD_MAGIC || is_skippable
}

fn text<R: Read + Send + 'static>(decompressed: R) -> io::Result<Box<dyn Read + Send>> {
    let (magic, buffered) = peek(decompressed)?;
    decoded(&magic, buffered)
}

fn decoded<R: Read + Send + 'static>(magic: &[u8], bytes: R) -> io::Result<Box<dyn Read + Send>> {
    if !matches!(magic, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0xef, 0xbb, 0xbf, ..]) {
        return Ok(Box::new(bytes));
    }
    let mut builder = DecodeReaderBytesBuilder::new();
    Ok(Box::new(builder.bom_sniffing(true).utf8_passthru(true).strip_bom(true).build(bytes)))
}

/// A reader in front of which the bytes stand that were taken to look at.
type Whole<R> = BufReader<io::Chain<io::Cursor<Vec<u8>>, R>>;

/// The first bytes, and a reader that still has them.
fn peek<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, Whole<R>)> {
    let mut magic = Vec::with_capacity(MAGIC_BYTES);
    reader.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut magic)?;
    let whole = io::Cursor::new(magic.clone()).chain(reader);
    Ok((magic, BufReader::with_capacity(READ_BYTES, whole)))
}

/// The frames of a zstd file, one behind the other, as one text.
struct Frames<R> {
    reader: R,
    decoder: FrameDecoder,
    is_open: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(reader: R) -> Self {
        Self { reader, decoder: FrameDecoder::new(), is_open: false }
    }

    /// Opens the next frame with content; `false` at the end of the file.
    fn open(&mut self) -> io::Result<bool> {
        while !self.is_open {
            if self.reader.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.reader) {
                Ok(()) => self.is_open = true,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.reader.by_ref().take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(damaged(&error)),
            }
        }
        Ok(true)
    }

    /// Ends a frame, whose checksum must be right if it has one.
    fn close(&mut self) -> io::Result<()> {
        self.is_open = false;
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(written), Some(found)) if written != found => Err(damaged(&"its checksum is not right")),
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.open()? {
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let decoded = self.decoder.decode_blocks(&mut self.reader, BlockDecodingStrategy::UptoBlocks(1));
                decoded.map_err(|error| damaged(&error))?;
            }
            let count = self.decoder.read(room)?;
            if count > 0 || room.is_empty() {
                return Ok(count);
            }
            self.close()?;
        }
        Ok(0)
    }
}

fn damaged(why: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the zstd data is damaged: {why}"))
}
