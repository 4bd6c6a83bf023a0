//! Subscriptions. They make no invoices by themselves: see the control interface.

use chrono::{DateTime, Days, Months};
use serde_json::{Value, json};

use super::catalog::{create_price, plan_of};
use super::customers::changed;
use crate::context::{Ctx, int};
use crate::fixtures::build;
use crate::form::{Params as _, assign, merge_metadata};
use crate::respond::{Answer, ApiError, new_id};

/// `POST /v1/subscriptions`; a control call may bring the `id`.
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let customer = cx.load_param("customer", params, "customer")?;
    let given = params.items("items");
    if given.is_empty() {
        return Err(ApiError::missing_param("items"));
    }
    let id = params
        .text("id")
        .map_or_else(|| new_id("sub"), str::to_owned);
    let mut items = Vec::new();
    for wanted in &given {
        items.push(item(cx, &id, wanted)?);
    }
    let currency = items[0]["price"]["currency"].clone();
    let mut subscription = build(
        "subscription",
        json!({
            "id": id, "customer": customer["id"], "created": cx.at, "start_date": cx.at,
            "billing_cycle_anchor": cx.at, "billing_cycle_anchor_config": null,
            "billing_mode": {"type": "flexible", "flexible": null}, "billing_schedules": [],
            "billing_thresholds": null, "cancel_at": null, "cancel_at_period_end": false,
            "canceled_at": null, "currency": currency, "ended_at": null,
            "items": {"object": "list", "data": items, "has_more": false,
                      "url": format!("/v1/subscription_items?subscription={id}")},
            "latest_invoice": null, "managed_payments": null, "metadata": {},
            "next_pending_invoice_item_invoice": null, "pause_collection": null,
            "pending_invoice_item_interval": null, "pending_update": null, "status": "active",
            "transfer_data": null, "trial_end": null, "trial_start": null,
        }),
    );
    assign(
        &mut subscription,
        params,
        &["description", "collection_method"],
    )?;
    cx.state.put("subscription", subscription.clone());
    if customer["currency"].is_null() {
        let mut customer = customer;
        customer["currency"] = currency;
        cx.state.put("customer", customer);
    }
    cx.emit("customer.subscription.created", &subscription);
    Ok(subscription)
}

fn item(cx: &mut Ctx<'_>, subscription: &str, wanted: &Value) -> Answer {
    let price = match wanted.get("price_data") {
        Some(data) => create_price(cx, data)?,
        None => cx.load_param("price", wanted, "price")?,
    };
    let period_end = after(cx.at, &price["recurring"])?;
    let mut item = build(
        "subscription_item",
        json!({
            "id": new_id("si"), "created": cx.at, "plan": plan_of(&price), "price": price,
            "quantity": wanted.integer("quantity")?.unwrap_or(1), "subscription": subscription,
            "current_period_start": cx.at, "current_period_end": period_end,
            "billing_thresholds": null, "metadata": {},
        }),
    );
    merge_metadata(&mut item, wanted);
    Ok(item)
}

/// One interval later.
fn after(start: i64, recurring: &Value) -> Result<i64, ApiError> {
    let count = u32::try_from(int(&recurring["interval_count"]))
        .unwrap_or(1)
        .max(1);
    let start = DateTime::from_timestamp(start, 0).unwrap_or_default();
    let end = match recurring["interval"].as_str() {
        Some("day") => start.checked_add_days(Days::new(count.into())),
        Some("week") => start.checked_add_days(Days::new(u64::from(count) * 7)),
        Some("month") => start.checked_add_months(Months::new(count)),
        Some("year") => start.checked_add_months(Months::new(count.saturating_mul(12))),
        _ => None,
    };
    end.map(|end| end.timestamp()).ok_or_else(|| {
        ApiError::invalid(
            "The price must recur every day, week, month or year.",
            Some("items[0][price]"),
        )
    })
}

/// `GET /v1/subscriptions`: without `status`, what is not canceled.
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let customer = params.text("customer");
    let status = params.text("status");
    cx.list(
        "subscription",
        "/v1/subscriptions",
        params,
        |subscription| {
            customer.is_none_or(|wanted| subscription["customer"] == wanted)
                && match status {
                    None => subscription["status"] != "canceled",
                    Some("all") => true,
                    Some(wanted) => subscription["status"] == wanted,
                }
        },
    )
}

/// `POST /v1/subscriptions/{id}`: metadata, description, cancellation at the period's end, and the
/// price or quantity of items.
pub fn update(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    let mut subscription = cx.load("subscription", id)?;
    let before = subscription.clone();
    assign(
        &mut subscription,
        params,
        &["description", "cancel_at_period_end"],
    )?;
    if params.get("cancel_at_period_end").is_some() {
        let ends = subscription["cancel_at_period_end"] == true;
        subscription["cancel_at"] = match ends {
            true => subscription["items"]["data"][0]["current_period_end"].clone(),
            false => Value::Null,
        };
        subscription["canceled_at"] = if ends { json!(cx.at) } else { Value::Null };
    }
    for wanted in params.items("items") {
        let fresh = match wanted.get("price").or(wanted.get("price_data")) {
            Some(_) => Some(item(cx, id, &wanted)?),
            None => None,
        };
        let known = subscription["items"]["data"]
            .as_array_mut()
            .and_then(|items| items.iter_mut().find(|item| item["id"] == wanted["id"]));
        match (known, fresh) {
            (Some(known), fresh) => {
                if let Some(fresh) = fresh {
                    known["price"] = fresh["price"].clone();
                    known["plan"] = fresh["plan"].clone();
                }
                if let Some(quantity) = wanted.integer("quantity")? {
                    known["quantity"] = json!(quantity);
                }
            }
            (None, Some(fresh)) => {
                if let Some(items) = subscription["items"]["data"].as_array_mut() {
                    items.push(fresh);
                }
            }
            (None, None) => return Err(ApiError::missing_param("items[0][price]")),
        }
    }
    cx.state.put("subscription", subscription.clone());
    let previous = changed(&before, &subscription);
    cx.emit_change("customer.subscription.updated", &subscription, previous);
    Ok(subscription)
}

/// `DELETE /v1/subscriptions/{id}`
pub fn cancel(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    let mut subscription = cx.load("subscription", id)?;
    if subscription["status"] == "canceled" {
        return Err(ApiError::no_such("subscription", id));
    }
    subscription["status"] = json!("canceled");
    subscription["canceled_at"] = json!(cx.at);
    subscription["ended_at"] = json!(cx.at);
    if let Some(details) = params.get("cancellation_details") {
        for field in ["comment", "feedback"] {
            subscription["cancellation_details"][field] =
                details.get(field).cloned().unwrap_or(Value::Null);
        }
    }
    subscription["cancellation_details"]["reason"] = json!("cancellation_requested");
    cx.state.put("subscription", subscription.clone());
    cx.emit("customer.subscription.deleted", &subscription);
    Ok(subscription)
}
