//! A certificate authority that lives for one call: it issues a certificate for each account, signs two lists of what is
//! revoked, and its key is gone.
//!
//! Whoever has the key of an authority that a tenant trusts can be any of its users, so that there is none to have. Since
//! nobody can sign a list of revoked certificates later, one that revokes everything is signed at once and put away.
//! **Invariant:** the authority's key is wiped when [`issue`] returns and is in none of what it gives; each account's key is
//! in its [`Secret`] alone.
//! **Limits:** [`ACCOUNT_COUNT_MAX`], [`VALID_DAYS_MAX`], [`ADDRESS_CHARS_MAX`].
//! **Source:** RFC 5280; "Set up Microsoft Entra certificate-based authentication", "Map to the certificateUserIds
//! attribute", "Microsoft Entra certificate-based authentication Certificate Revocation List" and "Create
//! certificateAuthorityDetail", read 2026-11-27.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_custody::secret::{Secret, SecretError};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, OtherNameValue, PKCS_RSA_SHA256, PublicKeyData as _,
    RevocationReason, RevokedCertParams, RsaKeySize, SanType, SerialNumber, date_time_ymd,
};
use serde_json::{Value, json};
use zeroize::{Zeroize as _, Zeroizing};

/// Accounts of one authority at most.
pub const ACCOUNT_COUNT_MAX: usize = 10;

/// Days for which certificates are good, unless it is said otherwise.
pub const VALID_DAYS_USUAL: u16 = 365;

/// Days for which certificates can be good at most.
pub const VALID_DAYS_MAX: u16 = 1_095;

/// Characters of the longest address of a list.
pub const ADDRESS_CHARS_MAX: usize = 255;

/// A principal name among a certificate's other names: Microsoft's `szOID_NT_PRINCIPAL_NAME`.
const PRINCIPAL_NAME: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];

/// Bytes of a serial number: RFC 5280 allows twenty.
const SERIAL_BYTES: usize = 16;

/// Characters of a line in PEM.
const LINE_CHARS: usize = 64;

/// Why there are no certificates. Nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// There are none to issue, or too many.
    #[error("certificates are issued for 1 to {ACCOUNT_COUNT_MAX} different accounts, not for {0}")]
    Accounts(usize),
    /// They would be good for too long, or not at all.
    #[error("certificates are good for 1 to {VALID_DAYS_MAX} days, not for {0}")]
    Days(u16),
    /// The address is none that Entra reads.
    #[error(
        "the address of a revocation list is one of http, of at most {ADDRESS_CHARS_MAX} characters; Entra reads no other"
    )]
    Address,
    /// They could not be made.
    #[error("the certificates could not be made: {0}")]
    Made(#[from] rcgen::Error),
    /// There is no randomness.
    #[error("the system gives no randomness")]
    Random,
    /// A key is none that can be sealed.
    #[error("a private key that was made cannot be sealed")]
    Secret(#[from] SecretError),
}

/// The account that a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its object id.
    pub id: String,
    /// Its sign-in name.
    pub user_principal_name: String,
}

/// For how long, and where it is said that they are revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The day on which they begin.
    pub begin: Timestamp,
    /// Days for which they are good.
    pub valid_days: u16,
    /// Where Entra finds the list of what is revoked. Without one it looks at none; with one nobody signs in while it is
    /// not to be had.
    pub list_address: Option<String>,
}

/// A certificate of an account.
#[derive(Debug)]
pub struct IssuedCertificate {
    /// Whose.
    pub holder: Holder,
    /// Its serial number, in hexadecimal digits and small letters.
    pub serial: String,
    /// The certificate, in PEM.
    pub certificate: String,
    /// What the account's `certificateUserIds` has to have: the certificate by the hash of its key.
    pub binding: String,
    /// The private key and the certificate behind it, in PEM.
    pub secret: Secret,
}

/// Everything that is left of an authority.
#[derive(Debug)]
pub struct Issued {
    /// What the authority is called.
    pub name: String,
    /// Its certificate, in PEM: what the tenant is to trust.
    pub authority: String,
    /// The same in base64 of DER, as Graph takes it.
    authority_base64: String,
    /// When everything ends, as a date.
    pub end: Date,
    /// The certificates, in the order in which they were asked for.
    pub certificates: Vec<IssuedCertificate>,
    /// The list that revokes nothing, in DER.
    pub revokes_none: Vec<u8>,
    /// The list that revokes every one of them, in DER: to be put into the other's place.
    pub revokes_all: Vec<u8>,
    list_address: Option<String>,
}

/// A request to Graph that somebody sends once it was looked at. `{id}` in the target is the id in the answer to the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainRequest {
    /// The method.
    pub method: &'static str,
    /// The path from the version on.
    pub target: String,
    /// The body.
    pub body: Value,
}

impl Issued {
    /// What makes the tenant trust the authority, and binds each certificate to its account and no other.
    #[must_use]
    pub fn requests(&self) -> Vec<PlainRequest> {
        const TRUST: &str = "/v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations";
        let mut authority = json!({
            "displayName": self.name,
            "certificateAuthorityType": "root",
            "certificate": self.authority_base64,
        });
        if let (Some(address), Some(members)) = (&self.list_address, authority.as_object_mut()) {
            members.insert("certificateRevocationListUrl".to_owned(), json!(address));
        }
        let trust =
            PlainRequest { method: "POST", target: TRUST.to_owned(), body: json!({ "displayName": self.name }) };
        let add =
            PlainRequest { method: "POST", target: format!("{TRUST}/{{id}}/certificateAuthorities"), body: authority };
        let bind = self.certificates.iter().map(|one| PlainRequest {
            method: "PATCH",
            target: format!("/v1.0/users/{}", one.holder.id),
            body: json!({ "authorizationInfo": { "certificateUserIds": [one.binding] } }),
        });
        [trust, add].into_iter().chain(bind).collect()
    }
}

/// A key that is wiped when it is dropped. aws-lc wipes its own copy.
struct Wiped(KeyPair);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Wiped {
    /// A key of RSA: whether Entra takes another is not said.
    fn generate() -> Result<Self, rcgen::Error> {
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072).map(Self)
    }

    /// SHA-1 of the public key, which is its name in certificates (RFC 5280, section 4.2.1.2, the first way).
    fn identifier(&self) -> Vec<u8> {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, self.0.der_bytes()).as_ref().to_vec()
    }
}

/// Makes an authority, has it issue a certificate for each account and sign both lists, and wipes its key.
///
/// # Errors
/// The terms cannot be, or the system has no randomness. Nothing is left then.
pub fn issue(holders: &[Holder], terms: &Terms) -> Result<Issued, IssueError> {
    check(holders, terms)?;
    let begin = terms.begin.to_zoned(TimeZone::UTC).date();
    let end = begin.checked_add(Span::new().days(terms.valid_days));
    let end = end.map_err(|_| IssueError::Days(terms.valid_days))?;
    let key = Wiped::generate()?;
    let serial = serial()?;
    let tag: String = serial.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let name = format!("Emergency access {begin} {tag}");
    let mut params = params(&name, (begin, end), &serial, &key);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = params.self_signed(&key.0)?;
    let issuer = Issuer::new(params, &key.0);
    let mut serials = Vec::new();
    let mut certificates = Vec::new();
    for holder in holders {
        let serial = self::serial()?;
        certificates.push(certificate(holder, (begin, end), &serial, &issuer)?);
        serials.push(serial);
    }
    let list = |number: u8, revoked: &[Vec<u8>]| list(&issuer, key.identifier(), (begin, end), (number, revoked));
    Ok(Issued {
        name,
        authority: pem("CERTIFICATE", authority.der()).to_string(),
        authority_base64: STANDARD.encode(authority.der()),
        end,
        certificates,
        revokes_none: list(1, &[])?,
        revokes_all: list(2, &serials)?,
        list_address: terms.list_address.clone(),
    })
}

fn check(holders: &[Holder], terms: &Terms) -> Result<(), IssueError> {
    let mut ids: Vec<String> = holders.iter().map(|holder| holder.id.to_ascii_lowercase()).collect();
    ids.sort();
    ids.dedup();
    if ids.len() != holders.len() || !(1..=ACCOUNT_COUNT_MAX).contains(&ids.len()) {
        return Err(IssueError::Accounts(ids.len()));
    }
    if !(1..=VALID_DAYS_MAX).contains(&terms.valid_days) {
        return Err(IssueError::Days(terms.valid_days));
    }
    let is_address = |address: &String| {
        let rest = address.strip_prefix("http://").unwrap_or_default();
        !rest.is_empty()
            && address.len() <= ADDRESS_CHARS_MAX
            && address.bytes().all(|letter| letter.is_ascii_graphic())
    };
    if terms.list_address.as_ref().is_none_or(is_address) { Ok(()) } else { Err(IssueError::Address) }
}

fn certificate(
    holder: &Holder,
    days: (Date, Date),
    serial: &[u8],
    issuer: &Issuer<'_, &KeyPair>,
) -> Result<IssuedCertificate, IssueError> {
    let key = Wiped::generate()?;
    let mut params = params(&holder.user_principal_name, days, serial, &key);
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let name = OtherNameValue::Utf8String(holder.user_principal_name.clone());
    params.subject_alt_names = vec![SanType::OtherName((PRINCIPAL_NAME.to_vec(), name))];
    let certificate: Certificate = params.signed_by(&key.0, issuer)?;
    let certificate = pem("CERTIFICATE", certificate.der());
    let own = pem("PRIVATE KEY", key.0.serialized_der());
    let mut both = String::with_capacity(own.len() + certificate.len());
    both.push_str(&own);
    both.push_str(&certificate);
    let hex: String = key.identifier().iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(IssuedCertificate {
        holder: holder.clone(),
        serial: serial.iter().map(|byte| format!("{byte:02x}")).collect(),
        certificate: certificate.to_string(),
        binding: format!("X509:<SKI>{hex}"),
        secret: Secret::private_key(both)?,
    })
}

fn params(common_name: &str, (begin, end): (Date, Date), serial: &[u8], key: &Wiped) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = midnight(begin);
    params.not_after = midnight(end);
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.key_identifier_method = KeyIdMethod::PreSpecified(key.identifier());
    params
}

/// A list that is good for as long as the certificates are: nobody can sign another.
fn list(
    issuer: &Issuer<'_, &KeyPair>,
    identifier: Vec<u8>,
    (begin, end): (Date, Date),
    (number, revoked): (u8, &[Vec<u8>]),
) -> Result<Vec<u8>, rcgen::Error> {
    let revoked = revoked.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: midnight(begin),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: midnight(begin),
        next_update: midnight(end),
        crl_number: SerialNumber::from_slice(&[number]),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::PreSpecified(identifier),
    };
    Ok(params.signed_by(issuer)?.der().to_vec())
}

fn midnight(date: Date) -> time::OffsetDateTime {
    let small = |number: i8| u8::try_from(number).unwrap_or(1);
    date_time_ymd(i32::from(date.year()), small(date.month()), small(date.day()))
}

/// A number that no other certificate has: positive, and never shorter.
fn serial() -> Result<Vec<u8>, IssueError> {
    let mut serial = vec![0; SERIAL_BYTES];
    SystemRandom::new().fill(&mut serial).map_err(|_| IssueError::Random)?;
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(serial)
}

/// DER as PEM, in a text that never grows and is wiped.
fn pem(what: &str, der: &[u8]) -> Zeroizing<String> {
    let mut base64 = Zeroizing::new(String::with_capacity(der.len().div_ceil(3) * 4));
    STANDARD.encode_string(der, &mut base64);
    let lines = base64.len().div_ceil(LINE_CHARS);
    let mut text = Zeroizing::new(String::with_capacity(base64.len() + lines + 2 * (what.len() + 20)));
    text.push_str(&format!("-----BEGIN {what}-----\n"));
    let mut rest = base64.as_str();
    while let Some((line, more)) =
        rest.split_at_checked(LINE_CHARS.min(rest.len())).filter(|(line, _)| !line.is_empty())
    {
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str(&format!("-----END {what}-----\n"));
    text
}
