//! What onboarding leads to: capability, requirements and thin events.

use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::capability_status;
use crate::context::{Ctx, rfc3339};
use crate::respond::ApiError;

/// How far an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing was given yet.
    New,
    /// Everything was given and is fine: the capability is active.
    Complete,
    /// Something is missing, with a deadline in 14 days. Active stays active until then.
    Missing,
    /// The deadline has passed: restricted.
    PastDue,
    /// Stripe looks at what was given.
    Review,
    /// Stripe does not want this account.
    Reject,
}

/// Days until a missing detail restricts an account.
const DEADLINE_MS: i64 = 14 * 86_400_000;

/// Puts the outcome into the account.
pub fn apply(account: &mut Value, outcome: Outcome, now_ms: i64) {
    let was_active = capability_status(account) == "active";
    let (status, reason) = match outcome {
        Outcome::Complete => ("active", None),
        Outcome::Missing if was_active => ("active", None),
        Outcome::New | Outcome::Missing | Outcome::PastDue => (
            "restricted",
            Some(("requirements_past_due", "provide_info")),
        ),
        Outcome::Review => (
            "pending",
            Some(("requirements_pending_verification", "no_resolution")),
        ),
        Outcome::Reject => ("restricted", Some(("restricted_other", "contact_stripe"))),
    };
    let details: Vec<Value> = reason
        .iter()
        .map(|(code, resolution)| json!({"code": code, "resolution": resolution}))
        .collect();
    let capability = json!({"requested": true, "status": status, "status_details": details});
    account["configuration"]["recipient"]["capabilities"]["stripe_balance"] =
        json!({"payouts": capability, "stripe_transfers": capability});
    account["configuration"]["recipient"]["default_outbound_destination"] = match outcome {
        Outcome::Complete => json!({"id": "ba_1SandboxBankAccount", "type": "bank_account"}),
        _ => account["configuration"]["recipient"]["default_outbound_destination"].clone(),
    };

    let deadline = match outcome {
        Outcome::New => Some(("past_due", None)),
        Outcome::Missing => Some((
            "currently_due",
            Some(rfc3339(now_ms.saturating_add(DEADLINE_MS))),
        )),
        Outcome::PastDue => Some(("past_due", Some(rfc3339(now_ms)))),
        Outcome::Review => Some(("currently_due", None)),
        Outcome::Complete | Outcome::Reject => None,
    };
    let (waits_for, descriptions): (&str, &[&str]) = match outcome {
        Outcome::New => (
            "user",
            &[
                "configuration.recipient.default_outbound_destination",
                "identity.business_details.registered_name",
                "identity.business_details.address",
                "identity.business_details.id_numbers",
            ],
        ),
        Outcome::Missing | Outcome::PastDue => (
            "user",
            &["identity.business_details.documents.company_registration"],
        ),
        Outcome::Review => (
            "stripe",
            &["identity.business_details.documents.company_registration"],
        ),
        Outcome::Complete | Outcome::Reject => ("user", &[]),
    };
    let entries: Vec<Value> = deadline
        .iter()
        .flat_map(|(due, _)| {
            descriptions
                .iter()
                .map(move |description| entry(description, due, waits_for))
        })
        .collect();
    let summary =
        deadline.map(|(due, time)| json!({"minimum_deadline": {"status": due, "time": time}}));
    account["requirements"] = json!({"entries": entries, "summary": summary});
    if outcome != Outcome::New {
        account["_onboarded"] = json!(outcome != Outcome::Reject);
    }
}

fn entry(description: &str, due: &str, waits_for: &str) -> Value {
    let restricts = |capability: &str| {
        json!({"capability": capability, "configuration": "recipient",
               "deadline": {"status": due}})
    };
    json!({
        "awaiting_action_from": waits_for,
        "description": description,
        "errors": [],
        "impact": {"restricts_capabilities": [
            restricts("stripe_balance.stripe_transfers"), restricts("stripe_balance.payouts"),
        ]},
        "minimum_deadline": {"status": due},
        "reference": null,
        "requested_reasons": [{"code": "routine_onboarding"}],
    })
}

/// Changes a stored account and sends the thin events that Stripe sends.
///
/// # Errors
/// When the account does not exist, is closed or never asked for the capability.
pub fn decide(cx: &mut Ctx<'_>, id: &str, outcome: Outcome) -> Result<Value, ApiError> {
    let mut account = cx.load("v2.core.account", id)?;
    if account["closed"] == true {
        return Err(ApiError::refused(
            "account_closed",
            "The account is closed.",
        ));
    }
    let before = capability_status(&account);
    if before.is_empty() {
        return Err(ApiError::refused(
            "capability_not_requested",
            "The account never requested stripe_balance.stripe_transfers.",
        ));
    }
    apply(&mut account, outcome, cx.now_ms);
    let after = capability_status(&account);
    cx.state.put("v2.core.account", account.clone());
    cx.emit_thin(
        "v2.core.account[requirements].updated",
        id,
        Value::Null,
        Value::Null,
    );
    if before != after {
        cx.emit_thin(
            "v2.core.account[configuration.recipient].capability_status_updated",
            id,
            json!({"updated_capability": "stripe_balance.stripe_transfers"}),
            Value::Null,
        );
    }
    Ok(account)
}
