//! Stripe's nested form encoding (`a[b][c]=1`, `a[]=1`, `a[0][b]=1`) as a JSON value, and typed
//! reading of parameters that may have come as a form (all text) or as JSON.

use serde_json::{Map, Value};

use crate::respond::ApiError;

/// Parses a query or an `application/x-www-form-urlencoded` body; every leaf is a string.
///
/// # Errors
/// 400 when the text is not form-encoded.
pub fn parse(text: &str) -> Result<Value, ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text).map_err(|_| {
        ApiError::invalid(
            "The request's parameters are not form-encoded.",
            None::<&str>,
        )
    })?;
    let mut root = Map::new();
    for (key, value) in pairs {
        let mut parts = key.split('[').map(|part| part.trim_end_matches(']'));
        let first = parts.next().unwrap_or_default();
        if first.is_empty() {
            continue;
        }
        let path: Vec<&str> = parts.collect();
        insert(&mut root, first, &path, value);
    }
    let mut value = Value::Object(root);
    arrays(&mut value);
    Ok(value)
}

fn insert(map: &mut Map<String, Value>, key: &str, path: &[&str], value: String) {
    // `a[]` appends.
    let key = if key.is_empty() {
        map.len().to_string()
    } else {
        key.to_owned()
    };
    match path.split_first() {
        None => {
            map.insert(key, Value::String(value));
        }
        Some((next, rest)) => {
            let child = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
            if !child.is_object() {
                *child = Value::Object(Map::new());
            }
            if let Value::Object(child) = child {
                insert(child, next, rest, value);
            }
        }
    }
}

/// Turns objects whose keys are all numbers into arrays, except metadata, whose keys are free.
fn arrays(value: &mut Value) {
    let Value::Object(map) = value else { return };
    for (key, child) in map.iter_mut() {
        if key != "metadata" {
            arrays(child);
        }
    }
    if !map.is_empty() && map.keys().all(|key| key.parse::<u32>().is_ok()) {
        let mut items: Vec<(u32, Value)> = std::mem::take(map)
            .into_iter()
            .filter_map(|(key, child)| Some((key.parse().ok()?, child)))
            .collect();
        items.sort_by_key(|(index, _)| *index);
        *value = Value::Array(items.into_iter().map(|(_, child)| child).collect());
    }
}

/// Typed reading of parameters. Empty text means "not given", as with Stripe.
pub trait Params {
    /// A text.
    fn text(&self, name: &str) -> Option<&str>;
    /// A text that must be there.
    fn need_text(&self, name: &str) -> Result<&str, ApiError>;
    /// An integer, in JSON or as text.
    fn integer(&self, name: &str) -> Result<Option<i64>, ApiError>;
    /// An integer that must be there.
    fn need_integer(&self, name: &str) -> Result<i64, ApiError>;
    /// A truth value, in JSON or as text.
    fn flag(&self, name: &str) -> Result<Option<bool>, ApiError>;
    /// The items of an array, or the one value as an array of one, or none.
    fn items(&self, name: &str) -> Vec<Value>;
    /// Refuses parameters that are not listed, as Stripe does.
    fn only(&self, known: &[&str]) -> Result<(), ApiError>;
}

impl Params for Value {
    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    fn need_text(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name).ok_or_else(|| ApiError::missing_param(name))
    }

    fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(value) => {
                let number = match value {
                    Value::String(text) => text.parse().ok(),
                    other => other.as_i64(),
                };
                number.map(Some).ok_or_else(|| {
                    ApiError::invalid(format!("Invalid integer: {}", plain(value)), Some(name))
                        .code("parameter_invalid_integer")
                })
            }
        }
    }

    fn need_integer(&self, name: &str) -> Result<i64, ApiError> {
        self.integer(name)?
            .ok_or_else(|| ApiError::missing_param(name))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(other) => Err(ApiError::invalid(
                format!("Invalid boolean: {}", plain(other)),
                Some(name),
            )),
        }
    }

    fn items(&self, name: &str) -> Vec<Value> {
        match self.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
        }
    }

    fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        let Some(map) = self.as_object() else {
            return Ok(());
        };
        match map
            .keys()
            .find(|key| !known.contains(&key.as_str()) && key.as_str() != "expand")
        {
            None => Ok(()),
            Some(key) => Err(ApiError::unknown_param(key)),
        }
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Puts the given parameters named in `fields`, and metadata, into `object`, in the type the sample
/// has there.
///
/// # Errors
/// 400 when a number or a truth value is not one.
pub fn assign(object: &mut Value, params: &Value, fields: &[&str]) -> Result<(), ApiError> {
    for field in fields {
        let Some(given) = params.get(*field) else {
            continue;
        };
        let value = match &object[*field] {
            Value::Number(_) => params.integer(field)?.map(Value::from),
            Value::Bool(_) => params.flag(field)?.map(Value::from),
            _ => Some(if given == "" {
                Value::Null
            } else {
                given.clone()
            }),
        };
        if let Some(value) = value {
            object[*field] = value;
        }
    }
    merge_metadata(object, params);
    Ok(())
}

/// Merges `metadata`: a key given with empty text is removed, as with Stripe.
pub fn merge_metadata(object: &mut Value, params: &Value) {
    let Some(given) = params.get("metadata") else {
        return;
    };
    let mut kept = object["metadata"].as_object().cloned().unwrap_or_default();
    match given {
        Value::Object(given) => {
            for (key, value) in given {
                if value == "" || value.is_null() {
                    kept.remove(key);
                } else {
                    kept.insert(key.clone(), Value::String(plain(value)));
                }
            }
        }
        _ => kept.clear(),
    }
    object["metadata"] = Value::Object(kept);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_forms_become_json() {
        let value = parse("a[b][c]=1&l[]=x&l[]=y&i[1][p]=q&i[0][p]=o&metadata[1]=z&e%5B0%5D=k")
            .expect("a form");
        assert_eq!(
            value,
            json!({"a": {"b": {"c": "1"}}, "l": ["x", "y"], "i": [{"p": "o"}, {"p": "q"}],
                   "metadata": {"1": "z"}, "e": ["k"]})
        );
    }

    #[test]
    fn an_integer_is_an_integer() {
        let value = json!({"a": "12", "b": 13, "c": "1.5", "d": ""});
        assert_eq!(value.integer("a").ok().flatten(), Some(12));
        assert_eq!(value.integer("b").ok().flatten(), Some(13));
        assert!(value.integer("c").is_err());
        assert_eq!(value.integer("d").ok().flatten(), None);
    }
}
