//! Invoices: the API's way to make and read them. The work is in [`crate::billing`].

use serde_json::{Value, json};

use crate::billing;
use crate::context::{Ctx, page};
use crate::fixtures::build;
use crate::form::Params as _;
use crate::money;
use crate::respond::{Answer, ApiError, new_id};

/// `POST /v1/invoices`: a draft. Items of the customer that are not on an invoice go on it.
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let customer = cx.load_param("customer", params, "customer")?;
    let mut spec = params.clone();
    if params.text("currency").is_none() {
        spec["currency"] = match customer["currency"].as_str() {
            Some(currency) => json!(currency),
            None => json!("usd"),
        };
    }
    let pending: Vec<Value> = cx
        .state
        .oldest_first("invoiceitem", |item| {
            item["customer"] == customer["id"]
                && item["invoice"].is_null()
                && item["currency"] == spec["currency"]
        })
        .into_iter()
        .cloned()
        .collect();
    let mut invoice = billing::draft(cx, &spec)?;
    for mut item in pending {
        let line = json!({"amount": item["amount"], "description": item["description"],
                          "invoice_item": item["id"]});
        billing::add_line(cx, &invoice, &line)?;
        item["invoice"] = invoice["id"].clone();
        cx.state.put("invoiceitem", item);
    }
    invoice = billing::recalculate(cx, &invoice)?;
    cx.emit("invoice.created", &invoice);
    Ok(invoice)
}

/// `POST /v1/invoiceitems`: on a draft named by `invoice`, or waiting for the next one.
pub fn create_item(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let customer = cx.load_param("customer", params, "customer")?;
    let amount = params.need_integer("amount")?;
    let currency = money::currency(params)?;
    let id = new_id("ii");
    let item = build(
        "invoiceitem",
        json!({
            "id": id, "amount": amount, "currency": currency, "customer": customer["id"],
            "date": cx.at, "description": params.text("description"), "invoice": null,
            "net_amount": amount, "parent": null, "period": {"start": cx.at, "end": cx.at},
            "quantity": 1, "quantity_decimal": "1", "metadata": {},
            "pricing": {"type": "price_details", "unit_amount_decimal": amount.to_string()},
        }),
    );
    let mut item = item;
    if params.text("invoice").is_some() {
        let invoice = cx.load_param("invoice", params, "invoice")?;
        if invoice["status"] != "draft" {
            return Err(ApiError::refused(
                "invoice_not_editable",
                "The invoice is not a draft.",
            ));
        }
        let line = json!({"amount": amount, "description": item["description"],
                          "invoice_item": id});
        billing::add_line(cx, &invoice, &line)?;
        billing::recalculate(cx, &invoice)?;
        item["invoice"] = invoice["id"].clone();
    }
    cx.state.put("invoiceitem", item.clone());
    cx.emit("invoiceitem.created", &item);
    Ok(item)
}

/// `GET /v1/invoices`
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let wanted = |name: &str| params.text(name).map(str::to_owned);
    let customer = wanted("customer");
    let status = wanted("status");
    let method = wanted("collection_method");
    let subscription = wanted("subscription");
    cx.list("invoice", "/v1/invoices", params, |invoice| {
        let is = |given: &Option<String>, value: &Value| {
            given.as_ref().is_none_or(|given| value == given.as_str())
        };
        is(&customer, &invoice["customer"])
            && is(&status, &invoice["status"])
            && is(&method, &invoice["collection_method"])
            && is(
                &subscription,
                &invoice["parent"]["subscription_details"]["subscription"],
            )
    })
}

/// `GET /v1/invoices/{id}/lines`: all of them, in order.
pub fn lines(cx: &Ctx<'_>, id: &str, params: &Value) -> Answer {
    cx.load("invoice", id)?;
    let rows = cx
        .state
        .oldest_first("line_item", |line| line["invoice"] == id);
    page(rows, &format!("/v1/invoices/{id}/lines"), params)
}

/// `POST /v1/invoices/{id}/finalize`
pub fn finalize(cx: &mut Ctx<'_>, id: &str) -> Answer {
    let invoice = cx.load("invoice", id)?;
    billing::finalize(cx, &invoice)
}

/// `POST /v1/invoices/{id}/pay`, with `paid_out_of_band`.
pub fn pay(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    let mut invoice = cx.load("invoice", id)?;
    if invoice["status"] == "draft" {
        invoice = billing::finalize(cx, &invoice)?;
    }
    if params.flag("paid_out_of_band")?.unwrap_or(false) {
        billing::pay_out_of_band(cx, &invoice)
    } else {
        billing::pay(cx, &invoice, None)
    }
}

/// `POST /v1/invoices/{id}/void`
pub fn void(cx: &mut Ctx<'_>, id: &str) -> Answer {
    let mut invoice = cx.load("invoice", id)?;
    if invoice["status"] != "open" && invoice["status"] != "uncollectible" {
        return Err(ApiError::refused(
            "invoice_not_editable",
            "Only an open invoice can be voided.",
        ));
    }
    invoice["status"] = json!("void");
    invoice["status_transitions"]["voided_at"] = json!(cx.at);
    cx.state.put("invoice", invoice.clone());
    cx.emit("invoice.voided", &invoice);
    Ok(invoice)
}
