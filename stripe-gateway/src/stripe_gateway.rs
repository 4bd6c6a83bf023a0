//! The gateway that really asks Stripe, or whatever speaks its API at another address.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::money::Money;
use reqwest::header::HeaderValue;
use serde_json::Value;
use stripe_billing::credit_note::RetrieveCreditNote;
use stripe_billing::credit_note_line_item::ListCreditNoteCreditNoteLineItem;
use stripe_billing::invoice::{ListInvoice, RetrieveInvoice};
use stripe_billing::invoice_line_item::ListInvoiceInvoiceLineItem;
use stripe_billing::invoice_payment::{
    ListInvoicePayment, ListInvoicePaymentPayment, ListInvoicePaymentPaymentType,
};
use stripe_billing::subscription::RetrieveSubscription;
use stripe_checkout::checkout_session::{
    ListCheckoutSession, ListLineItemsCheckoutSession, RetrieveCheckoutSession,
};
use stripe_connect::login_link::CreateAccountLoginLink;
use stripe_connect::transfer::{CreateTransfer, ListTransfer, RetrieveTransfer};
use stripe_core::balance::RetrieveForMyAccountBalance;
use stripe_core::charge::RetrieveCharge;
use stripe_core::customer::{RetrieveCustomer, SearchCustomer};
use stripe_core::customer_balance_transaction::ListCustomerCustomerBalanceTransaction;
use stripe_core::event::RetrieveEvent;
use stripe_core::payout::ListPayout;
use stripe_core::refund::RetrieveRefund;
use stripe_shared::InvoiceStatus as PaidStatus;
use stripe_types::RangeQueryTs;

use crate::billing::{
    BalanceTransaction, Charge, CheckoutItem, CheckoutSession, CreditNote, CreditNoteLine,
    Customer, Invoice, InvoiceLine, InvoicePayment, Payout, Refund, Subscription, Transfer,
};
use crate::error::{CallError, TransferError};
use crate::gateway::{Gateway, Link, NewRecipient, NewTransfer, Page, Platform};
use crate::read::{BadObject, Node};
use crate::recipient::RecipientAccount;
use crate::v1::{self, PAGE};
use crate::v2::V2;
use crate::webhook::Envelope;

/// What of a checkout session Stripe is asked to include: when its payment arrived.
const PAID_AT: &str = "payment_intent.latest_charge.balance_transaction";

/// Pages of a search that are looked at.
const SEARCHED: usize = 3;

/// Where and as whom to ask.
#[derive(Clone)]
pub struct Config {
    /// `sk_…` or `rk_…`; never printed.
    pub secret_key: String,
    /// The API's address; `None` is Stripe itself.
    pub api_base: Option<String>,
    /// How long one call may take altogether.
    pub timeout: Duration,
}

impl Config {
    /// Stripe itself, ten seconds a call.
    #[must_use]
    pub fn new(secret_key: impl Into<String>) -> Self {
        Self {
            secret_key: secret_key.into(),
            api_base: None,
            timeout: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("api_base", &self.api_base)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Why a gateway cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The address is no http or https address.
    #[error("STRIPE_API_BASE must be an address such as https://api.stripe.com, not “{0}”")]
    Address(String),
    /// The key has characters that no key has.
    #[error("STRIPE_SECRET_KEY cannot be used: it has characters that no Stripe key has")]
    Key,
    /// The HTTP clients could not be set up.
    #[error("the Stripe client could not be set up: {0}")]
    Client(String),
}

/// Sets the cursor of a list request where there is one.
macro_rules! after {
    ($request:expr, $after:expr) => {{
        let request = $request.limit(PAGE);
        match $after {
            Some(after) => request.starting_after(after),
            None => request,
        }
    }};
}

/// Stripe behind the [`Gateway`] trait: async-stripe for v1, small calls of our own for v2.
pub struct StripeGateway {
    v1: stripe::Client,
    v2: V2,
    livemode: bool,
}

impl fmt::Debug for StripeGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeGateway").finish_non_exhaustive()
    }
}

impl StripeGateway {
    /// A gateway; nothing is sent yet.
    ///
    /// # Errors
    /// When the key or the address cannot be used.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        crate::install_crypto();
        let base = config
            .api_base
            .as_deref()
            .unwrap_or("https://api.stripe.com");
        if !(base.starts_with("https://") || base.starts_with("http://")) {
            return Err(ConfigError::Address(base.to_owned()));
        }
        let base = format!("{}/", base.trim_end_matches('/'));
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", config.secret_key))
            .map_err(|_| ConfigError::Key)?;
        authorization.set_sensitive(true);
        let livemode = is_live(&config.secret_key);
        let v1 = stripe::ClientBuilder::new(config.secret_key)
            .url(base.clone())
            .timeout(config.timeout)
            .app_info("portico", Some(env!("CARGO_PKG_VERSION").to_owned()), None)
            .build()
            .map_err(|err| ConfigError::Client(err.to_string()))?;
        let v2 = V2::new(authorization, base, config.timeout)
            .map_err(|err| ConfigError::Client(err.to_string()))?;
        Ok(Self { v1, v2, livemode })
    }

    /// All items of a checkout, which [`Gateway::checkout`] asks for where something was sold.
    ///
    /// # Errors
    /// When Stripe does not answer, or answers what cannot be trusted.
    pub async fn checkout_items(&self, session: &str) -> Result<Vec<CheckoutItem>, CallError> {
        let session = id(session)?;
        let items = v1::all(&self.v1, |after| {
            after!(ListLineItemsCheckoutSession::new(session), after)
        });
        each(&items.await?, CheckoutItem::parse)
    }
}

/// Whether a key moves real money.
#[must_use]
pub fn is_live(secret_key: &str) -> bool {
    secret_key.starts_with("sk_live_") || secret_key.starts_with("rk_live_")
}

/// Refuses what cannot be an id, because ids become part of the address.
fn id(text: &str) -> Result<&str, CallError> {
    let fits = (1..=255).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if fits {
        return Ok(text);
    }
    Err(CallError::Definite {
        status: 404,
        code: Some("resource_missing".to_owned()),
        message: "this is no id of a Stripe object".to_owned(),
    })
}

/// Each value as one of our types.
fn each<T>(
    values: &[Value],
    parse: impl Fn(&Value) -> Result<T, BadObject>,
) -> Result<Vec<T>, CallError> {
    values
        .iter()
        .map(|value| parse(value).map_err(CallError::from))
        .collect()
}

fn link(value: &Value) -> Result<Link, CallError> {
    let node = Node::root(value, "link")?;
    Ok(Link {
        url: node.text("url")?,
        expires_at: node.opt_time("expires_at")?,
    })
}

#[async_trait]
impl Gateway for StripeGateway {
    fn livemode(&self) -> bool {
        self.livemode
    }

    async fn platform(&self) -> Result<Platform, CallError> {
        let account = self.v2.get_v1("v1/account").await?;
        Ok(Platform {
            account: Node::typed(&account, "account")?.text("id")?,
            // The account does not say in which mode it was asked; the key does.
            livemode: self.livemode,
        })
    }

    async fn create_recipient(
        &self,
        new: &NewRecipient,
        idempotency_key: &str,
    ) -> Result<RecipientAccount, CallError> {
        let account = self.v2.create_account(new, idempotency_key).await?;
        Ok(RecipientAccount::parse(&account)?)
    }

    async fn recipient(&self, account: &str) -> Result<RecipientAccount, CallError> {
        Ok(RecipientAccount::parse(
            &self.v2.account(id(account)?).await?,
        )?)
    }

    async fn account_link(
        &self,
        account: &str,
        return_url: &str,
        refresh_url: &str,
    ) -> Result<Link, CallError> {
        link(
            &self
                .v2
                .account_link(account, return_url, refresh_url)
                .await?,
        )
    }

    async fn express_login_link(&self, account: &str) -> Result<Link, CallError> {
        // Like an account link it is good for one visit: no key.
        link(&v1::ask(&self.v1, CreateAccountLoginLink::new(id(account)?)).await?)
    }

    async fn create_transfer(
        &self,
        new: &NewTransfer,
        idempotency_key: &str,
    ) -> Result<Transfer, TransferError> {
        let currency = new.amount.currency.stripe_code();
        let currency =
            currency
                .parse::<stripe_types::Currency>()
                .map_err(|_| CallError::NotSent {
                    cause: format!("Stripe has no currency {currency}"),
                })?;
        let request = CreateTransfer::new(currency, &new.destination)
            .amount(new.amount.minor)
            .transfer_group(&new.transfer_group)
            .description(&new.description)
            .metadata(
                new.metadata
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect::<std::collections::HashMap<_, _>>(),
            );
        let body = v1::body(request);
        Ok(Transfer::parse(
            &self
                .v2
                .post_v1("v1/transfers", body, idempotency_key)
                .await?,
        )?)
    }

    async fn transfer(&self, transfer: &str) -> Result<Transfer, CallError> {
        Ok(Transfer::parse(
            &v1::ask(&self.v1, RetrieveTransfer::new(id(transfer)?)).await?,
        )?)
    }

    async fn find_transfers(&self, transfer_group: &str) -> Result<Vec<Transfer>, CallError> {
        let found = v1::all(&self.v1, |after| {
            after!(ListTransfer::new().transfer_group(transfer_group), after)
        });
        each(&found.await?, Transfer::parse)
    }

    async fn list_transfers(&self, since: DateTime<Utc>) -> Result<Vec<Transfer>, CallError> {
        let found = v1::all(&self.v1, |after| {
            after!(
                ListTransfer::new().created(RangeQueryTs::gte(since.timestamp())),
                after
            )
        });
        each(&found.await?, Transfer::parse)
    }

    async fn balance(&self) -> Result<Vec<Money>, CallError> {
        let balance = v1::ask(&self.v1, RetrieveForMyAccountBalance::new()).await?;
        let balance = Node::typed(&balance, "balance")?;
        balance
            .items("available")?
            .iter()
            .map(|available| Ok(available.money("amount", available.currency("currency")?)?))
            .collect()
    }

    async fn payouts_of(&self, account: &str) -> Result<Vec<Payout>, CallError> {
        let list = v1::ask_as(&self.v1, ListPayout::new().limit(PAGE), id(account)?).await?;
        each(&v1::page(list)?.0, Payout::parse)
    }

    async fn invoice(&self, invoice: &str) -> Result<Invoice, CallError> {
        // Payments come along only when asked for.
        let request = RetrieveInvoice::new(id(invoice)?).expand(vec!["payments".to_owned()]);
        Ok(Invoice::parse(&v1::ask(&self.v1, request).await?)?)
    }

    async fn invoice_lines(&self, invoice: &str) -> Result<Vec<InvoiceLine>, CallError> {
        let invoice = id(invoice)?;
        let lines = v1::all(&self.v1, |after| {
            after!(ListInvoiceInvoiceLineItem::new(invoice), after)
        });
        each(&lines.await?, InvoiceLine::parse)
    }

    async fn invoice_payments(&self, invoice: &str) -> Result<Vec<InvoicePayment>, CallError> {
        let payments = v1::all(&self.v1, |after| {
            after!(ListInvoicePayment::new().invoice(invoice), after)
        });
        each(&payments.await?, InvoicePayment::parse)
    }

    async fn payments_by_intent(
        &self,
        payment_intent: &str,
    ) -> Result<Vec<InvoicePayment>, CallError> {
        let payments = v1::all(&self.v1, |after| {
            let mut by =
                ListInvoicePaymentPayment::new(ListInvoicePaymentPaymentType::PaymentIntent);
            by.payment_intent = Some(payment_intent.to_owned());
            after!(ListInvoicePayment::new().payment(by), after)
        });
        each(&payments.await?, InvoicePayment::parse)
    }

    async fn list_invoices(
        &self,
        since: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<Page<Invoice>, CallError> {
        let request = after!(
            ListInvoice::new().created(RangeQueryTs::gte(since.timestamp())),
            after
        );
        let (items, next) = v1::page(v1::ask(&self.v1, request).await?)?;
        Ok(Page {
            items: each(&items, Invoice::parse)?,
            next,
        })
    }

    async fn checkout(&self, session: &str) -> Result<CheckoutSession, CallError> {
        let session = id(session)?;
        let request = RetrieveCheckoutSession::new(session).expand([PAID_AT.to_owned()]);
        let mut read = CheckoutSession::parse(&v1::ask(&self.v1, request).await?)?;
        if let Some(sale) = &mut read.sale {
            sale.items = Some(self.checkout_items(session).await?);
        }
        Ok(read)
    }

    async fn checkouts_by_intent(
        &self,
        payment_intent: &str,
    ) -> Result<Vec<CheckoutSession>, CallError> {
        let sessions = v1::all(&self.v1, |after| {
            after!(
                ListCheckoutSession::new()
                    .payment_intent(payment_intent)
                    .expand([format!("data.{PAID_AT}")]),
                after
            )
        });
        each(&sessions.await?, CheckoutSession::parse)
    }

    async fn checkouts_of_subscription(
        &self,
        subscription: &str,
    ) -> Result<Vec<CheckoutSession>, CallError> {
        let sessions = v1::all(&self.v1, |after| {
            after!(ListCheckoutSession::new().subscription(subscription), after)
        });
        each(&sessions.await?, CheckoutSession::parse)
    }

    async fn list_checkouts(
        &self,
        since: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<Page<CheckoutSession>, CallError> {
        let request = after!(
            ListCheckoutSession::new()
                .created(RangeQueryTs::gte(since.timestamp()))
                .expand([format!("data.{PAID_AT}")]),
            after
        );
        let (items, next) = v1::page(v1::ask(&self.v1, request).await?)?;
        Ok(Page {
            items: each(&items, CheckoutSession::parse)?,
            next,
        })
    }

    async fn charge(&self, charge: &str) -> Result<Charge, CallError> {
        Ok(Charge::parse(
            &v1::ask(&self.v1, RetrieveCharge::new(id(charge)?)).await?,
        )?)
    }

    async fn refund(&self, refund: &str) -> Result<Refund, CallError> {
        Ok(Refund::parse(
            &v1::ask(&self.v1, RetrieveRefund::new(id(refund)?)).await?,
        )?)
    }

    async fn credit_note(&self, note: &str) -> Result<CreditNote, CallError> {
        let note = id(note)?;
        let mut read = CreditNote::parse(&v1::ask(&self.v1, RetrieveCreditNote::new(note)).await?)?;
        if read.lines_have_more {
            let lines = v1::all(&self.v1, |after| {
                after!(ListCreditNoteCreditNoteLineItem::new(note), after)
            });
            read.lines = each(&lines.await?, |line| {
                CreditNoteLine::parse(line, read.currency)
            })?;
            read.lines_have_more = false;
        }
        Ok(read)
    }

    async fn customer(&self, customer: &str) -> Result<Customer, CallError> {
        Ok(Customer::parse(
            &v1::ask(&self.v1, RetrieveCustomer::new(id(customer)?)).await?,
        )?)
    }

    async fn balance_transactions(
        &self,
        customer: &str,
    ) -> Result<Vec<BalanceTransaction>, CallError> {
        let customer = id(customer)?;
        let changes = v1::all(&self.v1, |after| {
            after!(ListCustomerCustomerBalanceTransaction::new(customer), after)
        });
        let mut changes = each(&changes.await?, BalanceTransaction::parse)?;
        // Stripe lists the newest first.
        changes.reverse();
        Ok(changes)
    }

    async fn customers_at(&self, text: &str) -> Result<Vec<Customer>, CallError> {
        let text: String = text.chars().filter(|c| !matches!(c, '"' | '\\')).collect();
        let mut found = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..SEARCHED {
            let request = SearchCustomer::new(format!("email~\"{text}\"")).limit(PAGE);
            let request = match page.take() {
                Some(next) => request.page(next),
                None => request,
            };
            let (items, next) = v1::searched(v1::ask(&self.v1, request).await?)?;
            found.extend(each(&items, Customer::parse)?);
            page = next;
            if page.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn paid_invoices(&self, customer: &str) -> Result<Vec<Invoice>, CallError> {
        let request = ListInvoice::new()
            .customer(id(customer)?)
            .status(PaidStatus::Paid)
            .limit(PAGE);
        let (items, _) = v1::page(v1::ask(&self.v1, request).await?)?;
        let mut invoices = each(&items, Invoice::parse)?;
        invoices.reverse();
        Ok(invoices)
    }

    async fn subscription(&self, subscription: &str) -> Result<Subscription, CallError> {
        let request = RetrieveSubscription::new(id(subscription)?);
        Ok(Subscription::parse(&v1::ask(&self.v1, request).await?)?)
    }

    async fn event(&self, event: &str) -> Result<Envelope, CallError> {
        Ok(Envelope::from_value(
            v1::ask(&self.v1, RetrieveEvent::new(id(event)?)).await?,
        )?)
    }

    async fn v2_event(&self, event: &str) -> Result<Envelope, CallError> {
        Ok(Envelope::from_value(self.v2.event(id(event)?).await?)?)
    }
}
