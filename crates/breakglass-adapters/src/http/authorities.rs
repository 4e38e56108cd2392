//! Certificate authorities of one's own, for a proxy that looks into connections or a tenant of one's own.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Bytes of the largest file with authorities.
pub const AUTHORITIES_BYTES_MAX: u64 = 1 << 20;

/// Authorities that are trusted beside the public ones.
#[derive(Debug, Clone, Default)]
pub struct Authorities(pub(crate) Vec<CertificateDer<'static>>);

/// Why a file gives no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// It cannot be read.
    #[error("the certificate authorities in `{path}` cannot be read")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It holds none.
    #[error("`{path}` holds no certificate authority: it is a PEM file with BEGIN CERTIFICATE in it")]
    None {
        /// The file.
        path: String,
    },
    /// One cannot be used.
    #[error("`{path}` holds what is no certificate authority: {why}")]
    Unusable {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Authorities {
    /// Those of PEM files, of which each holds at least one.
    ///
    /// # Errors
    /// A file cannot be read, is larger than [`AUTHORITIES_BYTES_MAX`], or holds no authority.
    pub fn from_pem_files<P: AsRef<Path>>(paths: &[P]) -> Result<Self, AuthoritiesError> {
        let mut all = Vec::new();
        for path in paths {
            let (path, shown) = (path.as_ref(), path.as_ref().display().to_string());
            let bytes = read(path).map_err(|source| AuthoritiesError::Read { path: shown.clone(), source })?;
            let unusable = |why: String| AuthoritiesError::Unusable { path: shown.clone(), why };
            let before = all.len();
            for certificate in CertificateDer::pem_slice_iter(&bytes) {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                let tried = rustls::RootCertStore::empty().add(certificate.clone());
                tried.map_err(|error| unusable(error.to_string()))?;
                all.push(certificate);
            }
            if all.len() == before {
                return Err(AuthoritiesError::None { path: shown });
            }
        }
        Ok(Self(all))
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(AUTHORITIES_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= AUTHORITIES_BYTES_MAX) {
        return Ok(bytes);
    }
    Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"))
}
