//! The secret key of a log or a witness has no copy, no text, no comparison and no serialisation: the compiler says so.

use breakglass_ledger::note::SecretKey;

/// Does not compile where the type has one of the traits: then it has two candidates for `Ambiguous<_>`.
macro_rules! lacks {
    ($type:ty: $($bound:path),+) => {
        const _: fn() = || {
            trait Ambiguous<Which> {
                fn item() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            $({
                struct HasIt;
                impl<T: ?Sized + $bound> Ambiguous<HasIt> for T {}
            })+
            let _ = <$type as Ambiguous<_>>::item;
        };
    };
}

lacks!(SecretKey: Clone, PartialEq, std::fmt::Debug, std::fmt::Display, serde::Serialize, AsRef<[u8]>);
