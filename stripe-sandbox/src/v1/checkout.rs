//! Checkout sessions for one-off payments: the API's way to make, read and expire them. Paying one
//! is [`crate::checkout`].

use serde_json::{Value, json};

use super::catalog::create_price;
use crate::checkout::{items_of, keep_items};
use crate::context::{Ctx, int, page};
use crate::fixtures::build;
use crate::form::{Params as _, merge_metadata};
use crate::money;
use crate::respond::{Answer, ApiError, new_id, token};

/// Seconds for which a session is open.
const OPEN_FOR: i64 = 86_400;

/// `POST /v1/checkout/sessions`
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    params.only(&[
        "cancel_url",
        "client_reference_id",
        "customer",
        "customer_email",
        "invoice_creation",
        "line_items",
        "metadata",
        "mode",
        "success_url",
    ])?;
    make(cx, params)
}

/// A session as [`create`] makes it; a control call may bring the `id`.
///
/// # Errors
/// When a parameter is missing or makes no sense. Nothing was made then.
pub fn make(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let session = plan(cx, params)?;
    keep(cx, session, params)
}

/// The session that [`keep`] would keep.
///
/// # Errors
/// When a parameter is missing or makes no sense.
pub fn plan(cx: &Ctx<'_>, params: &Value) -> Answer {
    one_off(params)?;
    let success_url = params.need_text("success_url")?;
    let invoiced = invoiced(params)?;
    let customer = customer(cx, params)?;
    let (currency, subtotal) = add_up(cx, &params.items("line_items"))?;
    let id = params
        .text("id")
        .map_or_else(|| format!("cs_test_a1{}", token(56)), str::to_owned);
    let mut session = blank(cx, &id);
    session["amount_subtotal"] = json!(subtotal);
    session["amount_total"] = json!(subtotal);
    session["cancel_url"] = json!(params.text("cancel_url"));
    session["client_reference_id"] = json!(params.text("client_reference_id"));
    session["currency"] = json!(currency);
    session["customer"] = customer["id"].clone();
    if customer.is_null() {
        session["customer_creation"] = json!(if invoiced { "always" } else { "if_required" });
    }
    session["customer_details"] = details(&customer, params.text("customer_email"));
    session["customer_email"] = json!(params.text("customer_email"));
    session["invoice_creation"]["enabled"] = json!(invoiced);
    session["success_url"] = json!(success_url);
    merge_metadata(&mut session, params);
    Ok(session)
}

/// Makes what is sold in a session from [`plan`], and keeps both.
///
/// # Errors
/// None that planning the session with these `params` has not found.
pub fn keep(cx: &mut Ctx<'_>, session: Value, params: &Value) -> Answer {
    let mut items = Vec::new();
    for line in &params.items("line_items") {
        items.push(item(cx, line)?);
    }
    keep_items(cx, session["id"].as_str().unwrap_or_default(), items);
    cx.state.put("checkout.session", session.clone());
    Ok(session)
}

/// Other modes are refused.
fn one_off(params: &Value) -> Result<(), ApiError> {
    match params.need_text("mode")? {
        "payment" => Ok(()),
        mode @ ("subscription" | "setup") => Err(ApiError::invalid(
            format!(
                "The sandbox's checkout does one-off payments only: mode must be payment, not {mode}."
            ),
            Some("mode"),
        )),
        mode => Err(ApiError::invalid(
            format!("Invalid mode: must be one of payment, setup, or subscription, not {mode}."),
            Some("mode"),
        )),
    }
}

/// Whether an invoice shall be made of it once it is paid.
fn invoiced(params: &Value) -> Result<bool, ApiError> {
    let Some(wanted) = params.get("invoice_creation") else {
        return Ok(false);
    };
    wanted.only(&["enabled"])?;
    wanted
        .flag("enabled")?
        .ok_or_else(|| ApiError::missing_param("invoice_creation[enabled]"))
}

/// The customer that is named, or null for a guest.
fn customer(cx: &Ctx<'_>, params: &Value) -> Answer {
    let Some(id) = params.text("customer") else {
        return Ok(Value::Null);
    };
    if params.text("customer_email").is_some() {
        return Err(ApiError::invalid(
            "You may only specify one of these parameters: customer, customer_email.",
            Some("customer"),
        ));
    }
    let customer = cx.load_param("customer", params, "customer")?;
    if customer["deleted"] == true {
        return Err(ApiError::no_such_param("customer", id, "customer"));
    }
    Ok(customer)
}

/// Currency and sum of all lines. Whatever can be wrong with one is found here.
fn add_up(cx: &Ctx<'_>, lines: &[Value]) -> Result<(String, i64), ApiError> {
    let mut total: Option<(String, i64)> = None;
    for (index, line) in lines.iter().enumerate() {
        let (currency, amount) = cost(cx, line).map_err(|error| on_line(index, error))?;
        let sum = match &total {
            None => amount,
            Some((known, _)) if *known != currency => {
                return Err(ApiError::invalid(
                    format!(
                        "All line items must have the same currency, not {known} and {currency}."
                    ),
                    Some("line_items"),
                ));
            }
            Some((_, sum)) => sum.checked_add(amount).ok_or_else(too_much)?,
        };
        total = Some((currency, sum));
    }
    total.ok_or_else(|| ApiError::missing_param("line_items"))
}

/// Currency and amount of one line.
fn cost(cx: &Ctx<'_>, line: &Value) -> Result<(String, i64), ApiError> {
    if !line.is_object() {
        return Err(ApiError::invalid("Invalid object", None::<&str>));
    }
    let (currency, unit) = match (line.get("price_data"), line.text("price")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(
                "You may only specify one of these parameters: price, price_data.",
                Some("price"),
            ));
        }
        (Some(data), None) => new_price(cx, data).map_err(|error| error.within("price_data"))?,
        (None, _) => known_price(cx, line)?,
    };
    let quantity = line.need_integer("quantity")?;
    if quantity < 1 {
        return Err(ApiError::invalid(
            "This value must be greater than or equal to 1.",
            Some("quantity"),
        ));
    }
    let amount = unit.checked_mul(quantity).ok_or_else(too_much)?;
    Ok((currency, amount))
}

fn new_price(cx: &Ctx<'_>, data: &Value) -> Result<(String, i64), ApiError> {
    if data.get("recurring").is_some() {
        return Err(recurring());
    }
    match data.get("product_data") {
        Some(product) => new_product(product).map_err(|error| error.within("product_data"))?,
        None => cx.load_param("product", data, "product").map(|_| ())?,
    }
    let unit = data.need_integer("unit_amount")?;
    if unit < 0 {
        return Err(ApiError::invalid(
            "Invalid non-negative integer",
            Some("unit_amount"),
        ));
    }
    Ok((money::currency(data)?, unit))
}

fn new_product(data: &Value) -> Result<(), ApiError> {
    data.only(&[
        "description",
        "images",
        "metadata",
        "name",
        "tax_code",
        "unit_label",
    ])?;
    data.need_text("name").map(|_| ())
}

fn known_price(cx: &Ctx<'_>, line: &Value) -> Result<(String, i64), ApiError> {
    let price = cx.load_param("price", line, "price")?;
    if price["type"] != "one_time" {
        return Err(recurring().param("price"));
    }
    if price["active"] == false {
        return Err(ApiError::invalid(
            "The price specified is inactive. This field only accepts active prices.",
            Some("price"),
        ));
    }
    let currency = price["currency"].as_str().unwrap_or_default().to_owned();
    Ok((currency, int(&price["unit_amount"])))
}

fn recurring() -> ApiError {
    ApiError::invalid(
        "You specified `payment` mode but passed a recurring price. The sandbox's checkout does \
         one-off payments only: use only one-time prices.",
        None::<&str>,
    )
}

fn too_much() -> ApiError {
    ApiError::invalid("The total is too large.", Some("line_items")).code("amount_too_large")
}

/// Names the line that an error is about.
fn on_line(index: usize, error: ApiError) -> ApiError {
    match error.param.as_deref() {
        Some("line_items") => error,
        _ => error.within(&format!("line_items[{index}]")),
    }
}

/// A line item without discount and tax, which come when it is paid.
fn item(cx: &mut Ctx<'_>, line: &Value) -> Answer {
    let price = match line.get("price_data") {
        Some(data) => create_price(cx, data)?,
        None => cx.load_param("price", line, "price")?,
    };
    let product = cx.load_param("product", &price, "product")?;
    let quantity = line.need_integer("quantity")?;
    let amount = int(&price["unit_amount"]).saturating_mul(quantity);
    let mut item = build(
        "item",
        json!({
            "id": new_id("li"), "adjustable_quantity": null, "amount_discount": 0,
            "amount_subtotal": amount, "amount_tax": 0, "amount_total": amount,
            "currency": price["currency"], "description": product["name"], "metadata": {},
            "price": price, "quantity": quantity,
        }),
    );
    merge_metadata(&mut item, line);
    Ok(item)
}

/// A session with nothing in it.
fn blank(cx: &Ctx<'_>, id: &str) -> Value {
    build(
        "checkout.session",
        json!({
            "id": id, "adaptive_pricing": {"enabled": false}, "after_expiration": null,
            "automatic_tax":
                {"enabled": false, "liability": null, "provider": null, "status": null},
            "collected_information": null, "consent": null, "consent_collection": null,
            "created": cx.at, "currency_conversion": null,
            "custom_text": {"after_submit": null, "shipping_address": null, "submit": null,
                            "terms_of_service_acceptance": null},
            "discounts": [], "expires_at": cx.at + OPEN_FOR, "invoice": null,
            "invoice_creation": {"enabled": false, "invoice_data": {
                "account_tax_ids": null, "custom_fields": null, "description": null,
                "footer": null, "issuer": null, "metadata": {}, "rendering_options": null,
            }},
            "managed_payments": {"enabled": false}, "metadata": {}, "mode": "payment",
            "payment_intent": null, "payment_method_collection": "if_required",
            "payment_method_configuration_details": null, "payment_method_types": ["card"],
            "payment_status": "unpaid", "permissions": null,
            "saved_payment_method_options": null, "shipping_address_collection": null,
            "shipping_cost": null, "status": "open",
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": format!("{}/checkout/{id}", cx.settings.public_url), "wallet_options": null,
        }),
    )
}

/// What is known of the buyer beforehand.
fn details(customer: &Value, email: Option<&str>) -> Value {
    if customer.is_null() && email.is_none() {
        return Value::Null;
    }
    json!({
        "address": customer["address"], "business_name": null,
        "email": email.map_or_else(|| customer["email"].clone(), |email| json!(email)),
        "individual_name": null, "name": customer["name"], "phone": customer["phone"],
        "tax_exempt": customer["tax_exempt"].as_str().unwrap_or("none"), "tax_ids": [],
    })
}

/// `POST /v1/checkout/sessions/{id}/expire`: nobody can pay it any more.
pub fn expire(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    params.only(&[])?;
    let mut session = cx.load("checkout.session", id)?;
    let status = session["status"].as_str().unwrap_or_default();
    if status != "open" {
        return Err(ApiError::wrong_state(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
             Session has a status of {status}."
        )));
    }
    session["status"] = json!("expired");
    session["url"] = Value::Null;
    cx.state.put("checkout.session", session.clone());
    cx.emit("checkout.session.expired", &session);
    Ok(session)
}

/// `GET /v1/checkout/sessions`, with `customer`, `payment_intent` and `status`.
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let customer = params.text("customer");
    let intent = params.text("payment_intent");
    let status = params.text("status");
    let subscription = params.text("subscription");
    cx.list(
        "checkout.session",
        "/v1/checkout/sessions",
        params,
        |session| {
            customer.is_none_or(|wanted| session["customer"] == wanted)
                && intent.is_none_or(|wanted| session["payment_intent"] == wanted)
                && status.is_none_or(|wanted| session["status"] == wanted)
                && subscription.is_none_or(|wanted| session["subscription"] == wanted)
        },
    )
}

/// `GET /v1/checkout/sessions/{id}/line_items`: all of them, in order.
pub fn line_items(cx: &Ctx<'_>, id: &str, params: &Value) -> Answer {
    cx.load("checkout.session", id)?;
    let items = items_of(cx, id);
    let url = format!("/v1/checkout/sessions/{id}/line_items");
    page(items.iter().collect(), &url, params)
}
