//! `custody new-set`: a sealing key, split among custodians.

use std::fs;
use std::path::{Path, PathBuf};

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::random::SystemRandom;
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
use super::sheet::{PaperName, share_sheet, write_new};
use crate::config::{Person, PersonKind};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::PrivateScreen;
use crate::wiring::World;

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

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let holders = self.holders(&desk)?;
        let count = u8::try_from(holders.len()).unwrap_or(u8::MAX);
        let quorum = Quorum::new(self.threshold, count).map_err(CustodyFailure::Quorum)?;
        if self.show && holders.iter().any(|holder| holder.age.is_none()) {
            // Before anything is made.
            drop(PrivateScreen::open("show shares on", world).map_err(DeskError::from)?);
        }
        let names = names(&holders)?;
        let operator = desk.operator_key_or_new(self.passphrase, world)?;
        let store = desk.store()?;
        let mut key_box = desk.key_box(&store)?;
        let split = split(quorum, &key_box)?;
        let now = SystemClock.now();
        let signed = SignedSet::sign(&split.set, now, &operator).map_err(CustodyFailure::Signed)?;
        let made = Entry::Made { set: signed.text().to_owned(), holders: names, is_reserve: self.reserve, at: now };
        // Whether it can be the next set shows before anybody is given a share.
        KeyBox::take(&mut key_box.clone(), &made).map_err(DeskError::from)?;
        for (holder, share) in holders.iter().zip(&split.shares) {
            self.hand_out((&desk, holder), (&signed, share), now, world)?;
        }
        // Only what somebody holds is a set.
        key_box.note(&store, &made).map_err(DeskError::from)?;
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
        now: Timestamp,
        world: &World,
    ) -> Result<(), Failure> {
        let number = share.header().member + 1;
        let id = &signed.set().id;
        if let Some(key) = &holder.age {
            let sealed = seal_share(share, key).map_err(CustodyFailure::Share)?;
            let path = write_in(&self.output, &format!("{id}-{number}-{}.age", holder.id), sealed.as_bytes())?;
            world.tell(&format!("{}: share {number} is in `{}`, encrypted to their key.", holder.name, path.display()));
            return Ok(());
        }
        if !self.show {
            let sheet = share_sheet(desk, holder, (signed, share, self.reserve), &[], (self.paper, now))?;
            let path = write_in(&self.output, &format!("{id}-{number}-{}.pdf", holder.id), &sheet)?;
            world.tell(&format!(
                "{}: share {number} is in `{}`; print it for them, and delete it.",
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

/// A file in a folder that is made if it is not there, and that only its owner enters then.
fn write_in(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(folder);
    made.map_err(|source| CustodyFailure::Folder { path: folder.to_path_buf(), source })?;
    let path = folder.join(name);
    write_new(&path, bytes)?;
    Ok(path)
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
