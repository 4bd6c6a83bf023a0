//! What a webhook says, in the few words the portal acts on.

use chrono::{DateTime, Utc};
use stripe_gateway::BadObject;
use stripe_gateway::billing::{
    BalanceTransaction, Charge, CheckoutSession, CreditNote, Customer, Dispute, Invoice,
    InvoicePayment, Refund, Subscription,
};
use stripe_gateway::webhook::Envelope;

use crate::payout::jobs;

/// One piece of news.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A customer was made or changed.
    Customer(Box<Customer>),
    /// A finished checkout names a customer and whatever the vendor's page passed along, such as
    /// `portico_deal_12`; what is sold there without an invoice earns like one.
    Checkout(Box<CheckoutSession>),
    /// A subscription was made, changed or ended.
    Subscription(Box<Subscription>),
    /// An invoice was made, changed, paid or annulled.
    Invoice(Box<Invoice>),
    /// A payment towards an invoice.
    Payment(Box<InvoicePayment>),
    /// A credit note was issued, changed or annulled.
    CreditNote(Box<CreditNote>),
    /// A refund was made, went through or failed.
    Refund(Box<Refund>),
    /// A charge was refunded; says how much of it in all.
    Charge(Box<Charge>),
    /// A dispute was opened, changed or decided.
    Dispute(Box<Dispute>),
    /// How a customer's balance came about, as Stripe was asked.
    Balance {
        /// `cus_…`.
        customer: String,
        /// Every change, the oldest first.
        changes: Vec<BalanceTransaction>,
    },
    /// Something that is to be fetched again by a job.
    Job {
        /// The job's kind.
        kind: &'static str,
        /// What to fetch.
        stripe_id: String,
    },
}

/// A change with what its event says of itself.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// `evt_…`, or the id of what was fetched instead.
    pub(crate) event: String,
    /// When it happened at Stripe.
    pub(crate) at: DateTime<Utc>,
    /// What happened.
    pub(crate) change: Change,
}

impl Change {
    /// Reads an event; `None` for events the portal has no use for.
    ///
    /// # Errors
    /// When the event's object cannot be trusted.
    pub(crate) fn read(envelope: &Envelope) -> Result<Option<Self>, BadObject> {
        let kind = envelope.event_type.as_str();
        if let Some(job) = fetch_later(kind, envelope) {
            return Ok(Some(job));
        }
        let object = || envelope.require_object();
        Ok(Some(match kind {
            "customer.created" | "customer.updated" | "customer.deleted" => {
                Self::Customer(Box::new(Customer::parse(object()?)?))
            }
            "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
                let session = CheckoutSession::parse(object()?)?;
                let mut metadata = session.metadata.keys();
                let says =
                    session.reference.is_some() || metadata.any(|k| k.starts_with("portico_"));
                let names = session.customer.is_some() && says;
                if !names && session.sale.is_none() {
                    return Ok(None);
                }
                Self::Checkout(Box::new(session))
            }
            _ if kind.starts_with("customer.subscription.") => {
                Self::Subscription(Box::new(Subscription::parse(object()?)?))
            }
            // Not an invoice yet: Stripe's preview of the next one.
            "invoice.upcoming" | "invoice.deleted" | "invoice.will_be_due" => return Ok(None),
            _ if kind.starts_with("invoice_payment.") => {
                Self::Payment(Box::new(InvoicePayment::parse(object()?)?))
            }
            _ if kind.starts_with("invoice.") => {
                Self::Invoice(Box::new(Invoice::parse(object()?)?))
            }
            _ if kind.starts_with("credit_note.") => {
                Self::CreditNote(Box::new(CreditNote::parse(object()?)?))
            }
            "charge.refunded" => Self::Charge(Box::new(Charge::parse(object()?)?)),
            _ if kind.starts_with("refund.") || kind == "charge.refund.updated" => {
                Self::Refund(Box::new(Refund::parse(object()?)?))
            }
            _ if kind.starts_with("charge.dispute.") => {
                Self::Dispute(Box::new(Dispute::parse(object()?)?))
            }
            _ => return Ok(None),
        }))
    }

    /// Whether it is about what was billed, paid or given back.
    pub(crate) fn is_about_money(&self) -> bool {
        !matches!(self, Self::Customer(_) | Self::Job { .. })
    }

    /// Where it stands among what happened in the same second: what others refer to comes first, so
    /// that less has to be fetched. The result is the same in any order.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Job { .. } | Self::Customer(_) => 0,
            Self::Checkout(_) | Self::Balance { .. } => 1,
            Self::Subscription(_) => 2,
            Self::Invoice(_) => 3,
            Self::Payment(_) => 4,
            Self::CreditNote(_) => 5,
            Self::Refund(_) => 6,
            Self::Charge(_) => 7,
            Self::Dispute(_) => 8,
        }
    }
}

/// Events about connected accounts, transfers and bank payouts only say that something is to be
/// asked for again.
fn fetch_later(kind: &str, envelope: &Envelope) -> Option<Change> {
    let job = |kind, stripe_id: &str| {
        Some(Change::Job {
            kind,
            stripe_id: stripe_id.to_owned(),
        })
    };
    if kind.starts_with("v2.core.account") {
        return job(jobs::REFRESH_ACCOUNT, envelope.object_id()?);
    }
    if kind.starts_with("account.") {
        // The object may be the bank account or the application that was taken away: whose it is,
        // the envelope says.
        let account = envelope.account.as_deref();
        let own = || envelope.object_id().filter(|_| kind == "account.updated");
        return job(jobs::REFRESH_ACCOUNT, account.or_else(own)?);
    }
    if kind.starts_with("transfer.") {
        return job(jobs::SYNC_TRANSFER, envelope.object_id()?);
    }
    if kind.starts_with("payout.") {
        // The platform's own payouts to the vendor's bank are none of the portal's business.
        return job(jobs::SYNC_BANK_PAYOUTS, envelope.account.as_deref()?);
    }
    None
}
