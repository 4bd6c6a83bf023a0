//! Payment intents, charges and invoice payments: the link between money and invoice.

use serde_json::{Value, json};

use crate::context::{Ctx, int};
use crate::fixtures::build;
use crate::form::Params as _;
use crate::respond::{Answer, ApiError, new_id, token};

/// What is paid, and by whom.
pub struct Sale<'a> {
    /// Minor units.
    pub amount: i64,
    /// In lower case.
    pub currency: &'a str,
    /// The customer's id, or null for a guest.
    pub customer: &'a Value,
    /// What the charge is said to be for.
    pub description: Option<String>,
    /// `name`, `email` and, where it is known, `address`.
    pub payer: Value,
}

/// Takes money at once and tells of the charge and of its payment intent, which is returned.
pub fn take(cx: &mut Ctx<'_>, sale: &Sale<'_>) -> Value {
    let (intent, charge) = begin(cx, sale, None);
    succeed(cx, intent, charge)
}

/// Begins a debit of a bank account, which takes days. Returns the payment intent, which is
/// processing.
pub fn take_slowly(cx: &mut Ctx<'_>, sale: &Sale<'_>) -> Value {
    let (intent, charge) = begin(cx, sale, Some(debit(sale.currency)));
    cx.state.put("charge", charge.clone());
    cx.state.put("payment_intent", intent.clone());
    cx.emit("charge.pending", &charge);
    cx.emit("payment_intent.processing", &intent);
    intent
}

/// The debit has arrived.
///
/// # Errors
/// When there is no payment intent of that id with a charge.
pub fn arrive(cx: &mut Ctx<'_>, intent: &str) -> Answer {
    let intent = cx.load("payment_intent", intent)?;
    let charge = cx.load_param("charge", &intent, "latest_charge")?;
    Ok(succeed(cx, intent, charge))
}

/// The debit is refused: the payment intent asks for another way to pay.
///
/// # Errors
/// When there is no payment intent of that id with a charge.
pub fn bounce(cx: &mut Ctx<'_>, intent: &str) -> Answer {
    let mut intent = cx.load("payment_intent", intent)?;
    let mut charge = cx.load_param("charge", &intent, "latest_charge")?;
    let (code, message) = (
        "insufficient_funds",
        "The customer's account has insufficient funds to cover this payment.",
    );
    charge["failure_code"] = json!(code);
    charge["failure_message"] = json!(message);
    charge["status"] = json!("failed");
    charge["outcome"] = json!({
        "advice_code": null, "network_advice_code": null, "network_decline_code": null,
        "network_status": "declined_by_network", "reason": code, "seller_message": message,
        "type": "issuer_declined",
    });
    intent["last_payment_error"] = json!({
        "charge": charge["id"], "code": code, "message": message,
        "doc_url": "https://docs.stripe.com/error-codes#insufficient-funds",
        "type": "invalid_request_error",
    });
    intent["payment_method"] = Value::Null;
    intent["status"] = json!("requires_payment_method");
    cx.state.put("charge", charge.clone());
    cx.state.put("payment_intent", intent.clone());
    cx.emit("charge.failed", &charge);
    cx.emit("payment_intent.payment_failed", &intent);
    Ok(intent)
}

/// Refuses to move money of a charge that brought none, or none yet.
///
/// # Errors
/// When the charge has not succeeded.
pub fn need_succeeded(charge: &Value) -> Result<(), ApiError> {
    if charge["status"] == "succeeded" {
        return Ok(());
    }
    Err(ApiError::refused(
        "charge_not_refundable",
        format!(
            "The charge is {} and has brought no money.",
            charge["status"]
        ),
    ))
}

/// The way a bank account is debited in a currency.
fn debit(currency: &str) -> &'static str {
    match currency {
        "usd" => "us_bank_account",
        "gbp" => "bacs_debit",
        _ => "sepa_debit",
    }
}

/// A payment intent that is processing and its pending charge, by card or by `debit`.
fn begin(cx: &Ctx<'_>, sale: &Sale<'_>, debit: Option<&str>) -> (Value, Value) {
    let (intent_id, charge_id, method) = (new_id("pi"), new_id("ch"), new_id("pm"));
    let amount = sale.amount;
    let mut charge = build(
        "charge",
        json!({
            "id": charge_id, "amount": amount, "amount_captured": amount, "amount_refunded": 0,
            "balance_transaction": null, "captured": true, "created": cx.at,
            "currency": sale.currency, "customer": sale.customer,
            "description": sale.description, "payment_intent": intent_id,
            "payment_method": method, "paid": false, "outcome": null, "status": "pending",
            "receipt_url": format!("{}/receipt/{}", cx.settings.public_url, token(24)),
            "refunds": {"object": "list", "data": [], "has_more": false,
                        "url": format!("/v1/charges/{charge_id}/refunds")},
            "shipping": null, "source": null, "transfer_data": null, "metadata": {},
        }),
    );
    for field in ["name", "email", "address"] {
        if let Some(known) = sale.payer.get(field).filter(|known| !known.is_null()) {
            charge["billing_details"][field] = known.clone();
        }
    }
    match debit {
        Some(debit) => {
            let account = json!({"fingerprint": token(16), "last4": "3000"});
            charge["payment_method_details"] = json!({"type": debit, debit: account});
        }
        None => {
            for field in ["wallet", "installments", "three_d_secure"] {
                charge["payment_method_details"]["card"][field] = Value::Null;
            }
        }
    }
    let mut intent = build(
        "payment_intent",
        json!({
            "id": intent_id, "amount": amount, "amount_received": 0,
            "automatic_payment_methods": null, "canceled_at": null,
            "client_secret": format!("{intent_id}_secret_{}", token(25)), "created": cx.at,
            "currency": sale.currency, "customer": sale.customer,
            "description": sale.description, "last_payment_error": null,
            "latest_charge": charge_id, "next_action": null, "payment_method": method,
            "payment_method_configuration_details": null,
            "payment_method_types": [debit.unwrap_or("card")], "processing": null,
            "shipping": null, "status": "processing", "transfer_data": null, "metadata": {},
        }),
    );
    intent["managed_payments"]["enabled"] = json!(false);
    (intent, charge)
}

/// The money is there: books it, keeps payment intent and charge, and tells of both.
fn succeed(cx: &mut Ctx<'_>, mut intent: Value, mut charge: Value) -> Value {
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    let (id, currency) = (text(&charge["id"]), text(&charge["currency"]));
    let transaction = cx.book("charge", int(&charge["amount"]), &currency, &id);
    charge["balance_transaction"] = json!(transaction);
    charge["paid"] = json!(true);
    charge["status"] = json!("succeeded");
    charge["outcome"] = json!({
        "advice_code": null, "network_advice_code": null, "network_decline_code": null,
        "network_status": "approved_by_network", "reason": null,
        "seller_message": "Payment complete.", "type": "authorized",
    });
    intent["amount_received"] = intent["amount"].clone();
    intent["status"] = json!("succeeded");
    cx.state.put("charge", charge.clone());
    cx.state.put("payment_intent", intent.clone());
    cx.emit("charge.succeeded", &charge);
    cx.emit("payment_intent.succeeded", &intent);
    intent
}

/// Takes money for an invoice and returns the invoice payment, whose event is the caller's.
pub fn collect(cx: &mut Ctx<'_>, invoice: &Value, amount: i64) -> Value {
    let number = invoice["number"].as_str().unwrap_or_default();
    let currency = invoice["currency"].as_str().unwrap_or_default();
    let sale = Sale {
        amount,
        currency,
        customer: &invoice["customer"],
        description: Some(format!("Invoice {number}")),
        payer: json!({"name": invoice["customer_name"], "email": invoice["customer_email"]}),
    };
    let intent = take(cx, &sale);
    let payment = build(
        "invoice_payment",
        json!({
            "id": new_id("inpay"), "amount_paid": amount, "amount_requested": amount,
            "created": cx.at, "currency": currency, "invoice": invoice["id"],
            "is_default": true, "livemode": false,
            "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
            "status": "paid", "status_transitions": {"canceled_at": null, "paid_at": cx.at},
        }),
    );
    cx.state.put("invoice_payment", payment.clone());
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
