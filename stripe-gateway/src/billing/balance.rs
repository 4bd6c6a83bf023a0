//! Changes of a customer's balance: credit and debits that its next invoices take up.

use chrono::{DateTime, Utc};
use domain::money::Money;
use serde_json::Value;

use crate::read::{BadObject, Node};

/// One change of a customer's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceTransaction {
    /// `cbtxn_…`.
    pub id: String,
    /// How much; negative is credit to the customer.
    pub amount: Money,
    /// Stripe's type, such as `applied_to_invoice` or `adjustment`.
    pub kind: String,
    /// The invoice it belongs to, `in_…`.
    pub invoice: Option<String>,
    /// The checkout that takes it for an invoice to come, `cs_…`.
    pub checkout: Option<String>,
    /// The credit note that made it, `cn_…`.
    pub credit_note: Option<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl BalanceTransaction {
    /// Reads a `customer_balance_transaction`.
    ///
    /// # Errors
    /// When what is needed to use it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let change = Node::typed(value, "customer_balance_transaction")?;
        let currency = change.currency("currency")?;
        Ok(Self {
            id: change.text("id")?,
            amount: change.money("amount", currency)?,
            kind: change.text("type")?,
            invoice: change.opt_id("invoice"),
            checkout: change.opt_id("checkout_session"),
            credit_note: change.opt_id("credit_note"),
            created: change.time("created")?,
        })
    }
}
