//! The few calls of Stripe's v2 API, which async-stripe does not have (its issue 624).

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::CallError;
use crate::gateway::NewRecipient;

/// What is to come back with an account; everything else of it is null.
const INCLUDE: [&str; 4] = [
    "configuration.recipient",
    "requirements",
    "identity",
    "defaults",
];

/// A client for v2.
pub(crate) struct V2 {
    http: Client,
    /// Ends with a slash.
    base: String,
}

impl V2 {
    pub(crate) fn new(
        authorization: HeaderValue,
        base: String,
        timeout: Duration,
    ) -> Result<Self, reqwest::Error> {
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::AUTHORIZATION, authorization);
        // The version async-stripe speaks, so that both halves mean the same.
        let version = HeaderValue::from_static(stripe_version());
        headers.insert("stripe-version", version);
        let http = Client::builder()
            .default_headers(headers)
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("portico/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, base })
    }

    pub(crate) async fn create_account(
        &self,
        new: &NewRecipient,
        key: &str,
    ) -> Result<Value, CallError> {
        let mut identity = json!({ "country": new.country.to_ascii_lowercase() });
        if let Some(kind) = &new.entity_type {
            identity["entity_type"] = json!(kind.as_str());
        }
        let body = json!({
            "display_name": new.display_name,
            "contact_email": new.email,
            "dashboard": "express",
            "identity": identity,
            "defaults": { "responsibilities": {
                "fees_collector": "application",
                "losses_collector": "application",
            }},
            "configuration": { "recipient": { "capabilities": {
                "stripe_balance": { "stripe_transfers": { "requested": true } },
            }}},
            "include": INCLUDE,
        });
        self.act("v2/core/accounts", &body, Some(key)).await
    }

    pub(crate) async fn account(&self, id: &str) -> Result<Value, CallError> {
        let include: Vec<(String, &str)> = INCLUDE
            .iter()
            .enumerate()
            .map(|(index, what)| (format!("include[{index}]"), *what))
            .collect();
        let url = format!("{}v2/core/accounts/{id}", self.base);
        send(self.http.get(url).query(&include)).await
    }

    pub(crate) async fn account_link(
        &self,
        account: &str,
        return_url: &str,
        refresh_url: &str,
    ) -> Result<Value, CallError> {
        let body = json!({
            "account": account,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {
                    "configurations": ["recipient"],
                    "return_url": return_url,
                    "refresh_url": refresh_url,
                    "collection_options": { "fields": "eventually_due" },
                },
            },
        });
        // A link is good for one visit, so each one is made anew and needs no key.
        self.act("v2/core/account_links", &body, None).await
    }

    pub(crate) async fn event(&self, id: &str) -> Result<Value, CallError> {
        send(self.http.get(format!("{}v2/core/events/{id}", self.base))).await
    }

    /// Asks v1 what async-stripe, as it is built here, does not.
    pub(crate) async fn get_v1(&self, path: &str) -> Result<Value, CallError> {
        send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// A form to v1 whose answer's headers count: async-stripe keeps none, and `Retry-After` is one.
    pub(crate) async fn post_v1(
        &self,
        path: &str,
        form: String,
        key: &str,
    ) -> Result<Value, CallError> {
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("idempotency-key", key)
            .body(form);
        send(request).await
    }

    async fn act(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Value, CallError> {
        let mut request = self.http.post(format!("{}{path}", self.base)).json(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        send(request).await
    }
}

/// `Stripe-Version` of every request.
const fn stripe_version() -> &'static str {
    "2026-09-30.endive"
}

async fn send(request: RequestBuilder) -> Result<Value, CallError> {
    let reply = request.send().await.map_err(|err| {
        let cause = chain(&err);
        if err.is_connect() || err.is_builder() {
            CallError::NotSent { cause }
        } else {
            CallError::Unknown { cause }
        }
    })?;
    let status = reply.status();
    let retry_after = reply
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let body = reply
        .bytes()
        .await
        .map_err(|err| CallError::Unknown { cause: chain(&err) })?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|err| CallError::Unknown {
            cause: format!("the reply cannot be read: {err}"),
        });
    }
    Err(refused(status, &body, retry_after))
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Told,
}

#[derive(Default, Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

fn refused(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> CallError {
    let Refusal { error } = serde_json::from_slice(body).unwrap_or_default();
    let kind = error.kind.as_deref();
    CallError::from_reply(
        status.as_u16(),
        kind,
        error.code,
        error.message,
        retry_after,
    )
}

/// The error with its causes; reqwest's own text alone says little.
fn chain(err: &reqwest::Error) -> String {
    let mut text = err.to_string();
    let mut cause = std::error::Error::source(err);
    while let Some(err) = cause {
        text.push_str(": ");
        text.push_str(&err.to_string());
        cause = err.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_halves_speak_one_version() {
        assert_eq!(
            super::stripe_version(),
            stripe_client_core::VERSION.as_str()
        );
    }
}
