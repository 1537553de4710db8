//! Writes one event about each request, or about a sample of them, to Envoy's log. See
//! docs/purpose.md; `event.rs` makes the texts of an event.

mod event;

use std::time::UNIX_EPOCH;

use proxy_wasm::types::LogLevel;
use serde_json::Value;

use crate::filter::claims::Claims;
use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::services::Services;
use crate::filter::{AfterHeaders, Cx, Direction, End, HttpExtension};

use event::{in_sample, line, printable, redact_query, split_target, texts, REDACTED};

/// What an event can say, in its order. To add one, add it here and in `Extension::event`.
const FIELDS: [&str; 11] = [
    "method",
    "path",
    "query",
    "host",
    "status",
    "durationMs",
    "requestBytes",
    "responseBytes",
    "requestId",
    "clientAddress",
    "userAgent",
];

/// Headers whose values are never part of an event.
const ALWAYS_REDACTED: [&str; 5] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
];

#[derive(Debug)]
pub struct Extension {
    fields: Vec<String>,
    request_headers: Vec<String>,
    response_headers: Vec<String>,
    redacted_headers: Vec<String>,
    kept_parameters: Vec<String>,
    claims: Vec<Claim>,
    provider: String,
    sampling: Sampling,
}

/// A claim of a verified token, found by the names from the outside in.
#[derive(Debug)]
struct Claim {
    name: String,
    path: Vec<String>,
}

/// Which requests have an event.
#[derive(Debug)]
struct Sampling {
    per_ten_thousand: u64,
    /// Whose value decides; if empty, chance does.
    header: String,
    /// The status from which on there is always an event.
    least_error: Option<u32>,
}

/// What is kept of a request until its end: the values as they came by, before other filters.
#[derive(Default)]
pub struct Seen {
    request: Option<Request>,
    /// The chosen headers of the response.
    response: Option<Value>,
}

struct Request {
    method: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    user_agent: Option<Vec<u8>>,
    /// Of the header that decides about the sample.
    sampled_by: Vec<u8>,
    headers: Option<Value>,
}

impl HttpExtension for Extension {
    type State = Seen;

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&[
            "fields",
            "requestHeaders",
            "responseHeaders",
            "redactedHeaders",
            "keptQueryParameters",
            "claims",
            "provider",
            "sampling",
            "output",
        ])?;
        let claims = list(&config.member("claims")?, claim)?;
        let provider = config.member("provider")?;
        if !claims.is_empty() && provider.text()?.is_empty() {
            return Err(provider.error("name the provider in SecurityPolicy spec.jwt.providers[]"));
        }
        let output = config.member("output")?;
        if output.text()? != "stdout" {
            return Err(output.error(
                "use stdout, a module can only write to Envoy's log; or use an external processor",
            ));
        }
        Ok(Extension {
            fields: list(&config.member("fields")?, |item| one_of(item, &FIELDS))?,
            request_headers: list(&config.member("requestHeaders")?, header_name)?,
            response_headers: list(&config.member("responseHeaders")?, header_name)?,
            redacted_headers: list(&config.member("redactedHeaders")?, header_name)?,
            kept_parameters: list(&config.member("keptQueryParameters")?, filled)?,
            claims,
            provider: provider.text()?.to_owned(),
            sampling: sampling(&config.member("sampling")?)?,
        })
    }

    fn on_headers(
        &self,
        cx: &mut Cx<Seen>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        match direction {
            Direction::Request => cx.state.request = Some(self.request(headers)),
            Direction::Response => {
                cx.state.response = self.headers(&self.response_headers, headers)
            }
        }
        AfterHeaders::Continue
    }

    fn on_end(&self, cx: &mut Cx<Seen>, end: &dyn Fn() -> End) {
        let end = end();
        // If a filter before this one has answered, the request did not come by. Envoy has it.
        let request = match cx.state.request.take() {
            Some(request) => request,
            None => self.request_of_envoy(cx.envoy),
        };
        if self.wants(cx.envoy, &request, end.status) {
            let event = self.event(cx.envoy, &request, cx.state.response.take(), &end);
            cx.envoy.log(LogLevel::Info, &event);
        }
    }
}

impl Extension {
    fn request(&self, headers: &Headers) -> Request {
        let first = |name: &str| headers.values(name).next().map(<[u8]>::to_vec);
        Request {
            method: first(":method"),
            target: first(":path"),
            host: first(":authority"),
            id: first("x-request-id"),
            user_agent: first("user-agent"),
            sampled_by: first(&self.sampling.header).unwrap_or_default(),
            headers: self.headers(&self.request_headers, headers),
        }
    }

    /// Lines of a header are joined here.
    fn request_of_envoy(&self, envoy: &dyn Services) -> Request {
        let lines = self.request_headers.iter().filter_map(|name| {
            let value = envoy.property(&["request", "headers", name])?;
            Some((name.clone(), value))
        });
        let headers = Headers::new(lines.collect());
        Request {
            method: envoy.property(&["request", "method"]),
            target: envoy.property(&["request", "path"]),
            host: envoy.property(&["request", "host"]),
            id: envoy.property(&["request", "id"]),
            user_agent: envoy.property(&["request", "useragent"]),
            sampled_by: envoy
                .property(&["request", "headers", &self.sampling.header])
                .unwrap_or_default(),
            headers: self.headers(&self.request_headers, &headers),
        }
    }

    fn wants(&self, envoy: &dyn Services, request: &Request, status: Option<u32>) -> bool {
        let sampling = &self.sampling;
        let is_error = |least| status.is_none_or(|status| status >= least);
        if sampling.least_error.is_some_and(is_error) {
            return true;
        }
        if !sampling.header.is_empty() {
            return in_sample(&request.sampled_by, sampling.per_ten_thousand);
        }
        // A module has no source of chance; the nanoseconds of the clock will do.
        let now = envoy.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        in_sample(&now.as_nanos().to_le_bytes(), sampling.per_ten_thousand)
    }

    fn event(
        &self,
        envoy: &dyn Services,
        request: &Request,
        response_headers: Option<Value>,
        end: &End,
    ) -> String {
        let text = |value: &Option<Vec<u8>>| value.as_deref().map(|v| Value::from(printable(v)));
        let began = envoy.now().checked_sub(end.duration).unwrap_or(UNIX_EPOCH);
        let outcome = match end.status {
            Some(_) => "answered",
            None => "aborted",
        };
        let mut members = vec![
            ("event", Some(Value::from("request"))),
            (
                "time",
                Some(humantime::format_rfc3339_millis(began).to_string().into()),
            ),
            ("outcome", Some(Value::from(outcome))),
        ];
        let (path, query) = match request.target.as_deref().map(split_target) {
            Some((path, query)) => (Some(path), query),
            None => (None, None),
        };
        let milliseconds = u64::try_from(end.duration.as_millis()).unwrap_or(u64::MAX);
        for field in FIELDS {
            if !self.fields.iter().any(|chosen| chosen == field) {
                continue;
            }
            let value = match field {
                "method" => text(&request.method),
                "path" => path.map(|path| printable(path).into()),
                "query" => {
                    query.map(|query| printable(&redact_query(query, &self.kept_parameters)).into())
                }
                "host" => text(&request.host),
                "status" => end.status.map(Value::from),
                "durationMs" => Some(milliseconds.into()),
                "requestBytes" => Some(end.request_bytes.into()),
                "responseBytes" => Some(end.response_bytes.into()),
                "requestId" => text(&request.id),
                "clientAddress" => envoy
                    .property(&["source", "address"])
                    .map(|address| printable(without_port(&address)).into()),
                "userAgent" => text(&request.user_agent),
                _ => None,
            };
            members.push((field, value));
        }
        members.push(("requestHeaders", request.headers.clone()));
        members.push(("responseHeaders", response_headers));
        members.push(("claims", self.claim_texts(envoy)));
        line(members)
    }

    /// The chosen headers that are there, each with its lines; None if there are none.
    fn headers(&self, chosen: &[String], headers: &Headers) -> Option<Value> {
        let is_hidden = |name: &String| {
            ALWAYS_REDACTED.contains(&name.as_str()) || self.redacted_headers.contains(name)
        };
        object(chosen.iter().filter_map(|name| {
            headers.values(name).next()?;
            let values = match is_hidden(name) {
                true => texts([REDACTED.as_bytes()].into_iter()),
                false => texts(headers.values(name)),
            };
            Some((name.clone(), values))
        }))
    }

    fn claim_texts(&self, envoy: &dyn Services) -> Option<Value> {
        if self.claims.is_empty() {
            return None;
        }
        let verified = Claims::verified(envoy, Some(&self.provider))?;
        object(self.claims.iter().filter_map(|claim| {
            let path: Vec<&str> = claim.path.iter().map(String::as_str).collect();
            let values = verified.texts(&path);
            let values = values.iter().map(String::as_bytes);
            (values.len() > 0).then(|| (claim.name.clone(), texts(values)))
        }))
    }
}

fn object(members: impl Iterator<Item = (String, Value)>) -> Option<Value> {
    let object: serde_json::Map<String, Value> = members.collect();
    (!object.is_empty()).then_some(Value::Object(object))
}

/// `192.0.2.1:80` and `[2001:db8::1]:80` without the port.
fn without_port(address: &[u8]) -> &[u8] {
    match std::str::from_utf8(address)
        .ok()
        .and_then(|a| a.rsplit_once(':'))
    {
        Some((host, port)) if !port.contains(']') => host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
            .as_bytes(),
        _ => address,
    }
}

fn sampling(field: &Field) -> Result<Sampling, ConfigError> {
    field.only_keys(&["perTenThousand", "header", "always"])?;
    let count = field.member("perTenThousand")?;
    let per_ten_thousand = count.count()? as u64;
    if per_ten_thousand > 10_000 {
        return Err(count.error("write a whole number from 0 to 10000"));
    }
    let header = field.member("header")?;
    let always = field.member("always")?;
    Ok(Sampling {
        per_ten_thousand,
        header: match header.text()? {
            "" => String::new(),
            _ => header_name(&header)?,
        },
        least_error: match always.text()? {
            "none" => None,
            "server-errors" => Some(500),
            "errors" => Some(400),
            _ => return Err(always.error("use none, server-errors or errors")),
        },
    })
}

fn claim(field: &Field) -> Result<Claim, ConfigError> {
    field.only_keys(&["name", "claim"])?;
    let names = field.member("claim")?;
    let path = list(&names, filled)?;
    if path.is_empty() {
        return Err(names.error("write the names that lead to the claim, such as [\"sub\"]"));
    }
    Ok(Claim {
        name: filled(&field.member("name")?)?,
        path,
    })
}

fn list<T>(
    field: &Field,
    item: impl Fn(&Field) -> Result<T, ConfigError>,
) -> Result<Vec<T>, ConfigError> {
    field.items()?.map(|field| item(&field)).collect()
}

fn filled(field: &Field) -> Result<String, ConfigError> {
    match field.text()? {
        "" => Err(field.error("write a text that is not empty")),
        text => Ok(text.to_owned()),
    }
}

fn one_of(field: &Field, allowed: &[&str]) -> Result<String, ConfigError> {
    let text = field.text()?;
    match allowed.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(field.error(format!("use {}", allowed.join(", ")))),
    }
}

/// The name of a header that is only read, so it can be any.
fn header_name(field: &Field) -> Result<String, ConfigError> {
    let name = field.text()?;
    let is_token =
        |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&c);
    match !name.is_empty() && name.bytes().all(is_token) {
        true => Ok(name.to_owned()),
        false => Err(field.error("write a header name in lower case, such as x-tenant")),
    }
}

#[cfg(test)]
mod tests;
