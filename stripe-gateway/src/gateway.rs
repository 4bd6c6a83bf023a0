//! What the portal asks of Stripe. Tests and tools may answer in Stripe's place.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::money::Money;

use crate::billing::{
    BalanceTransaction, Charge, CheckoutSession, CreditNote, Customer, Invoice, InvoiceLine,
    InvoicePayment, Payout, Refund, Subscription, Transfer,
};
use crate::error::{CallError, TransferError};
use crate::recipient::{EntityType, RecipientAccount};
use crate::webhook::Envelope;

/// A connected account to be made for a partner who is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecipient {
    /// The name people at Stripe's dashboard see.
    pub display_name: String,
    /// Where Stripe writes to about the account.
    pub email: String,
    /// ISO 3166-1 alpha-2 country of the legal entity; it cannot be changed afterwards.
    pub country: String,
    /// What kind of legal entity it is; unknown is allowed, Stripe asks for it then.
    pub entity_type: Option<EntityType>,
}

/// A page at Stripe to send somebody to, once and soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where to.
    pub url: String,
    /// Until when it works; `None` where Stripe does not say.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Money to be sent from the platform's balance to a connected account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTransfer {
    /// How much; above zero.
    pub amount: Money,
    /// The connected account, `acct_…`.
    pub destination: String,
    /// Our own name for it, by which it is found again when the outcome is unknown.
    pub transfer_group: String,
    /// What the partner sees.
    pub description: String,
    /// Up to 50 pairs that come back with the transfer.
    pub metadata: BTreeMap<String, String>,
}

/// Whose money the portal moves: the account its key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `acct_…`.
    pub account: String,
    /// Real money; test mode's objects are apart from it.
    pub livemode: bool,
}

/// One page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The id to go on after; `None` on the last page.
    pub next: Option<String>,
}

/// The few things the portal asks Stripe to do or tell.
///
/// Every call ends within the configured time and fails with a [`CallError`]; an answer that cannot
/// be read is [`CallError::Unknown`]. Calls that ask only are free to be repeated. Calls that do
/// something take an idempotency key of 1 to 255 characters and send it once.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Whether its key moves real money. Whatever stands in for Stripe does not.
    fn livemode(&self) -> bool {
        false
    }

    /// The account the key belongs to, and the key's mode.
    async fn platform(&self) -> Result<Platform, CallError>;

    /// Makes a connected account that can receive transfers and has the Express dashboard.
    async fn create_recipient(
        &self,
        new: &NewRecipient,
        idempotency_key: &str,
    ) -> Result<RecipientAccount, CallError>;

    /// The account as it is now, with what Stripe still wants.
    async fn recipient(&self, account: &str) -> Result<RecipientAccount, CallError>;

    /// A page on which the partner gives Stripe what it wants. `return_url` is visited afterwards
    /// and proves nothing; `refresh_url` is visited when the link no longer works.
    async fn account_link(
        &self,
        account: &str,
        return_url: &str,
        refresh_url: &str,
    ) -> Result<Link, CallError>;

    /// The way into the partner's Express dashboard.
    async fn express_login_link(&self, account: &str) -> Result<Link, CallError>;

    /// Sends money. Two calls with the same key and the same values are one transfer.
    async fn create_transfer(
        &self,
        new: &NewTransfer,
        idempotency_key: &str,
    ) -> Result<Transfer, TransferError>;

    /// One transfer.
    async fn transfer(&self, id: &str) -> Result<Transfer, CallError>;

    /// Every transfer of one group: the way to learn how an unknown outcome ended.
    async fn find_transfers(&self, transfer_group: &str) -> Result<Vec<Transfer>, CallError>;

    /// Every transfer made at `since` or later, newest first.
    async fn list_transfers(&self, since: DateTime<Utc>) -> Result<Vec<Transfer>, CallError>;

    /// What the platform can send, once per currency.
    async fn balance(&self) -> Result<Vec<Money>, CallError>;

    /// The latest payouts from a connected account to its bank, up to 100.
    async fn payouts_of(&self, account: &str) -> Result<Vec<Payout>, CallError>;

    /// One invoice, with as many lines as Stripe sends along.
    async fn invoice(&self, id: &str) -> Result<Invoice, CallError>;

    /// All lines of an invoice.
    async fn invoice_lines(&self, id: &str) -> Result<Vec<InvoiceLine>, CallError>;

    /// All payments of an invoice.
    async fn invoice_payments(&self, invoice: &str) -> Result<Vec<InvoicePayment>, CallError>;

    /// The invoice payments a payment intent paid: the link from a refund or a dispute back to its
    /// invoices.
    async fn payments_by_intent(
        &self,
        payment_intent: &str,
    ) -> Result<Vec<InvoicePayment>, CallError>;

    /// A page of the invoices made at `since` or later, to find those whose events never arrived;
    /// go on with `after`, the page's `next`.
    async fn list_invoices(
        &self,
        since: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<Page<Invoice>, CallError>;

    /// One checkout; where something was sold, with all its items.
    async fn checkout(&self, id: &str) -> Result<CheckoutSession, CallError>;

    /// The checkouts at which a payment intent was paid, without their items: the link from a refund
    /// or a dispute back to a sale that has no invoice.
    async fn checkouts_by_intent(
        &self,
        payment_intent: &str,
    ) -> Result<Vec<CheckoutSession>, CallError>;

    /// The checkouts at which a subscription was bought, without their items.
    async fn checkouts_of_subscription(
        &self,
        subscription: &str,
    ) -> Result<Vec<CheckoutSession>, CallError>;

    /// A page of the checkouts begun at `since` or later, without their items; go on with `after`,
    /// the page's `next`.
    async fn list_checkouts(
        &self,
        since: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<Page<CheckoutSession>, CallError>;

    /// One charge.
    async fn charge(&self, id: &str) -> Result<Charge, CallError>;

    /// One refund.
    async fn refund(&self, id: &str) -> Result<Refund, CallError>;

    /// One credit note with all its lines.
    async fn credit_note(&self, id: &str) -> Result<CreditNote, CallError>;

    /// One customer; a deleted one answers with little more than its id.
    async fn customer(&self, id: &str) -> Result<Customer, CallError>;

    /// Every change of a customer's balance, the oldest first.
    async fn balance_transactions(
        &self,
        customer: &str,
    ) -> Result<Vec<BalanceTransaction>, CallError>;

    /// The customers whose address contains `text`, such as a domain. Stripe searches an index that
    /// is up to a minute behind, more in an outage; at most 300 are looked at.
    async fn customers_at(&self, text: &str) -> Result<Vec<Customer>, CallError>;

    /// The newest hundred paid invoices of a customer, oldest first.
    async fn paid_invoices(&self, customer: &str) -> Result<Vec<Invoice>, CallError>;

    /// One subscription.
    async fn subscription(&self, id: &str) -> Result<Subscription, CallError>;

    /// A snapshot event.
    async fn event(&self, id: &str) -> Result<Envelope, CallError>;

    /// A thin event.
    async fn v2_event(&self, id: &str) -> Result<Envelope, CallError>;
}
