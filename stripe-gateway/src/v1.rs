//! Stripe's v1 API through async-stripe: its requests, its client, one attempt each.
//!
//! Replies are read by [`crate::billing`] and not by async-stripe's own types, which refuse an
//! object as soon as Stripe leaves out one of its hundreds of fields. So the reply is taken as JSON.

use serde_json::Value;
use stripe::{Client, RequestStrategy, StripeError, StripeRequest};
use stripe_client_core::RequestBuilder;
use stripe_shared::AccountId;

use crate::error::CallError;
use crate::read::{BadObject, Node};

/// How many objects a page of a list holds; Stripe allows 100.
pub(crate) const PAGE: i64 = 100;

/// A request whose reply is wanted as it is.
struct Raw<R>(R);

impl<R: StripeRequest> StripeRequest for Raw<R> {
    type Output = miniserde::json::Value;

    fn build(&self) -> RequestBuilder {
        let mut request = self.0.build();
        // async-stripe keeps metadata in a HashMap. What is sent under one key must be the same
        // text each time, or it counts as another request.
        request.body = request.body.map(|form| {
            let mut fields: Vec<&str> = form.split('&').collect();
            fields.sort_unstable();
            fields.join("&")
        });
        request
    }
}

/// Asks Stripe something.
pub(crate) async fn ask<R: StripeRequest>(client: &Client, request: R) -> Result<Value, CallError> {
    send(client, request, None).await
}

/// Asks Stripe something in the name of a connected account.
pub(crate) async fn ask_as<R: StripeRequest>(
    client: &Client,
    request: R,
    account: &str,
) -> Result<Value, CallError> {
    send(client, request, Some(account)).await
}

/// The form of a request that does something, which is sent once and under our key by
/// [`crate::v2::V2::post_v1`].
///
/// Never by one of async-stripe's strategies that retry: those send a key of their own or none, so
/// that an attempt whose reply was lost would be carried out again.
pub(crate) fn body<R: StripeRequest>(request: R) -> String {
    Raw(request).build().body.unwrap_or_default()
}

async fn send<R: StripeRequest>(
    client: &Client,
    request: R,
    account: Option<&str>,
) -> Result<Value, CallError> {
    let mut request = Raw(request)
        .customize()
        .request_strategy(RequestStrategy::Once);
    if let Some(account) = account {
        request = request.account_id(AccountId::from(account));
    }
    let reply = request.send(client).await.map_err(understand)?;
    // miniserde is async-stripe's JSON; the text between the two is exact for numbers and strings.
    serde_json::from_str(&miniserde::json::to_string(&reply)).map_err(|err| CallError::Unknown {
        cause: format!("the reply cannot be read: {err}"),
    })
}

fn understand(err: StripeError) -> CallError {
    match err {
        StripeError::Stripe(told, status) => CallError::from_reply(
            status,
            Some(told.type_.as_str()),
            told.code.as_ref().map(|code| code.as_str().to_owned()),
            told.message,
            // async-stripe keeps no headers.
            None,
        ),
        // The one kind of hyper's errors that comes before anything is sent.
        StripeError::ClientError(cause) if cause.contains("(Connect)") => {
            CallError::NotSent { cause }
        }
        StripeError::ConfigError(cause) => CallError::NotSent { cause },
        StripeError::Timeout => CallError::Unknown {
            cause: "no reply in time".to_owned(),
        },
        StripeError::ClientError(cause) | StripeError::JSONDeserialize(cause) => {
            CallError::Unknown { cause }
        }
    }
}

/// All objects of a list, page by page. `request` makes the request for the page after an id.
pub(crate) async fn all<R: StripeRequest>(
    client: &Client,
    request: impl Fn(Option<String>) -> R,
) -> Result<Vec<Value>, CallError> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let (items, next) = page(ask(client, request(after.clone())).await?)?;
        found.extend(items);
        match next {
            None => return Ok(found),
            Some(next) if after.as_ref() == Some(&next) => {
                return Err(BadObject::new("list", "does not come to an end").into());
            }
            Some(next) => after = Some(next),
        }
    }
}

/// The objects of one page, and the id to go on after.
pub(crate) fn page(mut list: Value) -> Result<(Vec<Value>, Option<String>), BadObject> {
    let more = Node::typed(&list, "list")?.flag("has_more");
    let Some(Value::Array(items)) = list.get_mut("data").map(Value::take) else {
        return Err(BadObject::new("list.data", "is not a list"));
    };
    let next = match items.last() {
        Some(last) if more => Some(Node::root(last, "list.data")?.text("id")?),
        _ => None,
    };
    Ok((items, next))
}

/// The objects of one page of a search, and the page to go on with.
pub(crate) fn searched(mut result: Value) -> Result<(Vec<Value>, Option<String>), BadObject> {
    let (more, next) = {
        let read = Node::typed(&result, "search_result")?;
        (read.flag("has_more"), read.opt_text("next_page"))
    };
    let Some(Value::Array(items)) = result.get_mut("data").map(Value::take) else {
        return Err(BadObject::new("search_result.data", "is not a list"));
    };
    Ok((items, next.filter(|_| more)))
}
