//! Stripe's billing objects as the portal needs them, read from the JSON of a webhook or a reply.
//!
//! Missing and new fields do no harm; an amount that is text, is not whole or is too large, and an
//! unknown currency, are refused with a [`crate::BadObject`] that names the place.

mod balance;
mod checkout;
mod credit_note;
mod customer;
mod invoice;
mod payment;
mod transfer;

pub use balance::BalanceTransaction;
pub use checkout::{Buyer, CheckoutItem, CheckoutSession, Sale};
pub use credit_note::{CreditNote, CreditNoteLine, CreditNoteRefund, CreditNoteStatus};
pub use customer::{Customer, Subscription, SubscriptionItem, SubscriptionStatus};
pub use invoice::{Invoice, InvoiceLine, InvoiceStatus, Period};
pub use payment::{
    Charge, ChargeStatus, Dispute, DisputeStatus, InvoicePayment, PaymentStatus, Refund,
    RefundStatus,
};
pub use transfer::{Payout, PayoutEvent, PayoutStatus, Transfer};

use domain::money::{Currency, Money};

use crate::read::{BadObject, Node};

/// An enum of Stripe's values that keeps the ones it does not know.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A value this version does not know.
            Other(String),
        }

        impl $name {
            /// Stripe's own text for it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use open_enum;

/// What an invoice's or a credit note's line is worth before anything is taken off, and what is to
/// be taken off for commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineAmounts {
    /// Before discounts; contains inclusive tax but not exclusive tax.
    pub amount: Money,
    /// All discounts on the line.
    pub discount: Money,
    /// Tax that is contained in `amount`.
    pub tax_inclusive: Money,
    /// Tax that comes on top of `amount`.
    pub tax_exclusive: Money,
    /// Billing credits the customer paid with, given before tax. Discounts are not repeated here.
    pub credit: Money,
}

impl LineAmounts {
    /// Net of tax, discount and credit: what the line earned.
    ///
    /// # Errors
    /// When the amounts are so large that taking them off overflows.
    pub fn net(&self) -> Result<Money, BadObject> {
        [self.discount, self.tax_inclusive, self.credit]
            .iter()
            .try_fold(self.amount.minor, |net, off| net.checked_sub(off.minor))
            .map(|minor| Money::new(minor, self.amount.currency))
            .ok_or_else(|| BadObject::new("line.amount", "is too large"))
    }

    /// Reads a line. Today's shape has `taxes[].tax_behavior`; before 2025 it was
    /// `tax_amounts[].inclusive`. `pretax_credit_amounts` repeats the discounts, so only what is
    /// not a discount counts as credit; where there are no `discount_amounts`, it is the discounts.
    pub(crate) fn read(line: &Node<'_>, currency: Currency) -> Result<Self, BadObject> {
        let is_discount = |item: &Node<'_>| item.opt_text("type").as_deref() == Some("discount");
        let tax = |inclusive: bool| -> Result<i64, BadObject> {
            let today = line.opt_sum("taxes", "amount", |tax| {
                (tax.opt_text("tax_behavior").as_deref() == Some("inclusive")) == inclusive
            })?;
            let before = line.opt_sum("tax_amounts", "amount", |tax| {
                tax.flag("inclusive") == inclusive
            })?;
            Ok(today.or(before).unwrap_or(0))
        };
        let discounts = match line.opt_sum("discount_amounts", "amount", |_| true)? {
            Some(sum) => sum,
            None => line
                .opt_sum("pretax_credit_amounts", "amount", is_discount)?
                .unwrap_or(0),
        };
        let credits = line.opt_sum("pretax_credit_amounts", "amount", |item| !is_discount(item))?;
        let money = |minor| Money::new(minor, currency);
        let amounts = Self {
            amount: line.money("amount", currency)?,
            discount: money(discounts),
            tax_inclusive: money(tax(true)?),
            tax_exclusive: money(tax(false)?),
            credit: money(credits.unwrap_or(0)),
        };
        amounts
            .net()
            .map_err(|_| line.bad("amount", "is too large"))?;
        Ok(amounts)
    }
}

/// The sum, refused where it overflows.
pub(crate) fn sum(
    amounts: impl IntoIterator<Item = Money>,
    currency: Currency,
    path: &str,
) -> Result<Money, BadObject> {
    amounts
        .into_iter()
        .try_fold(0i64, |sum, amount| sum.checked_add(amount.minor))
        .map(|minor| Money::new(minor, currency))
        .ok_or_else(|| BadObject::new(path, "makes the sum too large"))
}
