//! Reads the configuration.

use regex::bytes::{Regex, RegexBuilder};

use super::budget::Budgets;
use super::Extension;
use crate::filter::claims::Claims;
use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::services::Services;

/// Bounds what is kept of a client's text.
const MAX_TENANT_BYTES: usize = 128;

#[derive(Debug)]
pub struct Model {
    pub name: String,
    pub upstream: String,
}

/// Whose budget a request uses.
#[derive(Debug)]
pub enum Tenant {
    All,
    Header(String),
    Claim { provider: String, path: Vec<String> },
}

impl Tenant {
    /// None for those who say none, or several.
    pub fn of(&self, envoy: &dyn Services, headers: &Headers) -> Option<String> {
        let tenant = match self {
            Tenant::All => return None,
            Tenant::Header(name) if headers.values(name).count() == 1 => {
                headers.text(name)?.to_owned()
            }
            Tenant::Header(_) => return None,
            Tenant::Claim { provider, path } => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                Claims::verified(envoy, Some(provider))?.text(&path)?
            }
        };
        (tenant.len() <= MAX_TENANT_BYTES).then_some(tenant)
    }
}

pub fn read(text: &[u8]) -> Result<Extension, ConfigError> {
    let value = config::parse(text)?;
    let config = Field::root(&value);
    config.only_keys(&[
        "basePath",
        "otherPaths",
        "models",
        "tenant",
        "budget",
        "streamUsage",
        "clientHeaders",
        "guard",
    ])?;
    let headers = config.member("clientHeaders")?;
    if headers.text()? != "none" {
        return Err(
            headers.error("use none; a Wasm filter sees a body after its headers have gone")
        );
    }
    Ok(Extension {
        base_path: base_path(&config.member("basePath")?)?,
        pass_others: one_of(&config.member("otherPaths")?, ["deny", "pass"])? == "pass",
        models: models(&config.member("models")?)?,
        tenant: tenant(&config.member("tenant")?)?,
        budgets: budgets(&config.member("budget")?)?,
        without_usage: between(
            &config.member("budget")?.member("withoutUsage")?,
            0,
            1_000_000,
        )?,
        ask_for_usage: one_of(&config.member("streamUsage")?, ["ask", "as-sent"])? == "ask",
        guard: guard(&config.member("guard")?)?,
    })
}

fn base_path(field: &Field) -> Result<String, ConfigError> {
    let path = field.text()?;
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && segment
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || b"._~-".contains(&c))
    };
    let is_path = path
        .strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(is_segment));
    if !path.is_empty() && !is_path {
        return Err(field.error("write a path without a slash at its end, such as /v1"));
    }
    Ok(path.to_owned())
}

fn models(list: &Field) -> Result<Vec<Model>, ConfigError> {
    let mut models: Vec<Model> = Vec::new();
    for item in list.items()? {
        item.only_keys(&["name", "upstream"])?;
        let name = item.member("name")?;
        if models
            .iter()
            .any(|model| Ok(model.name.as_str()) == name.text())
        {
            return Err(name.error("give each model a name of its own"));
        }
        let upstream = item.member("upstream")?;
        models.push(Model {
            name: model_name(&name)?,
            upstream: match upstream.text()? {
                "" => model_name(&name)?,
                _ => model_name(&upstream)?,
            },
        });
    }
    Ok(models)
}

fn model_name(field: &Field) -> Result<String, ConfigError> {
    let name = field.text()?;
    let is_name = name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"._:/@-".contains(&c));
    match is_name {
        true => Ok(name.to_owned()),
        false => {
            Err(field.error("use up to 128 letters, digits and . _ : / @ -, such as gpt-4o-mini"))
        }
    }
}

fn tenant(field: &Field) -> Result<Tenant, ConfigError> {
    match one_of(&field.member("from")?, ["all", "header", "claim"])? {
        "header" => {
            field.only_keys(&["from", "header"])?;
            Ok(Tenant::Header(field.member("header")?.header_name()?))
        }
        "claim" => {
            field.only_keys(&["from", "provider", "claim"])?;
            let provider = field.member("provider")?;
            if provider.text()?.is_empty() {
                return Err(provider.error("name the provider in the SecurityPolicy"));
            }
            let claim = field.member("claim")?;
            let path: Vec<String> = claim
                .items()?
                .map(|name| name.text().map(str::to_owned))
                .collect::<Result<_, _>>()?;
            if path.is_empty() {
                return Err(claim.error("name the claim, such as [\"sub\"]"));
            }
            Ok(Tenant::Claim {
                provider: provider.text()?.to_owned(),
                path,
            })
        }
        _ => {
            field.only_keys(&["from"])?;
            Ok(Tenant::All)
        }
    }
}

fn budgets(field: &Field) -> Result<Budgets, ConfigError> {
    field.only_keys(&[
        "tokens",
        "windowSeconds",
        "maxTenants",
        "reserve",
        "withoutUsage",
    ])?;
    Ok(Budgets::new(
        between(&field.member("tokens")?, 0, 1_000_000_000)?,
        between(&field.member("windowSeconds")?, 1, 31 * 24 * 60 * 60)?,
        between(&field.member("maxTenants")?, 1, 100_000)?,
        between(&field.member("reserve")?, 0, 1_000_000)?,
    ))
}

fn guard(list: &Field) -> Result<Vec<Regex>, ConfigError> {
    list.items()?.map(|item| pattern(&item)).collect()
}

/// The engine takes linear time, whatever the pattern.
fn pattern(item: &Field) -> Result<Regex, ConfigError> {
    item.only_keys(&["name", "pattern"])?;
    item.member("name")?.text()?;
    let field = item.member("pattern")?;
    RegexBuilder::new(field.text()?)
        .unicode(false)
        .case_insensitive(true)
        .build()
        .ok()
        .filter(|pattern| !pattern.is_match(b""))
        .ok_or_else(|| {
            field.error("write a regular expression that matches no empty text, such as ignore (all )?instructions")
        })
}

fn one_of<'a, const N: usize>(
    field: &Field<'a>,
    allowed: [&str; N],
) -> Result<&'a str, ConfigError> {
    let text = field.text()?;
    match allowed.contains(&text) {
        true => Ok(text),
        false => Err(field.error(format!("use {}", allowed.join(" or ")))),
    }
}

fn between(field: &Field, low: u64, high: u64) -> Result<u64, ConfigError> {
    match field.count().map(|count| count as u64) {
        Ok(count) if (low..=high).contains(&count) => Ok(count),
        _ => Err(field.error(format!("use a whole number from {low} to {high}"))),
    }
}
