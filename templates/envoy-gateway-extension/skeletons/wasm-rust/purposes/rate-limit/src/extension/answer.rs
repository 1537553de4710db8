//! What clients are told.

use serde_json::json;

use crate::filter::LocalReply;

use super::Entry;

impl Entry<'_> {
    /// Whether this limit alone would let the request pass.
    fn grants(&self) -> bool {
        self.limit.policy.grants(self.missing, self.units)
    }
}

/// The fields of draft-ietf-httpapi-ratelimit-headers-10. Both are lists, so those of the upstream
/// may stay.
pub fn fields(entries: &[Entry]) -> [(&'static str, String); 2] {
    let list = |item: &dyn Fn(&Entry) -> String| {
        let items: Vec<String> = entries.iter().map(item).collect();
        items.join(", ")
    };
    let policies = list(&|Entry { limit, .. }| {
        let window = seconds(limit.policy.window_ms);
        format!("\"{}\";q={};w={window}", limit.name, limit.policy.quota)
    });
    let limits = list(&|Entry { limit, missing, .. }| {
        let left = limit.policy.available(*missing);
        let full_in = seconds(limit.policy.full_in_ms(*missing));
        format!("\"{}\";r={left};t={full_in}", limit.name)
    });
    [("ratelimit-policy", policies), ("ratelimit", limits)]
}

/// Refuses a request for which a bucket has not enough.
pub fn too_many(entries: &[Entry], tell_client: bool) -> LocalReply {
    let violated = || entries.iter().filter(|entry| !entry.grants());
    let names: Vec<&str> = violated().map(|entry| entry.limit.name.as_str()).collect();
    let wait = violated()
        .map(|entry| entry.limit.policy.grants_in_ms(entry.missing, entry.units))
        .max();
    let mut reply = problem(
        429,
        &json!({
            "status": 429,
            "title": "Request cannot be satisfied as assigned quota has been exceeded",
            "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "violated-policies": names,
        }),
    );
    let retry_after = seconds(wait.unwrap_or_default()).max(1);
    reply
        .headers
        .push(("retry-after".to_owned(), retry_after.to_string()));
    if tell_client {
        for (name, value) in fields(entries) {
            reply.headers.push((name.to_owned(), value));
        }
    }
    reply
}

/// Refuses a request whose cost is no number that the limit could grant.
pub fn bad_cost(header: &str, quota: i64) -> LocalReply {
    problem(
        400,
        &json!({
            "detail": format!("{header} must be one whole number from 1 to {quota}"),
            "status": 400,
            "title": "Bad Request",
            "type": "about:blank",
        }),
    )
}

/// Refuses a request that cannot be counted.
pub fn unavailable() -> LocalReply {
    let mut reply = problem(
        503,
        &json!({
            "detail": "rate limits cannot be checked at the moment",
            "status": 503,
            "title": "Service Unavailable",
            "type": "about:blank",
        }),
    );
    reply
        .headers
        .push(("retry-after".to_owned(), "1".to_owned()));
    reply
}

/// A reply with a body of RFC 9457.
fn problem(status: u32, body: &serde_json::Value) -> LocalReply {
    LocalReply {
        status,
        headers: vec![(
            "content-type".to_owned(),
            "application/problem+json".to_owned(),
        )],
        body: body.to_string(),
    }
}

/// Rounds up: who waits so long does not come too early.
fn seconds(ms: i64) -> i64 {
    (ms + 999) / 1000
}
