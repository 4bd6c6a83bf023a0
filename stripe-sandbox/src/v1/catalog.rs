//! Products and prices, as far as subscriptions need them.

use serde_json::{Value, json};

use crate::context::Ctx;
use crate::fixtures::build;
use crate::form::{Params as _, assign, merge_metadata};
use crate::money;
use crate::respond::{Answer, new_id};

/// `POST /v1/products`
pub fn create_product(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let id = params
        .text("id")
        .map_or_else(|| new_id("prod"), str::to_owned);
    let mut product = build(
        "product",
        json!({
            "id": id, "name": params.need_text("name")?, "created": cx.at, "updated": cx.at,
            "description": null, "default_price": null, "package_dimensions": null,
            "metadata": {}, "type": "service",
        }),
    );
    assign(
        &mut product,
        params,
        &["active", "description", "unit_label", "url", "tax_code"],
    )?;
    cx.state.put("product", product.clone());
    cx.emit("product.created", &product);
    Ok(product)
}

/// `POST /v1/prices`, with `product` or `product_data[name]`.
pub fn create_price(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let currency = money::currency(params)?;
    let amount = params.need_integer("unit_amount")?;
    let product = match params.get("product_data") {
        Some(data) => create_product(cx, data)?,
        None => cx.load_param("product", params, "product")?,
    };
    let recurring = match params.get("recurring") {
        Some(given) => json!({
            "interval": given.need_text("interval")?,
            "interval_count": given.integer("interval_count")?.unwrap_or(1),
            "meter": null, "usage_type": "licensed", "trial_period_days": null,
        }),
        None => Value::Null,
    };
    let id = params
        .text("id")
        .map_or_else(|| new_id("price"), str::to_owned);
    let kind = if recurring.is_null() {
        "one_time"
    } else {
        "recurring"
    };
    let mut price = build(
        "price",
        json!({
            "id": id, "created": cx.at, "currency": currency, "custom_unit_amount": null,
            "product": product["id"], "recurring": recurring, "transform_quantity": null,
            "type": kind, "unit_amount": amount, "unit_amount_decimal": amount.to_string(),
            "nickname": params.text("nickname"), "lookup_key": params.text("lookup_key"),
            "metadata": {},
        }),
    );
    merge_metadata(&mut price, params);
    cx.state.put("price", price.clone());
    cx.emit("price.created", &price);
    Ok(price)
}

/// `GET /v1/prices`
pub fn list_prices(cx: &Ctx<'_>, params: &Value) -> Answer {
    let product = params.text("product");
    cx.list("price", "/v1/prices", params, |price| {
        product.is_none_or(|wanted| price["product"] == wanted)
    })
}

/// The old-style plan that a subscription item still shows beside its price.
pub fn plan_of(price: &Value) -> Value {
    build(
        "plan",
        json!({
            "id": price["id"], "amount": price["unit_amount"],
            "amount_decimal": price["unit_amount_decimal"], "created": price["created"],
            "currency": price["currency"], "interval": price["recurring"]["interval"],
            "interval_count": price["recurring"]["interval_count"], "product": price["product"],
            "metadata": price["metadata"], "transform_usage": null,
        }),
    )
}
