//! Log files of every kind: found, taken apart and judged in order, by any number of workers.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use breakglass_adapters::record_files::{
    BATCH_BYTES, FAULTS_OF_BATCH_MAX, Judge, LogError, LogFiles, Progress, RecordBatch, judge_records,
};

use crate::support::Folder;

/// Writes down what it sees.
struct Witness;

impl Judge for Witness {
    type Scratch = ();
    type Tally = Vec<String>;

    fn scratch(&self) {}

    fn judge(&self, batch: &RecordBatch, (): &mut ()) -> Vec<String> {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let records = batch.records().map(|record| {
            let text = String::from_utf8_lossy(record.bytes);
            format!("{}:{}:{}:{text:.60}", name(batch.file()), record.line, record.number)
        });
        let faults = batch.faults.iter().map(|fault| format!("{}:{}! {}", name(&fault.file), fault.line, fault.what));
        let left_out = batch.left_out.iter().map(|file| format!("{} left out", name(file)));
        records.chain(faults).chain(left_out).collect()
    }
}

fn seen(paths: &[PathBuf], workers: usize) -> (Vec<String>, Progress) {
    let files = LogFiles::find(paths).unwrap();
    let (mut seen, mut last) = (Vec::new(), Progress::default());
    judge_records(&files, NonZeroUsize::new(workers).unwrap(), &Witness, |_, tally, progress| {
        seen.extend(tally);
        last = progress;
    });
    (seen, last)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn compression_is_told_by_content_and_members_are_joined() {
    let folder = Folder::new("records-kinds");
    let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let utf16: Vec<u8> = "\u{feff}{\"a\":\"\u{e9}\"}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes) in [
        ("1.json", b"{\"a\":1}\n{\"a\":2}\n".to_vec()),
        ("2.txt", [gzip(b"{\"a\":1}\n{\"a\""), gzip(b":2}\n")].concat()),
        ("3.gz", [zstd(b"{\"a\":1}\n{\"a\""), skippable, zstd(b":2}\n")].concat()),
        ("4", [b"\xef\xbb\xbf".as_slice(), b"[{\"a\":1}]"].concat()),
        ("5", utf16.clone()),
        ("6", gzip(&utf16)),
        ("7", Vec::new()),
        ("8.md", b"# notes\n".to_vec()),
        (".hidden", b"{\"a\":1}".to_vec()),
    ] {
        folder.write(name, &bytes);
    }
    let (seen, progress) = seen(&[folder.path().to_owned()], 1);
    let expected = [
        "1.json:1:0:{\"a\":1}",
        "1.json:2:1:{\"a\":2}",
        "2.txt:1:2:{\"a\":1}",
        "2.txt:2:3:{\"a\":2}",
        "3.gz:1:4:{\"a\":1}",
        "3.gz:2:5:{\"a\":2}",
        "4:1:6:{\"a\":1}",
        "5:1:7:{\"a\":\"\u{e9}\"}",
        "6:1:8:{\"a\":\"\u{e9}\"}",
        "8.md left out",
    ];
    assert_eq!(seen, expected);
    assert_eq!(progress.records, 9);
}

#[test]
fn damaged_files_are_faults_and_the_next_file_is_read() {
    let folder = Folder::new("records-damaged");
    let text = "{\"a\":1}\n".repeat(2_000);
    let (mut cut, mut flipped) = (gzip(text.as_bytes()), zstd(text.as_bytes()));
    cut.truncate(cut.len() - 12);
    let last = flipped.len() - 1;
    flipped[last] ^= 0x55;
    folder.write("1", &cut);
    folder.write("2", &flipped);
    folder.write("3", b"{\"a\":3}\n");
    let paths: Vec<PathBuf> = ["1", "2", "3"].iter().map(|name| folder.path().join(name)).collect();
    let (seen, _) = seen(&paths, 2);
    let faults: Vec<&String> = seen.iter().filter(|line| line.contains('!')).collect();
    assert!(faults.iter().any(|line| line.starts_with("1:")), "{faults:?}");
    assert!(faults.iter().any(|line| line.starts_with("2:")), "{faults:?}");
    assert!(seen.last().unwrap().starts_with("3:1:"), "{:?}", seen.last());
}

#[test]
fn any_number_of_workers_sees_the_same_in_the_same_order() {
    let folder = Folder::new("records-workers");
    let record = |index: usize| format!("{{\"index\":{index},\"pad\":\"{}\"}}\n", "x".repeat(index % 977));
    for file in 0..3 {
        let text: String = (0..9_000).map(|index| record(file * 10_000 + index)).collect();
        assert!(text.len() > 3 * BATCH_BYTES, "the file has several batches");
        folder.write(&format!("{file}.ndjson"), text.as_bytes());
    }
    let paths = [folder.path().to_owned()];
    let (one, progress) = seen(&paths, 1);
    assert_eq!((one.len(), progress.records), (27_000, 27_000));
    for workers in [2, 5] {
        assert_eq!(seen(&paths, workers), (one.clone(), progress), "{workers} workers");
    }
}

#[test]
fn faults_are_kept_to_a_limit_and_counted_beyond() {
    let folder = Folder::new("records-faults");
    folder.write("log", format!("{{}}\n{}", "x\n".repeat(FAULTS_OF_BATCH_MAX + 1)).as_bytes());
    let files = LogFiles::find(&[folder.path().join("log")]).unwrap();
    let (mut counted, mut kept, mut batches) = (0, 0, 0);
    judge_records(&files, NonZeroUsize::MIN, &Witness, |batch, _, _| {
        counted += batch.fault_count;
        kept = kept.max(batch.faults.len());
        batches += 1;
    });
    assert_eq!((counted, kept, batches), (FAULTS_OF_BATCH_MAX as u64 + 1, FAULTS_OF_BATCH_MAX, 2));
}

#[test]
fn what_cannot_be_found_is_said_beforehand() {
    let folder = Folder::new("records-missing");
    let missing = LogFiles::find(&[folder.path().join("nothing")]).unwrap_err();
    assert!(matches!(missing, LogError::Unreadable { .. }), "{missing}");
    let empty = LogFiles::find(&[folder.path().to_owned()]).unwrap_err();
    assert!(matches!(empty, LogError::NoFiles { .. }), "{empty}");
    let twice = LogFiles::find(&["-".into(), "-".into()]).unwrap_err();
    assert!(matches!(twice, LogError::TwoStreams), "{twice}");
    assert!(LogFiles::find(&["-".into()]).unwrap().has_stream());
    let deep = (0..=breakglass_adapters::record_files::LOG_FOLDER_DEPTH_MAX).fold(String::new(), |path, _| path + "d/");
    folder.write(&format!("{deep}log"), b"{}");
    let deep = LogFiles::find(&[folder.path().to_owned()]).unwrap_err();
    assert!(matches!(deep, LogError::TooLarge { .. }), "{deep}");
}
