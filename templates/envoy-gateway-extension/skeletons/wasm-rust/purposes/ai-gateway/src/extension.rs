//! Stands before an OpenAI-compatible API. See docs/purpose.md.

mod budget;
mod config;
mod estimate;
mod events;
mod refusal;
mod request;
mod usage;

use proxy_wasm::types::LogLevel;
use regex::bytes::Regex;

use crate::filter::config::ConfigError;
use crate::filter::headers::Headers;
use crate::filter::services::Services;
use crate::filter::{AfterBody, AfterHeaders, Cx, Direction, End, HttpExtension, LocalReply};
use budget::{BudgetError, Budgets, Reservation};
use config::{Model, Tenant};
use estimate::Estimate;
use events::EventReader;
use refusal::Refusal;
use request::Request;
use usage::{Usage, UsageReader};

#[derive(Debug)]
pub struct Extension {
    base_path: String,
    pass_others: bool,
    /// Empty: every model is allowed.
    models: Vec<Model>,
    tenant: Tenant,
    budgets: Budgets,
    /// The least that an answer costs which does not say its tokens.
    without_usage: u64,
    ask_for_usage: bool,
    guard: Vec<Regex>,
}

/// What is known of one request; `None` if it is not for the API, or was refused.
pub type State = Option<Call>;

#[derive(Default)]
pub struct Call {
    /// It can have `stream_options`.
    completes: bool,
    tenant: String,
    /// The client did not ask for the usage of its stream.
    hides: bool,
    /// What it holds of the budget; None before its body is complete.
    held: Option<Reservation>,
    /// The provider has answered.
    answered: bool,
    estimate: Estimate,
    /// The provider said no, which costs nothing.
    failed: bool,
    settled: bool,
    reader: Reader,
}

/// How an answer is read.
#[derive(Default)]
enum Reader {
    #[default]
    Unread,
    Document(UsageReader),
    Events(EventReader),
}

impl HttpExtension for Extension {
    type State = State;

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        config::read(text)
    }

    fn on_headers(
        &self,
        cx: &mut Cx<State>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        match direction {
            Direction::Request => self.on_request(cx, headers),
            Direction::Response => self.on_response(cx, headers),
        }
    }

    /// What the API then does would not be counted.
    fn refuses_upgrade(&self, cx: &mut Cx<Self::State>) -> bool {
        cx.state.is_some()
    }

    /// Checks the model and the texts of a request, and rewrites the model.
    fn on_body(&self, cx: &mut Cx<State>, _: Direction, _: &Headers, body: &[u8]) -> AfterBody {
        let Some(call) = cx.state.as_mut() else {
            return AfterBody::Unchanged;
        };
        let changed = match self.forward(call, body) {
            Ok(changed) => changed,
            Err(refusal) => {
                *cx.state = None; // nothing is charged
                return AfterBody::Reply(refusal.reply());
            }
        };
        let reply = match self.budgets.hold(cx.envoy, &call.tenant) {
            Ok(Ok(held)) => {
                call.held = Some(held);
                call.estimate.request = body.len() as u64;
                return changed.map_or(AfterBody::Unchanged, AfterBody::Replace);
            }
            Ok(Err(seconds)) => Refusal::Exhausted { seconds }.reply(),
            Err(error) => failed(cx.envoy, &error),
        };
        *cx.state = None;
        AfterBody::Reply(reply)
    }

    /// Reads an answer while it goes by.
    fn on_chunk(
        &self,
        cx: &mut Cx<State>,
        _: Direction,
        _: &Headers,
        chunk: &[u8],
        end: bool,
    ) -> AfterBody {
        let Some(call) = cx.state.as_mut() else {
            return AfterBody::Unchanged;
        };
        let (next, used) = match &mut call.reader {
            Reader::Unread => return AfterBody::Unchanged,
            Reader::Document(reader) => {
                reader.write(chunk);
                call.estimate.answer += chunk.len() as u64;
                (AfterBody::Unchanged, reader.usage())
            }
            Reader::Events(reader) => {
                let mut shown = reader.write(chunk);
                if end {
                    shown.extend(reader.finish());
                }
                let next = match call.hides {
                    true => AfterBody::Replace(shown),
                    false => AfterBody::Unchanged,
                };
                (next, reader.usage())
            }
        };
        if end {
            self.settle(cx.envoy, call, used);
        }
        next
    }

    /// Settles what broke off. The provider has worked for whoever hung up.
    fn on_end(&self, cx: &mut Cx<State>, _: &dyn Fn() -> End) {
        let begun = |call: &&mut Call| call.answered || call.held.is_some();
        if let Some(call) = cx.state.as_mut().filter(begun) {
            self.settle(cx.envoy, call, None);
        }
    }
}

impl Extension {
    /// Refuses what can be refused without the body.
    fn on_request(&self, cx: &mut Cx<State>, headers: &mut Headers) -> AfterHeaders {
        let refuse = |refusal: Refusal| AfterHeaders::Reply(refusal.reply());
        let Some(endpoint) = self.endpoint(headers) else {
            return match self.pass_others {
                true => AfterHeaders::Continue,
                false => refuse(Refusal::UnknownUrl),
            };
        };
        if !is_identity(headers) {
            return refuse(Refusal::UnsupportedEncoding);
        }
        let is_utf8 = |charset: &str| matches!(charset, "utf-8" | "utf8" | "us-ascii" | "ascii");
        if !headers.charsets_are(is_utf8) {
            return refuse(Refusal::UnsupportedCharset);
        }
        let tenant = self.tenant.of(cx.envoy, headers).unwrap_or_default();
        match self.budgets.wait_seconds(cx.envoy, &tenant) {
            Ok(0) => {}
            Ok(seconds) => return refuse(Refusal::Exhausted { seconds }),
            Err(error) => return AfterHeaders::Reply(failed(cx.envoy, &error)),
        }
        *cx.state = Some(Call {
            completes: endpoint.ends_with("completions"),
            tenant,
            ..Call::default()
        });
        // A compressed answer cannot be read. Without the header, any coding would be welcome (RFC
        // 9110, section 12.5.3).
        headers.set("accept-encoding", "identity");
        AfterHeaders::BufferBody
    }

    fn on_response(&self, cx: &mut Cx<State>, headers: &Headers) -> AfterHeaders {
        let Some(call) = cx.state.as_mut() else {
            return AfterHeaders::Continue;
        };
        let status = headers.text(":status").unwrap_or_default();
        call.answered = true;
        call.failed = !status.starts_with('2');
        call.reader = match call.failed {
            true => Reader::Unread,
            false => reader_for(headers, call.hides),
        };
        match call.reader {
            Reader::Unread => {
                self.settle(cx.envoy, call, None);
                AfterHeaders::Continue
            }
            Reader::Document(_) => AfterHeaders::StreamBody { changes: false },
            Reader::Events(_) => AfterHeaders::StreamBody {
                changes: call.hides,
            },
        }
    }

    /// What is asked for; None if it is not for the API.
    fn endpoint<'a>(&self, headers: &'a Headers) -> Option<&'a str> {
        let path = headers.text(":path")?.split('?').next()?;
        let endpoint = path.strip_prefix(self.base_path.as_str())?;
        let ours = [
            "/chat/completions",
            "/completions",
            "/embeddings",
            "/responses",
        ];
        (ours.contains(&endpoint) && headers.text(":method") == Some("POST")).then_some(endpoint)
    }

    /// The new body; None if it stays.
    fn forward(&self, call: &mut Call, body: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        let mut request = Request::read(body)?;
        let allowed = self
            .models
            .iter()
            .find(|model| model.name.as_bytes() == request.model);
        if allowed.is_none() && !self.models.is_empty() {
            return Err(Refusal::ModelNotFound);
        }
        if request.has_match(&self.guard) {
            return Err(Refusal::PromptBlocked);
        }
        if let Some(model) = allowed.filter(|model| model.name != model.upstream) {
            request.set_model(&model.upstream);
        }
        if self.ask_for_usage && call.completes && request.streams {
            call.hides = request.ask_for_usage();
        }
        Ok(request.into_changed())
    }

    /// Charges once. Where the answer does not say its usage, what went by is estimated.
    fn settle(&self, envoy: &dyn Services, call: &mut Call, used: Option<Usage>) {
        if call.settled {
            return;
        }
        call.settled = true;
        let held = call.held.take().unwrap_or_default();
        let tokens = match used {
            _ if call.failed => 0,
            Some(used) => used.total,
            None => {
                envoy.count("ai_gateway_estimated");
                self.without_usage.max(call.estimated())
            }
        };
        if let Err(error) = self.budgets.settle(envoy, &call.tenant, &held, tokens) {
            envoy.log(LogLevel::Error, &error.to_string());
        }
    }
}

impl Call {
    fn estimated(&self) -> u64 {
        let streamed = match &self.reader {
            Reader::Events(reader) => reader.estimate.tokens(),
            _ => 0,
        };
        self.estimate.tokens() + streamed
    }
}

/// The answer when budgets cannot be read.
fn failed(envoy: &dyn Services, error: &BudgetError) -> LocalReply {
    envoy.log(LogLevel::Error, &error.to_string());
    LocalReply {
        status: 500,
        headers: Vec::new(),
        body: "internal error\n".to_owned(),
    }
}

fn reader_for(headers: &Headers, hides: bool) -> Reader {
    let content_type = headers.text("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    match media_type.trim().to_ascii_lowercase().as_str() {
        _ if !is_identity(headers) => Reader::Unread,
        "application/json" => Reader::Document(UsageReader::default()),
        "text/event-stream" => Reader::Events(EventReader::new(hides)),
        _ => Reader::Unread,
    }
}

fn is_identity(headers: &Headers) -> bool {
    headers
        .values("content-encoding")
        .all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests;
