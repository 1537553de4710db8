//! The logic of this extension. As generated it passes everything on; if the settings name a
//! header, it sets that in each direction. See docs/purpose.md.

use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::{AfterHeaders, Cx, Direction, HttpExtension};

#[derive(Debug)]
pub struct Extension {
    /// The header that shows that the extension runs, and its value.
    marker: Option<(String, String)>,
}

impl HttpExtension for Extension {
    type State = ();

    // TODO(you): read your own settings; keep `config` of the policy in step.
    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&["header"])?;
        let header = config.member("header")?;
        header.only_keys(&["name", "value"])?;
        let name = header.member("name")?;
        let value = header.member("value")?.header_value()?;
        let marker = match name.text()? {
            "" => None,
            _ => Some((name.header_name()?, value)),
        };
        Ok(Extension { marker })
    }

    // TODO(you): put your logic here. Return `BufferBody` and write `on_body` to see bodies, or
    // `Reply` to answer the client without the upstream. Never panic: it ends the VM.
    fn on_headers(
        &self,
        _cx: &mut Cx<()>,
        _direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        if let Some((name, value)) = &self.marker {
            headers.set(name, value.as_str());
        }
        AfterHeaders::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::testing::{headers, TestStream};

    const CONFIG: &[u8] = br#"{"header": {"name": "x-processed-by", "value": "my-ext"}}"#;

    // TODO(you): test your logic; it needs no Envoy.
    #[test]
    fn sets_the_header_in_both_directions() {
        let extension = Extension::from_config(CONFIG).unwrap();
        for direction in [Direction::Request, Direction::Response] {
            let lines = [("x-processed-by", "someone"), ("x-processed-by", "else")];
            let mut headers = headers(&lines);
            let next =
                extension.on_headers(&mut TestStream::default().cx(), direction, &mut headers);
            assert_eq!(next, AfterHeaders::Continue);
            let values: Vec<&[u8]> = headers.values("x-processed-by").collect();
            assert_eq!(values, [b"my-ext"], "{direction:?}");
        }
    }

    #[test]
    fn without_a_marker_nothing_changes() {
        let extension =
            Extension::from_config(br#"{"header": {"name": "", "value": ""}}"#).unwrap();
        for direction in [Direction::Request, Direction::Response] {
            let lines = [("x-a", "1"), ("x-a", "2")];
            let mut headers = headers(&lines);
            extension.on_headers(&mut TestStream::default().cx(), direction, &mut headers);
            let values: Vec<&[u8]> = headers.values("x-a").collect();
            assert_eq!(values, [b"1", b"2"], "{direction:?}");
            assert_eq!(headers.values("").count(), 0, "{direction:?}");
        }
    }

    #[test]
    fn wrong_configurations_are_refused_with_the_remedy() {
        for (config, expected) in [
            ("{}", "field config.header is missing: add it"),
            (
                r#"{"header": {"name": "x-a"}}"#,
                "field config.header.value is missing: add it",
            ),
            (
                r#"{"header": {"name": "host", "value": "v"}}"#,
                "field config.header.name is \"host\": Envoy owns",
            ),
            (
                r#"{"header": {"name": "x-a", "value": "v"}, "more": 1}"#,
                "field config.more is 1: unknown key",
            ),
        ] {
            let error = Extension::from_config(config.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(expected), "{config}: {error}");
        }
    }
}
