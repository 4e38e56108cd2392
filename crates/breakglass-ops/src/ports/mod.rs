//! The world as small traits: whoever keeps a duty names these and nothing behind them.

mod channel;
mod clock;
mod depository;
mod directory;
mod event_source;
mod parts;
mod passwords;
mod proving;
mod random;
mod security_key;
mod store;
mod surfaces;
mod watch_store;
mod witness_memory;

pub use channel::{Channel, DELIVER_SECONDS_MAX, Untaken};
pub use clock::Clock;
pub use depository::{DOCUMENT_BYTES_MAX, Depository, DepositoryError, InMemoryDepository, check_length};
pub use directory::{
    Directory, DirectoryError, GraphAnswer, GraphRequest, Method, Refusal, Repeat, SecretValue, SignedIn, SignedInAs,
};
pub use event_source::{EventSource, SourceError, SourcePage};
pub use parts::{InMemoryParts, Parts, PartsError};
pub use passwords::{Passwords, PasswordsError};
pub use proving::{Proof, Proving};
pub use random::{Random, RandomError};
pub use security_key::{MadeCredential, MakeCredential, SecurityKey, SecurityKeyError};
pub use store::{InMemoryStore, Store, StoreError};
pub use surfaces::{Attempt, NotElevated, Surfaces};
pub use watch_store::{
    Batch, Behind, DUE_SECONDS_MAX, Delivery, DeliveryKey, DeliveryState, ExpectedIncident, InMemoryWatch,
    KeptDelivery, KeptEvent, Lent, MovedCursor, NewEvent, Tried, WatchStore,
};
pub use witness_memory::{InMemoryWitness, WitnessMemory, WitnessMemoryError};
