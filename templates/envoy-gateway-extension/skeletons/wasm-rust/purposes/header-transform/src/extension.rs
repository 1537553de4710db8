//! Changes headers as the configuration says. See docs/purpose.md.

mod derive;
mod source;

use proxy_wasm::types::LogLevel;

use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::{AfterHeaders, Cx, Direction, HttpExtension, LocalReply};
use derive::Derivation;
use source::Source;

#[derive(Debug)]
pub struct Extension {
    request: Vec<Operation>,
    response: Vec<Operation>,
    reroute: bool,
}

#[derive(Debug)]
enum Operation {
    Set {
        name: String,
        value: String,
    },
    Append {
        name: String,
        value: String,
    },
    SetFrom {
        name: String,
        derivation: Derivation,
    },
    AppendFrom {
        name: String,
        derivation: Derivation,
    },
    Remove {
        name: String,
    },
    Rename {
        name: String,
        to: String,
    },
}

impl HttpExtension for Extension {
    /// What each operation on the response takes from the request, for each of its inputs.
    type State = Vec<Vec<Vec<u8>>>;

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&["request", "response", "reroute"])?;
        Ok(Extension {
            request: operations(&config.member("request")?)?,
            response: operations(&config.member("response")?)?,
            reroute: config.member("reroute")?.flag()?,
        })
    }

    fn on_headers(
        &self,
        cx: &mut Cx<Self::State>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        match direction {
            Direction::Request => {
                for operation in &self.request {
                    let values: Vec<Vec<u8>> = operation
                        .inputs()
                        .iter()
                        .map(|from| from.read(headers))
                        .collect();
                    operation.apply(headers, &values);
                }
                *cx.state = self
                    .response
                    .iter()
                    .map(|operation| {
                        let of_request = |from: &Source| match from.is_of_request() {
                            true => from.read(headers),
                            false => Vec::new(),
                        };
                        operation.inputs().iter().map(of_request).collect()
                    })
                    .collect();
                if self.reroute {
                    if let Err(error) = cx.envoy.clear_route_cache() {
                        cx.envoy.log(LogLevel::Error, &error.to_string());
                        return AfterHeaders::Reply(LocalReply {
                            status: 500,
                            headers: Vec::new(),
                            body: String::new(),
                        });
                    }
                }
            }
            Direction::Response => {
                // Without a request that came by here, none of them has a value.
                let mut kept = cx.state.iter();
                for operation in &self.response {
                    let mut of_request = kept.next().into_iter().flatten();
                    let values: Vec<Vec<u8>> = operation
                        .inputs()
                        .iter()
                        .map(|from| {
                            let value = of_request.next().cloned().unwrap_or_default();
                            match from.is_of_request() {
                                true => value,
                                false => from.read(headers),
                            }
                        })
                        .collect();
                    operation.apply(headers, &values);
                }
            }
        }
        AfterHeaders::Continue
    }
}

impl Operation {
    fn apply(&self, headers: &mut Headers, values: &[Vec<u8>]) {
        match self {
            Operation::Set { name, value } => headers.set(name, value.as_str()),
            Operation::Append { name, value } => headers.append(name, value.as_str()),
            Operation::SetFrom { name, derivation } => {
                let value = derivation.value(values);
                // Of a client, too: the value is the source's or none.
                headers.remove(name);
                if !value.is_empty() {
                    headers.append(name, value);
                }
            }
            Operation::AppendFrom { name, derivation } => {
                let value = derivation.value(values);
                if !value.is_empty() {
                    headers.append(name, value);
                }
            }
            Operation::Remove { name } => headers.remove(name),
            Operation::Rename { name, to } => headers.rename(name, to),
        }
    }

    /// Where its values come from; nowhere for most operations.
    fn inputs(&self) -> &[Source] {
        match self {
            Operation::SetFrom { derivation, .. } | Operation::AppendFrom { derivation, .. } => {
                &derivation.inputs
            }
            _ => &[],
        }
    }
}

fn operations(list: &Field) -> Result<Vec<Operation>, ConfigError> {
    list.items()?.map(|item| operation(&item)).collect()
}

fn operation(item: &Field) -> Result<Operation, ConfigError> {
    let action = item.member("action")?;
    let name = || item.member("name")?.header_name();
    match action.text()? {
        "set" => {
            item.only_keys(&["action", "name", "value"])?;
            Ok(Operation::Set {
                name: name()?,
                value: item.member("value")?.header_value()?,
            })
        }
        "append" => {
            item.only_keys(&["action", "name", "value"])?;
            Ok(Operation::Append {
                name: name()?,
                value: item.member("value")?.header_value()?,
            })
        }
        "set-from" | "append-from" => {
            let mut keys = vec!["action", "name"];
            keys.extend(derive::KEYS);
            item.only_keys(&keys)?;
            let name = name()?;
            let derivation = Derivation::from_config(item)?;
            Ok(match action.text()? {
                "set-from" => Operation::SetFrom { name, derivation },
                _ => Operation::AppendFrom { name, derivation },
            })
        }
        "remove" => {
            item.only_keys(&["action", "name"])?;
            Ok(Operation::Remove { name: name()? })
        }
        "rename" => {
            item.only_keys(&["action", "name", "to"])?;
            Ok(Operation::Rename {
                name: name()?,
                to: item.member("to")?.header_name()?,
            })
        }
        _ => Err(action.error("use set, append, set-from, append-from, remove or rename")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;
    use crate::filter::testing::{headers, TestStream};

    /// Operations that derive a value are completed.
    fn extension(config: &Value) -> Result<Extension, ConfigError> {
        let mut config = config.clone();
        for direction in ["request", "response"] {
            for operation in config
                .get_mut(direction)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                if operation.get("from").is_some() {
                    for (key, usual) in [
                        ("part", json!({"kind": "whole"})),
                        ("table", json!([])),
                        ("prefix", json!("")),
                        ("suffix", json!("")),
                    ] {
                        operation[key] = usual;
                    }
                }
            }
        }
        Extension::from_config(config.to_string().as_bytes())
    }

    /// The values that `names` have after the request operations.
    fn after(operations: Value, lines: &[(&str, &str)], names: &[&str]) -> Vec<Vec<String>> {
        let extension =
            extension(&json!({"request": operations, "response": [], "reroute": false})).unwrap();
        let mut headers = headers(lines);
        let next = extension.on_headers(
            &mut TestStream::default().cx(),
            Direction::Request,
            &mut headers,
        );
        assert_eq!(next, AfterHeaders::Continue);
        names
            .iter()
            .map(|name| {
                headers
                    .values(name)
                    .map(|value| String::from_utf8_lossy(value).into_owned())
                    .collect()
            })
            .collect()
    }

    #[test]
    fn each_action_changes_all_lines_of_its_name() {
        let lines = [
            ("x-set", "one"),
            ("x-set", "two"),
            ("x-append", "one"),
            ("x-remove", "one"),
            ("x-remove", "two"),
            ("x-old", "one"),
            ("x-old", "two"),
            ("x-new", "replaced"),
        ];
        let operations = json!([
            {"action": "set", "name": "x-set", "value": "v"},
            {"action": "append", "name": "x-append", "value": "v"},
            {"action": "remove", "name": "x-remove"},
            {"action": "rename", "name": "x-old", "to": "x-new"},
        ]);
        let names = ["x-set", "x-append", "x-remove", "x-old", "x-new"];
        assert_eq!(
            after(operations, &lines, &names),
            [
                vec!["v"],
                vec!["one", "v"],
                vec![],
                vec![],
                vec!["one", "two"]
            ]
        );
    }

    #[test]
    fn each_operation_sees_what_the_previous_left() {
        let operations = json!([
            {"action": "set", "name": "x-a", "value": "one"},
            {"action": "append", "name": "x-a", "value": "two"},
            {"action": "rename", "name": "x-a", "to": "x-b"},
            {"action": "rename", "name": "x-absent", "to": "x-b"},
            {"action": "set", "name": "x-a", "value": "three"},
        ]);
        assert_eq!(
            after(operations, &[], &["x-a", "x-b"]),
            [vec!["three"], vec!["one", "two"]]
        );
    }

    #[test]
    fn each_direction_has_its_own_operations() {
        let set = json!([{"action": "set", "name": "x-a", "value": "v"}]);
        let extension =
            extension(&json!({"request": [], "response": set, "reroute": false})).unwrap();
        for (direction, expected) in [(Direction::Request, None), (Direction::Response, Some("v"))]
        {
            let mut headers = Headers::default();
            extension.on_headers(&mut TestStream::default().cx(), direction, &mut headers);
            assert_eq!(headers.text("x-a"), expected, "{direction:?}");
        }
    }

    #[test]
    fn without_a_value_a_client_cannot_give_one() {
        let path = json!({"kind": "path"});
        let operations = json!([
            {"action": "set-from", "name": "x-set", "from": path, "default": ""},
            {"action": "append-from", "name": "x-append", "from": path, "default": ""},
            {"action": "set-from", "name": "x-default", "from": path, "default": "none"},
        ]);
        let lines = [("x-set", "the client's"), ("x-append", "stays")];
        assert_eq!(
            after(operations, &lines, &["x-set", "x-append", "x-default"]),
            [vec![], vec!["stays"], vec!["none"]]
        );
    }

    #[test]
    fn responses_take_values_of_the_request_as_it_went_on() {
        let of = |kind: &str| json!({"kind": kind, "name": "x-id"});
        let extension = extension(&json!({
            "request": [{"action": "rename", "name": "x-old", "to": "x-id"}],
            "response": [
                {"action": "append-from", "name": "x-out", "from": of("request-header"), "default": "none"},
                {"action": "remove", "name": "x-untouched"},
                {"action": "append-from", "name": "x-out", "from": of("header"), "default": ""},
                {"action": "append-from", "name": "x-out", "from": of("query"), "default": ""},
            ],
            "reroute": false,
        }))
        .unwrap();
        let values = |request: Option<&[(&str, &str)]>| {
            let mut stream = TestStream::default();
            if let Some(lines) = request {
                let mut lines = headers(lines);
                extension.on_headers(&mut stream.cx(), Direction::Request, &mut lines);
            }
            let mut lines = headers(&[(":status", "200"), ("x-id", "upstream")]);
            extension.on_headers(&mut stream.cx(), Direction::Response, &mut lines);
            lines
                .values("x-out")
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .collect::<Vec<String>>()
        };
        let request = [(":path", "/?x-id=7"), ("x-old", "1"), ("x-old", "2")];
        assert_eq!(values(Some(&request)), ["1, 2", "upstream", "7"]);
        // Another filter answered before.
        assert_eq!(values(None), ["none", "upstream"]);
    }

    #[test]
    fn the_route_is_chosen_again_on_demand() {
        for reroute in [true, false] {
            let config = json!({"request": [], "response": [], "reroute": reroute});
            let extension = extension(&config).unwrap();
            let mut stream = TestStream::default();
            let mut lines = Headers::default();
            let next = extension.on_headers(&mut stream.cx(), Direction::Request, &mut lines);
            assert_eq!(next, AfterHeaders::Continue);
            assert_eq!(stream.envoy.route_cache_cleared.get(), reroute);

            stream.envoy.failing.set(true);
            let next = extension.on_headers(&mut stream.cx(), Direction::Request, &mut lines);
            assert_eq!(matches!(next, AfterHeaders::Reply(_)), reroute);
        }
    }

    #[test]
    fn wrong_configurations_are_refused_with_the_remedy() {
        let cases = [
            (
                json!([]),
                "field config is []: write an object with request, response, reroute",
            ),
            (
                json!({"request": []}),
                "field config.response is missing: add it",
            ),
            (
                json!({"request": [], "response": [], "reroute": false, "x": 1}),
                "field config.x is 1: unknown key",
            ),
            (
                json!({"request": [], "response": [], "reroute": "yes"}),
                "field config.reroute is \"yes\": write true or false",
            ),
            (
                json!({"request": {}, "response": [], "reroute": false}),
                "field config.request is {}: write an array",
            ),
        ];
        for (config, expected) in cases {
            let error = extension(&config).unwrap_err().to_string();
            assert!(error.contains(expected), "{config}: {error}");
        }
        let operations = [
            (
                json!({}),
                "field config.request[0].action is missing: add it",
            ),
            (
                json!({"action": "add"}),
                ".action is \"add\": use set, append, set-from, append-from",
            ),
            (
                json!({"action": "set", "name": "x-a"}),
                ".value is missing: add it",
            ),
            (
                json!({"action": "remove", "name": "x-a", "value": "v"}),
                ".value is \"v\": unknown key",
            ),
            (
                json!({"action": "rename", "name": "x-a", "to": "host"}),
                ".to is \"host\": Envoy owns",
            ),
            (
                json!({"action": "set-from", "name": "x-a", "from": {"kind": "body"}, "default": ""}),
                ".from.kind is \"body\": use header",
            ),
            (
                json!({"action": "set-from", "name": "x-a", "from": {"kind": "path"}}),
                ".default is missing: add it",
            ),
            (
                json!({"action": "set", "name": "x-a", "value": "a\nb"}),
                "remove the control",
            ),
        ];
        for (operation, expected) in operations {
            let config = json!({"request": [operation], "response": [], "reroute": false});
            let error = extension(&config).unwrap_err().to_string();
            assert!(error.contains(expected), "{config}: {error}");
        }
    }
}
