//! `custody replicate`: every depository has a whole copy of every document, as far as one has.

use breakglass_custody::document::Document;
use breakglass_ops::key_box::depositories::Depositories;
use breakglass_ops::ports::{Depository, DepositoryError};

use super::desk::{Desk, DeskError, Place, confirmed, name_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::counted;
use crate::wiring::World;

/// Put whole copies of the sealed documents where they are missing or damaged
///
/// Each depository is to have each document. What is missing in one, or is damaged there, is taken from another that has it as
/// the operator signed it. Nothing is opened, and nobody has to be there. A whole document under another's name stays as it is.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
}

/// What a depository has in place of a whole copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// Nothing.
    Missing,
    /// What is no document of ours any more.
    Damaged,
    /// Another document, as the operator signed it.
    Other,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let (depositories, documents) = (desk.depositories(), desk.documents_found(world)?);
        let (mut put, mut is_left) = (0, false);
        for document in &documents {
            for (depository, lack) in lacking(&desk, &depositories, document)? {
                match mend(&desk, (depository, lack), document)? {
                    Ok(()) => {
                        put += 1;
                        world.tell(&format!("{} has `{}` again.", depository.place(), document.label().envelope));
                    }
                    Err(why) => {
                        is_left = true;
                        world.note(&why);
                    }
                }
            }
        }
        if put == 0 && !is_left {
            world.tell(&format!(
                "Every depository that answers has {}, each of them whole.",
                counted(documents.len(), "document")
            ));
        }
        Ok(if is_left { Exit::Partial } else { Exit::Good })
    }
}

/// The depositories that answer and have no whole copy of a document. That one does not answer is told by whoever looked for
/// the documents.
pub(super) fn lacking<'d>(
    desk: &Desk,
    depositories: &'d Depositories,
    document: &Document,
) -> Result<Vec<(&'d dyn Depository, Lack)>, DeskError> {
    let (name, operator) = (name_of(&document.label().envelope.to_string())?, desk.operator()?);
    let mut found = Vec::new();
    for depository in depositories.iter() {
        let lack = match desk.runtime.block_on(depository.read(&name)) {
            Ok(None) => Lack::Missing,
            Ok(Some(text)) => match confirmed(name.as_str(), &text, operator) {
                Ok(copy) if copy == *document => continue,
                Ok(_) => Lack::Other,
                Err(_) => Lack::Damaged,
            },
            Err(DepositoryError::Damaged { .. } | DepositoryError::TooLarge { .. }) => Lack::Damaged,
            Err(_) => continue,
        };
        found.push((depository, lack));
    }
    Ok(found)
}

/// Puts a whole copy there; why it could not be put, if it could not.
fn mend(
    desk: &Desk,
    (depository, lack): (&dyn Depository, Lack),
    document: &Document,
) -> Result<Result<(), String>, DeskError> {
    let name = name_of(&document.label().envelope.to_string())?;
    if lack == Lack::Other {
        let place = depository.place();
        return Ok(Err(format!("{place} has another document under the name `{name}`, which stays: rename it first")));
    }
    let put = desk.runtime.block_on(async {
        if lack == Lack::Damaged {
            // Nothing is lost with it: a whole one was read elsewhere just now.
            depository.destroy(&name).await?;
        }
        depository.keep(&name, document.text()).await
    });
    Ok(put.map_err(|error| error.to_string()))
}
