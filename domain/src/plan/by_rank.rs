//! Maps keyed by tier rank in JSON. Keys of JSON objects are text, and serde does not turn them back
//! into numbers inside a tagged enum; this does.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<T: Serialize, S: Serializer>(
    map: &BTreeMap<i32, T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(rank, value)| (rank.to_string(), value)))
}

pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<i32, T>, D::Error> {
    let texts = BTreeMap::<String, T>::deserialize(deserializer)?;
    let mut map = BTreeMap::new();
    for (text, value) in texts {
        let rank: i32 = text
            .parse()
            .map_err(|_| D::Error::custom(format!("“{text}” is no tier")))?;
        if map.insert(rank, value).is_some() {
            return Err(D::Error::custom(format!("tier {rank} is listed twice")));
        }
    }
    Ok(map)
}
