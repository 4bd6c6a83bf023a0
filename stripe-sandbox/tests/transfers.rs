use serde_json::{Value, json};

use crate::support::{Sandbox, id, recipient};

async fn refusal(sandbox: &Sandbox, fields: &[(&str, &str)]) -> (u16, Value) {
    let got = sandbox.post("/v1/transfers", fields).await;
    (got.status, got.json()["error"].clone())
}

fn available(balance: &Value, currency: &str) -> i64 {
    balance["available"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|entry| entry["currency"] == currency)
        .and_then(|entry| entry["amount"].as_i64())
        .unwrap_or(0)
}

async fn account_balance(sandbox: &Sandbox, account: &str) -> Value {
    let request = sandbox
        .client
        .get(format!("{}/v1/balance", sandbox.base))
        .bearer_auth(crate::support::KEY)
        .header("Stripe-Account", account);
    sandbox.send(request).await.expect("an answer").ok()
}

#[tokio::test]
async fn money_moves_in_every_kind_of_currency() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    for (currency, amount) in [("eur", 12_345), ("jpy", 5_000), ("kwd", 1_005)] {
        sandbox
            .control("balance", json!({"currency": currency, "amount": 20_000}))
            .await
            .ok();
        let text = amount.to_string();
        let fields = [
            ("amount", text.as_str()),
            ("currency", currency),
            ("destination", account.as_str()),
            ("transfer_group", "run-7"),
            ("metadata[payout]", "42"),
        ];
        let transfer = sandbox.post("/v1/transfers", &fields).await.ok();
        assert_eq!(transfer["metadata"]["payout"], "42");
        assert_eq!(transfer["transfer_group"], "run-7");
        let transaction = transfer["balance_transaction"].as_str().expect("an id");
        let path = format!("/v1/balance_transactions/{transaction}");
        let transaction = sandbox.get(&path).await.ok();
        assert_eq!(transaction["net"], -amount);
        assert_eq!(transaction["source"], transfer["id"]);
        let balance = sandbox.get("/v1/balance").await.ok();
        assert_eq!(available(&balance, currency), 20_000 - amount);
        assert_eq!(
            available(&account_balance(&sandbox, &account).await, currency),
            amount
        );
    }
}

#[tokio::test]
async fn what_cannot_be_transferred_is_refused() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let to = account.as_str();

    let nowhere = [
        ("amount", "1"),
        ("currency", "eur"),
        ("destination", "acct_missing"),
    ];
    let (status, error) = refusal(&sandbox, &nowhere).await;
    assert_eq!(
        (status, error["code"].as_str()),
        (400, Some("resource_missing"))
    );

    for amount in ["0", "-5", "1.5", "much"] {
        let fields = [("amount", amount), ("currency", "eur"), ("destination", to)];
        let (status, error) = refusal(&sandbox, &fields).await;
        assert_eq!(
            (status, error["param"].as_str()),
            (400, Some("amount")),
            "{amount}"
        );
    }

    let unknown = [("amount", "1"), ("currency", "xxx"), ("destination", to)];
    assert_eq!(refusal(&sandbox, &unknown).await.1["param"], "currency");

    let too_much = [
        ("amount", "100000000001"),
        ("currency", "eur"),
        ("destination", to),
    ];
    assert_eq!(
        refusal(&sandbox, &too_much).await.1["code"],
        "balance_insufficient"
    );

    let fresh = sandbox.v2("/v2/core/accounts", recipient()).await.ok();
    let fresh = id(&fresh);
    let inactive = [("amount", "1"), ("currency", "eur"), ("destination", fresh)];
    let (_, error) = refusal(&sandbox, &inactive).await;
    assert_eq!(error["code"], "insufficient_capabilities_for_transfer");

    let close = format!("/v2/core/accounts/{account}/close");
    sandbox
        .v2(&close, json!({"applied_configurations": ["recipient"]}))
        .await
        .ok();
    let closed = [("amount", "1"), ("currency", "eur"), ("destination", to)];
    assert_eq!(refusal(&sandbox, &closed).await.1["code"], "account_closed");
    assert_eq!(sandbox.transfers_made().await, 0);
}

#[tokio::test]
async fn reversals_take_back_a_part_and_then_the_rest() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let transfer = sandbox.transfer(&account, 1_000, "payout-1").await.ok();
    let path = format!("/v1/transfers/{}", id(&transfer));
    let reversals = format!("{path}/reversals");

    sandbox.post(&reversals, &[("amount", "300")]).await.ok();
    let after = sandbox.get(&path).await.ok();
    assert_eq!(
        (&after["amount_reversed"], &after["reversed"]),
        (&json!(300), &json!(false))
    );
    let too_much = sandbox.post(&reversals, &[("amount", "701")]).await;
    assert_eq!(too_much.status, 400);

    sandbox.post(&reversals, &[]).await.ok();
    let after = sandbox.get(&path).await.ok();
    assert_eq!(
        (&after["amount_reversed"], &after["reversed"]),
        (&json!(1_000), &json!(true))
    );
    assert_eq!(after["reversals"]["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        sandbox.get(&reversals).await.ok()["data"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(
        available(&account_balance(&sandbox, &account).await, "eur"),
        0
    );
    assert_eq!(sandbox.post(&reversals, &[]).await.status, 400);
}

#[tokio::test]
async fn an_account_pays_out_to_its_bank() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    sandbox.transfer(&account, 1_000, "payout-1").await.ok();
    let path = format!("accounts/{account}/payout");
    let paid = sandbox
        .control(&path, json!({"currency": "eur", "amount": 400}))
        .await
        .ok();
    assert_eq!(paid["status"], "paid");
    let failed = sandbox
        .control(&path, json!({"currency": "eur", "fail": true}))
        .await
        .ok();
    assert_eq!(failed["status"], "failed");
    assert_eq!(
        available(&account_balance(&sandbox, &account).await, "eur"),
        600
    );
    let request = sandbox
        .client
        .get(format!("{}/v1/payouts", sandbox.base))
        .bearer_auth(crate::support::KEY)
        .header("Stripe-Account", &account);
    let list = sandbox.send(request).await.expect("an answer").ok();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    assert!(list["data"][0].get("_account").is_none());
}
