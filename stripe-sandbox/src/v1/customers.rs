//! Customers.

use serde_json::{Value, json};

use crate::context::Ctx;
use crate::fixtures::build;
use crate::form::{Params as _, assign};
use crate::respond::{Answer, ApiError, new_id, token};

const FIELDS: &[&str] = &[
    "address",
    "balance",
    "description",
    "email",
    "invoice_settings",
    "name",
    "phone",
    "preferred_locales",
    "shipping",
    "tax_exempt",
];

/// `POST /v1/customers`; a control call may bring the `id`.
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let id = params
        .text("id")
        .map_or_else(|| new_id("cus"), str::to_owned);
    let mut customer = build(
        "customer",
        json!({
            "id": id, "created": cx.at, "currency": null, "discount": null, "shipping": null,
            "invoice_prefix": token(8).to_ascii_uppercase(), "metadata": {},
        }),
    );
    assign(&mut customer, params, FIELDS)?;
    cx.state.put("customer", customer.clone());
    cx.emit("customer.created", &customer);
    Ok(customer)
}

/// `GET /v1/customers`
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let email = params.text("email");
    cx.list("customer", "/v1/customers", params, |customer| {
        customer["deleted"] != true && email.is_none_or(|wanted| customer["email"] == wanted)
    })
}

/// `GET /v1/customers/{id}`: a deleted one is answered as such.
pub fn retrieve(cx: &Ctx<'_>, id: &str) -> Answer {
    cx.load("customer", id)
}

/// `POST /v1/customers/{id}`
pub fn update(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    let mut customer = cx.load("customer", id)?;
    if customer["deleted"] == true {
        return Err(ApiError::no_such("customer", id));
    }
    let before = customer.clone();
    assign(&mut customer, params, FIELDS)?;
    cx.state.put("customer", customer.clone());
    let previous = changed(&before, &customer);
    cx.emit_change("customer.updated", &customer, previous);
    Ok(customer)
}

/// `DELETE /v1/customers/{id}`
pub fn delete(cx: &mut Ctx<'_>, id: &str) -> Answer {
    let customer = cx.load("customer", id)?;
    if customer["deleted"] == true {
        return Err(ApiError::no_such("customer", id));
    }
    let gone = build("deleted_customer", json!({"id": id}));
    cx.state.put("customer", gone.clone());
    cx.emit("customer.deleted", &customer);
    Ok(gone)
}

/// The old values of the fields that differ.
pub fn changed(before: &Value, after: &Value) -> Value {
    let old = before.as_object().into_iter().flatten();
    old.filter(|(key, value)| after.get(key.as_str()) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
