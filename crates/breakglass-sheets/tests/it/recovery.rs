//! The programs on a sheet, copied out of it and run, open a document.

use std::io::Write as _;
use std::process::{Command, Stdio};

use age::armor::ArmoredReader;
use breakglass_custody::slip39::{Share, combine};
use breakglass_sheets::Paper;

use crate::extracted::{Page, pages};
use crate::share_sheets::copied_by_hand;
use crate::support::world;

/// The lines from one that begins so to the one before another that does.
fn program(page: &Page, from: &str, to: &str) -> String {
    let lines = page.typed().into_iter().map(|run| run.text.as_str());
    let lines = lines.skip_while(|line| !line.starts_with(from)).take_while(|line| !line.starts_with(to));
    lines.map(|line| format!("{line}\n")).collect()
}

/// What Python says of a program and its input; `None` where there is no Python.
fn python(program: &str, input: &str) -> Option<String> {
    let command = Command::new("python3").args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = command.ok()?;
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn with_other_programs_alone_the_password_is_there() {
    let world = world(60);
    for paper in Paper::ALL {
        let pages = pages(&world.share_sheet(1).pdf(paper).unwrap());
        let page = pages.iter().find(|page| page.sentence().contains("To open, without breakglass")).unwrap();
        let shares: Vec<&Share> = world.shares.iter().take(3).collect();
        let secret: String = combine(&shares, b"").unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        let Some(identity) = python(&program(page, "import sys", "python3 key.py"), &format!("{secret}\n")) else {
            println!("there is no python3 here, and the programs were not run");
            return;
        };
        let identity: age::x25519::Identity = identity.trim().parse().unwrap();
        assert_eq!(identity.to_public().to_string(), world.set.set().recipient.to_string());
        assert!(page.text().contains(&identity.to_public().to_string()));

        let taken = program(page, "import json", "python3 document.py").replace("open('document.txt')", "sys.stdin");
        // The page with the set in front of the first document, as it is copied; and the second with what is around it.
        let page = pages.iter().find(|page| page.text().contains("The set, as the operator signed it")).unwrap();
        let by_hand = copied_by_hand(&pages);
        for (text, document) in [(&page.text(), 0), (&by_hand[0], 0), (&by_hand[1], 1)] {
            for end in ["\n", "\r\n"] {
                let sealed = python(&format!("import sys\n{taken}"), &text.replace('\n', end)).unwrap();
                assert_eq!(sealed, world.documents[document].document.sealed());
            }
        }
        let sealed = world.documents[1].document.sealed();
        let decryptor = age::Decryptor::new(ArmoredReader::new(sealed.as_bytes())).unwrap();
        let mut reader = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).unwrap();
        let mut password = String::new();
        std::io::Read::read_to_string(&mut reader, &mut password).unwrap();
        world.passwords[1].with_plaintext(|plain| assert_eq!(plain, password));
    }
}
