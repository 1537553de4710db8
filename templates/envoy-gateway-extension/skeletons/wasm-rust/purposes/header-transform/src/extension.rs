//! Changes headers as the configuration says. See docs/purpose.md.

use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::{AfterHeaders, Cx, Direction, HttpExtension};

#[derive(Debug)]
pub struct Extension {
    request: Vec<Operation>,
    response: Vec<Operation>,
}

#[derive(Debug)]
enum Operation {
    Set { name: String, value: String },
    Append { name: String, value: String },
    Remove { name: String },
    Rename { name: String, to: String },
}

impl HttpExtension for Extension {
    type State = ();

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&["request", "response"])?;
        Ok(Extension {
            request: operations(&config.member("request")?)?,
            response: operations(&config.member("response")?)?,
        })
    }

    fn on_headers(
        &self,
        _cx: &mut Cx<()>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        let operations = match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        };
        for operation in operations {
            match operation {
                Operation::Set { name, value } => headers.set(name, value.as_str()),
                Operation::Append { name, value } => headers.append(name, value.as_str()),
                Operation::Remove { name } => headers.remove(name),
                Operation::Rename { name, to } => headers.rename(name, to),
            }
        }
        AfterHeaders::Continue
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
        _ => Err(action.error("use set, append, remove or rename")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;
    use crate::filter::testing::{headers, TestStream};

    fn extension(config: &Value) -> Result<Extension, ConfigError> {
        Extension::from_config(config.to_string().as_bytes())
    }

    /// The values that `names` have after the request operations.
    fn after(operations: Value, lines: &[(&str, &str)], names: &[&str]) -> Vec<Vec<String>> {
        let extension = extension(&json!({"request": operations, "response": []})).unwrap();
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
        let extension = extension(&json!({"request": [], "response": set})).unwrap();
        for (direction, expected) in [(Direction::Request, None), (Direction::Response, Some("v"))]
        {
            let mut headers = Headers::default();
            extension.on_headers(&mut TestStream::default().cx(), direction, &mut headers);
            assert_eq!(headers.text("x-a"), expected, "{direction:?}");
        }
    }

    #[test]
    fn wrong_configurations_are_refused_with_the_remedy() {
        let cases = [
            (
                json!([]),
                "field config is []: write an object with request, response",
            ),
            (
                json!({"request": []}),
                "field config.response is missing: add it",
            ),
            (
                json!({"request": [], "response": [], "x": 1}),
                "field config.x is 1: unknown key",
            ),
            (
                json!({"request": {}, "response": []}),
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
                ".action is \"add\": use set, append, remove or rename",
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
                json!({"action": "set", "name": "x-a", "value": "a\nb"}),
                "remove the control",
            ),
        ];
        for (operation, expected) in operations {
            let config = json!({"request": [operation], "response": []});
            let error = extension(&config).unwrap_err().to_string();
            assert!(error.contains(expected), "{config}: {error}");
        }
    }
}
