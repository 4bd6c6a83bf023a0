//! Reading Stripe's JSON: tolerant of fields that are missing or new, strict about money.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};
use serde_json::{Map, Value};

/// A Stripe object that cannot be used, with the place and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {why}")]
pub struct BadObject {
    /// Where, as in `invoice.lines[2].amount`.
    pub path: String,
    /// Why, as the end of a sentence that begins with the path.
    pub why: String,
}

impl BadObject {
    /// A refusal of what stands at `path`.
    pub fn new(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            why: why.into(),
        }
    }
}

/// One JSON object and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Node<'a> {
    /// The object itself, called `name` in refusals.
    pub(crate) fn root(value: &'a Value, name: &str) -> Result<Self, BadObject> {
        match value {
            Value::Object(map) => Ok(Self {
                map,
                path: name.to_owned(),
            }),
            _ => Err(BadObject::new(name, "is not an object")),
        }
    }

    /// The object, and it must say that it is an `expected` wherever it says what it is.
    pub(crate) fn typed(value: &'a Value, expected: &str) -> Result<Self, BadObject> {
        let node = Self::root(value, expected)?;
        match node.get("object").and_then(Value::as_str) {
            None => Ok(node),
            Some(object) if object == expected => Ok(node),
            Some(object) => Err(node.bad("object", &format!("is “{object}”, not “{expected}”"))),
        }
    }

    /// The value of `key`; null counts as missing.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn bad(&self, key: &str, why: &str) -> BadObject {
        BadObject::new(format!("{}.{key}", self.path), why)
    }

    fn missing(&self, key: &str) -> BadObject {
        self.bad(key, "is missing")
    }

    pub(crate) fn opt_text(&self, key: &str) -> Option<String> {
        self.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    pub(crate) fn text(&self, key: &str) -> Result<String, BadObject> {
        self.opt_text(key).ok_or_else(|| match self.get(key) {
            None => self.missing(key),
            Some(_) => self.bad(key, "is not text"),
        })
    }

    /// The id of an object that may be given as its id or in full.
    pub(crate) fn opt_id(&self, key: &str) -> Option<String> {
        let value = self.get(key)?;
        let id = match value {
            Value::Object(map) => map.get("id")?.as_str()?,
            other => other.as_str()?,
        };
        (!id.is_empty()).then(|| id.to_owned())
    }

    pub(crate) fn id(&self, key: &str) -> Result<String, BadObject> {
        self.opt_id(key).ok_or_else(|| self.missing(key))
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A whole number, as Stripe gives amounts in minor units.
    pub(crate) fn opt_whole(&self, key: &str) -> Result<Option<i64>, BadObject> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Number(number)) => match number.as_i64() {
                Some(whole) => Ok(Some(whole)),
                None if number.is_u64() => Err(self.bad(key, "is too large")),
                None => Err(self.bad(key, "is not a whole number of minor units")),
            },
            Some(Value::String(_)) => Err(self.bad(key, "is text where a number belongs")),
            Some(_) => Err(self.bad(key, "is not a number")),
        }
    }

    pub(crate) fn whole(&self, key: &str) -> Result<i64, BadObject> {
        self.opt_whole(key)?.ok_or_else(|| self.missing(key))
    }

    pub(crate) fn money(&self, key: &str, currency: Currency) -> Result<Money, BadObject> {
        Ok(Money::new(self.whole(key)?, currency))
    }

    pub(crate) fn opt_money(
        &self,
        key: &str,
        currency: Currency,
    ) -> Result<Option<Money>, BadObject> {
        Ok(self
            .opt_whole(key)?
            .map(|minor| Money::new(minor, currency)))
    }

    /// Zero where it is missing.
    pub(crate) fn money_or_zero(&self, key: &str, currency: Currency) -> Result<Money, BadObject> {
        Ok(Money::new(self.opt_whole(key)?.unwrap_or(0), currency))
    }

    pub(crate) fn currency(&self, key: &str) -> Result<Currency, BadObject> {
        let text = self.text(key)?;
        text.parse()
            .map_err(|_| self.bad(key, &format!("is an unknown currency: “{text}”")))
    }

    pub(crate) fn opt_currency(&self, key: &str) -> Result<Option<Currency>, BadObject> {
        if self.opt_text(key).is_none() {
            Ok(None)
        } else {
            self.currency(key).map(Some)
        }
    }

    /// Seconds since 1970 (v1) or RFC 3339 (v2).
    pub(crate) fn opt_time(&self, key: &str) -> Result<Option<DateTime<Utc>>, BadObject> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let time = match value {
            Value::Number(number) => number
                .as_i64()
                .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
            Value::String(text) => DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|time| time.with_timezone(&Utc)),
            _ => None,
        };
        time.map(Some)
            .ok_or_else(|| self.bad(key, "is not a point in time"))
    }

    pub(crate) fn time(&self, key: &str) -> Result<DateTime<Utc>, BadObject> {
        self.opt_time(key)?.ok_or_else(|| self.missing(key))
    }

    /// The object at `key`; anything else than an object counts as missing.
    pub(crate) fn child(&self, key: &str) -> Option<Node<'a>> {
        match self.get(key) {
            Some(Value::Object(map)) => Some(Node {
                map,
                path: format!("{}.{key}", self.path),
            }),
            _ => None,
        }
    }

    /// The objects of an array or of a Stripe list; empty where it is missing.
    pub(crate) fn items(&self, key: &str) -> Result<Vec<Node<'a>>, BadObject> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let array = match value {
            Value::Array(array) => array,
            Value::Object(map) => map
                .get("data")
                .and_then(Value::as_array)
                .ok_or_else(|| self.bad(key, "is not a list"))?,
            _ => return Err(self.bad(key, "is not a list")),
        };
        array
            .iter()
            .enumerate()
            .map(|(index, item)| Node::root(item, &format!("{}.{key}[{index}]", self.path)))
            .collect()
    }

    /// Whether Stripe holds more items of the list at `key` than it sent.
    pub(crate) fn has_more(&self, key: &str) -> bool {
        self.child(key).is_some_and(|list| list.flag("has_more"))
    }

    /// Free key-value pairs; values that are not text are left out.
    pub(crate) fn pairs(&self, key: &str) -> BTreeMap<String, String> {
        let Some(node) = self.child(key) else {
            return BTreeMap::new();
        };
        node.map
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// The sum of `field` over those items at `key` that `keep` accepts; `None` without a list.
    pub(crate) fn opt_sum(
        &self,
        key: &str,
        field: &str,
        keep: impl Fn(&Node<'a>) -> bool,
    ) -> Result<Option<i64>, BadObject> {
        if self.get(key).is_none() {
            return Ok(None);
        }
        let mut sum = 0i64;
        for item in self.items(key)?.iter().filter(|item| keep(item)) {
            sum = sum
                .checked_add(item.whole(field)?)
                .ok_or_else(|| item.bad(field, "makes the sum too large"))?;
        }
        Ok(Some(sum))
    }
}
