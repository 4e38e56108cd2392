//! A browser of somebody who signs in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use breakglass_tenant::call::Call;

use super::choices::Choice;
use super::play::Play;
use super::wire::Answer;

/// A browser of somebody at a place.
pub(super) struct Browser<'p> {
    play: &'p Play<'p>,
    remote: IpAddr,
    device: Option<String>,
    agent: &'static str,
    cookies: BTreeMap<String, String>,
}

impl<'p> Browser<'p> {
    pub(super) fn of(play: &'p Play<'p>, choice: &Choice<'_>) -> Self {
        Self {
            play,
            remote: choice.address.parse().unwrap(),
            device: choice.device.map(str::to_owned),
            agent: choice.agent,
            cookies: BTreeMap::new(),
        }
    }

    pub(super) fn go(&mut self, (method, path): (&str, &str), form: &[(&str, &str)]) -> Option<Answer> {
        let sent = form_of(form);
        let (path, body) =
            if method == "GET" { (format!("{path}?{sent}"), String::new()) } else { (path.to_owned(), sent) };
        let answer = self.send_to((method, &path), (&[], &body), false)?;
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next()?.split_once('=')?;
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Some(answer)
    }

    pub(super) fn send_to(
        &self,
        (method, path): (&str, &str),
        (headers, body): (&[(&str, &str)], &str),
        is_for_manager: bool,
    ) -> Option<Answer> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let own = [("user-agent", self.agent.to_owned()), ("cookie", cookies.join("; "))];
        let host = (!is_for_manager).then(|| ("host", self.play.wire.localhost.clone()));
        let own = own.into_iter().chain(host).map(|(name, value)| (name.to_owned(), value));
        let more = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let device = self.device.iter().map(|id| ("x-breakglass-device".to_owned(), id.clone()));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let call = Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: own.chain(more).chain(device).collect(),
            body: body.as_bytes().to_vec(),
            remote: self.remote,
        };
        self.play.wire.send(call, is_for_manager)
    }
}

pub(super) fn field(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    rest.split('"').next().map(str::to_owned)
}

pub(super) fn form_of(form: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&")
}
