//! The tenant's own certificate authority, and the certificate that it serves with.
//!
//! **Invariant:** the authority is constrained, critically, to names and addresses of this machine itself: whoever
//! trusts it trusts nothing else. Addresses that other machines can reach have an authority of their own, for these
//! addresses alone, whose key is kept nowhere.
//! **Source:** RFC 5280, section 4.2.1.10; `tenant-clients.md` sections 1.2 and 10.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// File of the authority's certificate, for clients to trust.
pub const AUTHORITY_FILE: &str = "ca.pem";
/// File of the certificate of the authority for addresses that other machines can reach: another one each time.
pub const BEYOND_AUTHORITY_FILE: &str = "ca-beyond-loopback.pem";
/// File of the authority's key.
const AUTHORITY_KEY_FILE: &str = "ca-key.pem";
/// Years for which the authority is good.
const AUTHORITY_YEARS: i32 = 10;
/// Years for which a certificate is good; clients refuse more than 825 days.
const CERTIFICATE_YEARS: i32 = 1;

/// The certificate authority or the certificate cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("`{path}` cannot be read or written")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be made or read.
    #[error("the certificate authority of the tenant cannot be made or read")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refuses.
    #[error("TLS cannot be set up")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

/// The configuration of the server, with a new certificate for these addresses; makes the authority in the folder if
/// there is none. If one of the addresses is not of loopback, an authority for them is made that ends with the server.
///
/// # Errors
/// When a file cannot be read or written, or a certificate cannot be made.
pub fn server_config(folder: &Path, addresses: &[IpAddr], now: Timestamp) -> Result<ServerConfig, TlsError> {
    let is_beyond = addresses.iter().any(|address| !address.is_loopback());
    let (key, certificate) =
        if is_beyond { authority_beyond(folder, addresses, now)? } else { authority(folder, now)? };
    let issuer = Issuer::from_params(&certificate, &key);
    let own = KeyPair::generate()?;
    let leaf = leaf(addresses, now)?.signed_by(&own, &issuer)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let builder =
        ServerConfig::builder_with_provider(default_provider().into()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], private)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The key of the authority, and what its certificate says.
fn authority(folder: &Path, now: Timestamp) -> Result<(KeyPair, CertificateParams), TlsError> {
    let (key_path, path) = (folder.join(AUTHORITY_KEY_FILE), folder.join(AUTHORITY_FILE));
    let said = authority_params(&[], now);
    if key_path.is_file() && path.is_file() {
        let pem = fs::read_to_string(&key_path).map_err(|source| TlsError::File { path: key_path, source })?;
        return Ok((KeyPair::from_pem(&pem)?, said));
    }
    let key = KeyPair::generate()?;
    let certificate = said.self_signed(&key)?;
    write_private(&key_path, &key.serialize_pem())?;
    fs::write(&path, certificate.pem()).map_err(|source| TlsError::File { path, source })?;
    Ok((key, said))
}

/// The authority for addresses that other machines can reach.
fn authority_beyond(
    folder: &Path,
    addresses: &[IpAddr],
    now: Timestamp,
) -> Result<(KeyPair, CertificateParams), TlsError> {
    let path = folder.join(BEYOND_AUTHORITY_FILE);
    let (said, key) = (authority_params(addresses, now), KeyPair::generate()?);
    let certificate = said.self_signed(&key)?;
    fs::write(&path, certificate.pem()).map_err(|source| TlsError::File { path, source })?;
    Ok((key, said))
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> Result<(), TlsError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(path)?;
        io::Write::write_all(&mut file, text.as_bytes())
    };
    write().map_err(|source| TlsError::File { path: path.to_owned(), source })
}

fn authority_params(beyond: &[IpAddr], now: Timestamp) -> CertificateParams {
    let mut said = CertificateParams::default();
    said.distinguished_name.push(DnType::CommonName, "breakglass embedded tenant");
    said.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    said.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let loopback = [
        GeneralSubtree::DnsName("localhost".to_owned()),
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv4Addr::new(127, 0, 0, 0).into(), 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv6Addr::LOCALHOST.into(), 128)),
    ];
    let beyond: BTreeSet<IpAddr> = beyond.iter().filter(|address| !address.is_loopback()).copied().collect();
    let beyond = beyond.into_iter().map(|address| {
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, if address.is_ipv4() { 32 } else { 128 }))
    });
    said.name_constraints = Some(NameConstraints {
        permitted_subtrees: loopback.into_iter().chain(beyond).collect(),
        excluded_subtrees: Vec::new(),
    });
    valid_for(&mut said, now, AUTHORITY_YEARS);
    said
}

fn leaf(addresses: &[IpAddr], now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut said = CertificateParams::new(vec!["localhost".to_owned()])?;
    said.distinguished_name.push(DnType::CommonName, "localhost");
    let usual = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
    let mut all: Vec<IpAddr> = addresses.iter().copied().chain(usual).collect();
    all.sort_unstable();
    all.dedup();
    said.subject_alt_names.extend(all.into_iter().map(SanType::IpAddress));
    said.is_ca = IsCa::ExplicitNoCa;
    said.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    said.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    said.use_authority_key_identifier_extension = true;
    valid_for(&mut said, now, CERTIFICATE_YEARS);
    Ok(said)
}

/// From the beginning of the year before on: a client whose clock is slow takes it, too.
fn valid_for(said: &mut CertificateParams, now: Timestamp, years: i32) {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let (month, day) = (u8::try_from(today.month()).unwrap_or(1), u8::try_from(today.day().min(28)).unwrap_or(1));
    let year = i32::from(today.year());
    said.not_before = date_time_ymd(year - 1, month, day);
    said.not_after = date_time_ymd(year + years, month, day);
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use jiff::Timestamp;

    use super::{AUTHORITY_FILE, AUTHORITY_KEY_FILE, BEYOND_AUTHORITY_FILE, server_config};

    #[test]
    fn addresses_beyond_loopback_have_an_authority_of_which_no_key_is_kept() {
        let folder = std::env::temp_dir().join(format!("breakglass-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        server_config(&folder, &[address, address], Timestamp::UNIX_EPOCH).unwrap();
        let is_there = |name: &str| folder.join(name).is_file();
        assert!(is_there(BEYOND_AUTHORITY_FILE) && !is_there(AUTHORITY_FILE) && !is_there(AUTHORITY_KEY_FILE));
        let first = std::fs::read(folder.join(BEYOND_AUTHORITY_FILE)).unwrap();
        server_config(&folder, &[address], Timestamp::UNIX_EPOCH).unwrap();
        assert_ne!(std::fs::read(folder.join(BEYOND_AUTHORITY_FILE)).unwrap(), first, "another one each time");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
