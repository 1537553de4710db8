//! Reads the rules, and decides by them.

use std::collections::BTreeSet;

use super::own::{self, elements, Place};
use super::path::{self, Pattern, Segments};
use crate::filter::claims::Claims;
use crate::filter::config::{ConfigError, Field};
use crate::filter::headers::Headers;

/// What the rules look at.
pub struct Request<'a> {
    pub method: &'a [u8],
    /// With the query.
    pub path: &'a [u8],
    pub headers: &'a Headers,
    /// None if nobody has verified any.
    pub claims: Option<&'a Claims>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Rule,
    NoRule,
    ClaimsMissing,
    AmbiguousPath,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Reason::Rule => "rule",
            Reason::NoRule => "no_rule",
            Reason::ClaimsMissing => "claims_missing",
            Reason::AmbiguousPath => "ambiguous_path",
        }
    }
}

#[derive(Debug)]
pub struct Decision<'a> {
    pub allowed: bool,
    pub reason: Reason,
    /// Empty if none matched.
    pub rule: &'a str,
}

#[derive(Debug)]
pub struct Policy {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    name: String,
    allows: bool,
    /// Any if empty, as with paths.
    methods: Vec<String>,
    paths: Vec<Pattern>,
    headers: Vec<(String, Condition)>,
    claims: Vec<(Vec<String>, ClaimCondition)>,
}

/// What is asked of a claim: values of the settings, or the value of a part of the request.
#[derive(Debug)]
enum ClaimCondition {
    Fixed(Condition),
    Own(Place),
}

/// What is asked of the values of a header or of a claim.
#[derive(Debug)]
enum Condition {
    Present,
    Equals(String),
    Contains(String),
    OneOf(Vec<String>),
}

impl Policy {
    pub fn new(list: &Field, ignore_case: bool) -> Result<Self, ConfigError> {
        let mut names = BTreeSet::new();
        let mut rules = Vec::new();
        for item in list.items()? {
            let rule = Rule::new(&item, ignore_case)?;
            if !names.insert(rule.name.clone()) {
                return Err(item
                    .member("name")?
                    .error("give every rule a name of its own"));
            }
            rules.push(rule);
        }
        Ok(Policy { rules })
    }

    pub fn needs_claims(&self) -> bool {
        self.rules.iter().any(|rule| !rule.claims.is_empty())
    }

    /// The first rule that matches decides; what none matches is denied.
    pub fn decide(&self, request: &Request) -> Decision<'_> {
        let denied = |reason| Decision {
            allowed: false,
            reason,
            rule: "",
        };
        let Some(segments) = path::segments(request.path) else {
            return denied(Reason::AmbiguousPath);
        };
        // Whether a rule would have allowed it, had there been claims.
        let mut missed = false;
        let found = self.rules.iter().find(|rule| {
            if !rule.matches(request, &segments) {
                return false;
            }
            match request.claims {
                None if !rule.claims.is_empty() => {
                    missed |= rule.allows;
                    false
                }
                None => true,
                Some(claims) => rule.claims.iter().all(|(path, condition)| match condition {
                    ClaimCondition::Fixed(condition) => condition.holds_for_claim(claims, path),
                    ClaimCondition::Own(place) => {
                        let texts = claims.texts(&names(path));
                        place.holds(request, &segments, &texts, rule.allows)
                    }
                }),
            }
        });
        match found {
            Some(rule) if rule.allows || !missed => Decision {
                allowed: rule.allows,
                reason: Reason::Rule,
                rule: &rule.name,
            },
            _ if missed => denied(Reason::ClaimsMissing),
            _ => denied(Reason::NoRule),
        }
    }
}

impl Rule {
    fn new(item: &Field, ignore_case: bool) -> Result<Self, ConfigError> {
        item.only_keys(&["name", "effect", "methods", "paths", "headers", "claims"])?;
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        Ok(Rule {
            name: filled(&item.member("name")?)?,
            allows: one_of(&item.member("effect")?, &["allow", "deny"])? == "allow",
            methods: item
                .member("methods")?
                .items()?
                .map(|method| one_of(&method, &methods))
                .collect::<Result<_, _>>()?,
            paths: item
                .member("paths")?
                .items()?
                .map(|pattern| read_path(&pattern, ignore_case))
                .collect::<Result<_, _>>()?,
            headers: item
                .member("headers")?
                .items()?
                .map(|condition| read_header(&condition))
                .collect::<Result<_, _>>()?,
            claims: item
                .member("claims")?
                .items()?
                .map(|condition| read_claim(&condition, ignore_case))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether it matches, its claims aside.
    fn matches(&self, request: &Request, segments: &Segments) -> bool {
        let method = |wanted: &String| wanted.as_bytes() == request.method;
        (self.methods.is_empty() || self.methods.iter().any(method))
            && (self.paths.is_empty() || self.paths.iter().any(|path| path.matches(segments)))
            && self.headers.iter().all(|(name, condition)| {
                condition.holds_for_header(request.headers, name, self.allows)
            })
    }
}

impl Condition {
    fn wants(&self, text: &[u8]) -> bool {
        match self {
            Condition::Present => true,
            Condition::Equals(value) | Condition::Contains(value) => value.as_bytes() == text,
            Condition::OneOf(values) => values.iter().any(|value| value.as_bytes() == text),
        }
    }

    /// Strict with repeated lines, which parties downstream may read in either order: another line
    /// never widens what is allowed, and never evades what is denied. Nor does a list in one line,
    /// which means the same (RFC 9110, 5.3).
    fn holds_for_header(&self, headers: &Headers, name: &str, allows: bool) -> bool {
        let mut lines = headers.values(name).peekable();
        if allows {
            lines.peek().is_some() && lines.all(|line| self.wants(line))
        } else {
            lines.any(|line| self.wants(line) || elements(line).any(|element| self.wants(element)))
        }
    }

    fn holds_for_claim(&self, claims: &Claims, path: &[String]) -> bool {
        let path = names(path);
        match (self, claims.text(&path)) {
            (Condition::Equals(value), scalar) => scalar.as_ref() == Some(value),
            (Condition::Contains(value), Some(words)) => words.split(' ').any(|word| word == value),
            _ => claims
                .texts(&path)
                .iter()
                .any(|text| self.wants(text.as_bytes())),
        }
    }
}

/// Headers that say nothing a decision may rest on: credentials that nobody has verified,
/// addresses that anyone can send, and what Envoy sets itself.
const UNMATCHABLE: [&str; 16] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "forwarded",
    "x-real-ip",
    "x-request-id",
    "host",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn read_path(field: &Field, ignore_case: bool) -> Result<Pattern, ConfigError> {
    field.only_keys(&["match", "path"])?;
    let kind = one_of(&field.member("match")?, &["exact", "prefix", "segments"])?;
    let path = field.member("path")?;
    Pattern::new(&kind, path.text()?, ignore_case).map_err(|remedy| path.error(remedy))
}

fn read_header(field: &Field) -> Result<(String, Condition), ConfigError> {
    let condition = read_condition(field, "name", &["present", "equals", "one-of"])?;
    Ok((header_name(&field.member("name")?)?, condition))
}

/// The name of a header that a decision may rest on.
pub fn header_name(field: &Field) -> Result<String, ConfigError> {
    let name = field.text()?;
    let is_token = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(field.error("write the name of a header in lower case, such as x-tenant"));
    }
    let own = ["x-forwarded-", "x-envoy-"];
    if UNMATCHABLE.contains(&name) || own.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(field.error("a decision must not rest on this header, use another"));
    }
    Ok(name.to_owned())
}

fn read_claim(
    field: &Field,
    ignore_case: bool,
) -> Result<(Vec<String>, ClaimCondition), ConfigError> {
    let mut kinds = vec!["present", "equals", "contains", "one-of"];
    kinds.extend(own::KINDS);
    let kind = one_of(&field.member("is")?, &kinds)?;
    let condition = if own::KINDS.contains(&kind.as_str()) {
        ClaimCondition::Own(Place::new(field, &kind, ignore_case)?)
    } else {
        ClaimCondition::Fixed(read_condition(field, "claim", &kinds)?)
    };
    Ok((at_least_one(&field.member("claim")?)?, condition))
}

fn read_condition(field: &Field, subject: &str, kinds: &[&str]) -> Result<Condition, ConfigError> {
    match one_of(&field.member("is")?, kinds)?.as_str() {
        "present" => {
            field.only_keys(&["is", subject])?;
            Ok(Condition::Present)
        }
        "one-of" => {
            field.only_keys(&["is", subject, "values"])?;
            Ok(Condition::OneOf(at_least_one(&field.member("values")?)?))
        }
        kind => {
            field.only_keys(&["is", subject, "value"])?;
            let value = filled(&field.member("value")?)?;
            Ok(match kind {
                "contains" => Condition::Contains(value),
                _ => Condition::Equals(value),
            })
        }
    }
}

/// A text that is one of these.
pub fn one_of(field: &Field, allowed: &[&str]) -> Result<String, ConfigError> {
    let text = field.text()?;
    if allowed.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(field.error(format!("write one of {}", allowed.join(", "))))
    }
}

/// A list of texts that are not empty.
pub fn texts(field: &Field) -> Result<Vec<String>, ConfigError> {
    field.items()?.map(|item| filled(&item)).collect()
}

/// The names of a claim as `Claims` takes them.
pub fn names(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

fn at_least_one(field: &Field) -> Result<Vec<String>, ConfigError> {
    let list = texts(field)?;
    if list.is_empty() {
        return Err(field.error("write at least one text"));
    }
    Ok(list)
}

fn filled(field: &Field) -> Result<String, ConfigError> {
    match field.text()? {
        "" => Err(field.error("write a text that is not empty")),
        text => Ok(text.to_owned()),
    }
}
