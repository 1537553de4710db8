use serde_json::{json, Value};

use super::*;
use crate::filter::testing::{headers, FakeServices, TestStream};

fn limit(name: &str, quota: i64, key: Value, cost: Value) -> Value {
    json!({
        "name": name, "quota": quota, "windowSeconds": 86400, "key": key, "whenAbsent": "share", "cost": cost,
    })
}

fn one() -> Value {
    json!({"from": "one"})
}

fn config(limits: &[Value]) -> Value {
    json!({
        "limits": limits,
        "provider": "issuer",
        "store": {"kind": "memory", "maxKeys": 1000},
        "clientHeaders": "ratelimit",
    })
}

fn extension(config: &Value) -> Result<Extension, ConfigError> {
    Extension::from_config(config.to_string().as_bytes())
}

/// A client that sends one request after the other through the same Envoy.
struct Client {
    extension: Extension,
    envoy: FakeServices,
}

impl Client {
    fn new(config: &Value) -> Client {
        Client {
            extension: extension(config).unwrap(),
            envoy: FakeServices::default(),
        }
    }

    /// The reply of the extension, or the headers of the response.
    fn send(
        &self,
        request: &[(&str, &str)],
        response: &[(&str, &str)],
    ) -> Result<Headers, LocalReply> {
        let mut state = Granted::default();
        let mut cx = Cx {
            has_body: false,
            state: &mut state,
            envoy: &self.envoy,
        };
        let mut request = headers(request);
        let next = self
            .extension
            .on_headers(&mut cx, Direction::Request, &mut request);
        if let AfterHeaders::Reply(reply) = next {
            return Err(reply);
        }
        let mut response = headers(response);
        let next = self
            .extension
            .on_headers(&mut cx, Direction::Response, &mut response);
        assert_eq!(next, AfterHeaders::Continue);
        Ok(response)
    }

    fn status(&self, request: &[(&str, &str)]) -> u32 {
        match self.send(request, &[]) {
            Ok(_) => 200,
            Err(reply) => reply.status,
        }
    }
}

#[test]
fn clients_are_told_what_is_left() {
    let client = Client::new(&config(&[
        limit(
            "small",
            2,
            json!([{"from": "header", "header": "x-a"}]),
            one(),
        ),
        limit("large", 10, json!([]), one()),
    ]));
    let request = [("x-a", "v")];
    for expected in [
        "\"small\";r=1;t=43200, \"large\";r=9;t=8640",
        "\"small\";r=0;t=86400, \"large\";r=8;t=17280",
    ] {
        let response = client.send(&request, &[]).unwrap();
        let policy = "\"small\";q=2;w=86400, \"large\";q=10;w=86400";
        assert_eq!(response.text("ratelimit-policy"), Some(policy));
        assert_eq!(response.text("ratelimit"), Some(expected));
    }
    let reply = client.send(&request, &[]).unwrap_err();
    let lines: Vec<(&str, &str)> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(reply.status, 429);
    assert_eq!(
        lines,
        [
            ("content-type", "application/problem+json"),
            ("retry-after", "43200"),
            (
                "ratelimit-policy",
                "\"small\";q=2;w=86400, \"large\";q=10;w=86400"
            ),
            ("ratelimit", "\"small\";r=0;t=86400, \"large\";r=8;t=17280"),
        ]
    );
    let expected = "{\"status\":429,\"title\":\"Request cannot be satisfied as assigned quota has been exceeded\",\
        \"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\"violated-policies\":[\"small\"]}";
    assert_eq!(reply.body, expected);
    assert_eq!(client.status(&[("x-a", "another")]), 200);
}

#[test]
fn the_fields_of_the_upstream_stay() {
    let client = Client::new(&config(&[limit("l", 2, json!([]), one())]));
    let response = client.send(&[], &[("ratelimit", "\"up\";r=1")]).unwrap();
    assert_eq!(response.values("ratelimit").count(), 2);
}

#[test]
fn requests_without_a_part_share_or_are_left_out() {
    let mut config = config(&[limit(
        "l",
        1,
        json!([{"from": "header", "header": "x-a"}]),
        one(),
    )]);
    let client = Client::new(&config);
    assert_eq!((client.status(&[]), client.status(&[])), (200, 429));
    config["limits"][0]["whenAbsent"] = json!("skip");
    let client = Client::new(&config);
    assert_eq!((client.status(&[]), client.status(&[])), (200, 200));
    assert!(client.send(&[], &[]).unwrap().text("ratelimit").is_none());
}

#[test]
fn requests_can_state_their_cost() {
    let cost = json!({"from": "request-header", "header": "x-cost"});
    for (values, expected) in [
        (&[][..], 200),
        (&["5"], 200),
        (&[" 005 "], 200),
        (&["6"], 400),
        (&["0"], 400),
        (&["-1"], 400),
        (&["+1"], 400),
        (&["1.0"], 400),
        (&[""], 400),
        (&["1", "1"], 400),
        (&["1,1"], 400),
        (&["99999999999999999999"], 400),
        (&["١"], 400),
    ] {
        let client = Client::new(&config(&[limit("l", 5, json!([]), cost.clone())]));
        let request: Vec<(&str, &str)> = values.iter().map(|value| ("x-cost", *value)).collect();
        assert_eq!(client.status(&request), expected, "{values:?}");
    }
}

#[test]
fn responses_can_state_their_cost() {
    let cost = json!({"from": "response-header", "header": "x-cost"});
    for (values, left) in [
        (&[][..], 9),
        (&["1"], 9),
        (&["0"], 9),
        (&["4"], 6),
        (&["10"], 0),
        (&["5000000000"], 0),
        (&["many"], 9),
        (&["2", "3"], 9),
    ] {
        let client = Client::new(&config(&[limit("l", 10, json!([]), cost.clone())]));
        let response: Vec<(&str, &str)> = values.iter().map(|value| ("x-cost", *value)).collect();
        let response = client.send(&[], &response).unwrap();
        let told = response.text("ratelimit").unwrap();
        assert!(
            told.starts_with(&format!("\"l\";r={left};")),
            "{values:?}: {told}"
        );
    }
}

#[test]
fn clients_need_not_be_told() {
    let mut config = config(&[limit("l", 1, json!([]), one())]);
    config["clientHeaders"] = json!("none");
    let client = Client::new(&config);
    let response = client.send(&[], &[]).unwrap();
    assert!(response.text("ratelimit").is_none());
    let reply = client.send(&[], &[]).unwrap_err();
    let names: Vec<&str> = reply
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["content-type", "retry-after"]);
}

#[test]
fn an_envoy_that_fails_refuses_requests_and_lets_responses_pass() {
    let cost = json!({"from": "response-header", "header": "x-cost"});
    let config = config(&[limit("l", 10, json!([]), cost)]);
    let client = Client::new(&config);
    client.envoy.failing.set(true);
    assert_eq!(client.status(&[]), 503);

    let mut stream = TestStream::<Granted>::default();
    let extension = extension(&config).unwrap();
    extension.on_headers(&mut stream.cx(), Direction::Request, &mut headers(&[]));
    stream.envoy.failing.set(true);
    let mut response = headers(&[("x-cost", "5")]);
    let next = extension.on_headers(&mut stream.cx(), Direction::Response, &mut response);
    assert_eq!(next, AfterHeaders::Continue);
    assert_eq!(stream.envoy.log.borrow().len(), 1);
}

#[test]
fn a_response_to_another_filters_refusal_is_left_alone() {
    let extension = extension(&config(&[limit("l", 1, json!([]), one())])).unwrap();
    let mut response = headers(&[(":status", "401")]);
    let mut stream = TestStream::<Granted>::default();
    extension.on_headers(&mut stream.cx(), Direction::Response, &mut response);
    assert!(response.changes().is_empty());
}

#[test]
fn wrong_configurations_are_refused_with_the_remedy() {
    let with = |pointer: &str, value: Value| {
        let mut config = config(&[limit(
            "l",
            1,
            json!([{"from": "path", "segments": 1}]),
            one(),
        )]);
        *config.pointer_mut(pointer).unwrap() = value;
        config
    };
    let two = config(&[
        limit("l", 1, json!([]), one()),
        limit("l", 1, json!([]), one()),
    ]);
    for (config, expected) in [
        (
            with("/limits", json!([])),
            "config.limits is []: write at least one limit",
        ),
        (
            two,
            "config.limits[1].name is \"l\": give every limit a name of its own",
        ),
        (
            with("/limits/0/name", json!("L")),
            "config.limits[0].name is \"L\": use up to 32",
        ),
        (
            with("/limits/0/quota", json!(0)),
            "config.limits[0].quota is 0: use a whole number from 1 to 1000000",
        ),
        (
            with("/limits/0/windowSeconds", json!(1e9)),
            "config.limits[0].windowSeconds is 1000000000.0: write a whole",
        ),
        (
            with("/limits/0/whenAbsent", json!("deny")),
            "config.limits[0].whenAbsent is \"deny\": use share or skip",
        ),
        (
            with("/limits/0/key/0", json!({"from": "cookie"})),
            "key[0].from is \"cookie\": use client-address",
        ),
        (
            with(
                "/limits/0/key/0",
                json!({"from": "header", "header": "host"}),
            ),
            "key[0].header is \"host\": Envoy owns",
        ),
        (
            with(
                "/limits/0/key/0",
                json!({"from": "forwarded-for", "trustedHops": 11}),
            ),
            "trustedHops is 11: use a whole number",
        ),
        (
            with("/limits/0/key/0", json!({"from": "claim", "claim": []})),
            "claim is []: name the claim",
        ),
        (
            with("/limits/0/key/0/segments", json!(0)),
            "segments is 0: use a whole number from 1 to 10",
        ),
        (
            with("/limits/0/cost", json!({"from": "body"})),
            "cost.from is \"body\": use one, request-header",
        ),
        (
            with("/limits/0/cost", json!({"from": "one", "header": "x"})),
            "cost.header is \"x\": unknown key",
        ),
        (
            with("/store", json!({"kind": "redis"})),
            "config.store.kind is \"redis\": use memory",
        ),
        (
            with("/store/maxKeys", json!(0)),
            "config.store.maxKeys is 0: use a whole number from 1 to 500000",
        ),
        (
            with("/clientHeaders", json!(true)),
            "config.clientHeaders is true: write a string",
        ),
        (json!({}), "config.provider is missing"),
    ] {
        let error = extension(&config).unwrap_err().to_string();
        assert!(error.contains(expected), "{config}: {error}");
    }
    let mut config = with(
        "/limits/0/key/0",
        json!({"from": "claim", "claim": ["sub"]}),
    );
    config["provider"] = json!("");
    assert!(extension(&config)
        .unwrap_err()
        .to_string()
        .contains("name the provider"));
}
