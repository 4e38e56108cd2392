//! Depositories: what each of them promises, and what becomes of it when something fails.

mod folder;
mod rotations;
mod vault;

use breakglass_custody::name::Name;
use breakglass_ops::ports::{DOCUMENT_BYTES_MAX, Depository, DepositoryError, InMemoryDepository};

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

/// What every depository does, begun with an empty one.
async fn keeps_its_promises(depository: &dyn Depository) {
    let (one, other) = (name("a-1"), name("b-2"));
    assert_eq!(depository.read(&one).await, Ok(None));
    assert_eq!(depository.names().await.unwrap(), []);
    depository.destroy(&one).await.unwrap();
    let text = "BREAKGLASS\n\u{e4}\u{20ac}\u{1f511}\n";
    depository.keep(&other, text).await.unwrap();
    depository.keep(&one, "").await.unwrap();
    assert_eq!(depository.names().await.unwrap(), [one.clone(), other.clone()]);
    assert_eq!(depository.read(&other).await.unwrap().as_deref(), Some(text), "byte for byte");
    assert_eq!(depository.read(&one).await.unwrap().as_deref(), Some(""));
    depository.keep(&other, text).await.unwrap();
    let taken = depository.keep(&other, "another").await.unwrap_err();
    assert!(matches!(&taken, DepositoryError::Taken { name, .. } if *name == other), "{taken}");
    assert_eq!(depository.read(&other).await.unwrap().as_deref(), Some(text), "the first stays");
    let largest = "x".repeat(DOCUMENT_BYTES_MAX);
    depository.keep(&name("largest"), &largest).await.unwrap();
    assert_eq!(depository.read(&name("largest")).await.unwrap(), Some(largest.clone()));
    let large = depository.keep(&name("larger"), &(largest + "x")).await.unwrap_err();
    assert!(matches!(large, DepositoryError::TooLarge { .. }), "{large}");
    assert_eq!(depository.read(&name("larger")).await, Ok(None));
    for gone in [&other, &name("largest"), &one] {
        depository.destroy(gone).await.unwrap();
        assert_eq!(depository.read(gone).await, Ok(None));
    }
    assert_eq!(depository.names().await.unwrap(), []);
    depository.keep(&other, "another").await.unwrap();
    assert_eq!(depository.read(&other).await.unwrap().as_deref(), Some("another"), "the name is free again");
}

#[tokio::test]
async fn memory_keeps_its_promises() {
    keeps_its_promises(&InMemoryDepository::default()).await;
}

#[test]
fn a_name_is_a_files_name_anywhere() {
    for good in ["a", "0", "envelope-0f3c", &"a".repeat(64)] {
        assert!(Name::read(good).is_ok(), "{good}");
    }
    for bad in ["", "A", "a.b", "a/b", "..", "a b", "\u{e4}", "a\0", &"a".repeat(65)] {
        assert!(Name::read(bad).is_err(), "{bad}");
    }
}
