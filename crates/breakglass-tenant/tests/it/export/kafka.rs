//! A broker in this process, and the backlog of what it has not taken.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use breakglass_tenant::export::backlog::{Backlog, Told};
use breakglass_tenant::export::kafka::{Kafka, Plain, Tls};
use breakglass_tenant::export::{Category, DeliveryError, Destination, Exported};
use krafka::testing::FakeBroker;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;

use super::{contract, records};
use crate::served::world::{ADMIN, Served};

struct World {
    runtime: Runtime,
    broker: FakeBroker,
}

impl World {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let broker = runtime.block_on(FakeBroker::start()).unwrap();
        for category in Category::ALL {
            assert!(broker.create_topic(category.hub(), 1));
        }
        Self { runtime, broker }
    }

    fn kafka(&self, plain: Option<(&str, &str)>) -> Kafka {
        let plain = plain.map(|(user, password)| Plain { user: user.to_owned(), password: password.to_owned() });
        Kafka::new(&self.broker.bootstrap_servers(), &Tls::Without, plain, self.runtime.handle().clone())
    }

    /// The records in all messages of a topic.
    fn read(&self, category: Category) -> Vec<Value> {
        let messages = self.broker.committed_records(category.hub()).unwrap();
        let lists = messages.into_iter().map(|message| serde_json::from_slice(&message.value.unwrap()).unwrap());
        lists.flat_map(|list: Value| list["records"].as_array().unwrap().clone()).collect()
    }
}

#[test]
fn a_broker_keeps_the_contract() {
    let world = World::new();
    contract(&world.kafka(None), |category| world.read(category));
}

#[test]
fn a_broker_with_passwords_keeps_the_contract_with_the_right_one_alone() {
    let world = World::new();
    world.broker.require_sasl_plain("$ConnectionString", "Endpoint=sb://x;SharedAccessKey=k");
    for wrong in [None, Some(("$ConnectionString", "Endpoint=sb://x;SharedAccessKey=other")), Some(("x", "y"))] {
        let refused = world.kafka(wrong).deliver(&records(0..1)).unwrap_err();
        assert!(matches!(refused, DeliveryError::Broker(_)), "{refused}");
        let mut told = refused.to_string();
        let mut source = std::error::Error::source(&refused);
        while let Some(error) = source {
            told.push_str(&error.to_string());
            source = error.source();
        }
        assert!(!told.contains("SharedAccessKey"), "{told}");
    }
    let kafka = world.kafka(Some(("$ConnectionString", "Endpoint=sb://x;SharedAccessKey=k")));
    assert!(!format!("{kafka:?}").contains("Shared"));
    contract(&kafka, |category| world.read(category));
}

#[test]
fn a_broker_that_is_gone_is_an_error_until_it_is_back() {
    let world = World::new();
    let kafka = world.kafka(None);
    kafka.deliver(&records(0..1)).unwrap();
    world.broker.crash(0);
    assert!(kafka.deliver(&records(1..4)).is_err());
    world.broker.restart(0);
    kafka.deliver(&records(1..4)).unwrap();
    let all: Vec<Value> = Category::ALL.into_iter().flat_map(|category| world.read(category)).collect();
    for record in records(0..4) {
        assert!(all.contains(&record.record), "{record:?}");
    }
}

/// A destination that remembers, and refuses when it is told to.
#[derive(Debug, Default)]
struct Shelf {
    is_closed: AtomicBool,
    taken: Mutex<Vec<Exported>>,
}

impl Shelf {
    /// What was taken, by what the sign-ins came to.
    fn codes(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().map(|one| one.record["resultType"].as_str().unwrap().to_owned()).collect()
    }
}

impl Destination for Shelf {
    fn deliver(&self, records: &[Exported]) -> Result<(), DeliveryError> {
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(DeliveryError::Late(0));
        }
        self.taken.lock().unwrap().extend_from_slice(records);
        Ok(())
    }
}

fn backlog(served: &Served, shelf: &Arc<Shelf>) -> Backlog {
    let destination: Arc<dyn Destination> = Arc::<Shelf>::clone(shelf);
    Backlog::open(Arc::clone(&served.tenant), "shelf", destination).unwrap()
}

const WRONG: (&str, &str) = (ADMIN.0, "wrong");

#[test]
fn a_backlog_begins_when_it_is_named_and_is_kept_across_restarts() {
    let served = Served::new("backlog");
    let shelf = Arc::new(Shelf::default());
    assert_eq!(served.code(&[], ADMIN), 0);
    let first = backlog(&served, &shelf);
    assert_eq!(first.step().unwrap(), 0, "what was logged before is not exported");
    assert_eq!(served.code(&[], WRONG), 50_126);
    assert_eq!(first.step().unwrap(), 1);
    assert_eq!(first.step().unwrap(), 0);
    shelf.is_closed.store(true, Ordering::SeqCst);
    assert_eq!(served.code(&[], ADMIN), 0, "nobody waits for it");
    assert!(first.step().is_err());
    assert!(first.step().is_err());
    assert_eq!(shelf.codes(), ["50126"]);
    drop(first);
    let served = served.restarted();
    assert_eq!(served.code(&[], WRONG), 50_126, "logged while nobody exports");
    let second = backlog(&served, &shelf);
    assert!(second.step().is_err());
    shelf.is_closed.store(false, Ordering::SeqCst);
    assert_eq!(second.step().unwrap(), 2);
    assert_eq!(shelf.codes(), ["50126", "0", "50126"], "each once, in order");
    assert_eq!(second.step().unwrap(), 0);
}

#[test]
fn a_broker_that_goes_and_comes_back_is_told_of_once_and_gets_everything() {
    let world = World::new();
    let served = Served::new("backlog-broker");
    let kafka: Arc<dyn Destination> = Arc::new(world.kafka(None));
    let backlog = Backlog::open(Arc::clone(&served.tenant), "kafka", kafka).unwrap();
    let (tell, mut told) = unbounded_channel();
    world.broker.crash(0);
    world.runtime.spawn(backlog.run(move |what| {
        let word = match what {
            Told::Down(error) => format!("down: {error}"),
            Told::Up => "up".to_owned(),
        };
        tell.send(word).unwrap();
    }));
    let mut next = || served.run(told.recv()).unwrap();
    let expected: Vec<u64> = [0, 50_126, 0, 50_126, 0].to_vec();
    for code in &expected[..2] {
        assert_eq!(served.code(&[], if *code == 0 { ADMIN } else { WRONG }), *code);
    }
    assert_eq!(next(), "down: records of the logs are not taken where they are exported to");
    for code in &expected[2..4] {
        assert_eq!(served.code(&[], if *code == 0 { ADMIN } else { WRONG }), *code);
    }
    world.broker.restart(0);
    assert_eq!(next(), "up", "it was told once that it is gone");
    assert_eq!(served.code(&[], ADMIN), 0);
    let read = || -> Vec<u64> {
        let records = world.read(Category::SignInLogs);
        records.iter().map(|one| one["resultType"].as_str().unwrap().parse().unwrap()).collect()
    };
    // A record may come twice, and none may be missing.
    let in_order = || {
        let mut rest = expected.iter().peekable();
        for code in read() {
            rest.next_if(|wanted| **wanted == code);
        }
        rest.peek().is_none()
    };
    served.run(async {
        while !in_order() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    world.runtime.shutdown_background();
}
