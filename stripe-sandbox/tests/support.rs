//! Starting a sandbox on a free port, calling it, and receiving what it posts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use stripe_sandbox::{Destination, Payload, Retry, SandboxConfig, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const KEY: &str = "sk_test_portico";
pub const SECRET: &str = "whsec_snapshot";
pub const THIN_SECRET: &str = "whsec_thin";
pub const CONNECT_SECRET: &str = "whsec_connect";

/// A sandbox that is running.
pub struct Sandbox {
    pub base: String,
    pub client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// An answer, read whole.
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    /// The body of a good answer.
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The id of an object.
pub fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

pub fn config() -> SandboxConfig {
    SandboxConfig {
        retry: Retry {
            base_ms: 20,
            max_ms: 100,
            attempts: 8,
        },
        ..SandboxConfig::default()
    }
}

impl Sandbox {
    pub async fn start() -> Self {
        Self::with(config()).await
    }

    pub async fn with(config: SandboxConfig) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            serve(listener, config, async {
                let _ = stopped.await;
            })
            .await
            .expect("the sandbox runs");
        });
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client");
        Self {
            base,
            client,
            stop: Some(stop),
            task,
        }
    }

    /// A sandbox that posts to this receiver.
    pub async fn posting_to(receiver: &Receiver) -> Self {
        let destination = |payload, secret: &str| Destination {
            url: receiver.url.clone(),
            secret: secret.to_owned(),
            payload,
            enabled_events: Vec::new(),
        };
        let destinations = vec![
            destination(Payload::Snapshot, SECRET),
            destination(Payload::Connect, CONNECT_SECRET),
            destination(Payload::Thin, THIN_SECRET),
        ];
        Self::with(SandboxConfig {
            destinations,
            ..config()
        })
        .await
    }

    pub async fn keeping(file: PathBuf) -> Self {
        Self::with(SandboxConfig {
            state_file: Some(file),
            ..config()
        })
        .await
    }

    pub async fn stop(mut self) {
        let _ = self.stop.take().expect("stopped once").send(());
        self.task.await.expect("an orderly end");
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(KEY)
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Got, reqwest::Error> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Got {
            status,
            headers,
            text: answer.text().await?,
        })
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(self.request(Method::GET, path))
            .await
            .expect("an answer")
    }

    /// A form, as v1 takes it.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.request(Method::POST, path).form(fields)
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        self.send(self.form(path, fields)).await.expect("an answer")
    }

    pub async fn post_with_key(&self, path: &str, fields: &[(&str, &str)], key: &str) -> Got {
        let request = self.form(path, fields).header("Idempotency-Key", key);
        self.send(request).await.expect("an answer")
    }

    /// JSON, as v2 takes it.
    pub fn v2_request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path)
            .header("Stripe-Version", "2026-09-30.endive")
    }

    pub async fn v2(&self, path: &str, body: Value) -> Got {
        let request = self.v2_request(Method::POST, path).json(&body);
        self.send(request).await.expect("an answer")
    }

    pub async fn v2_get(&self, path: &str) -> Got {
        self.send(self.v2_request(Method::GET, path))
            .await
            .expect("an answer")
    }

    pub async fn control(&self, path: &str, body: Value) -> Got {
        let request = self
            .request(Method::POST, &format!("/_sandbox/{path}"))
            .json(&body);
        self.send(request).await.expect("an answer")
    }

    /// A payment intent with its latest charge.
    pub async fn intent(&self, id: &Value) -> Value {
        let id = id.as_str().expect("an id");
        let path = format!("/v1/payment_intents/{id}?expand[]=latest_charge");
        self.get(&path).await.ok()
    }

    pub async fn state(&self) -> Value {
        self.get("/_sandbox/state").await.ok()
    }

    pub async fn drain(&self) {
        let drained = self
            .control("webhooks/drain", json!({"timeout_ms": 5000}))
            .await
            .ok();
        assert_eq!(drained["drained"], true, "{drained}");
    }

    /// An account that can receive transfers.
    pub async fn ready_account(&self) -> String {
        let body = json!({"contact_email": "pay@agency.example", "display_name": "Agency",
                          "country": "de", "silent": true});
        let account = self.control("accounts", body).await.ok();
        id(&account).to_owned()
    }

    pub async fn transfer(&self, account: &str, amount: i64, key: &str) -> Got {
        let amount = amount.to_string();
        let fields = [
            ("amount", amount.as_str()),
            ("currency", "eur"),
            ("destination", account),
        ];
        self.post_with_key("/v1/transfers", &fields, key).await
    }

    /// Number of transfers the sandbox really made.
    pub async fn transfers_made(&self) -> usize {
        self.state().await["transfers"]
            .as_array()
            .expect("a list")
            .len()
    }
}

/// What create-account needs for a partner.
pub fn recipient() -> Value {
    json!({
        "contact_email": "pay@agency.example",
        "display_name": "Agency",
        "dashboard": "express",
        "identity": {"country": "de", "entity_type": "company"},
        "defaults": {"responsibilities":
            {"fees_collector": "application", "losses_collector": "application"}},
        "configuration": {"recipient": {"capabilities":
            {"stripe_balance": {"stripe_transfers": {"requested": true}}}}},
        "include": ["configuration.recipient", "requirements", "identity"],
    })
}

/// One webhook as it arrived.
#[derive(Clone, Debug)]
pub struct Posted {
    pub signature: String,
    pub body: String,
}

impl Posted {
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub fn kind(&self) -> String {
        self.event()["type"].as_str().expect("a type").to_owned()
    }
}

#[derive(Default)]
struct Inbox {
    posted: Vec<Posted>,
    refuse: usize,
}

/// A server that takes webhooks.
pub struct Receiver {
    pub url: String,
    inbox: Arc<Mutex<Inbox>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let inbox = Arc::<Mutex<Inbox>>::default();
        let app = axum::Router::new()
            .route("/hook", post(take))
            .with_state(Arc::clone(&inbox));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, inbox }
    }

    /// The next so many posts are answered with 503.
    pub fn refuse(&self, times: usize) {
        self.inbox.lock().expect("no panic").refuse = times;
    }

    pub fn posted(&self) -> Vec<Posted> {
        self.inbox.lock().expect("no panic").posted.clone()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.posted().iter().map(Posted::kind).collect()
    }

    pub fn clear(&self) {
        self.inbox.lock().expect("no panic").posted.clear();
    }
}

async fn take(
    State(inbox): State<Arc<Mutex<Inbox>>>,
    headers: HeaderMap,
    body: String,
) -> axum::http::StatusCode {
    let mut inbox = inbox.lock().expect("no panic");
    if inbox.refuse > 0 {
        inbox.refuse -= 1;
        return axum::http::StatusCode::SERVICE_UNAVAILABLE;
    }
    let signature = headers["stripe-signature"]
        .to_str()
        .expect("text")
        .to_owned();
    inbox.posted.push(Posted { signature, body });
    axum::http::StatusCode::OK
}

/// A short wait.
pub async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
