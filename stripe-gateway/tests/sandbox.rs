//! The sandbox as a real HTTP server in this process, and the gateway talking to it.

use std::time::Duration;

use serde_json::{Value, json};
use stripe_gateway::{Config, NewRecipient, NewTransfer, RecipientAccount, StripeGateway};
use stripe_sandbox::{Destination, SandboxConfig};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A running sandbox; it ends with the value.
pub struct Sandbox {
    pub base: String,
    http: reqwest::Client,
    _stop: oneshot::Sender<()>,
}

impl Sandbox {
    pub async fn start() -> Self {
        Self::with(Vec::new()).await
    }

    pub async fn with(destinations: Vec<Destination>) -> Self {
        stripe_gateway::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let config = SandboxConfig {
            destinations,
            ..SandboxConfig::default()
        };
        tokio::spawn(stripe_sandbox::serve(listener, config, async move {
            let _ = stopped.await;
        }));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            base,
            http,
            _stop: stop,
        }
    }

    pub fn gateway(&self) -> StripeGateway {
        self.gateway_as("sk_test_portico", Duration::from_secs(10))
    }

    pub fn gateway_as(&self, key: &str, timeout: Duration) -> StripeGateway {
        let api_base = Some(self.base.clone());
        StripeGateway::new(Config {
            api_base,
            timeout,
            ..Config::new(key)
        })
        .unwrap()
    }

    /// Has the sandbox do what Stripe or a customer would do.
    pub async fn does(&self, what: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox/{what}", self.base);
        let reply = self.http.post(url).json(&body).send().await.unwrap();
        let (status, text) = (reply.status(), reply.text().await.unwrap());
        assert!(status.is_success(), "{what}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// What Stripe's API answers to a GET that the gateway does not make.
    pub async fn get(&self, path: &str) -> Value {
        let request = self
            .http
            .get(format!("{}/{path}", self.base))
            .bearer_auth("sk_test_portico")
            .header("stripe-version", "2026-09-30.endive");
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Lets the next matching request fail.
    pub async fn fault(&self, path_prefix: &str, kind: &str, more: Value) {
        let mut fault = json!({
            "match": {"method": "POST", "path_prefix": path_prefix}, "kind": kind,
        });
        for (key, value) in more.as_object().unwrap() {
            fault[key] = value.clone();
        }
        self.does("faults", fault).await;
    }

    /// Waits until a request has met the fault that was asked for.
    pub async fn fault_taken(&self) {
        let waiting = async {
            while self.get("_sandbox/state").await["faults"] != json!([]) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .expect("a request meets the fault");
    }

    /// A connected account that transfers can be sent to.
    pub async fn ready_account(&self) -> String {
        let made = self
            .does(
                "accounts",
                json!({"contact_email": "a@agency.example", "country": "de"}),
            )
            .await;
        let account = RecipientAccount::parse(&made).unwrap();
        assert!(account.is_ready());
        account.id
    }

    /// How many transfers there are.
    pub async fn transfers(&self) -> usize {
        self.get("v1/transfers?limit=100").await["data"]
            .as_array()
            .unwrap()
            .len()
    }
}

pub fn new_recipient() -> NewRecipient {
    NewRecipient {
        display_name: "Agency".to_owned(),
        email: "owner@agency.example".to_owned(),
        country: "DE".to_owned(),
        entity_type: Some("company".into()),
    }
}

pub fn new_transfer(destination: &str) -> NewTransfer {
    NewTransfer {
        amount: domain::money::Money::new(12_345, domain::money::Currency::EUR),
        destination: destination.to_owned(),
        transfer_group: "payout-7".to_owned(),
        description: "Commission for October & November".to_owned(),
        metadata: ["payout", "partner", "run", "period", "statement"]
            .map(|key| (key.to_owned(), format!("{key} 7")))
            .into(),
    }
}
