//! `custody new-set`: a sealing key, split among custodians.
//!
//! **Invariant:** a set is in the record when every share is handed out, and not before. Where that stops half-way, the files
//! that were made for it are taken away again; one that stays, or a record that cannot be read, is said.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_adapters::whole_file;
use breakglass_custody::key_set::SetId;
use breakglass_custody::name::Name;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::seal_share;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::slip39::Share;
use breakglass_ops::key_box::record::{Entry, KeyBox, KeyBoxError};
use breakglass_ops::ports::{Clock as _, Random as _};
use jiff::Timestamp;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, Place, name_of};
use super::sheet::{Filed, PaperName, share_sheet};
use crate::config::{Person, PersonKind};
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::terminal::PrivateScreen;
use crate::wiring::World;

/// Files of the folder for shares that are looked at.
const FILE_COUNT_MAX: usize = 10_000;

/// Times that a set is made anew because another has its name.
const NAME_COUNT_MAX: usize = 16;

/// Make a set of shares, the next one to seal to
///
/// A new sealing key is split so that some custodians together have it and fewer have nothing; the key itself is gone. Each
/// custodian gets one share: a PDF of their own to be printed, or an age file if the configuration has their age key, or with
/// `--show` on the terminal, once, for them to write down. Nothing is sealed to the set before every custodian has acknowledged their share and all of them have
/// opened in a rehearsal.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Shares that open
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    threshold: u8,

    /// The id of a custodian, who gets a share; may be given several times [default: every custodian of the configuration,
    /// with `--reserve` every holder of the reserve]
    #[arg(long, value_name = "ID")]
    custodian: Vec<String>,

    /// The reserve: a set whose shares are held outside, by a notary or a bank, for when too few custodians are left.
    /// Whatever is sealed from then on is sealed to it as well, until it is opened
    #[arg(long)]
    reserve: bool,

    /// The folder for sheets, and for shares that are encrypted to a custodian's own key
    #[arg(long, value_name = "FOLDER", default_value = "shares")]
    output: PathBuf,

    /// Show each share at the terminal for its holder to write down, instead of making sheets
    #[arg(long)]
    show: bool,

    /// What sheets are printed on
    #[arg(long, value_enum, default_value_t = PaperName::A4)]
    paper: PaperName,

    /// Encrypt the operator's key with a passphrase, if it is made now
    #[arg(long)]
    passphrase: bool,

    #[command(flatten)]
    place: Place,
}

/// What is left where a set is made half-way.
#[derive(Debug, thiserror::Error)]
enum HalfMade {
    /// Its shares are still there.
    #[error("the set `{set}` is not made, and what was written of it cannot be taken away: {files}")]
    Left {
        set: SetId,
        files: String,
        #[source]
        why: Failure,
    },
    /// Nobody knows whether it is in the record.
    #[error("the shares of the set `{set}` are handed out, and it is not known whether the record has taken it")]
    Untold {
        set: SetId,
        #[source]
        why: Failure,
    },
}

impl Coded for HalfMade {
    fn code(&self) -> &'static str {
        "BG4057"
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Left { .. } => {
                "destroy these files, and whatever was printed or written down of this set: nothing is ever sealed to it. Then the \
                 same again makes another"
                    .to_owned()
            }
            Self::Untold { set, .. } => format!(
                "look with `breakglass custody list`: where it shows `{set}`, go on with `breakglass custody rehearse --acknowledge \
                 --set {set}`; where it does not, destroy what was handed out of it, and the same again makes another"
            ),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Partial
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let holders = self.holders(&desk)?;
        let count = u8::try_from(holders.len()).unwrap_or(u8::MAX);
        if count == 0 {
            let wanted = if self.reserve { PersonKind::Reserve } else { PersonKind::Custodian };
            return Err(CustodyFailure::NoHolder(wanted.section()).into());
        }
        let quorum = Quorum::new(self.threshold, count).map_err(CustodyFailure::Quorum)?;
        if self.show && holders.iter().any(|holder| holder.age.is_none()) {
            // Before anything is made.
            drop(PrivateScreen::open("show shares on", world).map_err(DeskError::from)?);
        }
        let names = names(&holders)?;
        let operator = desk.operator_key_or_new(self.passphrase, world)?;
        let store = desk.store()?;
        let mut key_box = desk.key_box(&store)?;
        let strange = of_no_set(&self.output, &key_box);
        if !strange.is_empty() {
            world.note(&format!(
                "of no set that is known here: {}. If they are of this machine, whoever made them was stopped before it was a set, and \
                 nothing is ever sealed to it: destroy them, and whatever was printed of them",
                listed(&strange)
            ));
        }
        let split = split(quorum, &key_box)?;
        let now = SystemClock.now();
        let signed = SignedSet::sign(&split.set, now, &operator).map_err(CustodyFailure::Signed)?;
        let made = Entry::Made { set: signed.text().to_owned(), holders: names, is_reserve: self.reserve, at: now };
        // Whether it can be the next set shows before anybody is given a share.
        KeyBox::take(&mut key_box.clone(), &made).map_err(DeskError::from)?;
        let mut written = Vec::new();
        for (holder, share) in holders.iter().zip(&split.shares) {
            let handed = self.hand_out((&desk, holder), (&signed, share), (now, &mut written), world);
            handed.map_err(|why| self.undone(&split.set.id, &written, why, world))?;
        }
        // Only what somebody holds is a set.
        if let Err(error) = key_box.note(&store, &made) {
            let why = Failure::from(DeskError::from(error));
            match is_in_record((&desk, &store), &signed) {
                // What went wrong came after it.
                Some(true) => {}
                Some(false) => return Err(self.undone(&split.set.id, &written, why, world)),
                None => return Err(HalfMade::Untold { set: split.set.id.clone(), why }.into()),
            }
        }
        desk.enter(&store, world);
        let words = self.place.words();
        world.tell(&format!(
            "The {} `{}` is made: {quorum} open. Its recipient is {}.",
            if self.reserve { "reserve" } else { "set" },
            split.set.id,
            split.set.recipient
        ));
        world.note(&format!(
            "next: `breakglass custody rehearse --acknowledge --set {}{words}` with every holder, or `custody acknowledge` by \
             each and `custody rehearse` then",
            split.set.id
        ));
        Ok(Exit::Good)
    }

    /// Takes away what was written of a set that is not made. Gives why it is not, and what is left of it.
    fn undone(&self, set: &SetId, written: &[PathBuf], why: Failure, world: &World) -> Failure {
        let left = taken_away(written);
        if !left.is_empty() {
            return HalfMade::Left { set: set.clone(), files: listed(left), why }.into();
        }
        if !written.is_empty() {
            world.note(&format!(
                "the set `{set}` is not made, and what was written of it is taken away again: {}. Destroy what was printed of it",
                listed(written)
            ));
        }
        if self.show {
            world.note(&format!("destroy what anybody wrote down of the set `{set}`: it is not made"));
        }
        why
    }

    /// Those who get a share, in order.
    fn holders(&self, desk: &Desk) -> Result<Vec<Person>, Failure> {
        let wanted = if self.reserve { PersonKind::Reserve } else { PersonKind::Custodian };
        if self.custodian.is_empty() {
            return Ok(desk.config.people().into_iter().filter(|person| person.kind == wanted).collect());
        }
        let named: Vec<Person> = self.custodian.iter().map(|id| desk.person(id)).collect::<Result<_, _>>()?;
        match named.iter().find(|person| person.kind != wanted) {
            Some(other) => Err(CustodyFailure::Holds { person: other.id.clone(), section: wanted.section() }.into()),
            None => Ok(named),
        }
    }

    fn hand_out(
        &self,
        (desk, holder): (&Desk, &Person),
        (signed, share): (&SignedSet, &Share),
        (now, written): (Timestamp, &mut Vec<PathBuf>),
        world: &World,
    ) -> Result<(), Failure> {
        let number = share.header().member + 1;
        let id = &signed.set().id;
        if let Some(key) = &holder.age {
            let sealed = seal_share(share, key).map_err(CustodyFailure::Share)?;
            let path = self.output.join(format!("{id}-{number}-{}.age", holder.id));
            write_in(&self.output, &path, sealed.as_bytes(), written)?;
            world.tell(&format!("{}: share {number} is in `{}`, encrypted to their key.", holder.name, path.display()));
            return Ok(());
        }
        if !self.show {
            let sheet = share_sheet(desk, holder, (signed, share, self.reserve), &Filed::default(), (self.paper, now))?;
            let path = self.output.join(format!("{id}-{number}-{}.pdf", holder.id));
            write_in(&self.output, &path, &sheet, written)?;
            world.tell(&format!(
                "{}: share {number} is in `{}`; when the set is made, print it for them, and delete it.",
                holder.name,
                path.display()
            ));
            return Ok(());
        }
        let terminal = DeskError::from;
        let screen = PrivateScreen::open("show shares on", world).map_err(terminal)?;
        let question = format!(
            "Share {number} of the set {id} is for {}.\n\nOnly {} looks at this screen. Enter shows the share: ",
            holder.name, holder.name
        );
        screen.ask(&world.filled(&question)).map_err(terminal)?;
        screen.clear().map_err(terminal)?;
        screen
            .show(&format!("Share {number} of {id}, for {}. Write down the 33 words:\n", holder.name))
            .map_err(terminal)?;
        share.with_words(|words| numbered(&screen, words)).map_err(terminal)?;
        screen
            .ask(&world.filled("Enter empties this screen, when every word is written down and compared: "))
            .map_err(terminal)?;
        Ok(())
    }
}

/// Whether the record has a set; nothing where nobody can tell.
fn is_in_record((desk, store): (&Desk, &SqliteStore), set: &SignedSet) -> Option<bool> {
    let key_box = desk.key_box(store).ok()?;
    Some(key_box.set(set.set().recipient.fingerprint()).is_ok())
}

/// Files of shares in a folder that are of no set of the record; none where it cannot be looked.
fn of_no_set(folder: &Path, known: &KeyBox) -> Vec<PathBuf> {
    let is_strange = |path: &PathBuf| {
        let is_share = path.extension().is_some_and(|ending| ending == "pdf" || ending == "age");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let mut parts = stem.splitn(4, '-');
        let (Some(first), Some(second), Some(number), Some(_)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let is_known = |id: &str| known.sets().iter().any(|held| held.set().id.to_string() == id);
        is_share && number.parse::<u8>().is_ok() && !is_known(&format!("{first}-{second}"))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().take(FILE_COUNT_MAX).flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_strange).collect();
    files.sort();
    files
}

/// Takes files away again. Gives those that cannot be.
fn taken_away(files: &[PathBuf]) -> Vec<&PathBuf> {
    let is_left = |file: &&PathBuf| match fs::remove_file(file) {
        Ok(()) => false,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    files.iter().filter(is_left).collect()
}

/// Files, for people.
fn listed<'p>(files: impl IntoIterator<Item = &'p PathBuf>) -> String {
    files.into_iter().map(|file| format!("`{}`", file.display())).collect::<Vec<_>>().join(", ")
}

/// Who holds the shares, each of them one, before anything is made.
fn names(holders: &[Person]) -> Result<Vec<Name>, DeskError> {
    let mut names = Vec::new();
    for holder in holders {
        let name = name_of(&holder.id)?;
        if names.contains(&name) {
            return Err(KeyBoxError::SamePerson(name).into());
        }
        names.push(name);
    }
    Ok(names)
}

/// A file in a folder that is made if it is not there, and that only its owner enters then. It is added to
/// `written` if it is there then, whatever went wrong.
fn write_in(folder: &Path, path: &Path, bytes: &[u8], written: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(folder);
    made.map_err(|source| CustodyFailure::Folder { path: folder.to_path_buf(), source })?;
    let file = whole_file::write_new(path, bytes);
    let is_there = match &file {
        Ok(()) => true,
        // That one is somebody else's.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(_) => fs::symlink_metadata(path).is_ok(),
    };
    if is_there {
        written.push(path.to_path_buf());
    }
    Ok(file.map_err(|source| CustodyFailure::File { path: path.to_path_buf(), source })?)
}

/// A sealing key in parts, with a name that no set here has: by the name people tell one set from another.
fn split(quorum: Quorum, known: &KeyBox) -> Result<SplitKey, Failure> {
    let fill = |buffer: &mut [u8]| SystemRandom.fill(buffer);
    let mut split = SealingKey::generate(fill).map_err(DeskError::from)?.split(quorum, fill);
    for _ in 1..NAME_COUNT_MAX {
        let made = split.map_err(CustodyFailure::Split)?;
        if known.sets().iter().all(|held| held.set().id != made.set.id) {
            return Ok(made);
        }
        split = SealingKey::generate(fill).map_err(DeskError::from)?.split(quorum, fill);
    }
    Ok(split.map_err(CustodyFailure::Split)?)
}

/// The words in three columns, with their numbers.
fn numbered(screen: &PrivateScreen, words: &str) -> Result<(), crate::terminal::TerminalError> {
    const ROW_COUNT: usize = 11;
    const COLUMN_CHARS: usize = 20;
    for row in 0..ROW_COUNT {
        for column in 0..3 {
            let place = column * ROW_COUNT + row;
            if let Some(word) = words.split(' ').nth(place) {
                screen.put(&format!("  {:>2}  ", place + 1))?;
                screen.put(word)?;
                screen.put(&" ".repeat(COLUMN_CHARS.saturating_sub(word.len())))?;
            }
        }
        screen.put("\n")?;
    }
    screen.put("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_run_wrote_is_taken_away_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("breakglass-new-set-{}", std::process::id()));
        let (before, first) = (folder.join("before"), folder.join("first"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(&before, "somebody else's").unwrap();
        let mut written = Vec::new();
        write_in(&folder, &first, b"a share", &mut written).unwrap();
        write_in(&folder, &before, b"a share", &mut written).unwrap_err();
        assert_eq!(written, std::slice::from_ref(&first));
        // Nothing of it is there.
        let nowhere = folder.join("nowhere").join("second");
        write_in(&folder, &nowhere, b"a share", &mut written).unwrap_err();
        assert_eq!(written, std::slice::from_ref(&first));
        assert_eq!(taken_away(&written), Vec::<&PathBuf>::new());
        assert!(!first.exists());
        assert_eq!(fs::read(&before).unwrap(), b"somebody else's");
        // What cannot be removed is named.
        let stuck = vec![folder.clone()];
        assert_eq!(taken_away(&stuck), [&folder]);
        assert_eq!(listed(&stuck), format!("`{}`", folder.display()));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_left_of_a_set_is_said_with_its_own_exit_code() {
        let why = || Failure::from(CustodyFailure::FewPeople);
        let set = || SetId::read("academic-acid").unwrap();
        for (half, wanted) in [
            (HalfMade::Left { set: set(), files: "`a`".to_owned(), why: why() }, "cannot be taken away: `a`"),
            (HalfMade::Untold { set: set(), why: why() }, "it is not known whether the record has taken it"),
        ] {
            let failure = Failure::from(half);
            assert_eq!(failure.exit(), Exit::Partial);
            let text = failure.plain();
            assert!(text.contains(wanted) && text.contains("destroy") && text.contains("because"), "{text}");
        }
    }
}
