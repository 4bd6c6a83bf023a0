//! A policy's limits in every currency. Portico converts no currencies: a limit is an amount of the
//! program's currency, with exceptions for others, and else the same number of major units.

use domain::money::{Currency, Money};
use domain::plan::Amounts;
use entity::policy_version;

use crate::payout::same_major;

/// The exceptions of a limit as they are stored; what cannot be read is none.
fn exceptions(stored: &serde_json::Value) -> Amounts {
    serde_json::from_value(stored.clone()).unwrap_or_default()
}

/// A limit in a currency: its exception, or the same number of major units as at home.
pub(crate) fn limit(
    minor: i64,
    others: &serde_json::Value,
    home: Currency,
    currency: Currency,
) -> i64 {
    if currency == home {
        return minor;
    }
    exceptions(others)
        .get(&currency)
        .copied()
        .unwrap_or_else(|| same_major(minor, home, currency))
}

/// The least a payout in a currency is of, in its minor units.
pub(crate) fn payout_minimum(
    policy: &policy_version::Model,
    home: Currency,
    currency: Currency,
) -> i64 {
    limit(
        policy.payout_minimum,
        &policy.payout_minimums,
        home,
        currency,
    )
}

/// What a second person has to approve from, in minor units of a currency.
pub(crate) fn second_approval(
    policy: &policy_version::Model,
    home: Currency,
    currency: Currency,
) -> i64 {
    limit(
        policy.second_approval_above,
        &policy.second_approvals,
        home,
        currency,
    )
}

/// The exceptions as a field takes them: `60.00 USD; 5000 JPY`.
pub fn typed(stored: &serde_json::Value) -> String {
    let amounts = exceptions(stored);
    let amounts: Vec<String> = amounts
        .iter()
        .map(|(currency, minor)| format!("{} {currency}", Money::new(*minor, *currency).plain()))
        .collect();
    amounts.join("; ")
}

/// The exceptions in words, with what counts elsewhere.
pub(super) fn words(stored: &serde_json::Value) -> String {
    match typed(stored).as_str() {
        "" => "The same number of each currency’s units".to_owned(),
        some => format!("{some}; elsewhere the same number of units"),
    }
}

/// Reads what was typed.
///
/// # Errors
/// A sentence for the field.
pub(super) fn read(text: &str, home: Currency) -> Result<serde_json::Value, String> {
    let mut amounts = Amounts::new();
    for part in text.split([';', '\n']).map(str::trim) {
        if part.is_empty() {
            continue;
        }
        let money = crate::plan::money(part)?;
        if money.currency == home {
            return Err(format!(
                "{home} is the program’s own currency; its amount stands in the field before."
            ));
        }
        if money.minor < 0 {
            return Err(format!(
                "The amount in {} cannot be negative.",
                money.currency
            ));
        }
        if amounts.insert(money.currency, money.minor).is_some() {
            return Err(format!("{} is there twice.", money.currency));
        }
    }
    serde_json::to_value(amounts).map_err(|e| e.to_string())
}
