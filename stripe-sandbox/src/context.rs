//! What an endpoint works with: the state, the time, and the request it belongs to.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use crate::form::Params as _;
use crate::respond::{Answer, ApiError};
use crate::state::State;

/// Parts of the configuration that endpoints need.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base address of hosted pages.
    pub public_url: String,
    /// The platform's own account.
    pub platform_account: String,
}

/// The request an event is the result of.
#[derive(Clone, Debug, Default)]
pub struct Cause {
    /// `Request-Id`.
    pub request_id: Option<String>,
    /// Idempotency key.
    pub key: Option<String>,
}

/// One piece of work on the state. The state's lock is held for its whole length, so that a
/// request is one step: it happens completely or not at all.
pub struct Ctx<'a> {
    /// The sandbox's memory.
    pub state: &'a mut State,
    /// Configuration.
    pub settings: &'a Settings,
    /// The sandbox's time in milliseconds.
    pub now_ms: i64,
    /// Time that new objects and events carry, in seconds: now, or what the control call asked.
    pub at: i64,
    /// No events are made.
    pub silent: bool,
    /// `Stripe-Account`: the connected account the request is made for.
    pub account: Option<String>,
    /// The request behind it.
    pub cause: Cause,
}

impl Ctx<'_> {
    /// The sandbox's time in seconds.
    pub fn now(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }

    /// A copy of an object, or 404 as for an id in the path.
    pub fn load(&self, kind: &str, id: &str) -> Answer {
        self.state
            .get(kind, id)
            .cloned()
            .ok_or_else(|| ApiError::no_such(kind, id))
    }

    /// A copy of the object that a parameter names.
    pub fn load_param(&self, kind: &str, params: &Value, name: &str) -> Answer {
        let id = params.need_text(name)?;
        self.state
            .get(kind, id)
            .cloned()
            .ok_or_else(|| ApiError::no_such_param(kind, id, name))
    }

    /// The account the caller's key belongs to.
    pub fn platform(&self) -> &str {
        let other = self.state.platform.as_deref();
        other.unwrap_or(&self.settings.platform_account)
    }

    /// Whether a transfer belongs to the platform that asks.
    pub fn owns(&self, transfer: &Value) -> bool {
        let owner = transfer["id"]
            .as_str()
            .and_then(|id| self.state.owners.get(id));
        owner.map_or(&self.settings.platform_account, |owner| owner) == self.platform()
    }

    /// A page of a list, newest first, of what fits; `created`, `limit`, `starting_after` and
    /// `ending_before` are honoured.
    pub fn list(
        &self,
        kind: &str,
        url: &str,
        params: &Value,
        fits: impl Fn(&Value) -> bool,
    ) -> Answer {
        let created = created_range(params)?;
        let rows = self.state.newest_first(kind, |object| {
            created.contains(&int(&object["created"])) && fits(object)
        });
        page(rows, url, params)
    }

    /// Replaces ids named by `expand` with their objects, as far as they are known here. What is
    /// not known stays an id.
    pub fn expand(&self, mut answer: Value, params: &Value) -> Value {
        for path in params.items("expand").iter().filter_map(Value::as_str) {
            let path: Vec<&str> = path.split('.').take(4).collect();
            self.expand_path(&mut answer, &path);
        }
        answer
    }

    fn expand_path(&self, value: &mut Value, path: &[&str]) {
        if let Value::Array(items) = value {
            for item in items {
                self.expand_path(item, path);
            }
            return;
        }
        let Some((name, rest)) = path.split_first() else {
            return;
        };
        if value["object"] == "invoice" && *name == "payments" && value.get("payments").is_none() {
            let url = "/v1/invoice_payments";
            let payments: Vec<Value> = self
                .state
                .oldest_first("invoice_payment", |payment| {
                    payment["invoice"] == value["id"]
                })
                .into_iter()
                .cloned()
                .collect();
            value["payments"] =
                json!({"object": "list", "data": payments, "has_more": false, "url": url});
        }
        if value["object"] == "checkout.session" && *name == "line_items" {
            let id = value["id"].as_str().unwrap_or_default();
            if let Ok(items) = crate::v1::checkout::line_items(self, id, &json!({})) {
                value["line_items"] = items;
            }
        }
        let Some(child) = value.get_mut(*name) else {
            return;
        };
        if let Some(id) = child.as_str()
            && let Some(object) = self.find(id)
        {
            *child = object;
        }
        self.expand_path(child, rest);
    }

    fn find(&self, id: &str) -> Option<Value> {
        self.state
            .objects
            .values()
            .find_map(|rows| rows.get(id))
            .map(|row| row.object.clone())
    }

    /// Books on the platform's balance and keeps the balance transaction.
    pub fn book(&mut self, kind: &str, amount: i64, currency: &str, source: &str) -> String {
        let balance = self.state.balance.entry(currency.to_owned()).or_default();
        *balance = balance.saturating_add(amount);
        self.balance_transaction(kind, amount, currency, source)
    }

    /// Books on a connected account's balance and keeps the balance transaction.
    pub fn book_account(
        &mut self,
        account: &str,
        kind: &str,
        amount: i64,
        currency: &str,
        source: &str,
    ) -> String {
        let balance = self
            .state
            .account_balances
            .entry(account.to_owned())
            .or_default()
            .entry(currency.to_owned())
            .or_default();
        *balance = balance.saturating_add(amount);
        self.balance_transaction(kind, amount, currency, source)
    }

    fn balance_transaction(
        &mut self,
        kind: &str,
        amount: i64,
        currency: &str,
        source: &str,
    ) -> String {
        let id = crate::respond::new_id("txn");
        let object = crate::fixtures::build(
            "balance_transaction",
            json!({
                "id": id, "amount": amount, "net": amount, "fee": 0, "currency": currency,
                "created": self.at, "available_on": self.at, "description": null,
                "reporting_category": kind, "type": kind, "source": source, "status": "available",
            }),
        );
        self.state.put("balance_transaction", object);
        id
    }
}

/// Cuts a page out of what was found, as every v1 list does.
///
/// # Errors
/// 400 for a limit outside 1 to 100 or a cursor that is not in the list.
pub fn page(rows: Vec<&Value>, url: &str, params: &Value) -> Answer {
    let limit = params.integer("limit")?.unwrap_or(10);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid(
            "This value must be between 1 and 100.",
            Some("limit"),
        ));
    }
    let limit = usize::try_from(limit).unwrap_or(10);
    let position = |name: &str| -> Result<Option<usize>, ApiError> {
        let Some(id) = params.text(name) else {
            return Ok(None);
        };
        rows.iter()
            .position(|row| row["id"] == id)
            .map(Some)
            .ok_or_else(|| ApiError::no_such_param("object", id, name))
    };
    let (data, has_more) = if let Some(end) = position("ending_before")? {
        let start = end.saturating_sub(limit);
        (&rows[start..end], start > 0)
    } else {
        let start = position("starting_after")?.map_or(0, |index| index + 1);
        let end = rows.len().min(start + limit);
        (&rows[start..end], end < rows.len())
    };
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
}

/// The range that `created` asks for: a time, or `gt`, `gte`, `lt`, `lte`.
fn created_range(params: &Value) -> Result<std::ops::RangeInclusive<i64>, ApiError> {
    let Some(created) = params.get("created") else {
        return Ok(i64::MIN..=i64::MAX);
    };
    if let Some(exact) = params.text("created") {
        let exact = exact.parse().map_err(|_| {
            ApiError::invalid("Invalid timestamp: must be an integer.", Some("created"))
        })?;
        return Ok(exact..=exact);
    }
    let gte = created.integer("gte")?.unwrap_or(i64::MIN);
    let gt = created
        .integer("gt")?
        .map_or(i64::MIN, |time| time.saturating_add(1));
    let lte = created.integer("lte")?.unwrap_or(i64::MAX);
    let lt = created
        .integer("lt")?
        .map_or(i64::MAX, |time| time.saturating_sub(1));
    Ok(gte.max(gt)..=lte.min(lt))
}

/// A time as v2 writes it: RFC 3339, UTC, milliseconds.
pub fn rfc3339(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A number field that is there by construction.
pub fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}
