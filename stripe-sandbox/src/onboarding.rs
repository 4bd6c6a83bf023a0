//! The hosted onboarding page: what a partner sees at Stripe, cut down to its outcomes.

use std::sync::Arc;

use axum::extract::{Form, Path, State as Extract};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Shared;
use crate::context::Ctx;
use crate::html::{escape, page, problem};
use crate::respond::ApiError;
use crate::state::AccountLink;
use crate::v2::outcome::{Outcome, decide};

/// What the form sends.
#[derive(Debug, Deserialize)]
pub struct Submission {
    outcome: Outcome,
    #[serde(default)]
    registered_name: String,
}

enum Found {
    Open(AccountLink, Value),
    Gone(String),
}

fn find(cx: &Ctx<'_>, key: &str) -> Result<Found, ApiError> {
    let link = cx
        .state
        .account_links
        .get(key)
        .ok_or_else(|| ApiError::no_such("account_link", key))?;
    if link.used || link.expires_at <= cx.now() {
        return Ok(Found::Gone(link.refresh_url.clone()));
    }
    let account = cx.load("v2.core.account", &link.account)?;
    Ok(Found::Open(link.clone(), account))
}

/// `GET /onboarding/{token}`
pub async fn show(Extract(shared): Extract<Arc<Shared>>, Path(key): Path<String>) -> Response {
    match shared.step(|cx| find(cx, &key)) {
        Ok(Found::Open(_, account)) => page("Set up payouts", &form(&account)),
        Ok(Found::Gone(refresh_url)) => see_other(&refresh_url),
        Err(_) => unknown(),
    }
}

/// `POST /onboarding/{token}`
pub async fn submit(
    Extract(shared): Extract<Arc<Shared>>,
    Path(key): Path<String>,
    Form(submission): Form<Submission>,
) -> Response {
    if submission.outcome == Outcome::New {
        return problem(
            StatusCode::BAD_REQUEST,
            "Nothing was chosen",
            "Go back and choose one of the buttons.",
        );
    }
    let done = shared.step(|cx| {
        let link = match find(cx, &key)? {
            Found::Open(link, _) => link,
            Found::Gone(refresh_url) => return Ok(refresh_url),
        };
        let mut account = decide(cx, &link.account, submission.outcome)?;
        if !submission.registered_name.trim().is_empty() {
            let details = &mut account["identity"]["business_details"];
            if !details.is_object() {
                *details = json!({});
            }
            details["registered_name"] = json!(submission.registered_name.trim());
            cx.state.put("v2.core.account", account);
        }
        if let Some(link) = cx.state.account_links.get_mut(&key) {
            link.used = true;
        }
        Ok(link.return_url)
    });
    let version = shared.lock().version;
    shared.saver.wait(version).await;
    match done {
        Ok(url) => see_other(&url),
        Err(error) if error.code.as_deref() == Some("resource_missing") => unknown(),
        Err(error) => problem(
            StatusCode::CONFLICT,
            "This account cannot be set up",
            &error.message,
        ),
    }
}

fn form(account: &Value) -> String {
    let name = account["display_name"]
        .as_str()
        .unwrap_or("Your organisation");
    let email = account["contact_email"]
        .as_str()
        .unwrap_or("no e-mail address");
    let registered = account
        .pointer("/identity/business_details/registered_name")
        .and_then(Value::as_str)
        .unwrap_or(name);
    let due: String = account["requirements"]["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["description"].as_str())
        .map(|description| format!("<li><code>{}</code></li>", escape(description)))
        .collect();
    let due = if due.is_empty() {
        "<p>Nothing is missing at the moment.</p>".to_owned()
    } else {
        format!("<h2>Still needed</h2>\n<ul>{due}</ul>")
    };
    let country = account["identity"]["country"]
        .as_str()
        .unwrap_or("")
        .to_ascii_uppercase();
    let button = |class: &str, value: &str, label: &str| {
        format!(
            "<button {class} type=\"submit\" name=\"outcome\" value=\"{value}\">{label}</button>"
        )
    };
    format!(
        "<p class=\"note\">This is a sandbox. No real data is checked and no real money moves.</p>\n\
         <p>Account of <strong>{name}</strong> ({email}), {country}.</p>\n{due}\n\
         <form method=\"post\">\n\
         <label for=\"registered_name\">Registered name</label>\n\
         <input id=\"registered_name\" name=\"registered_name\" value=\"{registered}\" \
         autocomplete=\"organization\">\n\
         <label for=\"bank\">Bank account</label>\n\
         <input id=\"bank\" name=\"bank\" value=\"DE89 3704 0044 0532 0130 00\" \
         autocomplete=\"off\">\n\
         <h2>How should it end?</h2>\n<p>{complete}{missing}{review}{reject}</p>\n</form>",
        name = escape(name),
        email = escape(email),
        country = escape(&country),
        registered = escape(registered),
        complete = button("class=\"primary\"", "complete", "Finish everything"),
        missing = button("", "missing", "Leave something missing"),
        review = button("", "review", "Stripe is reviewing"),
        reject = button("", "reject", "Reject"),
    )
}

fn unknown() -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "This link does not exist",
        "Go back to the portal and start again from the payout account page.",
    )
}

fn see_other(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response(),
        Err(_) => unknown(),
    }
}
