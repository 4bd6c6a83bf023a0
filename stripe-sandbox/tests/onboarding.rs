use reqwest::header::LOCATION;
use serde_json::{Value, json};

use crate::support::{Receiver, Sandbox, id, recipient};

const RETURN: &str = "https://portal.example/payouts/return";
const REFRESH: &str = "https://portal.example/payouts/refresh";
const EVERYTHING: &str =
    "include[0]=configuration.recipient&include[1]=requirements&include[2]=identity";

async fn link(sandbox: &Sandbox, account: &str) -> String {
    let body = json!({"account": account, "use_case": {
        "type": "account_onboarding",
        "account_onboarding": {"configurations": ["recipient"], "return_url": RETURN,
                               "refresh_url": REFRESH},
    }});
    let link = sandbox.v2("/v2/core/account_links", body).await.ok();
    assert_eq!(link["object"], "v2.core.account_link");
    link["url"].as_str().expect("an address").to_owned()
}

async fn send(sandbox: &Sandbox, url: &str, outcome: &str) -> Option<String> {
    let fields = [("outcome", outcome), ("registered_name", "Agency GmbH")];
    let answer = sandbox
        .client
        .post(url)
        .form(&fields)
        .send()
        .await
        .expect("an answer");
    answer
        .headers()
        .get(LOCATION)
        .map(|url| url.to_str().expect("text").to_owned())
}

async fn account(sandbox: &Sandbox, id: &str) -> Value {
    sandbox
        .v2_get(&format!("/v2/core/accounts/{id}?{EVERYTHING}"))
        .await
        .ok()
}

fn capability(account: &Value) -> &Value {
    &account["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"]
}

#[tokio::test]
async fn a_partner_goes_through_onboarding() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let made = sandbox.v2("/v2/core/accounts", recipient()).await.ok();
    let partner = id(&made);
    assert_eq!(capability(&made)["status"], "restricted");
    assert_eq!(
        made["requirements"]["summary"]["minimum_deadline"]["status"],
        "past_due"
    );
    assert_eq!(
        made["requirements"]["entries"][0]["awaiting_action_from"],
        "user"
    );
    assert!(made["defaults"].is_null(), "not included");
    sandbox.drain().await;
    receiver.clear();

    // Something is missing: a deadline in the future.
    let url = link(&sandbox, partner).await;
    let page = sandbox
        .client
        .get(&url)
        .send()
        .await
        .expect("a page")
        .text()
        .await
        .expect("text");
    for label in [
        "Finish everything",
        "Leave something missing",
        "Stripe is reviewing",
        "Reject",
    ] {
        assert!(page.contains(label), "{label}");
    }
    assert!(!page.contains("<script"));
    assert_eq!(
        send(&sandbox, &url, "missing").await.as_deref(),
        Some(RETURN)
    );
    let now = account(&sandbox, partner).await;
    let deadline = &now["requirements"]["summary"]["minimum_deadline"];
    assert_eq!(deadline["status"], "currently_due");
    assert!(deadline["time"].is_string());
    assert_eq!(
        now["identity"]["business_details"]["registered_name"],
        "Agency GmbH"
    );

    // A used link leads to the refresh address, whatever is done with it.
    assert_eq!(
        send(&sandbox, &url, "complete").await.as_deref(),
        Some(REFRESH)
    );
    let again = sandbox.client.get(&url).send().await.expect("an answer");
    assert_eq!(again.headers()[LOCATION], REFRESH);
    assert_eq!(
        capability(&account(&sandbox, partner).await)["status"],
        "restricted"
    );

    let url = link(&sandbox, partner).await;
    assert_eq!(
        send(&sandbox, &url, "review").await.as_deref(),
        Some(RETURN)
    );
    let now = account(&sandbox, partner).await;
    assert_eq!(capability(&now)["status"], "pending");
    assert_eq!(
        now["requirements"]["entries"][0]["awaiting_action_from"],
        "stripe"
    );

    receiver.clear();
    let url = link(&sandbox, partner).await;
    assert_eq!(
        send(&sandbox, &url, "complete").await.as_deref(),
        Some(RETURN)
    );
    let now = account(&sandbox, partner).await;
    assert_eq!(capability(&now)["status"], "active");
    assert_eq!(now["requirements"]["entries"], json!([]));
    sandbox.drain().await;
    assert_eq!(
        receiver.kinds(),
        [
            "v2.core.account[requirements].updated",
            "v2.core.account[configuration.recipient].capability_status_updated",
        ]
    );
    let event = receiver.posted()[1].event();
    assert_eq!(event["related_object"]["id"], partner);
    let path = format!("/v2/core/events/{}", id(&event));
    let fetched = sandbox.v2_get(&path).await.ok();
    assert_eq!(
        fetched["data"]["updated_capability"],
        "stripe_balance.stripe_transfers"
    );

    // The Express dashboard shows what arrived.
    sandbox.transfer(partner, 12_345, "payout-1").await.ok();
    let login = sandbox
        .post(&format!("/v1/accounts/{partner}/login_links"), &[])
        .await
        .ok();
    let url = login["url"].as_str().expect("an address");
    let page = sandbox
        .client
        .get(url)
        .send()
        .await
        .expect("a page")
        .text()
        .await
        .expect("text");
    assert!(page.contains("123.45 EUR"), "{page}");
}

#[tokio::test]
async fn rejected_expired_and_closed() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let made = sandbox.v2("/v2/core/accounts", recipient()).await.ok();
    let id = id(&made);
    let url = link(&sandbox, id).await;
    assert_eq!(
        send(&sandbox, &url, "reject").await.as_deref(),
        Some(RETURN)
    );
    let now = account(&sandbox, id).await;
    assert_eq!(
        capability(&now)["status_details"][0]["code"],
        "restricted_other"
    );

    let url = link(&sandbox, id).await;
    sandbox
        .control("clock", json!({"offset_seconds": 3600}))
        .await
        .ok();
    assert_eq!(
        send(&sandbox, &url, "complete").await.as_deref(),
        Some(REFRESH)
    );

    let login = sandbox
        .post(&format!("/v1/accounts/{id}/login_links"), &[])
        .await;
    assert_eq!(login.status, 400, "not onboarded");

    let close = json!({"applied_configurations": ["recipient"]});
    let closed = sandbox
        .v2(&format!("/v2/core/accounts/{id}/close"), close)
        .await
        .ok();
    assert_eq!(closed["closed"], true);
    sandbox.drain().await;
    assert_eq!(
        receiver.kinds().last().map(String::as_str),
        Some("v2.core.account.closed")
    );
}

#[tokio::test]
async fn accounts_are_checked() {
    let sandbox = Sandbox::start().await;
    let refused = |change: fn(&mut Value)| {
        let mut body = recipient();
        change(&mut body);
        sandbox.v2("/v2/core/accounts", body)
    };
    let losses = refused(|body| {
        body["defaults"]["responsibilities"]["losses_collector"] = json!("stripe");
    });
    assert_eq!(losses.await.status, 400);
    let email = refused(|body| body["contact_email"] = Value::Null).await;
    assert_eq!(email.json()["error"]["param"], "contact_email");
    assert_eq!(
        refused(|body| body["identity"] = json!("de")).await.status,
        400
    );
    assert_eq!(
        refused(|body| body["include"] = json!(["everything"]))
            .await
            .status,
        400
    );

    let made = sandbox.v2("/v2/core/accounts", recipient()).await.ok();
    let path = format!("/v2/core/accounts/{}", id(&made));
    let plain = sandbox.v2_get(&path).await.ok();
    for field in ["configuration", "defaults", "identity", "requirements"] {
        assert!(plain[field].is_null(), "{field} was not asked for");
    }
    let update = json!({"contact_email": "new@agency.example", "metadata": {"partner": "7"}});
    let updated = sandbox.v2(&path, update).await.ok();
    assert_eq!(updated["contact_email"], "new@agency.example");
    assert_eq!(updated["metadata"]["partner"], "7");
    let listed = sandbox.v2_get("/v2/core/accounts").await.ok();
    assert_eq!(listed["data"][0]["id"], made["id"]);
    // Without Stripe-Version v2 does not answer.
    assert_eq!(sandbox.get(&path).await.status, 400);
}
