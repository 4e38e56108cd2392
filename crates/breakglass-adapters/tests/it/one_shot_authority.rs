//! Certificates of an authority that is gone: somebody else's verifier (rustls) takes them, and revokes them.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use breakglass_adapters::one_shot_authority::{
    ACCOUNT_COUNT_MAX, ADDRESS_CHARS_MAX, Holder, IssueError, Issued, Terms, VALID_DAYS_MAX, VALID_DAYS_USUAL, issue,
};
use breakglass_custody::document::CredentialKind;
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use serde_json::json;

/// 2026-11-27T03:00:00Z.
const BEGIN: u64 = 1_795_748_400;
const DAY: u64 = 86_400;

fn holder(number: usize) -> Holder {
    Holder {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        user_principal_name: format!("emergency-access-{number}@contoso.onmicrosoft.com"),
    }
}

fn terms() -> Terms {
    Terms {
        begin: Timestamp::from_second(i64::try_from(BEGIN).unwrap()).unwrap(),
        valid_days: VALID_DAYS_USUAL,
        list_address: None,
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// Whether a verifier that trusts the authority takes a certificate, at a second and with a list.
fn verified(issued: &Issued, certificate: &str, list: &[u8], at: u64) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(der(&issued.authority)).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls([CertificateRevocationListDer::from(list.to_vec())])
        .build()
        .unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(at));
    verifier.verify_client_cert(&der(certificate), &[], now).map(|_| ())
}

#[test]
fn each_account_has_a_certificate_that_signs_in_until_all_are_revoked() {
    let issued = issue(&[holder(1), holder(2)], &terms()).unwrap();
    assert_eq!(issued.end.to_string(), "2027-11-27");
    assert_eq!(issued.certificates.len(), 2);
    for one in &issued.certificates {
        let at = |list: &[u8], second: u64| verified(&issued, &one.certificate, list, second);
        assert_eq!(at(&issued.revokes_none, BEGIN), Ok(()));
        assert_eq!(at(&issued.revokes_none, BEGIN + 360 * DAY), Ok(()));
        assert_eq!(at(&issued.revokes_all, BEGIN), Err(Error::InvalidCertificate(CertificateError::Revoked)));
        let late = at(&issued.revokes_none, BEGIN + 366 * DAY).unwrap_err();
        assert!(matches!(late, Error::InvalidCertificate(CertificateError::ExpiredContext { .. })), "{late}");
        let early = at(&issued.revokes_none, BEGIN - DAY).unwrap_err();
        assert!(matches!(early, Error::InvalidCertificate(CertificateError::NotValidYetContext { .. })), "{early}");
        // The name that Entra reads is in it, as UTF-8.
        let der = der(&one.certificate);
        let name = one.holder.user_principal_name.as_bytes();
        assert!(der.windows(name.len()).filter(|part| *part == name).count() >= 2, "as subject and as principal name");
    }
    let other = issue(&[holder(1)], &terms()).unwrap();
    assert!(verified(&other, &issued.certificates[0].certificate, &other.revokes_none, BEGIN).is_err());
    assert_ne!(other.name, issued.name, "two authorities are told apart");
}

#[test]
fn what_is_sealed_is_the_key_of_the_certificate_and_is_shown_nowhere() {
    let issued = issue(&[holder(1)], &terms()).unwrap();
    let one = &issued.certificates[0];
    assert_eq!(one.secret.kind(), CredentialKind::Certificate);
    let (key, certificate) = one.secret.with_plaintext(|text| {
        let line = text.lines().nth(1).unwrap();
        assert!(line.len() == 64 && !format!("{issued:?}").contains(line), "no part of the key is shown");
        assert!(text.ends_with(&one.certificate));
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).unwrap();
        let (_, certificate) = text.split_once("-----END PRIVATE KEY-----\n").unwrap();
        (key.clone_key(), der(certificate))
    });
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let certified = rustls::sign::CertifiedKey::from_der(vec![certificate.clone()], key, &provider).unwrap();
    certified.keys_match().unwrap();
    // The binding is SHA-1 of the public key as it stands in the certificate, and the certificate says so, too.
    let spki = certified.key.public_key().unwrap();
    let bits = &spki[spki.len() - 398..];
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, bits);
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(one.binding, format!("X509:<SKI>{hex}"));
    assert!(certificate.windows(20).any(|part| part == hash.as_ref()));
}

#[test]
fn requests_bind_each_certificate_to_its_account() {
    let address = Some("http://pki.contoso.example/emergency.crl".to_owned());
    for list_address in [None, address] {
        let issued = issue(&[holder(1), holder(2)], &Terms { list_address: list_address.clone(), ..terms() }).unwrap();
        let requests = issued.requests();
        let shown: Vec<String> = requests.iter().map(|one| format!("{} {}", one.method, one.target)).collect();
        let trust = "/v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations";
        assert_eq!(
            shown,
            [
                format!("POST {trust}"),
                format!("POST {trust}/{{id}}/certificateAuthorities"),
                format!("PATCH /v1.0/users/{}", holder(1).id),
                format!("PATCH /v1.0/users/{}", holder(2).id),
            ]
        );
        let base64: String = issued.authority.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(requests[1].body["certificate"], json!(base64));
        assert_eq!(requests[1].body["certificateAuthorityType"], "root");
        assert_eq!(requests[1].body.get("certificateRevocationListUrl"), list_address.map(|text| json!(text)).as_ref());
        for (request, one) in requests[2..].iter().zip(&issued.certificates) {
            assert_eq!(request.body, json!({ "authorizationInfo": { "certificateUserIds": [one.binding] } }));
        }
        assert_ne!(issued.certificates[0].binding, issued.certificates[1].binding);
    }
}

#[test]
fn what_cannot_be_is_not_issued() {
    let many: Vec<Holder> = (0..=ACCOUNT_COUNT_MAX).map(holder).collect();
    for (holders, count) in [(&[][..], 0), (&many[..], ACCOUNT_COUNT_MAX + 1), (&[holder(1), holder(1)][..], 1)] {
        assert!(matches!(issue(holders, &terms()), Err(IssueError::Accounts(found)) if found == count));
    }
    for days in [0, VALID_DAYS_MAX + 1] {
        let refused = issue(&[holder(1)], &Terms { valid_days: days, ..terms() });
        assert!(matches!(refused, Err(IssueError::Days(found)) if found == days));
    }
    let long = format!("http://{}", "x".repeat(ADDRESS_CHARS_MAX - 6));
    for address in ["https://contoso.example/crl", "http://", "ldap://x", "http://a b", "http://\u{e4}", &long] {
        let refused = issue(&[holder(1)], &Terms { list_address: Some(address.to_owned()), ..terms() });
        assert!(matches!(refused, Err(IssueError::Address)), "{address}");
    }
}
