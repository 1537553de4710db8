//! Secrets come as variables of Envoy's environment, which the policy names. No error shows them.

use crate::filter::config::ConfigError;

use super::is_identity;

/// More keys would cost every request too much.
pub const MAX_KEYS: usize = 1000;

/// The lines `identity:value` of a variable; `form` says in errors how they are written. Empty lines
/// and those that begin with # say nothing.
pub fn entries<T>(
    variable: &str,
    text: Option<String>,
    form: &str,
    mut read: impl FnMut(&str, &str) -> Option<T>,
) -> Result<Vec<T>, ConfigError> {
    let text = text.ok_or_else(|| {
        let remedy = "set it in the container of Envoy, see docs/purpose.md";
        ConfigError::new(variable, "missing", remedy)
    })?;
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = line
            .split_once(':')
            .filter(|(identity, _)| is_identity(identity))
            .and_then(|(identity, value)| read(identity, value));
        let Some(entry) = entry else {
            let found = format!("wrong in line {}", number + 1);
            return Err(ConfigError::new(variable, found, format!("write {form}")));
        };
        entries.push(entry);
        if entries.len() > MAX_KEYS {
            let found = format!("longer than {MAX_KEYS} keys");
            return Err(ConfigError::new(variable, found, "use fewer"));
        }
    }
    if entries.is_empty() {
        let remedy = format!("write {form} into it, one line for each key");
        return Err(ConfigError::new(variable, "without a key", remedy));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, ConfigError> {
        entries("V", Some(text.to_owned()), "a:b", |identity, value| {
            Some((identity.to_owned(), value.to_owned()))
        })
    }

    #[test]
    fn a_value_may_have_colons() {
        let expected = [("a".to_owned(), "b:c=".to_owned())];
        assert_eq!(read("#x\n\r\n a:b:c= \r\n").unwrap(), expected);
    }

    proptest! {
        #[test]
        fn what_was_read_and_written_again_is_the_same(text in "([a-z.@# :\\r\\n-]|é){0,40}") {
            if let Ok(entries) = read(&text) {
                let again: String = entries.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
                prop_assert_eq!(read(&again).unwrap(), entries);
            }
        }
    }
}
