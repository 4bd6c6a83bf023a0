//! Credit notes: before payment they lower the invoice, after it they give money back by refund,
//! by customer balance or out of band.

use serde_json::{Value, json};

use super::customer_balance::{Cause, change};
use super::payments::charges_of;
use super::refunds::refund;
use crate::billing;
use crate::context::{Ctx, int, page};
use crate::fixtures::build;
use crate::form::{Params as _, merge_metadata};
use crate::respond::{Answer, ApiError, new_id};

/// `POST /v1/credit_notes`, with `amount` (tax included) or `lines` (tax comes on top in
/// proportion to the invoice line's).
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let mut invoice = cx.load_param("invoice", params, "invoice")?;
    let invoice_id = invoice["id"].as_str().unwrap_or_default().to_owned();
    if invoice["status"] != "open" && invoice["status"] != "paid" {
        return Err(ApiError::refused(
            "invoice_not_creditable",
            "Only an open or paid invoice can be credited.",
        ));
    }
    let id = params
        .text("id")
        .map_or_else(|| new_id("cn"), str::to_owned);
    let lines = lines_of(cx, &invoice_id, params)?;
    let subtotal: i64 = lines.iter().map(|line| int(&line["amount"])).sum();
    let taxes: Vec<Value> = lines
        .iter()
        .flat_map(|line| line["taxes"].as_array().cloned().unwrap_or_default())
        .collect();
    let total = subtotal + taxes.iter().map(|tax| int(&tax["amount"])).sum::<i64>();
    let before_payment = total.min(int(&invoice["amount_remaining"]));
    let after_payment = total - before_payment;
    let credited = int(&invoice["post_payment_credit_notes_amount"]);
    if total < 1 || after_payment > int(&invoice["amount_paid"]) - credited {
        return Err(ApiError::refused(
            "credit_note_amount_invalid",
            "The amount must be positive and not more than what can still be credited.",
        )
        .param("amount"));
    }
    let refund_amount = params.integer("refund_amount")?.unwrap_or(0);
    let credit_amount = params.integer("credit_amount")?.unwrap_or(0);
    let out_of_band = params.integer("out_of_band_amount")?.unwrap_or(0);
    if refund_amount + credit_amount + out_of_band != after_payment {
        return Err(ApiError::refused(
            "credit_note_amount_invalid",
            format!(
                "The sum of refund_amount, credit_amount and out_of_band_amount must be the \
                 amount credited after payment ({after_payment})."
            ),
        ));
    }
    let charge = match refund_amount {
        0 => None,
        _ => Some(
            charges_of(cx, &invoice_id)
                .into_iter()
                .find(|charge| {
                    int(&charge["amount"]) - int(&charge["amount_refunded"]) >= refund_amount
                })
                .ok_or_else(|| {
                    ApiError::refused(
                        "charge_refund_amount_too_large",
                        "No payment of this invoice has that much left to refund.",
                    )
                    .param("refund_amount")
                })?,
        ),
    };
    let kind = match (before_payment, after_payment) {
        (_, 0) => "pre_payment",
        (0, _) => "post_payment",
        _ => "mixed",
    };
    let refund_id = charge.as_ref().map(|_| new_id("re"));
    let refunds: Vec<Value> = refund_id
        .iter()
        .map(|refund| {
            json!({"amount_refunded": refund_amount, "refund": refund, "type": "refund",
                   "payment_record_refund": null})
        })
        .collect();
    let count = cx.state.oldest_first("credit_note", |known| {
        known["invoice"] == invoice_id.as_str()
    });
    let number = invoice["number"].as_str().unwrap_or("DRAFT");
    let mut note = build(
        "credit_note",
        json!({
            "id": id, "amount": total, "created": cx.at, "currency": invoice["currency"],
            "customer": invoice["customer"], "customer_balance_transaction": null,
            "effective_at": cx.at, "invoice": invoice_id, "memo": params.text("memo"),
            "lines": {"object": "list", "data": lines.iter().take(10).collect::<Vec<_>>(),
                      "has_more": lines.len() > 10,
                      "url": format!("/v1/credit_notes/{id}/lines")},
            "metadata": {}, "number": format!("{number}-CN-{:02}", count.len() + 1),
            "out_of_band_amount": (out_of_band > 0).then_some(out_of_band),
            "pdf": format!("{}/credit_notes/{id}/pdf", cx.settings.public_url),
            "post_payment_amount": after_payment, "pre_payment_amount": before_payment,
            "pretax_credit_amounts": [], "reason": params.text("reason"), "refunds": refunds,
            "shipping_cost": null, "status": "issued", "subtotal": subtotal,
            "subtotal_excluding_tax": subtotal, "total": total, "total_excluding_tax": subtotal,
            "total_taxes": taxes, "type": kind, "voided_at": null,
        }),
    );
    merge_metadata(&mut note, params);
    if credit_amount > 0 {
        let customer = invoice["customer"].as_str().unwrap_or_default();
        let cause = Cause {
            invoice: invoice["id"].as_str(),
            credit_note: Some(&id),
        };
        let (currency, kind) = (&invoice["currency"], "credit_note");
        let made = change(cx, customer, -credit_amount, currency, kind, cause)?;
        note["customer_balance_transaction"] = made["id"].clone();
    }
    for mut line in lines {
        line["_credit_note"] = json!(id);
        cx.state.put("credit_note_line_item", line);
    }
    cx.state.put("credit_note", note.clone());
    cx.emit("credit_note.created", &note);
    if let Some(charge) = charge {
        let wanted = json!({"id": refund_id, "amount": refund_amount});
        refund(cx, &charge, &wanted)?;
    }
    lower(cx, &mut invoice, before_payment, after_payment)?;
    Ok(note)
}

/// What the credit note does to its invoice.
fn lower(cx: &mut Ctx<'_>, invoice: &mut Value, before: i64, after: i64) -> Result<(), ApiError> {
    let old = json!({
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"],
        "post_payment_credit_notes_amount": invoice["post_payment_credit_notes_amount"],
    });
    let add = |value: &Value, amount: i64| json!(int(value) + amount);
    invoice["pre_payment_credit_notes_amount"] =
        add(&invoice["pre_payment_credit_notes_amount"], before);
    invoice["post_payment_credit_notes_amount"] =
        add(&invoice["post_payment_credit_notes_amount"], after);
    invoice["amount_due"] = add(&invoice["amount_due"], -before);
    invoice["amount_remaining"] = add(&invoice["amount_remaining"], -before);
    cx.state.put("invoice", invoice.clone());
    cx.emit_change("invoice.updated", invoice, old);
    if invoice["status"] == "open" && int(&invoice["amount_remaining"]) == 0 {
        billing::settle(cx, invoice.clone())?;
    }
    Ok(())
}

fn lines_of(cx: &Ctx<'_>, invoice: &str, params: &Value) -> Result<Vec<Value>, ApiError> {
    let given = params.items("lines");
    if given.is_empty() {
        let amount = params.need_integer("amount")?;
        return Ok(vec![line(amount, params.text("memo"), Value::Null, 1, &[])]);
    }
    given
        .iter()
        .map(|wanted| match wanted.text("type") {
            Some("invoice_line_item") => {
                let of = cx.load_param("line_item", wanted, "invoice_line_item")?;
                if of["invoice"] != invoice {
                    return Err(ApiError::no_such_param(
                        "line_item",
                        of["id"].as_str().unwrap_or_default(),
                        "lines",
                    ));
                }
                let lowered: i64 = of["pretax_credit_amounts"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|credit| int(&credit["amount"]))
                    .sum();
                let net = int(&of["amount"]) - lowered;
                let amount = wanted.integer("amount")?.unwrap_or(net);
                let taxes = taxes_of(&of, amount, net);
                Ok(line(
                    amount,
                    of["description"].as_str(),
                    of["id"].clone(),
                    1,
                    &taxes,
                ))
            }
            Some("custom_line_item") => {
                let quantity = wanted.integer("quantity")?.unwrap_or(1);
                let amount = wanted
                    .need_integer("unit_amount")?
                    .checked_mul(quantity)
                    .ok_or_else(|| ApiError::invalid("The amount is too large.", Some("lines")))?;
                Ok(line(
                    amount,
                    wanted.text("description"),
                    Value::Null,
                    quantity,
                    &[],
                ))
            }
            _ => Err(ApiError::missing_param("lines[0][type]")),
        })
        .collect()
}

/// The invoice line's taxes in proportion to what is credited of it, rounded half up.
fn taxes_of(of: &Value, amount: i64, net: i64) -> Vec<Value> {
    of["taxes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|tax| tax["tax_behavior"] == "exclusive" && net != 0)
        .map(|tax| {
            let exact = i128::from(int(&tax["amount"])) * i128::from(amount) * 2;
            let rounded = (exact + i128::from(net)).div_euclid(i128::from(net) * 2);
            let mut tax = tax.clone();
            tax["amount"] = json!(i64::try_from(rounded).unwrap_or(i64::MAX));
            tax["taxable_amount"] = json!(amount);
            tax
        })
        .collect()
}

fn line(amount: i64, text: Option<&str>, of: Value, quantity: i64, taxes: &[Value]) -> Value {
    let custom = of.is_null();
    build(
        "credit_note_line_item",
        json!({
            "id": new_id("cnli"), "amount": amount, "description": text,
            "invoice_line_item": of, "quantity": quantity, "tax_rates": [], "taxes": taxes,
            "pretax_credit_amounts": [], "discount_amount": 0, "discount_amounts": [],
            "type": if custom { "custom_line_item" } else { "invoice_line_item" },
            "unit_amount": custom.then_some(amount),
            "unit_amount_decimal": custom.then(|| amount.to_string()),
            "metadata": {},
        }),
    )
}

/// `GET /v1/credit_notes`
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let invoice = params.text("invoice");
    let customer = params.text("customer");
    cx.list("credit_note", "/v1/credit_notes", params, |note| {
        invoice.is_none_or(|wanted| note["invoice"] == wanted)
            && customer.is_none_or(|wanted| note["customer"] == wanted)
    })
}

/// `GET /v1/credit_notes/{id}/lines`
pub fn lines(cx: &Ctx<'_>, id: &str, params: &Value) -> Answer {
    cx.load("credit_note", id)?;
    let rows = cx
        .state
        .oldest_first("credit_note_line_item", |line| line["_credit_note"] == id);
    page(rows, &format!("/v1/credit_notes/{id}/lines"), params)
}
