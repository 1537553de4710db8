//! API keys, of which only hashes are known.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::filter::config::{ConfigError, Field};
use crate::filter::headers::Headers;

use super::problem::{unauthorized, Refusal};
use super::secrets::{entries, MAX_KEYS};
use super::{is_identity, only_value, parse_hash, Accepted, Hash};

const MISSING: Refusal = unauthorized("The API key is missing.");
const WRONG: Refusal = unauthorized("The API key is not valid.");

pub struct ApiKeys {
    pub header: String,
    keys: Vec<(String, Hash)>,
}

impl ApiKeys {
    pub fn new(
        method: &Field,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        method.only_keys(&["kind", "header", "keys"])?;
        let list = method.member("keys")?;
        let mut keys = list
            .items()?
            .map(|entry| key(&entry))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.len() > MAX_KEYS {
            return Err(list.error(format!("use at most {MAX_KEYS} keys")));
        }
        let header = method.member("header")?.header_name()?;
        if keys.is_empty() {
            let text = variable("API_KEYS");
            keys = entries("API_KEYS", text, "identity:sha256", |identity, hash| {
                Some((identity.to_owned(), parse_hash(hash)?))
            })?;
        }
        Ok(ApiKeys { header, keys })
    }

    pub fn authenticate(&self, headers: &Headers) -> Result<Accepted, Refusal> {
        let key = only_value(headers, &self.header)
            .map_err(|()| WRONG)?
            .ok_or(MISSING)?;
        let hash: Hash = Sha256::digest(key).into();
        // All keys are compared in full, whichever it is: the time says nothing.
        let found = self.keys.iter().fold(None, |found, (identity, known)| {
            if bool::from(known.ct_eq(&hash)) {
                Some(identity)
            } else {
                found
            }
        });
        Ok(Accepted {
            identity: found.ok_or(WRONG)?.clone(),
            digest: None,
        })
    }
}

fn key(entry: &Field) -> Result<(String, Hash), ConfigError> {
    entry.only_keys(&["identity", "sha256"])?;
    let (identity, hash) = (entry.member("identity")?, entry.member("sha256")?);
    if !is_identity(identity.text()?) {
        return Err(identity.error("use 1 to 128 letters, digits and . _ @ -"));
    }
    let parsed = parse_hash(hash.text()?)
        .ok_or_else(|| hash.error("write the SHA-256 of the key as 64 hexadecimal digits"))?;
    Ok((identity.text()?.to_owned(), parsed))
}
