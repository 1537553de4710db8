//! Reads the configuration.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

use super::detectors::{self, Detector, MAX_PATTERN};
use super::scanner::{Action, Rule};
use crate::filter::config::{self, ConfigError, Field};

/// What the configuration says.
pub struct Config {
    /// Places of requests.
    pub path: bool,
    pub body: bool,
    pub headers: Vec<String>,
    /// Without those that are off.
    pub request: Vec<Rule>,
    pub response: Vec<Rule>,
    pub mask_with: u8,
    content_types: Vec<String>,
    pub reject_unreadable: bool,
}

/// What an action may be; None is off.
const ACTIONS: &[(&str, Option<Action>)] = &[
    ("off", None),
    ("report", Some(Action::Report)),
    ("mask", Some(Action::Mask)),
    ("block", Some(Action::Block)),
];

impl Config {
    pub fn parse(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let root = Field::root(&value);
        root.only_keys(&[
            "request",
            "response",
            "patterns",
            "maskWith",
            "keepDigits",
            "contentTypes",
            "unreadable",
        ])?;
        let request = root.member("request")?;
        request.only_keys(&[
            "places",
            "headers",
            "cards",
            "emails",
            "credentials",
            "sqlInjection",
            "pathTraversal",
        ])?;
        let response = root.member("response")?;
        response.only_keys(&["cards", "emails", "credentials"])?;

        let mut places = Vec::new();
        for place in request.member("places")?.items()? {
            places.push(one_of(&place, &["path", "body"])?);
        }
        let mut headers = Vec::new();
        for name in request.member("headers")?.items()? {
            headers.push(name.header_name()?);
        }
        let keep = root.member("keepDigits")?;
        let keep_digits = keep.count()?;
        if keep_digits > 4 {
            return Err(keep.error("write a number from 0 to 4"));
        }
        let mut content_types = Vec::new();
        for field in root.member("contentTypes")?.items()? {
            content_types.push(media_type(&field)?);
        }

        let mut rules = Rules::default();
        let asked = |key| action(&request.member(key)?);
        let answered = |key| response_action(&response.member(key)?);
        let cards = || detectors::cards(keep_digits);
        rules.add(cards, asked("cards")?, answered("cards")?);
        let emails = detectors::emails;
        rules.add(emails, asked("emails")?, answered("emails")?);
        let credentials = detectors::credentials;
        rules.add(credentials, asked("credentials")?, answered("credentials")?);
        let sql = attack_action(&request.member("sqlInjection")?)?;
        rules.add(detectors::sql_injection, sql, None);
        let traversal = attack_action(&request.member("pathTraversal")?)?;
        rules.add(detectors::path_traversal, traversal, None);
        for own in root.member("patterns")?.items()? {
            own.only_keys(&["name", "pattern", "request", "response"])?;
            let name = own.member("name")?.text()?;
            let regex = pattern(&own.member("pattern")?)?;
            rules.add(
                || detectors::pattern(name, regex.clone()),
                action(&own.member("request")?)?,
                response_action(&own.member("response")?)?,
            );
        }

        let with = one_of(&root.member("maskWith")?, &["*", "x", "X", "#", "1"])?;
        Ok(Config {
            path: places.contains(&"path"),
            body: places.contains(&"body"),
            headers,
            request: rules.request,
            response: rules.response,
            mask_with: with.bytes().next().unwrap_or(b'*'),
            content_types,
            reject_unreadable: one_of(&root.member("unreadable")?, &["reject", "pass"])?
                == "reject",
        })
    }

    /// Whether bodies of any of these media types are inspected. One without a type is, or leaving
    /// the type out would be a way around.
    pub fn is_inspected(&self, media_types: &[String]) -> bool {
        media_types.is_empty()
            || media_types.iter().any(|media_type| {
                media_type.is_empty()
                    || self
                        .content_types
                        .iter()
                        .any(|pattern| matches(pattern, media_type))
            })
    }
}

fn matches(pattern: &str, media_type: &str) -> bool {
    let Some((prefix, suffix)) = pattern.split_once('*') else {
        return media_type == pattern;
    };
    media_type
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.ends_with(suffix))
}

#[derive(Default)]
struct Rules {
    request: Vec<Rule>,
    response: Vec<Rule>,
}

impl Rules {
    fn add(
        &mut self,
        detector: impl Fn() -> Detector,
        request: Option<Action>,
        response: Option<Action>,
    ) {
        for (rules, action) in [(&mut self.request, request), (&mut self.response, response)] {
            rules.extend(action.map(|action| Rule {
                detector: detector(),
                action,
            }));
        }
    }
}

fn one_of<'a>(field: &Field<'a>, allowed: &[&str]) -> Result<&'a str, ConfigError> {
    let text = field.text()?;
    if allowed.contains(&text) {
        return Ok(text);
    }
    Err(field.error(format!("write one of {}", allowed.join(", "))))
}

fn action(field: &Field) -> Result<Option<Action>, ConfigError> {
    let text = field.text()?;
    ACTIONS
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, action)| *action)
        .ok_or_else(|| field.error("write one of off, report, mask, block"))
}

/// An attack that is cut out of a text may leave another one, so it is never masked.
fn attack_action(field: &Field) -> Result<Option<Action>, ConfigError> {
    match action(field)? {
        Some(Action::Mask) => Err(field.error("write one of off, report, block")),
        action => Ok(action),
    }
}

fn response_action(field: &Field) -> Result<Option<Action>, ConfigError> {
    match action(field)? {
        Some(Action::Block) => Err(field.error(
            "write off, report or mask: Envoy has sent the status by the time the body comes",
        )),
        action => Ok(action),
    }
}

fn media_type(field: &Field) -> Result<String, ConfigError> {
    let text = field.text()?;
    let is_type = |c: char| !c.is_ascii_uppercase() && !c.is_whitespace() && c != ';';
    if text.is_empty() || !text.chars().all(is_type) || text.matches('*').count() > 1 {
        return Err(field.error(
            "write a media type in lower case without parameters, with at most one *, for example application/*+json",
        ));
    }
    Ok(text.to_owned())
}

/// A regular expression of which every match has at most `MAX_PATTERN` bytes of ASCII and depends
/// on nothing around it: that is what makes the window long enough.
fn pattern(field: &Field) -> Result<Regex, ConfigError> {
    let text = field.text()?;
    let tree = ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(text)
        .map_err(|_| field.error("write a regular expression of the crate regex"))?;
    let properties = tree.properties();
    if !text.is_ascii() || !properties.is_utf8() {
        return Err(field.error("it matches bytes beyond ASCII; list those that may be there, for example [a-z ] instead of [^,]"));
    }
    if !properties.look_set().is_empty() {
        return Err(field.error("remove anchors and \\b"));
    }
    if properties.minimum_len() == Some(0) {
        return Err(field.error("it matches the empty text; make a part of it obligatory"));
    }
    if properties
        .maximum_len()
        .is_none_or(|most| most > MAX_PATTERN)
    {
        return Err(field.error(format!(
            "its matches can have more than {MAX_PATTERN} bytes; use bounded quantifiers such as {{1,20}}"
        )));
    }
    RegexBuilder::new(text)
        .unicode(false)
        .dfa_size_limit(1 << 18)
        .build()
        .map_err(|_| field.error("write a smaller regular expression"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{json, Value};

    use super::*;

    fn with(pointer: &str, value: Value) -> Result<Config, ConfigError> {
        let mut config = super::super::tests::all_off();
        match config.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => config["request"]["extra"] = value,
        }
        Config::parse(config.to_string().as_bytes())
    }

    fn own(pattern: &str) -> Value {
        json!([{"name": "own", "pattern": pattern, "request": "mask", "response": "off"}])
    }

    #[test]
    fn mistakes_are_named_with_the_remedy() {
        for (pointer, value, expected) in [
            (
                "/request/cards",
                json!("hide"),
                "config.request.cards is \"hide\": write one of off, report, mask, block",
            ),
            (
                "/request/sqlInjection",
                json!("mask"),
                "sqlInjection is \"mask\": write one of off, report, block",
            ),
            (
                "/response/cards",
                json!("block"),
                "config.response.cards is \"block\": write off, report or mask",
            ),
            (
                "/request/places",
                json!(["query"]),
                "places[0] is \"query\": write one of path, body",
            ),
            (
                "/request/headers",
                json!(["Host"]),
                "headers[0] is \"Host\": write a header name",
            ),
            (
                "/request/extra",
                json!(1),
                "config.request.extra is 1: unknown key",
            ),
            (
                "/maskWith",
                json!("ab"),
                "maskWith is \"ab\": write one of *, x, X, #, 1",
            ),
            (
                "/keepDigits",
                json!(5),
                "keepDigits is 5: write a number from 0 to 4",
            ),
            (
                "/contentTypes",
                json!(["*/*"]),
                "contentTypes[0] is \"*/*\": write a media type",
            ),
            (
                "/unreadable",
                json!("decode"),
                "unreadable is \"decode\": write one of reject, pass",
            ),
            (
                "/patterns",
                own("("),
                "patterns[0].pattern is \"(\": write a regular",
            ),
            ("/patterns", own("a*"), "matches the empty text"),
            ("/patterns", own("a+"), "more than 256 bytes"),
            ("/patterns", own("a{200}b{57}"), "more than 256 bytes"),
            ("/patterns", own("."), "beyond ASCII"),
            ("/patterns", own("[^a]"), "beyond ASCII"),
            ("/patterns", own("é"), "beyond ASCII"),
            ("/patterns", own(r"\bab"), "remove anchors"),
            ("/patterns", own("^a"), "remove anchors"),
        ] {
            let error = with(pointer, value).err().map(|error| error.to_string());
            let error = error.unwrap_or_default();
            assert!(error.contains(expected), "{pointer}: {error}");
        }
    }

    #[test]
    fn media_types() {
        let config = with(
            "/contentTypes",
            json!(["text/*", "application/*+json", "a/b"]),
        )
        .ok();
        let config = config.unwrap();
        for (media_types, expected) in [
            (vec![], true),
            (vec![""], true),
            (vec!["text/plain"], true),
            (vec!["application/problem+json"], true),
            (vec!["application/+jso"], false),
            (vec!["a/b"], true),
            (vec!["a/bc"], false),
            (vec!["image/png"], false),
            (vec!["image/png", "text/plain"], true),
            (vec!["image/png", ""], true),
        ] {
            let owned: Vec<String> = media_types.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(config.is_inspected(&owned), expected, "{media_types:?}");
        }
    }

    proptest! {
        /// No pattern crashes the filter, and none that is accepted has longer matches than the
        /// window allows.
        #[test]
        fn accepted_patterns_have_bounded_matches(
            text in "[ab\\\\dw(){}\\[\\]|?*+.,^$0-9-]{0,12}",
            sample in "[ab0-9]{0,600}",
        ) {
            let Ok(config) = with("/patterns", own(&text)) else { return Ok(()) };
            let Some(rule) = config.request.first() else { return Ok(()) };
            let mut from = 0;
            while let Some(found) = rule.detector.find(0, sample.as_bytes(), from, sample.len()) {
                prop_assert!(found.start >= from && found.end > found.start);
                prop_assert!(found.end - found.start <= MAX_PATTERN);
                from = found.end;
            }
        }
    }
}
