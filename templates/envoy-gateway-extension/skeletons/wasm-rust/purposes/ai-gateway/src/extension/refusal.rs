//! The errors that clients get, in the API's own shape.

use crate::filter::LocalReply;

#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    UnknownUrl,
    UnsupportedEncoding,
    UnsupportedCharset,
    Exhausted { seconds: u64 },
    InvalidJson,
    AmbiguousMember,
    MissingModel,
    ModelNotFound,
    PromptBlocked,
}

impl Refusal {
    pub fn reply(&self) -> LocalReply {
        let (status, code, message) = self.parts();
        let param = match self {
            Refusal::MissingModel | Refusal::ModelNotFound => Some("model"),
            _ => None,
        };
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let mut kind = "invalid_request_error";
        if let Refusal::Exhausted { seconds } = self {
            headers.push(("retry-after".to_owned(), seconds.to_string()));
            kind = "tokens";
        }
        // None of these texts needs an escape.
        let param = param.map_or("null".to_owned(), |name| format!("\"{name}\""));
        LocalReply {
            status,
            headers,
            body: format!(
                r#"{{"error":{{"message":"{message}","type":"{kind}","param":{param},"code":"{code}"}}}}"#
            ),
        }
    }

    fn parts(&self) -> (u32, &'static str, &'static str) {
        match self {
            Refusal::UnknownUrl => (404, "unknown_url", "This path does not exist here."),
            Refusal::UnsupportedEncoding => (
                415,
                "unsupported_encoding",
                "Send the body without a content encoding.",
            ),
            Refusal::UnsupportedCharset => (
                415,
                "unsupported_charset",
                "Send the body in UTF-8, with no other charset in the content type.",
            ),
            Refusal::Exhausted { .. } => (
                429,
                "rate_limit_exceeded",
                "The budget of tokens is used up; try again later.",
            ),
            Refusal::InvalidJson => (
                400,
                "invalid_json",
                "The body is not a JSON object in UTF-8.",
            ),
            Refusal::AmbiguousMember => (
                400,
                "ambiguous_member",
                "Give model, stream and stream_options at most once, in lower case.",
            ),
            Refusal::MissingModel => (400, "missing_model", "Name the model as a text."),
            Refusal::ModelNotFound => (
                404,
                "model_not_found",
                "The model does not exist, or is not allowed here.",
            ),
            Refusal::PromptBlocked => (
                400,
                "prompt_blocked",
                "The request has a text that is not allowed here.",
            ),
        }
    }
}
