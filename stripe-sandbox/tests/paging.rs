use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Sandbox, id};

#[tokio::test]
async fn every_transfer_is_seen_once_newest_first() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let other = sandbox.ready_account().await;
    for index in 0..25 {
        let body = json!({"id": format!("tr_{index:03}"), "amount": 100 + index,
                          "currency": "eur", "destination": account, "at": 1_700_000_000 + index,
                          "transfer_group": if index % 2 == 0 { "even" } else { "odd" }});
        sandbox.control("transfers", body).await.ok();
    }
    sandbox.transfer(&other, 5, "other").await.ok();

    let mut seen = Vec::new();
    let mut path = format!("/v1/transfers?destination={account}&limit=10");
    loop {
        let page = sandbox.get(&path).await.ok();
        let data = page["data"].as_array().expect("a list").clone();
        seen.extend(
            data.iter()
                .filter_map(|row| row["id"].as_str().map(str::to_owned)),
        );
        if page["has_more"] == false {
            break;
        }
        let last = seen.last().expect("not empty");
        path = format!("/v1/transfers?destination={account}&limit=10&starting_after={last}");
    }
    assert_eq!(seen.len(), 25);
    assert_eq!(seen.first().map(String::as_str), Some("tr_024"));
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 25);

    let count = |page: Value| page["data"].as_array().map(Vec::len);
    let odd = sandbox
        .get("/v1/transfers?transfer_group=odd&limit=100")
        .await
        .ok();
    assert_eq!(count(odd), Some(12));
    let late = "/v1/transfers?created[gte]=1700000020&created[lt]=1700000022";
    assert_eq!(count(sandbox.get(late).await.ok()), Some(2));
    let back = "/v1/transfers?ending_before=tr_020&limit=3&transfer_group=even";
    let back = sandbox.get(back).await.ok();
    assert_eq!(back["data"][0]["id"], "tr_024");
    assert_eq!(sandbox.get("/v1/transfers?limit=101").await.status, 400);
}

#[tokio::test]
async fn an_invoice_shows_ten_lines_and_lists_the_rest() {
    let sandbox = Sandbox::start().await;
    let customer = sandbox
        .control("billing/customer", json!({"name": "Acme"}))
        .await
        .ok();
    let lines: Vec<Value> = (1..=23)
        .map(|index| json!({"amount": index, "description": index.to_string()}))
        .collect();
    let body = json!({"customer": customer["id"], "currency": "usd", "lines": lines});
    let invoice = sandbox.control("billing/invoice_paid", body).await.ok();
    assert_eq!(invoice["total"], 276);
    assert_eq!(invoice["lines"]["data"].as_array().map(Vec::len), Some(10));
    assert_eq!(invoice["lines"]["has_more"], true);
    let path = format!("/v1/invoices/{}/lines?limit=20", id(&invoice));
    let first = sandbox.get(&path).await.ok();
    let last = id(&first["data"][19]);
    let rest = sandbox
        .get(&format!("{path}&starting_after={last}"))
        .await
        .ok();
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        (&rest["has_more"], &rest["data"][2]["amount"]),
        (&json!(false), &json!(23))
    );
}
