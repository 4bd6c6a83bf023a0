//! A stand-in for Stripe that knows what a test has put on it, and nothing else.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::money::Money;
use serde_json::{Value, json};
use stripe_gateway::billing::{
    BalanceTransaction, Charge, CheckoutItem, CheckoutSession, CreditNote, Customer, Invoice,
    InvoiceLine, InvoicePayment, Payout, Refund, Subscription, Transfer,
};
use stripe_gateway::webhook::Envelope;
use stripe_gateway::{
    CallError, Gateway, Link, NewRecipient, NewTransfer, Page, Platform, RecipientAccount,
    TransferError,
};

/// Objects by id, as Stripe would send them.
#[derive(Default)]
pub struct Shelf {
    objects: Mutex<BTreeMap<String, Value>>,
    /// Refuses every call, as when there is no network.
    pub down: bool,
}

impl Shelf {
    /// Puts an object on the shelf.
    pub fn put(&self, object: Value) {
        let id = object["id"].as_str().expect("an id").to_owned();
        self.objects
            .lock()
            .expect("not poisoned")
            .insert(id, object);
    }

    /// Everything on the shelf.
    pub fn all_objects(&self) -> Vec<Value> {
        let objects = self.objects.lock().expect("not poisoned");
        objects.values().cloned().collect()
    }

    fn get(&self, id: &str) -> Result<Value, CallError> {
        if self.down {
            return Err(CallError::NotSent {
                cause: "no network".to_owned(),
            });
        }
        self.objects
            .lock()
            .expect("not poisoned")
            .get(id)
            .cloned()
            .ok_or(CallError::Definite {
                status: 404,
                code: Some("resource_missing".to_owned()),
                message: format!("no such object: {id}"),
            })
    }

    /// A checkout session with its payment, as far as that is on the shelf.
    fn paid(&self, session: &Value) -> Result<Value, CallError> {
        let mut session = session.clone();
        let intent = session["payment_intent"].take();
        let charge = self.all(|o| {
            o["object"] == "charge" && o["payment_intent"] == intent && !intent.is_null()
        })?;
        session["payment_intent"] = match charge.first() {
            Some(charge) => json!({ "id": intent, "latest_charge": {
                "id": charge["id"], "balance_transaction": { "created": charge["created"] },
            } }),
            None => intent,
        };
        Ok(session)
    }

    fn all(&self, keep: impl Fn(&Value) -> bool) -> Result<Vec<Value>, CallError> {
        if self.down {
            return Err(CallError::NotSent {
                cause: "no network".to_owned(),
            });
        }
        let objects = self.objects.lock().expect("not poisoned");
        Ok(objects.values().filter(|o| keep(o)).cloned().collect())
    }
}

fn no<T>() -> Result<T, CallError> {
    Err(CallError::NotSent {
        cause: "not asked in these tests".to_owned(),
    })
}

#[async_trait]
impl Gateway for Shelf {
    async fn platform(&self) -> Result<Platform, CallError> {
        no()
    }
    async fn create_recipient(
        &self,
        _: &NewRecipient,
        _: &str,
    ) -> Result<RecipientAccount, CallError> {
        no()
    }
    async fn recipient(&self, _: &str) -> Result<RecipientAccount, CallError> {
        no()
    }
    async fn account_link(&self, _: &str, _: &str, _: &str) -> Result<Link, CallError> {
        no()
    }
    async fn express_login_link(&self, _: &str) -> Result<Link, CallError> {
        no()
    }
    async fn create_transfer(&self, _: &NewTransfer, _: &str) -> Result<Transfer, TransferError> {
        no()
    }
    async fn transfer(&self, _: &str) -> Result<Transfer, CallError> {
        no()
    }
    async fn find_transfers(&self, _: &str) -> Result<Vec<Transfer>, CallError> {
        no()
    }
    async fn list_transfers(&self, _: DateTime<Utc>) -> Result<Vec<Transfer>, CallError> {
        no()
    }
    async fn balance(&self) -> Result<Vec<Money>, CallError> {
        no()
    }
    async fn payouts_of(&self, _: &str) -> Result<Vec<Payout>, CallError> {
        no()
    }
    async fn invoice(&self, id: &str) -> Result<Invoice, CallError> {
        Ok(Invoice::parse(&self.get(id)?)?)
    }
    async fn invoice_lines(&self, id: &str) -> Result<Vec<InvoiceLine>, CallError> {
        let invoice = self.get(id)?;
        let lines = invoice["all_lines"]
            .as_array()
            .or(invoice["lines"]["data"].as_array());
        Ok(lines
            .into_iter()
            .flatten()
            .map(InvoiceLine::parse)
            .collect::<Result<_, _>>()?)
    }
    async fn invoice_payments(&self, invoice: &str) -> Result<Vec<InvoicePayment>, CallError> {
        let found = self.all(|o| o["object"] == "invoice_payment" && o["invoice"] == invoice)?;
        Ok(found
            .iter()
            .map(InvoicePayment::parse)
            .collect::<Result<_, _>>()?)
    }
    async fn payments_by_intent(&self, intent: &str) -> Result<Vec<InvoicePayment>, CallError> {
        let found = self.all(|o| {
            o["object"] == "invoice_payment" && o["payment"]["payment_intent"] == intent
        })?;
        Ok(found
            .iter()
            .map(InvoicePayment::parse)
            .collect::<Result<_, _>>()?)
    }
    async fn list_invoices(
        &self,
        since: DateTime<Utc>,
        _: Option<&str>,
    ) -> Result<Page<Invoice>, CallError> {
        let found = self.all(|o| {
            o["object"] == "invoice" && o["created"].as_i64() >= Some(since.timestamp())
        })?;
        let items = found.iter().map(Invoice::parse).collect::<Result<_, _>>()?;
        Ok(Page { items, next: None })
    }
    async fn checkout(&self, id: &str) -> Result<CheckoutSession, CallError> {
        let session = self.paid(&self.get(id)?)?;
        let mut read = CheckoutSession::parse(&session)?;
        if let Some(sale) = &mut read.sale {
            let items = session["line_items"]["data"].as_array();
            let items = items.into_iter().flatten().map(CheckoutItem::parse);
            sale.items = Some(items.collect::<Result<_, _>>()?);
        }
        Ok(read)
    }
    async fn checkouts_by_intent(&self, intent: &str) -> Result<Vec<CheckoutSession>, CallError> {
        let found =
            self.all(|o| o["object"] == "checkout.session" && o["payment_intent"] == intent)?;
        found
            .iter()
            .map(|session| Ok(CheckoutSession::parse(&self.paid(session)?)?))
            .collect()
    }
    async fn checkouts_of_subscription(
        &self,
        subscription: &str,
    ) -> Result<Vec<CheckoutSession>, CallError> {
        let found =
            self.all(|o| o["object"] == "checkout.session" && o["subscription"] == subscription)?;
        found
            .iter()
            .map(|s| Ok(CheckoutSession::parse(s)?))
            .collect()
    }
    async fn list_checkouts(
        &self,
        since: DateTime<Utc>,
        _: Option<&str>,
    ) -> Result<Page<CheckoutSession>, CallError> {
        let found = self.all(|o| {
            o["object"] == "checkout.session" && o["created"].as_i64() >= Some(since.timestamp())
        })?;
        let items: Result<_, CallError> = found
            .iter()
            .map(|session| Ok(CheckoutSession::parse(&self.paid(session)?)?))
            .collect();
        Ok(Page {
            items: items?,
            next: None,
        })
    }
    async fn charge(&self, id: &str) -> Result<Charge, CallError> {
        Ok(Charge::parse(&self.get(id)?)?)
    }
    async fn refund(&self, id: &str) -> Result<Refund, CallError> {
        Ok(Refund::parse(&self.get(id)?)?)
    }
    async fn credit_note(&self, id: &str) -> Result<CreditNote, CallError> {
        Ok(CreditNote::parse(&self.get(id)?)?)
    }
    async fn customer(&self, id: &str) -> Result<Customer, CallError> {
        Ok(Customer::parse(&self.get(id)?)?)
    }
    async fn balance_transactions(&self, id: &str) -> Result<Vec<BalanceTransaction>, CallError> {
        let mut found =
            self.all(|o| o["object"] == "customer_balance_transaction" && o["customer"] == id)?;
        found.sort_by_key(|o| (o["created"].as_i64(), o["id"].as_str().map(str::to_owned)));
        Ok(found
            .iter()
            .map(BalanceTransaction::parse)
            .collect::<Result<_, _>>()?)
    }
    async fn customers_at(&self, text: &str) -> Result<Vec<Customer>, CallError> {
        let found = self.all(|o| {
            o["object"] == "customer" && o["email"].as_str().is_some_and(|e| e.contains(text))
        })?;
        Ok(found
            .iter()
            .map(Customer::parse)
            .collect::<Result<_, _>>()?)
    }
    async fn paid_invoices(&self, customer: &str) -> Result<Vec<Invoice>, CallError> {
        let mut found = self.all(|o| {
            o["object"] == "invoice" && o["customer"] == customer && o["status"] == "paid"
        })?;
        found.sort_by_key(|o| o["created"].as_i64());
        Ok(found.iter().map(Invoice::parse).collect::<Result<_, _>>()?)
    }
    async fn subscription(&self, id: &str) -> Result<Subscription, CallError> {
        Ok(Subscription::parse(&self.get(id)?)?)
    }
    async fn event(&self, _: &str) -> Result<Envelope, CallError> {
        no()
    }
    async fn v2_event(&self, _: &str) -> Result<Envelope, CallError> {
        no()
    }
}
