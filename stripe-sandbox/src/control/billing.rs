//! What Stripe Billing would make, in one call each, with all related objects and their events in
//! order.
//!
//! | `POST /_sandbox/billing/…` | takes |
//! |---|---|
//! | `customer` | `id, name, email, metadata, address` |
//! | `subscription` | `id, customer, items: [{amount, currency, interval, product, quantity}]` or items with `price`; `metadata` |
//! | `subscription_cancel` | `subscription` |
//! | `invoice` | an open one: `id, customer, subscription, currency, lines, description, metadata, billing_reason, customer_balance` |
//! | `invoice_paid` | the same and paid: in one piece, in `payments: [amounts]`, or `out_of_band` |
//! | `invoice_pay` | `invoice, amount, out_of_band` |
//! | `invoice_void` | `invoice` |
//! | `balance` | `customer, amount, currency, type`: a change of the customer's balance, negative is credit |
//! | `refund` | `charge`, `payment_intent` or `invoice`; `amount, reason, status` |
//! | `refund_fail` | `refund` |
//! | `credit_note` | as `POST /v1/credit_notes` |
//! | `dispute` | `charge`, `payment_intent` or `invoice`; `amount, reason` |
//! | `dispute_close` | `dispute, status: won or lost` |
//!
//! A line: `{amount, description, quantity, discount, credit, tax, tax_behavior, price, product,
//! proration, subscription_item, period_start, period_end, metadata}`; without `lines`, `amount`
//! and `tax` of the call make one.

use serde_json::{Value, json};

use crate::billing;
use crate::context::{Ctx, int};
use crate::form::Params as _;
use crate::respond::{Answer, ApiError};
use crate::v1::customer_balance::{self, Cause};
use crate::v1::{credit_notes, customers, disputes, invoices, payments, refunds, subscriptions};

/// Runs one of the calls; `None` when there is none of that name.
pub fn run(cx: &mut Ctx<'_>, what: &str, params: &Value) -> Option<Answer> {
    // Seeding twice makes nothing twice.
    let known = |cx: &Ctx<'_>, kind: &str| {
        params
            .text("id")
            .and_then(|id| cx.state.get(kind, id))
            .cloned()
            .map(Ok)
    };
    let answer = match what {
        "customer" => known(cx, "customer").unwrap_or_else(|| customers::create(cx, params)),
        "subscription" => known(cx, "subscription").unwrap_or_else(|| subscription(cx, params)),
        "subscription_cancel" => params
            .need_text("subscription")
            .and_then(|id| subscriptions::cancel(cx, id, params)),
        "invoice" => known(cx, "invoice").unwrap_or_else(|| invoice(cx, params)),
        "invoice_paid" => known(cx, "invoice").unwrap_or_else(|| invoice_paid(cx, params)),
        "invoice_pay" => invoice_pay(cx, params),
        "invoice_void" => params
            .need_text("invoice")
            .and_then(|id| invoices::void(cx, id)),
        "refund" => charge(cx, params).and_then(|charge| refunds::refund(cx, &charge, params)),
        "refund_fail" => params
            .need_text("refund")
            .and_then(|id| refunds::fail(cx, id)),
        "balance" => balance(cx, params),
        "credit_note" => credit_notes::create(cx, params),
        "dispute" => charge(cx, params).and_then(|charge| disputes::open(cx, &charge, params)),
        "dispute_close" => params
            .need_text("dispute")
            .and_then(|id| disputes::close(cx, id, params.need_text("status")?)),
        _ => return None,
    };
    Some(answer)
}

/// A change of a customer's balance for any of Stripe's reasons, such as `invoice_overpaid`.
fn balance(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let customer = params.need_text("customer")?.to_owned();
    let amount = params.need_integer("amount")?;
    let currency = json!(crate::money::currency(params)?);
    let kind = params.text("type").unwrap_or("adjustment").to_owned();
    let cause = Cause {
        invoice: params.text("invoice"),
        credit_note: params.text("credit_note"),
    };
    customer_balance::change(cx, &customer, amount, &currency, &kind, cause)
}

/// Items may say what they cost instead of naming a price.
fn subscription(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let mut params = params.clone();
    let mut items = params.items("items");
    if !items.iter().all(Value::is_object) {
        return Err(ApiError::invalid(
            "Every item must be an object.",
            Some("items"),
        ));
    }
    for item in &mut items {
        if let Some(amount) = item.integer("amount")? {
            let currency = item.need_text("currency")?.to_owned();
            item["price_data"] = json!({
                "currency": currency, "unit_amount": amount,
                "recurring": {"interval": item.text("interval").unwrap_or("month")},
                "product_data": {"name": item.text("product").unwrap_or("Subscription")},
            });
        }
    }
    params["items"] = json!(items);
    subscriptions::create(cx, &params)
}

/// An open invoice, or a paid one when nothing is due.
fn invoice(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let mut lines = params.items("lines");
    if lines.is_empty() {
        lines.push(json!({
            "amount": params.need_integer("amount")?, "tax": params.integer("tax")?,
            "discount": params.integer("discount")?, "description": params.get("description"),
        }));
    }
    if !lines.iter().all(Value::is_object) {
        return Err(ApiError::invalid(
            "Every line must be an object.",
            Some("lines"),
        ));
    }
    let customer = cx.load_param("customer", params, "customer")?;
    let draft = billing::draft(cx, params)?;
    if let Some(balance) = params.integer("customer_balance")? {
        let by = balance - int(&customer["balance"]);
        let id = customer["id"].as_str().unwrap_or_default();
        let (currency, kind) = (&draft["currency"], "adjustment");
        customer_balance::change(cx, id, by, currency, kind, Cause::default())?;
    }
    let product = subscribed(cx, params);
    for line in &mut lines {
        for field in ["price", "product", "subscription_item"] {
            if line.text(field).is_none() && !product[field].is_null() {
                line[field] = product[field].clone();
            }
        }
        if let Err(error) = billing::add_line(cx, &draft, line) {
            discard(cx, &draft);
            return Err(error);
        }
    }
    let draft = billing::recalculate(cx, &draft)?;
    cx.emit("invoice.created", &draft);
    billing::finalize(cx, &draft)
}

/// Price, product and item of the subscription's first item, for lines that name none.
fn subscribed(cx: &Ctx<'_>, params: &Value) -> Value {
    let item = params
        .text("subscription")
        .and_then(|id| cx.state.get("subscription", id))
        .map(|subscription| &subscription["items"]["data"][0]);
    match item {
        Some(item) => json!({"price": item["price"]["id"], "product": item["price"]["product"],
                             "subscription_item": item["id"]}),
        None => json!({}),
    }
}

/// Takes back a draft whose lines made no sense.
fn discard(cx: &mut Ctx<'_>, draft: &Value) {
    let id = draft["id"].as_str().unwrap_or_default();
    if let Some(rows) = cx.state.objects.get_mut("invoice") {
        rows.remove(id);
    }
    if let Some(rows) = cx.state.objects.get_mut("line_item") {
        rows.retain(|_, row| row.object["invoice"] != id);
    }
}

fn invoice_paid(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let payments = params.items("payments");
    let mut invoice = invoice(cx, params)?;
    if invoice["status"] == "paid" {
        return Ok(invoice);
    }
    if params.flag("out_of_band")?.unwrap_or(false) {
        return billing::pay_out_of_band(cx, &invoice);
    }
    if payments.is_empty() {
        return billing::pay(cx, &invoice, None);
    }
    for amount in payments {
        invoice = billing::pay(cx, &invoice, Some(int(&amount)))?;
    }
    Ok(invoice)
}

fn invoice_pay(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let invoice = cx.load_param("invoice", params, "invoice")?;
    if params.flag("out_of_band")?.unwrap_or(false) {
        return billing::pay_out_of_band(cx, &invoice);
    }
    billing::pay(cx, &invoice, params.integer("amount")?)
}

/// The charge that is named, or the first of the invoice that has something left.
fn charge(cx: &Ctx<'_>, params: &Value) -> Answer {
    if params.text("charge").is_some() {
        return cx.load_param("charge", params, "charge");
    }
    if params.text("payment_intent").is_some() {
        let intent = cx.load_param("payment_intent", params, "payment_intent")?;
        return cx.load_param("charge", &intent, "latest_charge");
    }
    let invoice = cx.load_param("invoice", params, "invoice")?;
    payments::charges_of(cx, invoice["id"].as_str().unwrap_or_default())
        .into_iter()
        .find(|charge| charge["refunded"] != true)
        .ok_or_else(|| {
            ApiError::refused("charge_missing", "The invoice has no payment that is left.")
        })
}
