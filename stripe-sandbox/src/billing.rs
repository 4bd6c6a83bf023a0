//! Making invoices add up: lines, totals, finalizing and paying.
//!
//! Amounts of a line, all in minor units: `amount` before discount; `discount` and `credit` (from a
//! credit grant) lower it; `tax` comes on top, or is inside with `tax_behavior: inclusive`.

use serde_json::{Value, json};

use crate::context::{Ctx, int};
use crate::fixtures::build;
use crate::form::{Params as _, merge_metadata};
use crate::money;
use crate::respond::{Answer, ApiError, new_id, token};
use crate::v1::customer_balance::{Cause, change};

/// Lines that travel inside an invoice; the rest is listed.
const EMBEDDED_LINES: usize = 10;

/// A draft without lines and without an event.
///
/// # Errors
/// When the customer or the subscription does not exist or the currency is not one.
pub fn draft(cx: &mut Ctx<'_>, spec: &Value) -> Answer {
    let customer = cx.load_param("customer", spec, "customer")?;
    let subscription = match spec.text("subscription") {
        Some(_) => Some(cx.load_param("subscription", spec, "subscription")?),
        None => None,
    };
    let mut named = spec.clone();
    if spec.text("currency").is_none()
        && let Some(subscription) = &subscription
    {
        named["currency"] = subscription["currency"].clone();
    }
    let currency = money::currency(&named)?;
    let id = spec.text("id").map_or_else(|| new_id("in"), str::to_owned);
    if cx.state.get("invoice", &id).is_some() {
        return Err(ApiError::refused(
            "resource_already_exists",
            format!("{id} exists already."),
        ));
    }
    let parent = subscription.as_ref().map(|subscription| {
        json!({
            "type": "subscription_details", "quote_details": null,
            "subscription_details": {
                "metadata": subscription["metadata"], "subscription": subscription["id"],
            },
        })
    });
    let reason = match (spec.text("billing_reason"), &subscription) {
        (Some(reason), _) => reason,
        (None, Some(_)) => "subscription_cycle",
        (None, None) => "manual",
    };
    let start = spec.integer("period_start")?.unwrap_or(cx.at);
    let mut invoice = build(
        "invoice",
        json!({
            "id": id, "amount_due": 0, "amount_overpaid": 0, "amount_paid": 0,
            "amount_remaining": 0, "amount_shipping": 0, "attempt_count": 0, "attempted": false,
            "auto_advance": spec.flag("auto_advance")?.unwrap_or(false),
            "billing_reason": reason, "created": cx.at, "currency": currency,
            "customer": customer["id"], "customer_address": customer["address"],
            "customer_email": customer["email"], "customer_name": customer["name"],
            "customer_phone": customer["phone"], "customer_shipping": null,
            "description": spec.text("description"), "due_date": null, "effective_at": null,
            "from_invoice": null, "last_finalization_error": null, "metadata": {},
            "next_payment_attempt": null, "parent": parent,
            "period_start": start, "period_end": spec.integer("period_end")?.unwrap_or(start),
            "rendering": null, "shipping_cost": null, "shipping_details": null,
            "starting_balance": 0, "status": "draft", "webhooks_delivered_at": null,
            "total_taxes": [], "total_pretax_credit_amounts": [],
        }),
    );
    merge_metadata(&mut invoice, spec);
    cx.state.put("invoice", invoice.clone());
    recalculate(cx, &invoice)
}

/// Puts a line on a draft; the totals follow with [`recalculate`].
///
/// # Errors
/// When an amount is missing or makes no sense.
pub fn add_line(cx: &mut Ctx<'_>, invoice: &Value, spec: &Value) -> Result<(), ApiError> {
    let amount = spec.need_integer("amount")?;
    let discount = spec.integer("discount")?.unwrap_or(0);
    let credit = spec.integer("credit")?.unwrap_or(0);
    let tax = spec.integer("tax")?.unwrap_or(0);
    if discount < 0 || credit < 0 {
        return Err(ApiError::invalid(
            "Discounts and credits are not negative.",
            Some("lines"),
        ));
    }
    let behavior = spec.text("tax_behavior").unwrap_or("exclusive");
    let quantity = spec.integer("quantity")?.unwrap_or(1);
    let proration = spec.flag("proration")?.unwrap_or(false);
    let net = amount - discount - credit;
    let mut pretax = Vec::new();
    let mut discounts = Vec::new();
    if discount > 0 {
        let id = spec
            .text("discount_id")
            .map_or_else(|| new_id("di"), str::to_owned);
        discounts.push(json!({"amount": discount, "discount": id}));
        pretax.push(json!({"amount": discount, "discount": id, "type": "discount"}));
    }
    if credit > 0 {
        pretax.push(
            json!({"amount": credit, "credit_balance_transaction": new_id("cbtxn"),
                           "type": "credit_balance_transaction"}),
        );
    }
    let taxes = match tax {
        0 => json!([]),
        _ => json!([{
            "amount": tax, "tax_behavior": behavior, "taxability_reason": "standard_rated",
            "tax_rate_details": {"tax_rate": "txr_1SandboxStandardRate"},
            "taxable_amount": if behavior == "inclusive" { net - tax } else { net },
            "type": "tax_rate_details",
        }]),
    };
    let subscription = &invoice["parent"]["subscription_details"]["subscription"];
    let credited = json!({"credited_items": null});
    let parent = if subscription.is_string() {
        json!({
            "type": "subscription_item_details", "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null, "proration": proration, "proration_details": credited,
                "subscription": subscription,
                "subscription_item": spec.text("subscription_item").unwrap_or("si_sandbox"),
            },
        })
    } else {
        json!({
            "type": "invoice_item_details", "subscription_item_details": null,
            "invoice_item_details": {
                "invoice_item":
                    spec.text("invoice_item").map_or_else(|| new_id("ii"), str::to_owned),
                "proration": proration, "proration_details": credited, "subscription": null,
            },
        })
    };
    let unit = if quantity == 0 {
        amount
    } else {
        amount / quantity
    };
    let mut line = build(
        "line_item",
        json!({
            "id": spec.text("id").map_or_else(|| new_id("il"), str::to_owned),
            "amount": amount, "subtotal": amount, "currency": invoice["currency"],
            "description": spec.text("description"), "discount_amounts": discounts,
            "discounts": discounts.iter().map(|one| one["discount"].clone()).collect::<Vec<_>>(),
            "invoice": invoice["id"], "metadata": {}, "parent": parent,
            "period": {
                "start": spec.integer("period_start")?.unwrap_or(int(&invoice["period_start"])),
                "end": spec.integer("period_end")?.unwrap_or(int(&invoice["period_end"])),
            },
            "pretax_credit_amounts": pretax,
            "pricing": {
                "type": "price_details", "unit_amount_decimal": unit.to_string(),
                "price_details": {
                    "price": spec.text("price").unwrap_or("price_sandbox"),
                    "product": spec.text("product").unwrap_or("prod_sandbox"),
                },
            },
            "quantity": quantity, "quantity_decimal": quantity.to_string(), "taxes": taxes,
        }),
    );
    merge_metadata(&mut line, spec);
    cx.state.put("line_item", line);
    Ok(())
}

/// Adds the lines up and stores the invoice.
///
/// # Errors
/// None at present.
pub fn recalculate(cx: &mut Ctx<'_>, invoice: &Value) -> Answer {
    let mut invoice = cx.load("invoice", invoice["id"].as_str().unwrap_or_default())?;
    let lines: Vec<Value> = cx
        .state
        .oldest_first("line_item", |line| line["invoice"] == invoice["id"])
        .into_iter()
        .cloned()
        .collect();
    let all = |field: &str| -> Vec<Value> {
        lines
            .iter()
            .flat_map(|line| line[field].as_array().cloned().unwrap_or_default())
            .collect()
    };
    let sum = |values: &[Value]| {
        values
            .iter()
            .map(|value| int(&value["amount"]))
            .sum::<i64>()
    };
    let subtotal = sum(&lines);
    let lowered = all("pretax_credit_amounts");
    let taxes = all("taxes");
    let inclusive: i64 = taxes
        .iter()
        .filter(|tax| tax["tax_behavior"] == "inclusive")
        .map(|tax| int(&tax["amount"]))
        .sum();
    let exclusive = sum(&taxes) - inclusive;
    let total = subtotal - sum(&lowered) + exclusive;
    invoice["subtotal"] = json!(subtotal);
    invoice["subtotal_excluding_tax"] = json!(subtotal - inclusive);
    invoice["total"] = json!(total);
    invoice["total_excluding_tax"] = json!(total - exclusive - inclusive);
    invoice["total_discount_amounts"] = json!(all("discount_amounts"));
    invoice["total_pretax_credit_amounts"] = json!(lowered);
    invoice["total_taxes"] = json!(taxes);
    invoice["amount_due"] = json!(total.max(0));
    invoice["amount_remaining"] = json!(total.max(0));
    let id = invoice["id"].as_str().unwrap_or_default();
    invoice["lines"] = json!({
        "object": "list", "data": lines.iter().take(EMBEDDED_LINES).collect::<Vec<_>>(),
        "has_more": lines.len() > EMBEDDED_LINES, "url": format!("/v1/invoices/{id}/lines"),
    });
    cx.state.put("invoice", invoice.clone());
    Ok(invoice)
}

/// Draft → open, or paid at once when nothing is due.
///
/// # Errors
/// When it is not a draft.
pub fn finalize(cx: &mut Ctx<'_>, invoice: &Value) -> Answer {
    if invoice["status"] != "draft" {
        return Err(ApiError::refused(
            "invoice_not_editable",
            "This invoice is not a draft.",
        ));
    }
    let mut invoice = recalculate(cx, invoice)?;
    let customer_id = invoice["customer"].as_str().unwrap_or_default().to_owned();
    let mut customer = cx.load("customer", &customer_id)?;
    let balance = int(&customer["balance"]);
    let total = int(&invoice["total"]);
    let due = (total + balance).max(0);
    let ending = (total + balance).min(0);
    invoice["starting_balance"] = json!(balance);
    invoice["ending_balance"] = json!(ending);
    invoice["amount_due"] = json!(due);
    invoice["amount_remaining"] = json!(due);
    invoice["status"] = json!("open");
    invoice["effective_at"] = json!(cx.at);
    invoice["status_transitions"]["finalized_at"] = json!(cx.at);
    let number = int(&customer["next_invoice_sequence"]);
    let prefix = customer["invoice_prefix"].as_str().unwrap_or("PORTICO");
    invoice["number"] = json!(format!("{prefix}-{number:04}"));
    let base = &cx.settings.public_url;
    invoice["hosted_invoice_url"] = json!(format!("{base}/invoice/{}", token(24)));
    invoice["invoice_pdf"] = json!(format!("{base}/invoice/{}/pdf", token(24)));
    customer["next_invoice_sequence"] = json!(number + 1);
    if customer["currency"].is_null() {
        customer["currency"] = invoice["currency"].clone();
    }
    cx.state.put("customer", customer.clone());
    let cause = Cause {
        invoice: invoice["id"].as_str(),
        credit_note: None,
    };
    let (moved, kind) = (ending - balance, "applied_to_invoice");
    change(cx, &customer_id, moved, &invoice["currency"], kind, cause)?;
    let customer = cx.load("customer", &customer_id)?;
    cx.state.put("invoice", invoice.clone());
    if let Some(id) = invoice["parent"]["subscription_details"]["subscription"].as_str()
        && let Some(mut subscription) = cx.state.get("subscription", id).cloned()
    {
        subscription["latest_invoice"] = invoice["id"].clone();
        cx.state.put("subscription", subscription);
    }
    cx.emit("invoice.finalized", &invoice);
    if balance != ending {
        cx.emit_change("customer.updated", &customer, json!({"balance": balance}));
    }
    if due == 0 {
        return settle(cx, invoice);
    }
    Ok(invoice)
}

/// Pays all that is due, or a part, with a payment intent, a charge and an invoice payment.
///
/// # Errors
/// When the invoice is not open or the amount is more than is left.
pub fn pay(cx: &mut Ctx<'_>, invoice: &Value, amount: Option<i64>) -> Answer {
    let mut invoice = payable(cx, invoice)?;
    let left = int(&invoice["amount_remaining"]);
    let amount = amount.unwrap_or(left);
    if amount < 1 || amount > left {
        return Err(ApiError::refused(
            "amount_too_large",
            format!("{amount} is not between 1 and {left}, which is what is left to pay."),
        )
        .param("amount"));
    }
    let payment = crate::v1::payments::collect(cx, &invoice, amount);
    invoice["amount_paid"] = json!(int(&invoice["amount_paid"]) + amount);
    invoice["amount_remaining"] = json!(left - amount);
    invoice["attempted"] = json!(true);
    invoice["attempt_count"] = json!(int(&invoice["attempt_count"]) + 1);
    let invoice = if amount == left {
        settle(cx, invoice)?
    } else {
        cx.state.put("invoice", invoice.clone());
        cx.emit_change(
            "invoice.updated",
            &invoice,
            json!({"amount_remaining": left}),
        );
        invoice
    };
    cx.emit("invoice_payment.paid", &payment);
    Ok(invoice)
}

/// Paid by other means: no charge, no payment intent.
///
/// # Errors
/// When the invoice is not open.
pub fn pay_out_of_band(cx: &mut Ctx<'_>, invoice: &Value) -> Answer {
    let mut invoice = payable(cx, invoice)?;
    invoice["amount_paid"] = invoice["amount_due"].clone();
    invoice["amount_remaining"] = json!(0);
    settle(cx, invoice)
}

fn payable(cx: &Ctx<'_>, invoice: &Value) -> Answer {
    let invoice = cx.load("invoice", invoice["id"].as_str().unwrap_or_default())?;
    if invoice["status"] == "open" {
        Ok(invoice)
    } else {
        Err(ApiError::refused(
            "invoice_not_editable",
            format!("Invoice is {} and cannot be paid.", invoice["status"]),
        ))
    }
}

/// Open → paid.
pub fn settle(cx: &mut Ctx<'_>, mut invoice: Value) -> Answer {
    invoice["status"] = json!("paid");
    invoice["status_transitions"]["paid_at"] = json!(cx.at);
    cx.state.put("invoice", invoice.clone());
    cx.emit("invoice.paid", &invoice);
    cx.emit("invoice.payment_succeeded", &invoice);
    Ok(invoice)
}
