use std::time::Duration;

use serde_json::json;

use super::*;
use crate::filter::testing::{headers, TestStream};

const REQUEST: [(&str, &str); 12] = [
    (":method", "POST"),
    (":path", "/a/b?page=2&token=t0ps3cret"),
    (":authority", "shop.example.com"),
    ("content-length", "12"),
    ("user-agent", "a \"b\""),
    ("x-request-id", "id-1"),
    ("authorization", "Bearer t0ps3cret"),
    ("cookie", "a=t0ps3cret"),
    ("cookie", "b=t0ps3cret"),
    ("x-list", "1"),
    ("x-list", "2"),
    ("x-own", "t0ps3cret"),
];

const RESPONSE: [(&str, &str); 3] = [
    (":status", "200"),
    ("set-cookie", "s=t0ps3cret"),
    ("x-cache", "hit"),
];

/// 2026-10-01T12:00:01.357Z.
const NOW: Duration = Duration::from_millis(1_790_856_001_357);

fn end() -> End {
    End {
        status: Some(200),
        request_bytes: 12,
        response_bytes: 34,
        duration: Duration::from_micros(1_234_567),
        ..End::default()
    }
}

fn config(changes: Value) -> Value {
    let mut config = json!({
        "fields": FIELDS, "requestHeaders": [], "responseHeaders": [], "redactedHeaders": [],
        "keptQueryParameters": [], "claims": [], "provider": "", "output": "stdout",
        "sampling": {"perTenThousand": 10000, "header": "x-request-id", "always": "errors"},
    });
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

fn load(changes: Value) -> Result<Extension, ConfigError> {
    Extension::from_config(config(changes).to_string().as_bytes())
}

fn stream() -> TestStream<Seen> {
    let stream = TestStream::default();
    stream.envoy.time.set(NOW);
    stream
        .envoy
        .set_property(&["source", "address"], "[2001:db8::1]:4711");
    stream
}

/// The lines that are logged about one exchange.
fn logged(
    extension: &Extension,
    mut stream: TestStream<Seen>,
    request: Option<&[(&str, &str)]>,
    response: Option<&[(&str, &str)]>,
    end: &End,
) -> Vec<String> {
    let messages = [
        (Direction::Request, request),
        (Direction::Response, response),
    ];
    for (direction, lines) in messages {
        if let Some(lines) = lines {
            let mut headers = headers(lines);
            let next = extension.on_headers(&mut stream.cx(), direction, &mut headers);
            assert_eq!((next, headers.changes().len()), (AfterHeaders::Continue, 0));
        }
    }
    extension.on_end(&mut stream.cx(), &|| end.clone());
    let log = stream.envoy.log.borrow();
    assert!(log.iter().all(|(level, _)| *level == LogLevel::Info));
    log.iter().map(|(_, line)| line.clone()).collect()
}

fn event(changes: Value) -> Value {
    let lines = logged(
        &load(changes).unwrap(),
        stream(),
        Some(&REQUEST),
        Some(&RESPONSE),
        &end(),
    );
    assert_eq!(lines.len(), 1);
    serde_json::from_str(&lines[0]).unwrap()
}

fn with_begin(members: Value) -> Value {
    let mut event =
        json!({"event": "request", "time": "2026-10-01T12:00:00.122Z", "outcome": "answered"});
    for (key, value) in members.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

#[test]
fn an_event_has_all_fields_in_order() {
    let extension = load(json!({})).unwrap();
    let lines = logged(
        &extension,
        stream(),
        Some(&REQUEST),
        Some(&RESPONSE),
        &end(),
    );
    assert_eq!(
        lines,
        [concat!(
            r#"{"event":"request","time":"2026-10-01T12:00:00.122Z","outcome":"answered","#,
            r#""method":"POST","path":"/a/b","query":"page=[redacted]&token=[redacted]","#,
            r#""host":"shop.example.com","status":200,"durationMs":1234,"requestBytes":12,"#,
            r#""responseBytes":34,"requestId":"id-1","clientAddress":"2001:db8::1","#,
            r#""userAgent":"a \"b\""}"#
        )]
    );
}

#[test]
fn an_event_has_the_chosen_fields_only() {
    assert_eq!(event(json!({"fields": []})), with_begin(json!({})));
    assert_eq!(
        event(json!({"fields": ["status", "query"], "keptQueryParameters": ["page"]})),
        with_begin(json!({"query": "page=2&token=[redacted]", "status": 200}))
    );
}

#[test]
fn an_event_has_headers_without_credentials() {
    assert_eq!(
        event(json!({
            "fields": [],
            "requestHeaders": ["authorization", "cookie", "x-list", "x-own", "x-absent"],
            "responseHeaders": ["set-cookie", "x-cache"],
            "redactedHeaders": ["x-own"],
        })),
        with_begin(json!({
            "requestHeaders": {
                "authorization": ["[redacted]"], "cookie": ["[redacted]"],
                "x-list": ["1", "2"], "x-own": ["[redacted]"],
            },
            "responseHeaders": {"set-cookie": ["[redacted]"], "x-cache": ["hit"]},
        }))
    );
    assert_eq!(
        event(json!({"fields": [], "requestHeaders": ["x-absent"]})),
        with_begin(json!({}))
    );
}

#[test]
fn an_event_has_claims_of_all_types() {
    let claims = json!([
        {"name": "who", "claim": ["sub"]}, {"name": "n", "claim": ["n"]},
        {"name": "yes", "claim": ["yes"]}, {"name": "roles", "claim": ["realm", "roles"]},
        {"name": "no", "claim": ["sub", "x"]},
    ]);
    for (provider, expected) in [
        (
            "idp",
            json!({"claims": {"who": ["alice"], "n": ["42"], "yes": ["true"], "roles": ["admin", "7", "dev"]}}),
        ),
        ("other", json!({})),
    ] {
        let stream = stream();
        stream.envoy.set_claims(
            "idp",
            &json!({"sub": "alice", "n": 42, "yes": true, "realm": {"roles": ["admin", 7, {"a": 1}, "dev"]}}),
        );
        let extension =
            load(json!({"fields": [], "provider": provider, "claims": claims})).unwrap();
        let lines = logged(&extension, stream, Some(&REQUEST), Some(&RESPONSE), &end());
        let event: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(event, with_begin(expected), "{provider}");
    }
}

#[test]
fn values_are_bounded_in_number_and_length() {
    let long = "b".repeat(5000);
    let mut lines = vec![(":path", "/"), ("user-agent", long.as_str())];
    lines.extend([("x-many", long.as_str()); 100]);
    let extension = load(json!({"requestHeaders": ["x-many"]})).unwrap();
    let logged = logged(&extension, stream(), Some(&lines), None, &end());
    let event: Value = serde_json::from_str(&logged[0]).unwrap();
    assert_eq!(event["userAgent"], json!("b".repeat(1024)));
    assert_eq!(
        event["requestHeaders"]["x-many"],
        json!(vec!["b".repeat(1024); 8])
    );
}

#[test]
fn a_client_that_has_gone_leaves_an_event() {
    let extension = load(json!({"fields": ["method", "status"]})).unwrap();
    let gone = End {
        status: None,
        ..end()
    };
    let lines = logged(&extension, stream(), Some(&REQUEST), None, &gone);
    let event: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        event,
        with_begin(json!({"outcome": "aborted", "method": "POST"}))
    );
}

#[test]
fn what_a_filter_before_has_answered_is_asked_of_envoy() {
    let stream = stream();
    for (path, value) in [
        (["request", "method"].as_slice(), "GET"),
        (&["request", "path"], "/a?b=t0ps3cret"),
        (&["request", "host"], "shop.example.com"),
        (&["request", "headers", "x-list"], "1,2"),
        (&["request", "headers", "authorization"], "t0ps3cret"),
    ] {
        stream.envoy.set_property(path, value);
    }
    let extension = load(json!({
        "fields": ["method", "path", "query", "host", "status", "requestId"],
        "requestHeaders": ["x-list", "authorization"],
    }))
    .unwrap();
    let refused = End {
        status: Some(401),
        ..end()
    };
    let lines = logged(
        &extension,
        stream,
        None,
        Some(&[(":status", "401")]),
        &refused,
    );
    let event: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        event,
        with_begin(json!({
            "method": "GET", "path": "/a", "query": "b=[redacted]", "host": "shop.example.com",
            "status": 401, "requestHeaders": {"x-list": ["1,2"], "authorization": ["[redacted]"]},
        }))
    );
}

#[test]
fn the_sample_and_errors_have_events() {
    let cases = [
        (
            json!({"perTenThousand": 10000, "header": "x-k", "always": "none"}),
            Some(200),
            true,
        ),
        (
            json!({"perTenThousand": 3376, "header": "x-k", "always": "none"}),
            Some(200),
            true,
        ),
        (
            json!({"perTenThousand": 3375, "header": "x-k", "always": "none"}),
            Some(200),
            false,
        ),
        (
            json!({"perTenThousand": 1, "header": "x-absent", "always": "none"}),
            Some(200),
            true,
        ),
        (
            json!({"perTenThousand": 0, "header": "x-k", "always": "none"}),
            Some(500),
            false,
        ),
        (
            json!({"perTenThousand": 0, "header": "x-k", "always": "none"}),
            None,
            false,
        ),
        (
            json!({"perTenThousand": 0, "header": "x-k", "always": "errors"}),
            Some(399),
            false,
        ),
        (
            json!({"perTenThousand": 0, "header": "x-k", "always": "errors"}),
            Some(400),
            true,
        ),
        (
            json!({"perTenThousand": 0, "header": "x-k", "always": "errors"}),
            None,
            true,
        ),
        (
            json!({"perTenThousand": 0, "header": "x-k", "always": "server-errors"}),
            Some(499),
            false,
        ),
        (
            json!({"perTenThousand": 0, "header": "x-k", "always": "server-errors"}),
            Some(500),
            true,
        ),
        (
            json!({"perTenThousand": 0, "header": "", "always": "none"}),
            Some(200),
            false,
        ),
        (
            json!({"perTenThousand": 10000, "header": "", "always": "none"}),
            Some(200),
            true,
        ),
    ];
    for (sampling, status, expected) in cases {
        let extension = load(json!({"sampling": sampling})).unwrap();
        let end = End { status, ..end() };
        let request = [("x-k", "caller-0"), ("x-k", "b")];
        let lines = logged(&extension, stream(), Some(&request), None, &end);
        assert_eq!(lines.len(), usize::from(expected), "{sampling} {status:?}");
    }
}

#[test]
fn chance_follows_the_clock() {
    let extension =
        load(json!({"sampling": {"perTenThousand": 2500, "header": "", "always": "none"}}))
            .unwrap();
    let kept = (0..1000u64)
        .filter(|i| {
            let stream = stream();
            stream
                .envoy
                .time
                .set(NOW + Duration::from_nanos(i * 1_234_567));
            !logged(&extension, stream, Some(&REQUEST), None, &end()).is_empty()
        })
        .count();
    assert!((150..350).contains(&kept), "{kept} of 1000");
}

#[test]
fn addresses_lose_their_port() {
    for (address, expected) in [
        ("192.0.2.1:80", "192.0.2.1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("[::1]", "[::1]"),
        ("/run/envoy.sock", "/run/envoy.sock"),
        ("", ""),
    ] {
        assert_eq!(without_port(address.as_bytes()), expected.as_bytes());
    }
}

#[test]
fn wrong_configurations_are_refused_with_the_remedy() {
    let cases = [
        (
            json!({"fields": ["body"]}),
            "config.fields[0] is \"body\": use method, path",
        ),
        (
            json!({"requestHeaders": ["X-A"]}),
            "config.requestHeaders[0] is \"X-A\": write a header name",
        ),
        (
            json!({"responseHeaders": [""]}),
            "config.responseHeaders[0] is \"\": write a header name",
        ),
        (
            json!({"redactedHeaders": "x"}),
            "config.redactedHeaders is \"x\": write an array",
        ),
        (
            json!({"keptQueryParameters": [""]}),
            "config.keptQueryParameters[0] is \"\": write a text",
        ),
        (
            json!({"claims": [{"name": "a", "claim": ["b"]}]}),
            "config.provider is \"\": name the provider",
        ),
        (
            json!({"claims": [{"name": "a", "claim": []}], "provider": "p"}),
            "config.claims[0].claim is []: write the names",
        ),
        (
            json!({"claims": [{"name": "a"}], "provider": "p"}),
            "config.claims[0].claim is missing: add it",
        ),
        (
            json!({"sampling": {"perTenThousand": 10001, "header": "", "always": "none"}}),
            "config.sampling.perTenThousand is 10001: write a whole number from 0 to 10000",
        ),
        (
            json!({"sampling": {"perTenThousand": 1, "header": ":path", "always": "none"}}),
            "config.sampling.header is \":path\": write a header name",
        ),
        (
            json!({"sampling": {"perTenThousand": 1, "header": "", "always": "yes"}}),
            "config.sampling.always is \"yes\": use none, server-errors or errors",
        ),
        (
            json!({"output": "otlp"}),
            "config.output is \"otlp\": use stdout",
        ),
        (json!({"file": "x"}), "config.file is \"x\": unknown key"),
    ];
    for (changes, expected) in cases {
        let error = load(changes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
