//! Reads the files of shapes.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

/// One way an invoice and what follows it can look, and what it has to come to.
pub struct Shape {
    /// What it is, in words.
    pub title: String,
    /// Where it stands.
    pub place: String,
    /// The plan's name.
    pub plan: String,
    /// What is different in the world before anything happens.
    pub given: Map<String, Value>,
    /// What happens: Stripe's events and what people do, in this order.
    pub events: Vec<Map<String, Value>>,
    /// The ledger's accounts at the end, one a line.
    pub postings: String,
    /// What each line has earned and where it stands; what earned nothing, and why not.
    pub commissions: String,
    /// The same where the order decides which of several lines earns a sum; the sum is the same.
    pub commissions_reversed: Option<String>,
}

/// The shapes of one file, and the plans it brings along.
pub struct Subject {
    pub shapes: Vec<Shape>,
    pub plans: Map<String, Value>,
}

/// Reads `service/tests/shapes/NAME.toml`.
pub fn subject(name: &str) -> Subject {
    let file = format!("{}/tests/shapes/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    let root = DeTable::parse(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
    let root = root.get_ref();
    let shapes = root.get("shape").and_then(|s| s.get_ref().as_array());
    let shapes = shapes.unwrap_or_else(|| panic!("{file} has no shapes"));
    let plans = root.get("plans").map(|p| json(p.get_ref()));
    Subject {
        shapes: shapes
            .iter()
            .map(|spanned| {
                let line = text[..spanned.span().start].lines().count();
                let Value::Object(table) = json(spanned.get_ref()) else {
                    panic!("{name}.toml:{line} is no table");
                };
                shape(table, format!("{name}.toml:{line}"))
            })
            .collect(),
        plans: match plans {
            Some(Value::Object(plans)) => plans,
            _ => Map::new(),
        },
    }
}

fn shape(mut table: Map<String, Value>, place: String) -> Shape {
    let mut text = |key: &str| match table.remove(key) {
        Some(Value::String(text)) => Some(text),
        None => None,
        Some(other) => panic!("{place}: {key} is {other}, not text"),
    };
    let title = text("title").unwrap_or_else(|| panic!("{place} has no title"));
    let plan = text("plan").unwrap_or_else(|| "reseller".to_owned());
    let postings = text("postings").unwrap_or_else(|| panic!("{place} has no postings"));
    let commissions = text("commissions").unwrap_or_else(|| panic!("{place}: no commissions"));
    let commissions_reversed = text("commissions_reversed");
    let given = match table.remove("given") {
        Some(Value::Object(given)) => given,
        None => Map::new(),
        Some(other) => panic!("{place}: given is {other}"),
    };
    let events = match table.remove("events") {
        Some(Value::Array(events)) => events,
        _ => panic!("{place} has no events"),
    };
    let rest: Vec<&String> = table.keys().collect();
    assert!(rest.is_empty(), "{place}: what is {rest:?}?");
    Shape {
        events: events
            .into_iter()
            .map(|event| match event {
                Value::Object(event) => event,
                other => panic!("{place}: {other} is no event"),
            })
            .collect(),
        title,
        place,
        plan,
        given,
        postings,
        commissions,
        commissions_reversed,
    }
}

/// TOML as JSON; dates are the seconds Stripe counts, and `"null"` is what TOML has no word for.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) if text == "null" => Value::Null,
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            let whole = i64::from_str_radix(number.as_str(), number.radix());
            Value::from(whole.expect("a whole number"))
        }
        DeValue::Float(number) => panic!("{}: money is whole", number.as_str()),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(at) => Value::from(seconds(&at.to_string())),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())))
            .collect::<Map<String, Value>>()
            .into(),
    }
}

/// A moment as it is written, or midnight of a day, both UTC.
fn seconds(text: &str) -> i64 {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
    }
    let at: DateTime<Utc> = text
        .parse()
        .unwrap_or_else(|_| panic!("{text} is no moment"));
    at.timestamp()
}
