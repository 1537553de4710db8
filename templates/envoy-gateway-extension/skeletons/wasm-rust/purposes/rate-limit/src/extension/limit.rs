//! What the configuration says about limits.

use crate::filter::config::{ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::services::Services;
use crate::filter::LocalReply;

use super::answer;
use super::bucket::Policy;
use super::key::{self, Key, Part};

/// One bucket for each key.
#[derive(Debug)]
pub struct Limit {
    pub name: String,
    pub policy: Policy,
    key: Vec<Part>,
    /// Requests without a part of the key pass; else they share a bucket.
    skip_absent: bool,
    cost: Cost,
}

/// How many units a request takes.
#[derive(Debug)]
enum Cost {
    One,
    RequestHeader(String),
    ResponseHeader(String),
}

pub fn limits(list: &Field, provider: &str) -> Result<Vec<Limit>, ConfigError> {
    let mut limits: Vec<Limit> = Vec::new();
    for item in list.items()? {
        let limit = Limit::from_config(&item, provider)?;
        if limits.iter().any(|other| other.name == limit.name) {
            return Err(item
                .member("name")?
                .error("give every limit a name of its own"));
        }
        limits.push(limit);
    }
    if limits.is_empty() {
        return Err(list.error("write at least one limit"));
    }
    Ok(limits)
}

impl Limit {
    fn from_config(item: &Field, provider: &str) -> Result<Limit, ConfigError> {
        item.only_keys(&[
            "name",
            "quota",
            "windowSeconds",
            "key",
            "whenAbsent",
            "cost",
        ])?;
        let name = item.member("name")?;
        let is_name = |text: &str| {
            text.len() <= 32
                && text.starts_with(|c: char| c.is_ascii_lowercase())
                && text
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
        };
        if !is_name(name.text()?) {
            return Err(name.error(
                "use up to 32 lower-case letters, digits and hyphens, beginning with a letter",
            ));
        }
        let absent = item.member("whenAbsent")?;
        Ok(Limit {
            name: name.text()?.to_owned(),
            policy: Policy {
                quota: between(&item.member("quota")?, 1_000_000)?,
                window_ms: 1000 * between(&item.member("windowSeconds")?, 31 * 24 * 60 * 60)?,
            },
            key: item
                .member("key")?
                .items()?
                .map(|part| Part::from_config(&part, provider))
                .collect::<Result<_, _>>()?,
            skip_absent: match absent.text()? {
                "share" => false,
                "skip" => true,
                _ => return Err(absent.error("use share or skip")),
            },
            cost: Cost::from_config(&item.member("cost")?)?,
        })
    }

    /// The key of the request's bucket; None if the limit does not apply.
    pub fn key(&self, envoy: &dyn Services, headers: &Headers) -> Option<Key> {
        key::key(&self.name, &self.key, self.skip_absent, envoy, headers)
    }

    /// What is taken before the request goes on. More than the quota could never be granted, so it
    /// is refused as no cost.
    pub fn request_units(&self, headers: &Headers) -> Result<i64, LocalReply> {
        match &self.cost {
            Cost::RequestHeader(name) if headers.values(name).next().is_some() => {
                units(headers, name)
                    .filter(|units| (1..=self.policy.quota).contains(units))
                    .ok_or_else(|| answer::bad_cost(name, self.policy.quota))
            }
            _ => Ok(1),
        }
    }

    /// What the response cost, from 1 to the quota; 1 if it does not say.
    pub fn response_units(&self, headers: &Headers) -> i64 {
        match &self.cost {
            Cost::ResponseHeader(name) => units(headers, name)
                .unwrap_or(1)
                .clamp(1, self.policy.quota),
            _ => 1,
        }
    }
}

impl Cost {
    fn from_config(field: &Field) -> Result<Cost, ConfigError> {
        let from = field.member("from")?;
        let header = || {
            field.only_keys(&["from", "header"])?;
            field.member("header")?.header_name()
        };
        match from.text()? {
            "one" => {
                field.only_keys(&["from"])?;
                Ok(Cost::One)
            }
            "request-header" => Ok(Cost::RequestHeader(header()?)),
            "response-header" => Ok(Cost::ResponseHeader(header()?)),
            _ => Err(from.error("use one, request-header or response-header")),
        }
    }
}

/// A whole number, the only value of a header.
fn units(headers: &Headers, name: &str) -> Option<i64> {
    let mut values = headers.values(name);
    let value = values.next()?.trim_ascii();
    let digits = value.len() <= 15 && value.iter().all(u8::is_ascii_digit);
    if values.next().is_some() || !digits {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

pub fn between(field: &Field, most: i64) -> Result<i64, ConfigError> {
    i64::try_from(field.count()?)
        .ok()
        .filter(|count| (1..=most).contains(count))
        .ok_or_else(|| field.error(format!("use a whole number from 1 to {most}")))
}
