use serde_json::{Value, json};

use super::{CART, SESSIONS, open, pay};
use crate::support::{Sandbox, id};

fn sum(items: &Value, field: &str) -> i64 {
    let items = items["data"].as_array().expect("a list");
    items.iter().filter_map(|item| item[field].as_i64()).sum()
}

#[tokio::test]
async fn line_items_add_up_to_the_session() {
    let sandbox = Sandbox::start().await;
    let session = open(&sandbox, &[]).await;
    let path = format!("{SESSIONS}/{}/line_items", id(&session));
    let items = sandbox.get(&path).await.ok();
    let book = &items["data"][0];
    assert!(id(book).starts_with("li_"));
    for (field, wanted) in [
        ("object", json!("item")),
        ("description", json!("Book")),
        ("quantity", json!(2)),
        ("amount_subtotal", json!(2_000)),
        ("amount_total", json!(2_000)),
        ("currency", json!("eur")),
    ] {
        assert_eq!(book[field], wanted, "{field}");
    }
    assert_eq!(book["price"]["unit_amount"], 1_000);
    let product = book["price"]["product"].as_str().expect("an id");
    let product = sandbox.get(&format!("/v1/products/{product}")).await.ok();
    assert_eq!(product["name"], "Book");

    let paid = pay(&sandbox, &session, json!({"discount": 333, "tax": 413})).await;
    let items = sandbox.get(&path).await.ok();
    assert_eq!(sum(&items, "amount_subtotal"), 2_501);
    assert_eq!(sum(&items, "amount_discount"), 333);
    assert_eq!(sum(&items, "amount_tax"), 413);
    assert_eq!(json!(sum(&items, "amount_total")), paid["amount_total"]);
    assert_eq!(items["data"][0]["amount_discount"], 266);

    let expanded = format!("{SESSIONS}/{}?expand[]=line_items", id(&session));
    let expanded = sandbox.get(&expanded).await.ok();
    assert_eq!(expanded["line_items"], items);
    assert_eq!(paid.get("line_items"), None);
    let first = sandbox.get(&format!("{path}?limit=1")).await.ok();
    assert_eq!(first["has_more"], true);
    let rest = format!("{path}?starting_after={}", id(&first["data"][0]));
    assert_eq!(
        sandbox.get(&rest).await.ok()["data"][0]["description"],
        "Pen"
    );
}

#[tokio::test]
async fn a_price_that_exists_is_sold() {
    let sandbox = Sandbox::start().await;
    let product = sandbox.post("/v1/products", &[("name", "Map")]).await.ok();
    let price = [
        ("product", id(&product)),
        ("currency", "jpy"),
        ("unit_amount", "700"),
    ];
    let price = sandbox.post("/v1/prices", &price).await.ok();
    let fields = [
        ("mode", "payment"),
        ("success_url", "https://shop.example/thanks"),
        ("line_items[0][price]", id(&price)),
        ("line_items[0][quantity]", "3"),
    ];
    let session = sandbox.post_with_key(SESSIONS, &fields, "cart-1").await;
    let again = sandbox.post_with_key(SESSIONS, &fields, "cart-1").await;
    assert_eq!(again.text, session.text);
    let session = session.ok();
    assert_eq!(session["amount_total"], 2_100);
    assert_eq!(session["currency"], "jpy");
    let path = format!("{SESSIONS}/{}/line_items", id(&session));
    let items = sandbox.get(&path).await.ok();
    assert_eq!(items["data"][0]["price"]["id"], price["id"]);
    assert_eq!(items["data"][0]["price"]["product"], product["id"]);
}

#[tokio::test]
async fn sessions_are_found_by_what_they_carry() {
    let sandbox = Sandbox::start().await;
    let customer = json!({"id": "cus_shop", "name": "Acme"});
    sandbox.control("billing/customer", customer).await.ok();
    let line = json!({"quantity": 1, "price_data": {"currency": "usd", "unit_amount": 900,
                                                     "product_data": {"name": "Book"}}});
    let body = json!({"id": "cs_seed1", "mode": "payment", "customer": "cus_shop",
                      "success_url": "https://shop.example/thanks", "line_items": [line],
                      "tax": 100, "at": 1_700_000_000});
    let paid = sandbox.control("checkout/paid", body.clone()).await.ok();
    assert_eq!(
        (&paid["id"], &paid["amount_total"], &paid["created"]),
        (&json!("cs_seed1"), &json!(1_000), &json!(1_700_000_000))
    );
    assert_eq!(sandbox.control("checkout/paid", body).await.ok(), paid);
    let later = open(&sandbox, &[]).await;

    let intent = paid["payment_intent"].as_str().expect("an id");
    for (query, found) in [
        (format!("payment_intent={intent}"), &paid),
        ("customer=cus_shop".to_owned(), &paid),
        ("status=complete".to_owned(), &paid),
        ("created[lte]=1700000000".to_owned(), &paid),
        ("created[gte]=1700000001".to_owned(), &later),
    ] {
        let list = sandbox.get(&format!("{SESSIONS}?{query}")).await.ok();
        assert_eq!(list["data"], json!([found]), "{query}");
    }
    let none = sandbox
        .get(&format!("{SESSIONS}?payment_intent=pi_missing"))
        .await
        .ok();
    assert_eq!(none["data"], json!([]));
    let path = format!("{SESSIONS}/cs_seed1?expand[]=payment_intent.latest_charge");
    let whole = sandbox.get(&path).await.ok();
    assert_eq!(whole["payment_intent"]["latest_charge"]["amount"], 1_000);
    let missing = sandbox.get(&format!("{SESSIONS}/cs_missing")).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_makes_nothing() {
    let sandbox = Sandbox::start().await;
    let customer = json!({"id": "cus_shop", "name": "Acme"});
    sandbox.control("billing/customer", customer).await.ok();
    let monthly = [
        ("currency", "eur"),
        ("unit_amount", "5"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Pro"),
    ];
    let monthly = sandbox.post("/v1/prices", &monthly).await.ok();
    let before = sandbox.state().await["counts"].clone();
    let second = "line_items[1][price_data][currency]";
    let named = "line_items[1][price_data][product_data][name]";
    let unknown = "line_items[1][price_data][product_data][active]";
    for (param, changed) in [
        ("mode", vec![("mode", "subscription")]),
        ("mode", vec![("mode", "setup")]),
        ("mode", vec![("mode", "")]),
        ("success_url", vec![("success_url", "")]),
        ("customer", vec![("customer", "cus_missing")]),
        (
            "customer",
            vec![("customer", "cus_shop"), ("customer_email", "a@b.example")],
        ),
        ("locale", vec![("locale", "de")]),
        ("line_items", vec![(second, "usd")]),
        (second, vec![(second, "xxx")]),
        (second, vec![(second, "")]),
        (named, vec![(named, "")]),
        (unknown, vec![(unknown, "true")]),
        (
            "line_items[1][quantity]",
            vec![("line_items[1][quantity]", "0")],
        ),
        (
            "line_items[1][price_data][unit_amount]",
            vec![("line_items[1][price_data][unit_amount]", "-1")],
        ),
        (
            "line_items[1][price]",
            vec![("line_items[1][price]", id(&monthly))],
        ),
        (
            "line_items[2][price]",
            vec![
                ("line_items[2][price]", id(&monthly)),
                ("line_items[2][quantity]", "1"),
            ],
        ),
        ("line_items[2]", vec![("line_items[2]", "x")]),
    ] {
        let mut fields: Vec<(&str, &str)> = CART.to_vec();
        fields.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
        fields.extend(changed);
        let refused = sandbox.post(SESSIONS, &fields).await;
        assert_eq!(refused.status, 400, "{param}: {}", refused.text);
        let error = &refused.json()["error"];
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["param"], param, "{error}");
        if error["code"] == "parameter_missing" {
            let message = format!("Missing required param: {param}.");
            assert_eq!(error["message"], message);
        }
    }
    let empty = sandbox.post(SESSIONS, &CART[..2]).await;
    assert_eq!(empty.json()["error"]["param"], "line_items");
    assert_eq!(sandbox.state().await["counts"], before);

    let line = json!({"quantity": 2, "price_data": {"currency": "eur", "unit_amount": 900,
                                                     "product_data": {"name": "Book"}}});
    let right = json!({"id": "cs_seed1", "mode": "payment", "line_items": [line],
                       "success_url": "https://shop.example/thanks"});
    let session = open(&sandbox, &[]).await;
    let before = sandbox.state().await["counts"].clone();
    let path = format!("checkout/sessions/{}/pay", id(&session));
    for how in [
        json!({"discount": 2_502}),
        json!({"discount": -1}),
        json!({"tax": -1}),
        json!({"tax": i64::MAX}),
        json!({"delayed": "later"}),
    ] {
        assert_eq!(sandbox.control(&path, how.clone()).await.status, 400);
        // The same for what is made and paid in one piece.
        let mut body = right.clone();
        for (field, value) in how.as_object().expect("fields") {
            body[field] = value.clone();
        }
        assert_eq!(sandbox.control("checkout/paid", body).await.status, 400);
    }
    assert_eq!(sandbox.state().await["counts"], before);
    let path = format!("{SESSIONS}/{}", id(&session));
    assert_eq!(sandbox.get(&path).await.ok(), session);
    // So that whoever comes back with something else pays that.
    let mut less = right;
    less["line_items"][0]["quantity"] = json!(1);
    let paid = sandbox.control("checkout/paid", less).await.ok();
    assert_eq!(paid["amount_total"], 900);
}
