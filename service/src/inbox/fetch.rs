//! Asking Stripe for what an event refers to.

use std::collections::{BTreeMap, BTreeSet};

use stripe_gateway::billing::{CheckoutSession, CreditNote, Customer, Invoice, InvoicePayment};
use stripe_gateway::{CallError, Gateway};

use crate::billing::apply::{Absent, Wish};
use crate::billing::change::{Change, News};

/// What has been asked and what came back. What was fetched is handled like news of its own.
#[derive(Default)]
pub(crate) struct Fetched {
    pub(crate) news: Vec<News>,
    pub(crate) asked: BTreeSet<Wish>,
    pub(crate) absent: Absent,
    notes: BTreeMap<String, CreditNote>,
    checkouts: BTreeMap<String, CheckoutSession>,
    problems: BTreeMap<Wish, String>,
    missing: BTreeSet<Wish>,
}

impl Fetched {
    /// Asks for a wish, once; what goes wrong is remembered.
    pub(crate) async fn ask(&mut self, gateway: &dyn Gateway, wish: &Wish, cause: &News) {
        if !self.asked.insert(wish.clone()) {
            return;
        }
        let result = match wish {
            Wish::Customer(id) => self.customer(gateway, id, cause).await,
            Wish::Invoice(id) => self.invoice(gateway, id, cause).await,
            Wish::PaidInvoices(customer) => self.paid_invoices(gateway, customer, cause).await,
            Wish::Origin(id) => self.origin(gateway, id, cause).await,
            // Asked for, and complete then.
            Wish::CreditNote(id) => gateway.credit_note(id).await.map(|note| {
                self.notes.insert(id.clone(), note);
            }),
            Wish::Checkout(id) => gateway.checkout(id).await.map(|session| {
                self.checkouts.insert(id.clone(), session);
            }),
            Wish::Balance(customer) => self.balance(gateway, customer, cause).await,
            Wish::Payments { intent, charge } => {
                self.payments(gateway, intent.clone(), charge.clone(), cause)
                    .await
            }
        };
        if let Err(error) = result {
            if error.is_missing() {
                self.missing.insert(wish.clone());
            }
            self.problems.insert(wish.clone(), error.to_string());
        }
    }

    /// Why a wish that was asked for is still open.
    pub(crate) fn problem(&self, wish: &Wish) -> String {
        match self.problems.get(wish) {
            Some(problem) => problem.clone(),
            None => format!("Stripe’s answer did not help: {wish:?}"),
        }
    }

    /// The name of what Stripe does not have, or not yet, where a wish that was asked for is open for
    /// that reason.
    pub(crate) fn missing(&self, wish: &Wish) -> Option<&str> {
        self.missing.get(wish).and_then(Wish::name)
    }

    /// The complete object where the event's own came incomplete.
    pub(crate) fn instead_of(&self, news: &News) -> Option<News> {
        let change = match &news.change {
            Change::CreditNote(note) if note.lines_have_more => {
                Change::CreditNote(Box::new(self.notes.get(&note.id)?.clone()))
            }
            Change::Checkout(session) => {
                Change::Checkout(Box::new(self.checkouts.get(&session.id)?.clone()))
            }
            _ => return None,
        };
        Some(News {
            change,
            ..news.clone()
        })
    }

    fn add(&mut self, id: &str, cause: &News, change: Change) {
        self.news.push(News {
            event: id.to_owned(),
            at: cause.at,
            change,
        });
    }

    async fn customer(
        &mut self,
        gateway: &dyn Gateway,
        id: &str,
        cause: &News,
    ) -> Result<(), CallError> {
        let customer = match gateway.customer(id).await {
            Ok(customer) => customer,
            // It was deleted; the invoice still says whose it was.
            Err(error) if error.is_missing() => gone(id, cause),
            Err(error) => return Err(error),
        };
        self.add(id, cause, Change::Customer(Box::new(customer)));
        Ok(())
    }

    async fn invoice(
        &mut self,
        gateway: &dyn Gateway,
        id: &str,
        cause: &News,
    ) -> Result<(), CallError> {
        let invoice = complete_invoice(gateway, gateway.invoice(id).await?).await?;
        self.add(id, cause, Change::Invoice(Box::new(invoice)));
        Ok(())
    }

    /// What a customer has paid; one that is not there any more has paid nothing that could be asked
    /// for.
    async fn paid_invoices(
        &mut self,
        gateway: &dyn Gateway,
        customer: &str,
        cause: &News,
    ) -> Result<(), CallError> {
        let invoices = match gateway.paid_invoices(customer).await {
            Ok(invoices) => invoices,
            Err(error) if error.is_missing() => Vec::new(),
            Err(error) => return Err(error),
        };
        for invoice in invoices {
            let invoice = complete_invoice(gateway, invoice).await?;
            let id = invoice.id.clone();
            self.add(&id, cause, Change::Invoice(Box::new(invoice)));
        }
        self.absent.paid_invoices.insert(customer.to_owned());
        Ok(())
    }

    async fn balance(
        &mut self,
        gateway: &dyn Gateway,
        customer: &str,
        cause: &News,
    ) -> Result<(), CallError> {
        let changes = match gateway.balance_transactions(customer).await {
            Ok(changes) => changes,
            // Nobody knows any more where its credit came from.
            Err(error) if error.is_missing() => Vec::new(),
            Err(error) => return Err(error),
        };
        self.absent.balances.insert(customer.to_owned());
        let change = Change::Balance {
            customer: customer.to_owned(),
            changes,
        };
        self.add(customer, cause, change);
        Ok(())
    }

    /// What a subscription and its checkout say; one that is not there says nothing.
    async fn origin(
        &mut self,
        gateway: &dyn Gateway,
        id: &str,
        cause: &News,
    ) -> Result<(), CallError> {
        match gateway.subscription(id).await {
            Ok(said) => self.add(id, cause, Change::Subscription(Box::new(said))),
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error),
        }
        for session in gateway.checkouts_of_subscription(id).await? {
            let id = session.id.clone();
            self.add(&id, cause, Change::Checkout(Box::new(session)));
        }
        self.absent.origins.insert(id.to_owned());
        Ok(())
    }

    async fn payments(
        &mut self,
        gateway: &dyn Gateway,
        intent: Option<String>,
        charge: Option<String>,
        cause: &News,
    ) -> Result<(), CallError> {
        let mut through = intent.clone();
        if let (None, Some(id)) = (&through, &charge) {
            through = gateway.charge(id).await?.payment_intent;
        }
        let payments: Vec<InvoicePayment> = match &through {
            Some(intent) => gateway.payments_by_intent(intent).await?,
            None => Vec::new(),
        };
        if payments.is_empty() {
            let sold = match &through {
                Some(intent) => self.sold(gateway, intent, charge.as_deref()).await?,
                None => false,
            };
            if !sold {
                let by = through
                    .clone()
                    .or_else(|| charge.clone())
                    .unwrap_or_default();
                let names = intent.into_iter().chain(charge).chain(through);
                let waits = names.map(|name| (name, by.clone()));
                self.absent.payments.extend(waits);
            }
            return Ok(());
        }
        for payment in payments {
            let id = payment.id.clone();
            // The charge's own name leads to the invoice from now on.
            let charge = payment.charge.clone().or_else(|| charge.clone());
            let payment = InvoicePayment { charge, ..payment };
            self.add(&id, cause, Change::Payment(Box::new(payment)));
        }
        Ok(())
    }

    /// What was sold without an invoice and paid by a payment intent; says whether there is such a
    /// sale.
    async fn sold(
        &mut self,
        gateway: &dyn Gateway,
        intent: &str,
        charge: Option<&str>,
    ) -> Result<bool, CallError> {
        let mut any = false;
        for session in gateway.checkouts_by_intent(intent).await? {
            let session = complete_checkout(gateway, session).await?;
            let paid_at = session.paid_at.unwrap_or(session.created);
            let Some(sale) = session.as_invoice(paid_at)? else {
                continue;
            };
            any = true;
            // The charge's own name leads to the sale from now on.
            let payments = sale.payments.into_iter().map(|payment| {
                let charge = charge.map(str::to_owned);
                Change::Payment(Box::new(InvoicePayment { charge, ..payment }))
            });
            let session = Change::Checkout(Box::new(session));
            self.news
                .extend(std::iter::once(session).chain(payments).map(|change| News {
                    event: sale.id.clone(),
                    at: paid_at,
                    change,
                }));
        }
        Ok(any)
    }
}

/// The checkout with all items, where something was sold there.
pub(crate) async fn complete_checkout(
    gateway: &dyn Gateway,
    session: CheckoutSession,
) -> Result<CheckoutSession, CallError> {
    match &session.sale {
        Some(sale) if sale.items.is_none() => gateway.checkout(&session.id).await,
        _ => Ok(session),
    }
}

/// The invoice with all lines, and with its payments where it is paid.
pub(crate) async fn complete_invoice(
    gateway: &dyn Gateway,
    mut invoice: Invoice,
) -> Result<Invoice, CallError> {
    if invoice.lines_have_more {
        invoice.lines = gateway.invoice_lines(&invoice.id).await?;
        invoice.lines_have_more = false;
    }
    if invoice.payments.is_empty() && invoice.amount_paid.minor != 0 {
        invoice.payments = gateway.invoice_payments(&invoice.id).await?;
    }
    Ok(invoice)
}

/// A customer that Stripe no longer has, as far as its invoice describes it.
fn gone(id: &str, cause: &News) -> Customer {
    let invoice = match &cause.change {
        Change::Invoice(invoice) => Some(invoice),
        _ => None,
    };
    Customer {
        id: id.to_owned(),
        email: invoice.and_then(|i| i.customer_email.clone()),
        name: invoice.and_then(|i| i.customer_name.clone()),
        country: invoice.and_then(|i| i.customer_country.clone()),
        currency: None,
        created: None,
        deleted: false,
        metadata: BTreeMap::new(),
    }
}
