//! What reading What If bodies promises: one answer, whichever way a body is read, and nothing that is given is read
//! over.

use breakglass_model::request_reader::RequestReader;
use breakglass_model::scan::Scan;
use breakglass_model::sign_in::WhatIfRequest;

/// Checks it for bodies of one line each.
pub(crate) fn hold(bytes: &[u8]) {
    let mut reader = RequestReader::default();
    for body in bytes.split(|byte| *byte == b'\n') {
        let careful = WhatIfRequest::from_json_carefully(body);
        let shown = || String::from_utf8_lossy(body);
        if let Some(quick) = WhatIfRequest::scan(body) {
            assert_eq!(Some(&quick), careful.as_ref().ok(), "the scan of {}", shown());
        }
        let careful = careful.ok();
        if careful.is_some() {
            let lenient: Option<WhatIfRequest<'_>> = serde_json::from_slice(body).ok();
            assert_eq!(careful, lenient, "{}", shown());
        }
        let alone = WhatIfRequest::from_json(body).inspect_err(|error| assert!(!error.to_string().is_empty()));
        assert_eq!(alone.ok(), careful, "{}", shown());
        assert_eq!(reader.read(body).ok(), careful, "after others, {}", shown());
        let mut scan = Scan::new(body);
        if scan.skip().is_some() && scan.is_at_end() {
            assert!(serde_json::from_slice::<serde_json::Value>(body).is_ok(), "no JSON: {}", shown());
        }
    }
}
