//! Reads the plugin configuration strictly, with errors that name the field, its value and the
//! remedy.

use std::fmt;

use serde_json::Value;

#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    pub fn new(field: &str, found: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        ConfigError(format!(
            "wrong configuration: field {field} is {found}: {remedy}"
        ))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub fn parse(text: &[u8]) -> Result<Value, ConfigError> {
    if text.is_empty() {
        let remedy = "set spec.wasm[].config of the EnvoyExtensionPolicy";
        return Err(ConfigError::new("config", "empty", remedy));
    }
    serde_json::from_slice(text).map_err(|error| {
        let found = format!("not JSON ({error})");
        ConfigError::new("config", found, "write a JSON object")
    })
}

/// A value of the configuration and the path to it, such as `request[0].name`.
#[derive(Debug)]
pub struct Field<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    pub fn root(value: &'a Value) -> Self {
        Field {
            path: "config".to_owned(),
            value,
        }
    }

    /// Checks that this is an object with no other keys than these.
    pub fn only_keys(&self, keys: &[&str]) -> Result<(), ConfigError> {
        let object = self
            .value
            .as_object()
            .ok_or_else(|| self.error(format!("write an object with {}", keys.join(", "))))?;
        for (key, value) in object {
            if !keys.contains(&key.as_str()) {
                let field = Field {
                    path: format!("{}.{key}", self.path),
                    value,
                };
                let keys = keys.join(", ");
                return Err(field.error(format!("unknown key, remove it; known are {keys}")));
            }
        }
        Ok(())
    }

    /// A required member of this object.
    pub fn member(&self, key: &str) -> Result<Field<'a>, ConfigError> {
        let path = format!("{}.{key}", self.path);
        match self.value.get(key) {
            Some(value) => Ok(Field { path, value }),
            None => Err(ConfigError::new(&path, "missing", "add it")),
        }
    }

    pub fn items(&self) -> Result<impl Iterator<Item = Field<'a>> + use<'a, '_>, ConfigError> {
        let items = self
            .value
            .as_array()
            .ok_or_else(|| self.error("write an array, which may be empty"))?;
        Ok(items.iter().enumerate().map(|(index, value)| Field {
            path: format!("{}[{index}]", self.path),
            value,
        }))
    }

    pub fn text(&self) -> Result<&'a str, ConfigError> {
        self.value
            .as_str()
            .ok_or_else(|| self.error("write a string"))
    }

    pub fn flag(&self) -> Result<bool, ConfigError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.error("write true or false"))
    }

    pub fn count(&self) -> Result<usize, ConfigError> {
        self.value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| self.error("write a whole number, 0 or more"))
    }

    pub fn integer(&self) -> Result<i64, ConfigError> {
        self.value
            .as_i64()
            .ok_or_else(|| self.error("write a whole number"))
    }

    /// The name of a header that an extension may change.
    pub fn header_name(&self) -> Result<String, ConfigError> {
        let name = self.text()?;
        let is_token =
            |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&c);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(self.error("write a header name in lower case, such as x-my-header"));
        }
        // Envoy routes and frames messages with these.
        let reserved = ["host", "content-length", "transfer-encoding", "connection"];
        if reserved.contains(&name) || name.starts_with("x-envoy-") {
            return Err(self.error("Envoy owns this header, use another name"));
        }
        Ok(name.to_owned())
    }

    pub fn header_value(&self) -> Result<String, ConfigError> {
        let value = self.text()?;
        if value.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err(self.error("remove the control characters"));
        }
        Ok(value.to_owned())
    }

    /// An error about this field.
    pub fn error(&self, remedy: impl fmt::Display) -> ConfigError {
        ConfigError::new(&self.path, self.value, remedy)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message<T: fmt::Debug>(result: Result<T, ConfigError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        assert!(message(parse(b"")).contains("field config is empty: set spec.wasm[].config"));
        assert!(message(parse(b"{")).contains("field config is not JSON (EOF"));
    }

    #[test]
    fn errors_name_field_value_and_remedy() {
        let config = json!({"a": [{"b": 1}], "c": true});
        let root = Field::root(&config);
        assert_eq!(
            message(root.only_keys(&["a"])),
            "wrong configuration: field config.c is true: unknown key, remove it; known are a"
        );
        assert_eq!(
            message(root.member("d")),
            "wrong configuration: field config.d is missing: add it"
        );
        let item = root.member("a").unwrap().items().unwrap().next().unwrap();
        assert_eq!(
            message(item.member("b").unwrap().text()),
            "wrong configuration: field config.a[0].b is 1: write a string"
        );
    }

    #[test]
    fn header_names_that_envoy_owns_are_refused() {
        for name in [
            "",
            "X-A",
            "x a",
            ":path",
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "x-envoy-upstream-service-time",
            "x-ä",
        ] {
            let value = json!(name);
            let error = message(Field::root(&value).header_name());
            assert!(error.contains(&value.to_string()), "{name}: {error}");
        }
        assert_eq!(
            Field::root(&json!("x-a")).header_name(),
            Ok("x-a".to_owned())
        );
    }

    #[test]
    fn header_values_without_line_breaks_are_accepted() {
        assert_eq!(
            Field::root(&json!("a\tä")).header_value(),
            Ok("a\tä".to_owned())
        );
        assert!(message(Field::root(&json!("a\r\nb")).header_value()).contains("control"));
    }

    #[test]
    fn flags_are_true_or_false() {
        assert_eq!(Field::root(&json!(true)).flag(), Ok(true));
        assert_eq!(Field::root(&json!(false)).flag(), Ok(false));
        for value in [json!("true"), json!(1), json!(null)] {
            let error = message(Field::root(&value).flag());
            assert!(error.contains("write true or false"), "{error}");
        }
    }

    #[test]
    fn counts_are_whole_numbers() {
        assert_eq!(Field::root(&json!(4)).count(), Ok(4));
        for value in [json!(-1), json!(1.5), json!("4"), json!(null)] {
            assert!(Field::root(&value).count().is_err(), "{value}");
        }
    }
}
