//! Allows or denies requests by ordered rules. See docs/purpose.md.

mod own;
mod path;
mod rules;

use proxy_wasm::types::LogLevel;
use serde_json::{json, Value};

use crate::filter::claims::Claims;
use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::{AfterHeaders, Cx, Direction, HttpExtension, LocalReply};
use rules::{one_of, texts, Decision, Policy, Reason, Request};

#[derive(Debug)]
pub struct Extension {
    policy: Policy,
    provider: String,
    /// The claim that the log names.
    subject: Vec<String>,
    log_allowed: bool,
    log_denied: bool,
    report_only: bool,
}

impl HttpExtension for Extension {
    type State = ();

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&[
            "rules",
            "provider",
            "pathCase",
            "decisionLog",
            "subject",
            "mode",
        ])?;
        let path_case = one_of(&config.member("pathCase")?, &["sensitive", "ignored"])?;
        let log = one_of(&config.member("decisionLog")?, &["all", "denied", "none"])?;
        let mode = one_of(&config.member("mode")?, &["enforce", "report-only"])?;
        let provider = config.member("provider")?;
        let extension = Extension {
            policy: Policy::new(&config.member("rules")?, path_case == "ignored")?,
            provider: provider.text()?.to_owned(),
            subject: texts(&config.member("subject")?)?,
            log_allowed: log == "all",
            log_denied: log != "none",
            report_only: mode == "report-only",
        };
        let needs_claims = extension.policy.needs_claims() || !extension.subject.is_empty();
        if needs_claims && extension.provider.is_empty() {
            let remedy =
                "write the name in SecurityPolicy spec.jwt.providers[] that verifies the claims";
            return Err(provider.error(remedy));
        }
        Ok(extension)
    }

    fn on_headers(
        &self,
        cx: &mut Cx<()>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        if direction == Direction::Response {
            return AfterHeaders::Continue;
        }
        let claims = match self.provider.as_str() {
            "" => None,
            name => Claims::verified(cx.envoy, Some(name)),
        };
        let request = Request {
            method: headers.values(":method").next().unwrap_or_default(),
            path: headers.values(":path").next().unwrap_or_default(),
            headers,
            claims: claims.as_ref(),
        };
        let decision = self.policy.decide(&request);
        let logged = match decision.allowed {
            true => self.log_allowed,
            false => self.log_denied,
        };
        if logged {
            let event = self.event(&request, &decision);
            cx.envoy.log(LogLevel::Info, &event.to_string());
        }
        if decision.allowed || self.report_only {
            AfterHeaders::Continue
        } else {
            AfterHeaders::Reply(refusal(decision.reason))
        }
    }
}

impl Extension {
    /// A line of the decision log. Tokens are in headers and queries, so neither is part of it.
    fn event(&self, request: &Request, decision: &Decision) -> Value {
        let mut event = json!({
            "event": "authorization",
            "decision": if decision.allowed { "allow" } else { "deny" },
            "reason": decision.reason.name(),
            "rule": decision.rule,
            "method": printable(request.method),
            "path": printable(request.path),
            "mode": if self.report_only { "report-only" } else { "enforce" },
        });
        let subject = request
            .claims
            .and_then(|claims| claims.text(&rules::names(&self.subject)));
        if let (Some(subject), Some(members)) = (subject, event.as_object_mut()) {
            members.insert("subject".to_owned(), Value::from(subject));
        }
        event
    }
}

/// What the client is told: what to do about it, and nothing about the rules.
fn refusal(reason: Reason) -> LocalReply {
    let (status, title) = match reason {
        Reason::ClaimsMissing => (401, "Unauthorized"),
        _ => (403, "Forbidden"),
    };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = vec![header("content-type", "application/problem+json")];
    if status == 401 {
        headers.push(header("www-authenticate", "Bearer"));
    }
    LocalReply {
        status,
        headers,
        body: format!(r#"{{"type":"about:blank","title":"{title}","status":{status}}}"#),
    }
}

/// The path without the query, of bounded length, with everything but visible ASCII
/// percent-encoded.
fn printable(target: &[u8]) -> String {
    const MAX_BYTES: usize = 1024;
    let mut text = String::new();
    for &byte in path::without_query(target).iter().take(MAX_BYTES) {
        match byte {
            b'!'..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text.truncate(MAX_BYTES); // all of it is ASCII
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::filter::testing::{headers, TestStream};

    /// A complete configuration with some members replaced.
    fn config(members: Value) -> Value {
        let mut config = json!({
            "rules": [], "provider": "idp", "pathCase": "sensitive", "decisionLog": "all",
            "subject": [], "mode": "enforce",
        });
        merge(&mut config, members);
        config
    }

    fn merge(target: &mut Value, members: Value) {
        for (key, value) in members.as_object().unwrap() {
            target[key] = value.clone();
        }
    }

    fn rules(list: Value) -> Value {
        let rules = list.as_array().unwrap().iter().enumerate();
        let rules: Vec<Value> = rules
            .map(|(number, members)| {
                let mut rule = json!({
                    "name": format!("rule-{number}"), "effect": "allow",
                    "methods": [], "paths": [], "headers": [], "claims": [],
                });
                merge(&mut rule, members.clone());
                rule
            })
            .collect();
        json!({ "rules": rules })
    }

    fn load(members: Value) -> Extension {
        Extension::from_config(config(members).to_string().as_bytes()).unwrap()
    }

    /// What is decided about a request, and the lines of the log.
    fn run(
        extension: &Extension,
        claims: Option<Value>,
        lines: &[(&str, &str)],
    ) -> (AfterHeaders, Vec<String>) {
        let mut stream = TestStream::default();
        if let Some(claims) = claims {
            stream.envoy.set_claims("idp", &claims);
        }
        let mut all = vec![(":method", "GET")];
        all.extend(lines);
        let mut headers = headers(&all);
        let after = extension.on_headers(&mut stream.cx(), Direction::Request, &mut headers);
        assert_eq!(headers.changes(), []);
        let log = stream.envoy.log.borrow();
        (after, log.iter().map(|(_, line)| line.clone()).collect())
    }

    /// `allow`, or the status and the reason of the refusal.
    fn ask(extension: &Extension, claims: Option<Value>, lines: &[(&str, &str)]) -> String {
        let (after, log) = run(extension, claims, lines);
        match after {
            AfterHeaders::Reply(reply) => {
                let event: Value = serde_json::from_str(log.last().unwrap()).unwrap();
                format!("{} {}", reply.status, event["reason"].as_str().unwrap())
            }
            after => {
                assert_eq!(after, AfterHeaders::Continue);
                "allow".to_owned()
            }
        }
    }

    const NO_RULE: &str = "403 no_rule";
    const AMBIGUOUS: &str = "403 ambiguous_path";
    const NO_CLAIMS: &str = "401 claims_missing";

    #[test]
    fn paths_are_matched() {
        for (kind, pattern, path, expected) in [
            ("exact", "/a", "/a", "allow"),
            ("exact", "/a", "/a?x=/b", "allow"),
            ("exact", "/a", "/a/", NO_RULE),
            ("exact", "/a", "/ab", NO_RULE),
            ("exact", "/a", "/A", NO_RULE),
            ("exact", "/a", "/%61", "allow"),
            ("exact", "/", "/", "allow"),
            ("exact", "/", "/a", NO_RULE),
            ("exact", "/é", "/%C3%a9", "allow"),
            ("exact", "/a/", "/a/", "allow"),
            ("prefix", "/a", "/a", "allow"),
            ("prefix", "/a", "/a/", "allow"),
            ("prefix", "/a", "/a/b/c", "allow"),
            ("prefix", "/a", "/ab", NO_RULE),
            ("prefix", "/", "/a/b", "allow"),
            ("segments", "/u/*/o", "/u/1/o", "allow"),
            ("segments", "/u/*/o", "/u/1/2/o", NO_RULE),
            ("segments", "/u/*", "/u/", NO_RULE),
            ("segments", "/u/*/**", "/u/1", "allow"),
            ("segments", "/u/*/**", "/u/1/2/3", "allow"),
            ("segments", "/u/*/**", "/u", NO_RULE),
            ("segments", "/**", "/", "allow"),
        ] {
            let never = json!({"match": "exact", "path": "/never"});
            let paths = json!([{"paths": [never, {"match": kind, "path": pattern}]}]);
            let answer = ask(&load(rules(paths)), None, &[(":path", path)]);
            assert_eq!(answer, expected, "{kind} {pattern} of {path}");
        }
    }

    #[test]
    fn paths_that_servers_read_differently_are_denied() {
        let extension = load(rules(json!([{}])));
        for path in [
            "/a//b",
            "//a",
            "/a/../b",
            "/a/%2e%2E/b",
            "/.",
            "/a%2Fb",
            "/a\\b",
            "/a%5cb",
            "/a;x=1",
            "/a%3bx",
            "/a%00",
            "/a%7F",
            "/a%2561",
            "/a%zz",
            "/a%+1",
            "/a%2",
            "/a%",
            "/%ff",
            "/..%c0%afadmin",
            "/%e0%80%afadmin",
            "/%ed%a0%80",
            "/%f4%90%80%80",
            "/a#b",
            "*",
            "",
            "http://a/",
        ] {
            assert_eq!(
                ask(&extension, None, &[(":path", path)]),
                AMBIGUOUS,
                "{path}"
            );
        }
        for path in ["/a%25", "/%c3%a9x", "/%e2%82%ac%f0%9f%98%80", "/"] {
            assert_eq!(ask(&extension, None, &[(":path", path)]), "allow", "{path}");
        }
        assert_eq!(ask(&extension, None, &[]), AMBIGUOUS);
    }

    #[test]
    fn the_case_of_paths_can_be_ignored() {
        let mut members = rules(json!([{"paths": [{"match": "prefix", "path": "/AdmÍn"}]}]));
        members["pathCase"] = json!("ignored");
        let extension = load(members);
        for (path, expected) in [
            ("/aDM%C3%8Dn/x", "allow"),
            ("/%41dm%C3%8dN", "allow"),
            ("/adm%C3%ADn", NO_RULE), // letters beyond ASCII differ
        ] {
            assert_eq!(
                ask(&extension, None, &[(":path", path)]),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let admin = json!([{"match": "prefix", "path": "/admin"}]);
        let extension = load(rules(json!([
            {"effect": "deny", "methods": ["DELETE"], "paths": admin},
            {"methods": ["GET", "DELETE"], "paths": admin},
            {"effect": "deny", "paths": admin},
        ])));
        for (method, path, expected) in [
            ("DELETE", "/admin", "403 rule"),
            ("GET", "/admin", "allow"),
            ("get", "/admin", "403 rule"), // methods have a case
            ("GET", "/", NO_RULE),
        ] {
            let mut headers = headers(&[(":method", method), (":path", path)]);
            let mut stream = TestStream::default();
            let after = extension.on_headers(&mut stream.cx(), Direction::Request, &mut headers);
            assert_eq!(
                after == AfterHeaders::Continue,
                expected == "allow",
                "{method} {path}"
            );
        }
        assert_eq!(
            ask(&load(json!({})), Some(json!({})), &[(":path", "/")]),
            NO_RULE
        );
    }

    #[test]
    fn a_second_line_of_a_header_neither_allows_nor_evades() {
        let present = json!({"is": "present", "name": "x-a"});
        let equals = json!({"is": "equals", "name": "x-a", "value": "1"});
        let one_of = json!({"is": "one-of", "name": "x-a", "values": ["1", "2"]});
        let cases: [(&Value, &[&str], bool, bool); 14] = [
            (&present, &[], false, false),
            (&present, &[""], true, true),
            (&equals, &[], false, false),
            (&equals, &["1"], true, true),
            (&equals, &["1", "1"], true, true),
            (&equals, &["1", "3"], false, true),
            (&equals, &["3", "1"], false, true),
            (&equals, &["1,3"], false, true),
            (&equals, &["3 ,\t1 "], false, true),
            (&equals, &["3", "2, 1"], false, true),
            (&equals, &["11, 3"], false, false),
            (&one_of, &["2"], true, true),
            (&one_of, &["2", "3"], false, true),
            (&one_of, &["3"], false, false),
        ];
        for (condition, values, allows, denies) in cases {
            let mut lines = vec![(":path", "/")];
            lines.extend(values.iter().map(|&value| ("x-a", value)));
            let allowing = load(rules(json!([{"headers": [condition]}])));
            let denying = load(rules(
                json!([{"effect": "deny", "headers": [condition]}, {}]),
            ));
            assert_eq!(
                ask(&allowing, None, &lines) == "allow",
                allows,
                "{condition} {values:?}"
            );
            assert_eq!(
                ask(&denying, None, &lines) != "allow",
                denies,
                "{condition} {values:?}"
            );
        }
    }

    #[test]
    fn claims_are_compared_as_text() {
        let claims = json!({
            "sub": "u1", "scope": "read  write", "level": 3, "time": 4102444800_u64, "half": 0.5,
            "on": true, "none": null, "empty": "", "groups": ["a b", 7, null, false, ["deep"]],
            "realm": {"roles": ["admin"]}, "https://x/y.z": "named", "nothing": [[]],
        });
        for (condition, expected) in [
            (json!({"is": "present", "claim": ["sub"]}), true),
            (json!({"is": "present", "claim": ["none"]}), false),
            (json!({"is": "present", "claim": ["absent", "x"]}), false),
            (json!({"is": "present", "claim": ["empty"]}), true),
            (json!({"is": "present", "claim": ["realm"]}), false),
            (json!({"is": "present", "claim": ["sub", "x"]}), false),
            (json!({"is": "present", "claim": ["groups"]}), true),
            (json!({"is": "present", "claim": ["groups", "0"]}), false),
            (json!({"is": "present", "claim": ["nothing"]}), false),
            (
                json!({"is": "equals", "claim": ["sub"], "value": "u1"}),
                true,
            ),
            (
                json!({"is": "equals", "claim": ["sub"], "value": "U1"}),
                false,
            ),
            (
                json!({"is": "equals", "claim": ["level"], "value": "3"}),
                true,
            ),
            (
                json!({"is": "equals", "claim": ["level"], "value": "3.0"}),
                false,
            ),
            (
                json!({"is": "equals", "claim": ["time"], "value": "4102444800"}),
                true,
            ),
            (
                json!({"is": "equals", "claim": ["half"], "value": "0.5"}),
                true,
            ),
            (
                json!({"is": "equals", "claim": ["on"], "value": "true"}),
                true,
            ),
            (
                json!({"is": "equals", "claim": ["groups"], "value": "a b"}),
                false,
            ),
            (
                json!({"is": "equals", "claim": ["https://x/y.z"], "value": "named"}),
                true,
            ),
            (
                json!({"is": "contains", "claim": ["scope"], "value": "write"}),
                true,
            ),
            (
                json!({"is": "contains", "claim": ["scope"], "value": "rea"}),
                false,
            ),
            (
                json!({"is": "contains", "claim": ["scope"], "value": "read  write"}),
                false,
            ),
            (
                json!({"is": "contains", "claim": ["groups"], "value": "a b"}),
                true,
            ),
            (
                json!({"is": "contains", "claim": ["groups"], "value": "a"}),
                false,
            ),
            (
                json!({"is": "contains", "claim": ["groups"], "value": "7"}),
                true,
            ),
            (
                json!({"is": "contains", "claim": ["groups"], "value": "false"}),
                true,
            ),
            (
                json!({"is": "contains", "claim": ["groups"], "value": "deep"}),
                false,
            ),
            (
                json!({"is": "contains", "claim": ["realm", "roles"], "value": "admin"}),
                true,
            ),
            (
                json!({"is": "contains", "claim": ["realm"], "value": "roles"}),
                false,
            ),
            (
                json!({"is": "contains", "claim": ["level"], "value": "3"}),
                true,
            ),
            (
                json!({"is": "one-of", "claim": ["sub"], "values": ["u0", "u1"]}),
                true,
            ),
            (
                json!({"is": "one-of", "claim": ["sub"], "values": ["u0"]}),
                false,
            ),
            (
                json!({"is": "one-of", "claim": ["groups"], "values": ["x", "7"]}),
                true,
            ),
            (
                json!({"is": "one-of", "claim": ["scope"], "values": ["write"]}),
                false,
            ),
        ] {
            let extension = load(rules(json!([{"claims": [condition]}])));
            let answer = ask(&extension, Some(claims.clone()), &[(":path", "/")]);
            assert_eq!(answer == "allow", expected, "{condition}");
        }
    }

    /// As an allowing and as a denying rule, which must not be evaded.
    #[test]
    fn claims_are_compared_with_the_request() {
        let segment = json!({"is": "equals-segment", "claim": ["sub"], "segment": 2});
        let empty = json!({"is": "equals-segment", "claim": ["empty"], "segment": 2});
        let header = json!({"is": "equals-header", "claim": ["tenants"], "name": "x-tenant"});
        let query = json!({"is": "equals-query", "claim": ["sub"], "name": "user"});
        let host = json!({"is": "equals-host", "claim": ["host"]});
        let claims = json!({
            "sub": "Ann é", "tenants": ["a", 7], "host": "Shop.example.com", "empty": "",
        });
        type Lines<'a> = &'a [(&'a str, &'a str)];
        let cases: [(&Value, &str, Lines, bool, bool); 32] = [
            (&segment, "/users/Ann%20%C3%A9", &[], true, true),
            (&segment, "/users/Ann%20%C3%A9/orders", &[], true, true),
            (&segment, "/users/Bob", &[], false, false),
            (&segment, "/users/ann%20%C3%A9", &[], false, false),
            (&segment, "/users/Ann+%C3%A9", &[], false, false),
            (&segment, "/users", &[], false, false),
            (&empty, "/users/", &[], false, false),
            (&header, "/", &[("x-tenant", "a")], true, true),
            (&header, "/", &[("x-tenant", "7")], true, true),
            (&header, "/", &[("x-tenant", "b")], false, false),
            (&header, "/", &[("x-tenant", "b, a")], false, true),
            (&header, "/", &[], false, false),
            (
                &header,
                "/",
                &[("x-tenant", "a"), ("x-tenant", "b")],
                false,
                true,
            ),
            (&query, "/?user=Ann+%C3%A9", &[], true, true),
            (&query, "/?x&=&user=Ann%20%c3%a9&y=1", &[], true, true),
            (&query, "/?user=Bob", &[], false, false),
            (&query, "/", &[], false, false),
            (&query, "/?user=Ann+%C3%A9&user=Bob", &[], false, true),
            (&query, "/?user=Ann+%C3%A9&%75ser=Bob", &[], false, true),
            (&query, "/?user=Ann+%C3%A9&USER=Bob", &[], false, true),
            (&query, "/?user=Ann+%C3%A9&user[]=Bob", &[], false, true),
            (
                &query,
                "/?user=Ann+%C3%A9&user%5Bx%5D=Bob",
                &[],
                false,
                true,
            ),
            (&query, "/?user=Ann+%C3%A9&user%00x=Bob", &[], false, true),
            (&query, "/?user=Ann+%C3%A9&+user%09=Bob", &[], false, true),
            (&query, "/?user=Ann+%C3%A9&users=Bob", &[], true, true),
            (&query, "/?user=Ann+%C3%A9;user=Bob", &[], false, true),
            (&query, "/?user=Bob&x=%", &[], false, true),
            (
                &host,
                "/",
                &[(":authority", "shop.EXAMPLE.com")],
                true,
                true,
            ),
            (
                &host,
                "/",
                &[(":authority", "shop.example.com:8443")],
                true,
                true,
            ),
            (
                &host,
                "/",
                &[(":authority", "shop.example.com.")],
                true,
                true,
            ),
            (
                &host,
                "/",
                &[(":authority", "shop.example.com.evil")],
                false,
                false,
            ),
            (&host, "/", &[], false, false),
        ];
        for (condition, path, more, allows, denies) in cases {
            let allowing = load(rules(json!([{"claims": [condition]}])));
            let denying = load(rules(
                json!([{"effect": "deny", "claims": [condition]}, {}]),
            ));
            let mut lines = vec![(":path", path)];
            lines.extend(more);
            let case = format!("{condition} {lines:?}");
            let claims = || Some(claims.clone());
            assert_eq!(
                ask(&allowing, claims(), &lines) == "allow",
                allows,
                "{case}"
            );
            assert_eq!(ask(&denying, claims(), &lines) != "allow", denies, "{case}");
            assert_eq!(ask(&allowing, None, &lines), NO_CLAIMS, "{case}");
        }
    }

    #[test]
    fn segments_are_compared_with_claims_as_paths_are() {
        let condition = json!({"is": "equals-segment", "claim": ["sub"], "segment": 2});
        let mut members = rules(json!([{"claims": [condition]}]));
        members["pathCase"] = json!("ignored");
        let answer = ask(
            &load(members),
            Some(json!({"sub": "aNN"})),
            &[(":path", "/users/AnN")],
        );
        assert_eq!(answer, "allow");
    }

    #[test]
    fn comparisons_that_cannot_work_are_refused() {
        for (condition, expected) in [
            (
                json!({"is": "equals-segment", "claim": ["sub"], "segment": 0}),
                "1 or more",
            ),
            (json!({"is": "equals-segment", "claim": ["sub"]}), "segment"),
            (
                json!({"is": "equals-header", "claim": ["sub"], "name": "cookie"}),
                "must not rest",
            ),
            (
                json!({"is": "equals-query", "claim": ["sub"], "name": "a b"}),
                "letters, digits",
            ),
            (
                json!({"is": "equals-query", "claim": ["sub"], "name": "a", "value": "x"}),
                "value",
            ),
            (json!({"is": "equals-host", "claim": []}), "at least one"),
        ] {
            let config = config(rules(json!([{"claims": [condition]}]))).to_string();
            let error = Extension::from_config(config.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{condition}: {error}");
        }
    }

    #[test]
    fn who_shows_no_claims_is_told_where_claims_would_help() {
        let admin = json!([{"is": "equals", "claim": ["admin"], "value": "true"}]);
        for (list, claims, expected) in [
            (json!([{"claims": admin}]), None, NO_CLAIMS),
            (
                json!([{"claims": admin}, {"effect": "deny"}]),
                None,
                NO_CLAIMS,
            ),
            (json!([{"claims": admin}, {}]), None, "allow"),
            (json!([{"effect": "deny", "claims": admin}]), None, NO_RULE),
            (
                json!([{"methods": ["POST"], "claims": admin}]),
                None,
                NO_RULE,
            ),
            (
                json!([{"effect": "deny"}, {"claims": admin}]),
                None,
                "403 rule",
            ),
            (json!([{"claims": admin}]), Some(json!({})), NO_RULE),
            (json!([{"claims": admin}]), Some(json!("text")), NO_CLAIMS),
        ] {
            let lines = [(":path", "/"), ("authorization", "Bearer unverified")];
            let answer = ask(&load(rules(list.clone())), claims, &lines);
            assert_eq!(answer, expected, "{list}");
        }
    }

    #[test]
    fn refusals_are_problems_in_json() {
        let reply = refusal(Reason::NoRule);
        let problem = ("content-type".into(), "application/problem+json".into());
        assert_eq!(
            reply.body,
            r#"{"type":"about:blank","title":"Forbidden","status":403}"#
        );
        assert_eq!((reply.status, reply.headers), (403, vec![problem]));
        let reply = refusal(Reason::ClaimsMissing);
        assert_eq!(
            reply.body,
            r#"{"type":"about:blank","title":"Unauthorized","status":401}"#
        );
        let challenge = ("www-authenticate".to_owned(), "Bearer".to_owned());
        assert_eq!(
            (reply.status, reply.headers.last()),
            (401, Some(&challenge))
        );
    }

    #[test]
    fn decisions_are_logged_without_tokens() {
        let name = "ü<\"\n\\>";
        let allowed = json!({
            "event": "authorization", "decision": "allow", "reason": "rule", "rule": "readers",
            "method": "GET", "path": "/r", "subject": name, "mode": "enforce",
        });
        let refused = json!({
            "event": "authorization", "decision": "deny", "reason": "no_rule", "rule": "",
            "method": "GET", "path": "/%22%C3%A9\"", "mode": "enforce",
        });
        for (log, expected) in [
            ("all", vec![&allowed, &refused]),
            ("denied", vec![&refused]),
            ("none", vec![]),
        ] {
            let readers = json!([{"name": "readers", "paths": [{"match": "exact", "path": "/r"}]}]);
            let mut members = rules(readers);
            merge(
                &mut members,
                json!({"decisionLog": log, "subject": ["who", "name"]}),
            );
            let extension = load(members);
            let lines = [(":path", "/r?t=secret"), ("authorization", "secret")];
            let (_, mut seen) = run(&extension, Some(json!({"who": {"name": name}})), &lines);
            let lines = [(":path", "/%22é\"?secret"), ("cookie", "secret")];
            seen.extend(run(&extension, None, &lines).1);
            for line in &seen {
                assert!(!line.contains("secret") && !line.contains('\n'), "{line}");
            }
            let seen: Vec<Value> = seen
                .iter()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn report_only_lets_everything_pass() {
        let extension = load(json!({"mode": "report-only"}));
        let (after, log) = run(&extension, None, &[(":path", "/a;b")]);
        assert_eq!(after, AfterHeaders::Continue);
        let event: Value = serde_json::from_str(&log[0]).unwrap();
        assert_eq!(event["decision"], "deny");
        assert_eq!(event["reason"], "ambiguous_path");
        assert_eq!(event["mode"], "report-only");
    }

    #[test]
    fn responses_pass() {
        let mut headers = headers(&[(":status", "200")]);
        let mut stream = TestStream::default();
        let after = load(json!({})).on_headers(&mut stream.cx(), Direction::Response, &mut headers);
        assert_eq!(after, AfterHeaders::Continue);
    }

    #[test]
    fn wrong_configurations_are_refused_with_the_remedy() {
        let path =
            |kind: &str, path: &str| rules(json!([{"paths": [{"match": kind, "path": path}]}]));
        let header = |condition: Value| rules(json!([{"headers": [condition]}]));
        let claim = |condition: Value| rules(json!([{"claims": [condition]}]));
        let mut without_provider = claim(json!({"is": "present", "claim": ["a"]}));
        without_provider["provider"] = json!("");
        for (members, expected) in [
            (json!({"rules": {}}), "config.rules is {}: write an array"),
            (json!({"more": 1}), "config.more is 1: unknown key"),
            (
                json!({"mode": "observe"}),
                "config.mode is \"observe\": write one of enforce, report-only",
            ),
            (
                json!({"pathCase": true}),
                "config.pathCase is true: write a string",
            ),
            (
                json!({"decisionLog": ""}),
                "config.decisionLog is \"\": write one of",
            ),
            (
                json!({"subject": ["a", ""]}),
                "config.subject[1] is \"\": write a text",
            ),
            (
                json!({"provider": "", "subject": ["sub"]}),
                "config.provider is \"\": write the name",
            ),
            (without_provider, "config.provider is \"\": write the name"),
            (
                rules(json!([{"name": "a"}, {"name": "a"}])),
                "rules[1].name is \"a\": give every rule",
            ),
            (
                rules(json!([{"name": ""}])),
                "rules[0].name is \"\": write a text",
            ),
            (
                rules(json!([{"effect": "maybe"}])),
                "rules[0].effect is \"maybe\": write one of",
            ),
            (
                rules(json!([{"methods": ["get"]}])),
                "rules[0].methods[0] is \"get\": write one of",
            ),
            (
                rules(json!([{"extra": 1}])),
                "rules[0].extra is 1: unknown key",
            ),
            (
                path("glob", "/"),
                "paths[0].match is \"glob\": write one of",
            ),
            (path("exact", "a"), "paths[0].path is \"a\": begin with /"),
            (path("exact", "/a%20b"), "without percent-encoding"),
            (path("exact", "/a//b"), "empty and dot segments"),
            (path("exact", "/*"), "use match segments"),
            (path("prefix", "/a/"), "remove the / at the end"),
            (path("segments", "/a*"), "let * stand for one whole segment"),
            (path("segments", "/**/a"), "let * stand for one whole"),
            (
                header(json!({"is": "absent", "name": "x-a"})),
                "headers[0].is is \"absent\": write one of present, equals, one-of",
            ),
            (
                header(json!({"is": "present", "name": "X-A"})),
                "headers[0].name is \"X-A\": write the name",
            ),
            (
                header(json!({"is": "present", "name": "authorization"})),
                "a decision must not rest on this header",
            ),
            (
                header(json!({"is": "present", "name": "x-forwarded-for"})),
                "a decision must not rest on this header",
            ),
            (
                header(json!({"is": "present", "name": "x-a", "value": "1"})),
                "headers[0].value is \"1\": unknown key",
            ),
            (
                header(json!({"is": "equals", "name": "x-a"})),
                "headers[0].value is missing: add it",
            ),
            (
                header(json!({"is": "one-of", "name": "x-a", "values": []})),
                "headers[0].values is []: write at least one",
            ),
            (
                claim(json!({"is": "present", "claim": []})),
                "claims[0].claim is []: write at least one",
            ),
            (
                claim(json!({"is": "equals", "claim": ["a"], "value": 3})),
                "claims[0].value is 3: write a string",
            ),
            (
                claim(json!({"is": "contains", "claim": ["a"], "values": ["b"]})),
                "claims[0].values is [\"b\"]: unknown key",
            ),
        ] {
            let text = config(members).to_string();
            let error = Extension::from_config(text.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    proptest! {
        /// Whatever a request is like, nothing is allowed that no rule names, and the log is JSON.
        #[test]
        fn nothing_is_allowed_by_accident(
            path in "(/(a|b|%61|%2e|\\.\\.|;|%2F|%25|\\PC){0,3}){0,4}(\\?.*)?",
            value in prop_oneof![Just("1".to_owned()), "\\PC{0,3}"],
            sub in prop_oneof![Just("u1".to_owned()), ".{0,3}"],
        ) {
            let mut members = rules(json!([
                {"effect": "deny", "headers": [{"is": "equals", "name": "x-a", "value": "1"}]},
                {
                    "paths": [{"match": "prefix", "path": "/a"}],
                    "claims": [{"is": "equals", "claim": ["sub"], "value": "u1"}],
                },
            ]));
            members["subject"] = json!(["sub"]);
            let lines = [(":path", path.as_str()), ("x-a", value.as_str())];
            let (after, log) = run(&load(members), Some(json!({"sub": sub})), &lines);
            let below = path::segments(path.as_bytes())
                .is_some_and(|segments| segments.first().is_some_and(|first| first == b"a"));
            let denied = value.split(',').any(|element| element.as_bytes().trim_ascii() == b"1");
            let expected = below && !denied && sub == "u1";
            prop_assert_eq!(after == AfterHeaders::Continue, expected);
            let event: Value = serde_json::from_str(&log[0]).unwrap();
            prop_assert_eq!(event["subject"].as_str(), Some(sub.as_str()));
        }
    }
}
