//! Payment intents, charges and invoice payments: the link between money and invoice.

use serde_json::{Value, json};

use crate::context::Ctx;
use crate::fixtures::build;
use crate::form::Params as _;
use crate::respond::{Answer, new_id, token};

/// Takes money for an invoice and returns the invoice payment, whose event is the caller's.
pub fn collect(cx: &mut Ctx<'_>, invoice: &Value, amount: i64) -> Value {
    let (intent_id, charge_id) = (new_id("pi"), new_id("ch"));
    let currency = invoice["currency"].as_str().unwrap_or_default().to_owned();
    let method = new_id("pm");
    let transaction = cx.book("charge", amount, &currency, &charge_id);
    let description = format!("Invoice {}", invoice["number"].as_str().unwrap_or_default());
    let mut charge = build(
        "charge",
        json!({
            "id": charge_id, "amount": amount, "amount_captured": amount, "amount_refunded": 0,
            "balance_transaction": transaction, "captured": true, "created": cx.at,
            "currency": currency, "customer": invoice["customer"], "description": description,
            "payment_intent": intent_id, "payment_method": method, "paid": true,
            "receipt_url": format!("{}/receipt/{}", cx.settings.public_url, token(24)),
            "refunds": {"object": "list", "data": [], "has_more": false,
                        "url": format!("/v1/charges/{charge_id}/refunds")},
            "shipping": null, "source": null, "transfer_data": null, "metadata": {},
            "outcome": {
                "advice_code": null, "network_advice_code": null, "network_decline_code": null,
                "network_status": "approved_by_network", "reason": null,
                "seller_message": "Payment complete.", "type": "authorized",
            },
        }),
    );
    charge["billing_details"]["name"] = invoice["customer_name"].clone();
    charge["billing_details"]["email"] = invoice["customer_email"].clone();
    charge["payment_method_details"]["card"]["wallet"] = Value::Null;
    charge["payment_method_details"]["card"]["installments"] = Value::Null;
    charge["payment_method_details"]["card"]["three_d_secure"] = Value::Null;
    let mut intent = build(
        "payment_intent",
        json!({
            "id": intent_id, "amount": amount, "amount_received": amount,
            "automatic_payment_methods": null, "canceled_at": null,
            "client_secret": format!("{intent_id}_secret_{}", token(25)), "created": cx.at,
            "currency": currency, "customer": invoice["customer"], "description": description,
            "last_payment_error": null, "latest_charge": charge_id, "next_action": null,
            "payment_method": method, "payment_method_configuration_details": null,
            "processing": null, "shipping": null, "status": "succeeded", "transfer_data": null,
            "metadata": {},
        }),
    );
    intent["managed_payments"]["enabled"] = json!(false);
    let payment = build(
        "invoice_payment",
        json!({
            "id": new_id("inpay"), "amount_paid": amount, "amount_requested": amount,
            "created": cx.at, "currency": currency, "invoice": invoice["id"],
            "is_default": true, "livemode": false,
            "payment": {"type": "payment_intent", "payment_intent": intent_id},
            "status": "paid", "status_transitions": {"canceled_at": null, "paid_at": cx.at},
        }),
    );
    cx.state.put("charge", charge.clone());
    cx.state.put("payment_intent", intent.clone());
    cx.state.put("invoice_payment", payment.clone());
    cx.emit("charge.succeeded", &charge);
    cx.emit("payment_intent.succeeded", &intent);
    payment
}

/// The charges that paid an invoice, oldest first.
pub fn charges_of(cx: &Ctx<'_>, invoice: &str) -> Vec<Value> {
    cx.state
        .oldest_first("invoice_payment", |payment| payment["invoice"] == invoice)
        .into_iter()
        .filter_map(|payment| {
            let intent = payment["payment"]["payment_intent"].as_str()?;
            let charge = cx.state.get("payment_intent", intent)?["latest_charge"].as_str()?;
            cx.state.get("charge", charge).cloned()
        })
        .collect()
}

/// `GET /v1/invoice_payments`, with `invoice`, `status`, `payment[type]` and
/// `payment[payment_intent]`.
pub fn list_invoice_payments(cx: &Ctx<'_>, params: &Value) -> Answer {
    let invoice = params.text("invoice");
    let status = params.text("status");
    let intent = params
        .get("payment")
        .and_then(|payment| payment.text("payment_intent"));
    cx.list(
        "invoice_payment",
        "/v1/invoice_payments",
        params,
        |payment| {
            invoice.is_none_or(|wanted| payment["invoice"] == wanted)
                && status.is_none_or(|wanted| payment["status"] == wanted)
                && intent.is_none_or(|wanted| payment["payment"]["payment_intent"] == wanted)
        },
    )
}

/// `GET /v1/charges`
pub fn list_charges(cx: &Ctx<'_>, params: &Value) -> Answer {
    let customer = params.text("customer");
    let intent = params.text("payment_intent");
    cx.list("charge", "/v1/charges", params, |charge| {
        customer.is_none_or(|wanted| charge["customer"] == wanted)
            && intent.is_none_or(|wanted| charge["payment_intent"] == wanted)
    })
}

/// `GET /v1/payment_intents`
pub fn list_intents(cx: &Ctx<'_>, params: &Value) -> Answer {
    let customer = params.text("customer");
    cx.list("payment_intent", "/v1/payment_intents", params, |intent| {
        customer.is_none_or(|wanted| intent["customer"] == wanted)
    })
}
