//! How invoices were paid, and how the money went back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::money::Money;
use serde_json::Value;

use super::open_enum;
use crate::read::{BadObject, Node};

open_enum! {
    /// Where an invoice payment stands.
    PaymentStatus {
        /// Asked for.
        Open = "open",
        /// Paid.
        Paid = "paid",
        /// Given up.
        Canceled = "canceled",
    }
}

/// One payment towards one invoice: the link between invoices and money. An invoice may have
/// several, partial ones too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoicePayment {
    /// `inpay_…`.
    pub id: String,
    /// The invoice it pays.
    pub invoice: String,
    /// What was paid; `None` until then.
    pub amount_paid: Option<Money>,
    /// What was asked for.
    pub amount_requested: Money,
    /// Where it stands.
    pub status: PaymentStatus,
    /// `payment_intent`, `charge` or `payment_record` (paid outside of Stripe).
    pub kind: Option<String>,
    /// `pi_…`.
    pub payment_intent: Option<String>,
    /// `ch_…`, for payments without a payment intent.
    pub charge: Option<String>,
    /// `pr_…`, for money that did not go through Stripe.
    pub payment_record: Option<String>,
    /// When it was made.
    pub created: Option<DateTime<Utc>>,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
}

impl InvoicePayment {
    /// Reads an `invoice_payment`.
    ///
    /// # Errors
    /// When what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        Self::read(&Node::typed(value, "invoice_payment")?)
    }

    pub(crate) fn read(node: &Node<'_>) -> Result<Self, BadObject> {
        let currency = node.currency("currency")?;
        let payment = node.child("payment");
        let of = |key: &str| payment.as_ref().and_then(|payment| payment.opt_id(key));
        Ok(Self {
            id: node.text("id")?,
            invoice: node.id("invoice")?,
            amount_paid: node.opt_money("amount_paid", currency)?,
            amount_requested: node.money("amount_requested", currency)?,
            status: node.text("status")?.as_str().into(),
            kind: payment
                .as_ref()
                .and_then(|payment| payment.opt_text("type")),
            payment_intent: of("payment_intent"),
            charge: of("charge"),
            payment_record: of("payment_record"),
            created: node.opt_time("created")?,
            paid_at: match node.child("status_transitions") {
                None => None,
                Some(transitions) => transitions.opt_time("paid_at")?,
            },
        })
    }
}

open_enum! {
    /// Where a charge stands.
    ChargeStatus {
        /// The money arrived.
        Succeeded = "succeeded",
        /// On its way.
        Pending = "pending",
        /// It did not arrive.
        Failed = "failed",
    }
}

/// Money taken from a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// `ch_…` or `py_…`.
    pub id: String,
    /// What was taken.
    pub amount: Money,
    /// What has gone back so far, over all refunds.
    pub amount_refunded: Money,
    /// Whether all of it went back.
    pub refunded: bool,
    /// Whether the customer's bank disputes it.
    pub disputed: bool,
    /// Where it stands.
    pub status: ChargeStatus,
    /// `pi_…`; the way to its invoices goes through it.
    pub payment_intent: Option<String>,
    /// `cus_…`.
    pub customer: Option<String>,
    /// `in_…`, in shapes before 2025 only.
    pub invoice: Option<String>,
    /// The refunds that came along; since 2022 usually none.
    pub refunds: Vec<Refund>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// The vendor's own pairs.
    pub metadata: BTreeMap<String, String>,
}

impl Charge {
    /// Reads a `charge`.
    ///
    /// # Errors
    /// When what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let charge = Node::typed(value, "charge")?;
        let currency = charge.currency("currency")?;
        Ok(Self {
            id: charge.text("id")?,
            amount: charge.money("amount", currency)?,
            amount_refunded: charge.money_or_zero("amount_refunded", currency)?,
            refunded: charge.flag("refunded"),
            disputed: charge.flag("disputed"),
            status: charge.text("status")?.as_str().into(),
            payment_intent: charge.opt_id("payment_intent"),
            customer: charge.opt_id("customer"),
            invoice: charge.opt_id("invoice"),
            refunds: charge
                .items("refunds")?
                .iter()
                .map(Refund::read)
                .collect::<Result<_, _>>()?,
            created: charge.time("created")?,
            metadata: charge.pairs("metadata"),
        })
    }
}

open_enum! {
    /// Where a refund stands.
    RefundStatus {
        /// On its way.
        Pending = "pending",
        /// The customer has to do something.
        RequiresAction = "requires_action",
        /// The money went back.
        Succeeded = "succeeded",
        /// It came back to us.
        Failed = "failed",
        /// Called off.
        Canceled = "canceled",
    }
}

/// Money given back to a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// `re_…`.
    pub id: String,
    /// How much.
    pub amount: Money,
    /// `ch_…`.
    pub charge: Option<String>,
    /// `pi_…`.
    pub payment_intent: Option<String>,
    /// Where it stands; `None` in old objects means that it succeeded.
    pub status: Option<RefundStatus>,
    /// Why it was given, in Stripe's words.
    pub reason: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// The vendor's own pairs.
    pub metadata: BTreeMap<String, String>,
}

impl Refund {
    /// Reads a `refund`.
    ///
    /// # Errors
    /// When what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        Self::read(&Node::typed(value, "refund")?)
    }

    /// Whether money went back, or is on its way.
    #[must_use]
    pub fn counts(&self) -> bool {
        !matches!(
            self.status,
            Some(RefundStatus::Failed | RefundStatus::Canceled)
        )
    }

    pub(crate) fn read(refund: &Node<'_>) -> Result<Self, BadObject> {
        let currency = refund.currency("currency")?;
        Ok(Self {
            id: refund.text("id")?,
            amount: refund.money("amount", currency)?,
            charge: refund.opt_id("charge"),
            payment_intent: refund.opt_id("payment_intent"),
            status: refund
                .opt_text("status")
                .map(|status| status.as_str().into()),
            reason: refund.opt_text("reason"),
            failure_reason: refund.opt_text("failure_reason"),
            created: refund.time("created")?,
            metadata: refund.pairs("metadata"),
        })
    }
}

open_enum! {
    /// Where a dispute stands.
    DisputeStatus {
        /// An inquiry; no money was taken yet, an answer is due.
        WarningNeedsResponse = "warning_needs_response",
        /// An inquiry that the bank looks at.
        WarningUnderReview = "warning_under_review",
        /// An inquiry that came to nothing.
        WarningClosed = "warning_closed",
        /// The money was taken; an answer is due.
        NeedsResponse = "needs_response",
        /// The bank looks at our answer.
        UnderReview = "under_review",
        /// Decided for us; the money comes back.
        Won = "won",
        /// Decided against us; the money is gone.
        Lost = "lost",
        /// Averted before it was one.
        Prevented = "prevented",
    }
}

/// A customer's bank asks for a charge back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// `dp_…` or `du_…`.
    pub id: String,
    /// What is asked for back.
    pub amount: Money,
    /// `ch_…`.
    pub charge: String,
    /// `pi_…`.
    pub payment_intent: Option<String>,
    /// Where it stands.
    pub status: DisputeStatus,
    /// Why, in Stripe's words.
    pub reason: Option<String>,
    /// When it began.
    pub created: DateTime<Utc>,
}

impl Dispute {
    /// Reads a `dispute`.
    ///
    /// # Errors
    /// When what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let dispute = Node::typed(value, "dispute")?;
        let currency = dispute.currency("currency")?;
        Ok(Self {
            id: dispute.text("id")?,
            amount: dispute.money("amount", currency)?,
            charge: dispute.id("charge")?,
            payment_intent: dispute.opt_id("payment_intent"),
            status: dispute.text("status")?.as_str().into(),
            reason: dispute.opt_text("reason"),
            created: dispute.time("created")?,
        })
    }

    /// Whether it is not decided yet, so that commission on the charge is held.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(
            self.status,
            DisputeStatus::WarningNeedsResponse
                | DisputeStatus::WarningUnderReview
                | DisputeStatus::NeedsResponse
                | DisputeStatus::UnderReview
                | DisputeStatus::Other(_)
        )
    }
}
