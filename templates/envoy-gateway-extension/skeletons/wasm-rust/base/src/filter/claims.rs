//! The claims of a JSON Web Token that Envoy has verified before it runs the extension.
//!
//! A policy that has Envoy verify tokens makes it keep their claims as metadata, under the name of
//! the provider. They are read from all metadata of the stream: a single claim as a property comes
//! without its type, so that a text could pass for a list or a number.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::value::Kind;
use prost_types::{Struct, Value};

use super::services::Services;

/// Where Envoy's filter for tokens keeps what it verified.
const NAMESPACE: &str = "envoy.filters.http.jwt_authn";

/// The part of `envoy.config.core.v3.Metadata` that is read.
#[derive(Message)]
struct Metadata {
    #[prost(btree_map = "string, message", tag = "1")]
    filter_metadata: BTreeMap<String, Struct>,
}

/// The claims of one token.
#[derive(Debug)]
pub struct Claims(Struct);

impl Claims {
    /// The claims that this provider of the policy has verified. Without a name, those of the
    /// provider that verified one, if exactly one did.
    pub fn verified(envoy: &dyn Services, provider: Option<&str>) -> Option<Claims> {
        let metadata = envoy.property(&["metadata"])?;
        let mut metadata = Metadata::decode(metadata.as_slice()).ok()?;
        let mut providers = metadata.filter_metadata.remove(NAMESPACE)?.fields;
        let payload = match provider {
            Some(name) => providers.remove(name)?,
            None if providers.len() == 1 => providers.pop_first()?.1,
            None => return None,
        };
        match payload.kind? {
            Kind::StructValue(claims) => Some(Claims(claims)),
            _ => None,
        }
    }

    /// A claim that is a text, a number or a boolean, as text. `path` leads into nested objects.
    pub fn text(&self, path: &[&str]) -> Option<String> {
        text(self.find(path)?)
    }

    /// A claim that is a list: its texts, numbers and booleans, as texts. Any other is a list of
    /// one, or none. A text is not split at spaces, as `scope` needs.
    pub fn texts(&self, path: &[&str]) -> Vec<String> {
        match self.find(path) {
            Some(Kind::ListValue(list)) => list
                .values
                .iter()
                .filter_map(|value| text(value.kind.as_ref()?))
                .collect(),
            Some(kind) => text(kind).into_iter().collect(),
            None => Vec::new(),
        }
    }

    fn find(&self, path: &[&str]) -> Option<&Kind> {
        let (last, parents) = path.split_last()?;
        let mut object = &self.0;
        for name in parents {
            match kind(object.fields.get(*name)?)? {
                Kind::StructValue(inner) => object = inner,
                _ => return None,
            }
        }
        kind(object.fields.get(*last)?)
    }
}

fn kind(value: &Value) -> Option<&Kind> {
    value.kind.as_ref()
}

fn text(kind: &Kind) -> Option<String> {
    match kind {
        Kind::StringValue(text) => Some(text.clone()),
        Kind::NumberValue(number) => Some(number.to_string()),
        Kind::BoolValue(boolean) => Some(boolean.to_string()),
        Kind::NullValue(_) | Kind::StructValue(_) | Kind::ListValue(_) => None,
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// The property `metadata` after this provider has verified a token with these claims.
    pub fn metadata(provider: &str, claims: &serde_json::Value) -> Vec<u8> {
        let fields = BTreeMap::from([(provider.to_owned(), value(claims))]);
        let filter_metadata = BTreeMap::from([(NAMESPACE.to_owned(), Struct { fields })]);
        Metadata { filter_metadata }.encode_to_vec()
    }

    fn value(json: &serde_json::Value) -> Value {
        use serde_json::Value::{Array, Bool, Null, Number, Object, String};
        Value::from(match json {
            Null => return Value::from(Kind::NullValue(0)),
            Bool(boolean) => Kind::BoolValue(*boolean),
            Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
            String(text) => Kind::StringValue(text.clone()),
            Array(items) => Kind::ListValue(prost_types::ListValue {
                values: items.iter().map(value).collect(),
            }),
            Object(object) => Kind::StructValue(Struct {
                fields: object
                    .iter()
                    .map(|(name, json)| (name.clone(), value(json)))
                    .collect(),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::FakeServices;
    use super::*;

    /// The property `metadata` in Envoy 1.39.3, whose jwt_authn filter had verified a token with
    /// the claims below and kept them as `my-provider`.
    const METADATA: &str = "\
        0a9f030a1c656e766f792e66696c746572732e687474702e6a77745f617574686e12fe020afb020a0b6d792d\
        70726f766964657212eb022ae8020a080a02657312021a000a080a02656f12022a000a0d0a0373756212061a\
        045a6fc3ab0a180a046f626a731210320e0a0c2a0a0a080a016112031a01620a090a036e756c120208000a1a\
        0a1368747470733a2f2f65782e636f6d2f726f6c6512031a01720a100a036269671209110000000000004043\
        0a0e0a0573636f706512051a036120620a0b0a05656d707479120232000a0e0a016e12091100000000000045\
        400a1f0a056d69786564121632140a031a01610a0911000000000000f03f0a0220010a0b0a0369737312041a\
        026d650a1b0a05726f6c6573121232100a071a0561646d696e0a051a036465760a0e0a016612091100000000\
        0000f83f0a070a0174120220010a430a0c7265616c6d5f61636365737312332a310a0e0a016e120911000000\
        0000001c400a080a016b12031a01760a150a05726f6c6573120c320a0a031a01780a031a01790a100a036578\
        70120911000000e0ca90ee410a080a02663012022000";

    fn envoy() -> FakeServices {
        let bytes: Vec<u8> = (0..METADATA.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(METADATA.get(at..at + 2).unwrap(), 16).unwrap())
            .collect();
        let envoy = FakeServices::default();
        envoy.set_property(&["metadata"], bytes);
        envoy
    }

    #[test]
    fn claims_are_read_by_their_type() {
        let claims = Claims::verified(&envoy(), Some("my-provider")).unwrap();
        let cases: [(&[&str], Option<&str>, &[&str]); 16] = [
            (&["iss"], Some("me"), &["me"]),
            (&["sub"], Some("Zoë"), &["Zoë"]),
            (&["scope"], Some("a b"), &["a b"]),
            (&["es"], Some(""), &[""]),
            (&["n"], Some("42"), &["42"]),
            (&["f"], Some("1.5"), &["1.5"]),
            (&["t"], Some("true"), &["true"]),
            (&["f0"], Some("false"), &["false"]),
            (&["roles"], None, &["admin", "dev"]),
            (&["mixed"], None, &["a", "1", "true"]),
            (&["empty"], None, &[]),
            (&["realm_access", "roles"], None, &["x", "y"]),
            (&["realm_access", "k"], Some("v"), &["v"]),
            (&["realm_access"], None, &[]),
            (&["https://ex.com/role"], Some("r"), &["r"]),
            (&["objs"], None, &[]),
        ];
        for (path, text, texts) in cases {
            assert_eq!(claims.text(path).as_deref(), text, "{path:?}");
            assert_eq!(claims.texts(path), texts, "{path:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_none() {
        let claims = Claims::verified(&envoy(), Some("my-provider")).unwrap();
        let absent: [&[&str]; 5] = [&["x"], &["nul"], &["realm_access", "x"], &["iss", "x"], &[]];
        for path in absent {
            assert_eq!(claims.text(path), None, "{path:?}");
            assert_eq!(claims.texts(path), [""; 0], "{path:?}");
        }
    }

    #[test]
    fn a_provider_need_not_be_named_if_there_is_one() {
        assert!(Claims::verified(&envoy(), None).is_some());
        assert!(Claims::verified(&envoy(), Some("other")).is_none());
        assert!(Claims::verified(&FakeServices::default(), None).is_none());
    }

    #[test]
    fn without_a_name_two_providers_are_none() {
        let envoy = FakeServices::default();
        let one = testing::metadata("one", &json!({"sub": "a"}));
        let mut both = Metadata::decode(one.as_slice()).unwrap();
        let fields = &mut both.filter_metadata.get_mut(NAMESPACE).unwrap().fields;
        fields.insert("two".to_owned(), fields["one"].clone());
        envoy.set_property(&["metadata"], both.encode_to_vec());
        assert!(Claims::verified(&envoy, None).is_none());
        assert!(Claims::verified(&envoy, Some("two")).is_some());
    }

    #[test]
    fn broken_metadata_is_none_and_no_panic() {
        let whole = testing::metadata("p", &json!({"a": [[[1]]], "b": {"c": "d"}}));
        for end in 0..whole.len() {
            let envoy = FakeServices::default();
            envoy.set_property(&["metadata"], &whole[..end]);
            assert!(Claims::verified(&envoy, None).is_none(), "{end} bytes");
        }
    }
}
