//! What of an invoice was paid from the customer's balance, and whether that was money.
//!
//! Stripe keeps a balance for every customer: a list of credits and debits, of which an invoice takes
//! what there is before anybody pays. Commission is earned on money that arrived. A credit earns
//! where it was money (an overpayment, a transfer that was left over), or where commission was taken
//! back for it (a credit note, a downgrade); it does not where it was given. Stripe does not say why
//! somebody changed a balance by hand, so that counts as given.
//! <https://docs.stripe.com/billing/customer/balance>

use std::collections::{BTreeMap, VecDeque};

crate::text_enum! {
    /// Where credit on a customer's balance came from.
    pub enum CreditSource {
        /// The customer's own money, which has not paid for anything yet.
        Money = "money" => "Money that was left over",
        /// It was paid for something that was given back, and its commission with it.
        Returned = "returned" => "Credit of something given back",
        /// The program gave it as a reward: the sale is worth what it is worth without it.
        Reward = "reward" => "A reward of the program",
        /// It was given, or nobody knows why it is there.
        Gift = "gift" => "A gift, or of unknown source",
    }
}

impl CreditSource {
    /// Whether what is paid with such credit earns commission.
    #[must_use]
    pub const fn earns(self) -> bool {
        !matches!(self, Self::Gift)
    }

    /// The source of a credit by the type that Stripe gives the change. What takes credit back to the
    /// balance that an invoice had used (`unapplied_from_invoice`) has the source that it had.
    #[must_use]
    pub fn of_type(kind: &str) -> Self {
        match kind {
            "invoice_overpaid" | "unspent_receiver_credit" => Self::Money,
            // Below zero, an invoice gives: it credits what a downgrade or an early end leaves over.
            "credit_note" | "applied_to_invoice" => Self::Returned,
            _ => Self::Gift,
        }
    }
}

/// A change of a customer's balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceChange {
    /// Minor units; negative is credit, as at Stripe.
    pub amount: i64,
    /// Stripe's type of the change.
    pub kind: String,
    /// Where it came from, if it is credit.
    pub source: CreditSource,
    /// Stripe's name of the invoice that was paid, left in part, or credited; of the checkout where
    /// there is no invoice yet.
    pub invoice: Option<String>,
}

/// Credit by its source, minor units.
pub type BySource = BTreeMap<CreditSource, i64>;

/// What an invoice took of each source, the oldest credit first. `changes` are all of the customer's
/// in one currency, the oldest first; `used` is what the invoice itself says that it took, and what of
/// that nobody can account for is a gift. `totals` are the totals of invoices that are known, so that
/// a credit note on one that was itself paid with a gift brings back no more than it had earned.
#[must_use]
pub fn taken(
    changes: &[BalanceChange],
    totals: &BTreeMap<String, i64>,
    invoice: &str,
    used: i64,
) -> BySource {
    let mut books = Books::default();
    for change in changes {
        books.add(change, totals);
    }
    let mut parts = match books.used.remove(invoice) {
        Some(parts) => parts,
        // Stripe's list does not know the invoice: it takes what is there.
        None => sums(&books.take(i128::from(used))),
    };
    fit(&mut parts, used)
}

/// Makes the parts add up to `used`: what is missing is a gift, what is too much is left out, gifts
/// last.
fn fit(parts: &mut BTreeMap<CreditSource, i128>, used: i64) -> BySource {
    let mut left = i128::from(used.max(0));
    let mut fitted = BySource::new();
    for (source, part) in std::mem::take(parts) {
        let part = part.clamp(0, left);
        left -= part;
        *fitted.entry(source).or_insert(0) += i64::try_from(part).unwrap_or(i64::MAX);
    }
    if left > 0 {
        *fitted.entry(CreditSource::Gift).or_insert(0) += i64::try_from(left).unwrap_or(i64::MAX);
    }
    fitted.retain(|_, part| *part != 0);
    fitted
}

fn sums(parts: &[(CreditSource, i128)]) -> BTreeMap<CreditSource, i128> {
    let mut sums = BTreeMap::new();
    for (source, part) in parts {
        *sums.entry(*source).or_insert(0) += part;
    }
    sums
}

/// A balance as it is worked out, change by change; wide, so that no sum overflows.
#[derive(Default)]
struct Books {
    /// Credit that is there, the oldest first.
    credit: VecDeque<(CreditSource, i128)>,
    /// What the customer owes; then there is no credit.
    debt: i128,
    /// What each invoice took.
    used: BTreeMap<String, BTreeMap<CreditSource, i128>>,
    /// What credit notes have brought back of each invoice that earned.
    returned: BTreeMap<String, i128>,
}

impl Books {
    fn add(&mut self, change: &BalanceChange, totals: &BTreeMap<String, i64>) {
        let amount = i128::from(change.amount);
        let takes = matches!(
            change.kind.as_str(),
            "applied_to_invoice" | "checkout_session_subscription_payment"
        );
        let leaves = matches!(
            change.kind.as_str(),
            "unapplied_from_invoice" | "checkout_session_subscription_payment_canceled"
        );
        match (&change.invoice, amount > 0) {
            (Some(invoice), true) if takes => {
                let parts = self.take(amount);
                let used = self.used.entry(invoice.clone()).or_default();
                for (source, part) in parts {
                    *used.entry(source).or_insert(0) += part;
                }
            }
            (_, true) => {
                self.take(amount);
            }
            (Some(invoice), false) if leaves => self.put_back(invoice, -amount),
            (Some(invoice), false) if change.kind == "credit_note" => {
                self.note(invoice, -amount, totals.get(invoice).copied());
            }
            (_, false) => self.give(change.source, -amount),
        }
    }

    /// Takes the oldest credit; where there is not enough, the customer owes the rest.
    fn take(&mut self, mut amount: i128) -> Vec<(CreditSource, i128)> {
        let mut parts = Vec::new();
        while amount > 0 {
            let Some((source, there)) = self.credit.front_mut() else {
                self.debt += amount;
                break;
            };
            let part = amount.min(*there);
            parts.push((*source, part));
            amount -= part;
            *there -= part;
            if *there == 0 {
                self.credit.pop_front();
            }
        }
        parts
    }

    /// Adds credit, which pays first what the customer owes.
    fn give(&mut self, source: CreditSource, amount: i128) {
        let rest = amount - amount.min(self.debt);
        self.debt -= amount - rest;
        if rest > 0 {
            self.credit.push_back((source, rest));
        }
    }

    /// What an invoice had taken is the oldest credit again.
    fn put_back(&mut self, invoice: &str, mut amount: i128) {
        let mut back = Vec::new();
        if let Some(used) = self.used.get_mut(invoice) {
            for (source, part) in used.iter_mut() {
                let some = amount.min(*part);
                *part -= some;
                amount -= some;
                if some > 0 {
                    back.push((*source, some));
                }
            }
        }
        for part in back.into_iter().rev() {
            self.credit.push_front(part);
        }
        self.give(CreditSource::Gift, amount);
    }

    /// A credit note brings back first what the invoice had earned on, and then what was given.
    fn note(&mut self, invoice: &str, amount: i128, total: Option<i64>) {
        let gift = self
            .used
            .get(invoice)
            .and_then(|used| used.get(&CreditSource::Gift))
            .copied()
            .unwrap_or(0);
        let before = self.returned.entry(invoice.to_owned()).or_insert(0);
        let most = total.map_or(amount, |total| {
            (i128::from(total) - gift - *before).clamp(0, amount)
        });
        *before += most;
        self.give(CreditSource::Returned, most);
        self.give(CreditSource::Gift, amount - most);
    }
}

#[cfg(test)]
mod tests {
    use super::CreditSource::{Gift, Money, Returned, Reward};
    use super::*;
    use proptest::prelude::*;

    fn change(kind: &str, amount: i64, invoice: Option<&str>) -> BalanceChange {
        BalanceChange {
            amount,
            kind: kind.to_owned(),
            source: CreditSource::of_type(kind),
            invoice: invoice.map(str::to_owned),
        }
    }

    fn of(changes: &[BalanceChange], invoice: &str, used: i64) -> Vec<(CreditSource, i64)> {
        let totals = BTreeMap::from([("in_1".to_owned(), 100)]);
        taken(changes, &totals, invoice, used).into_iter().collect()
    }

    #[test]
    fn the_oldest_credit_pays_first() {
        let changes = [
            change("adjustment", -30, None),
            change("invoice_overpaid", -50, Some("in_0")),
            change("credit_note", -40, Some("in_1")),
            change("applied_to_invoice", 60, Some("in_2")),
            change("applied_to_invoice", 60, Some("in_3")),
        ];
        assert_eq!(of(&changes, "in_2", 60), [(Money, 30), (Gift, 30)]);
        assert_eq!(of(&changes, "in_3", 60), [(Money, 20), (Returned, 40)]);
    }

    #[test]
    fn what_nobody_knows_is_a_gift() {
        assert_eq!(of(&[], "in_2", 100), [(Gift, 100)]);
        for kind in ["initial", "migration", "adjustment", "a_type_of_tomorrow"] {
            let changes = [
                change(kind, -100, None),
                change("applied_to_invoice", 100, Some("in_2")),
            ];
            assert_eq!(of(&changes, "in_2", 100), [(Gift, 100)], "{kind}");
        }
        // The list knows less than the invoice says that it took, and nothing of the invoice.
        let money = [change("invoice_overpaid", -30, Some("in_0"))];
        assert_eq!(of(&money, "in_2", 100), [(Money, 30), (Gift, 70)]);
    }

    #[test]
    fn a_reward_leaves_the_basis_whole() {
        let mut reward = change("adjustment", -80, None);
        reward.source = Reward;
        let changes = [reward, change("applied_to_invoice", 80, Some("in_2"))];
        assert_eq!(of(&changes, "in_2", 80), [(Reward, 80)]);
        assert!(Reward.earns() && Money.earns() && Returned.earns() && !Gift.earns());
    }

    #[test]
    fn what_an_annulled_invoice_had_taken_keeps_its_source() {
        let changes = [
            change("invoice_overpaid", -50, Some("in_0")),
            change("adjustment", -50, None),
            change("applied_to_invoice", 50, Some("in_2")),
            change("unapplied_from_invoice", -50, Some("in_2")),
            change("applied_to_invoice", 80, Some("in_3")),
        ];
        assert_eq!(of(&changes, "in_3", 80), [(Money, 50), (Gift, 30)]);
    }

    #[test]
    fn a_debt_is_paid_before_anything_is_credit() {
        let changes = [
            change("adjustment", 70, None),
            change("invoice_overpaid", -100, Some("in_0")),
            change("applied_to_invoice", 30, Some("in_2")),
        ];
        assert_eq!(of(&changes, "in_2", 30), [(Money, 30)]);
    }

    /// An invoice of 100, of which 40 were a gift, is credited: 60 of it had earned.
    #[test]
    fn a_credit_note_brings_back_no_more_than_had_earned() {
        let changes = [
            change("adjustment", -40, None),
            change("applied_to_invoice", 40, Some("in_1")),
            change("credit_note", -100, Some("in_1")),
            change("applied_to_invoice", 100, Some("in_2")),
        ];
        assert_eq!(of(&changes, "in_2", 100), [(Returned, 60), (Gift, 40)]);
    }

    proptest! {
        #[test]
        fn the_parts_are_what_was_used(
            rows in prop::collection::vec((0..6_usize, any::<i64>(), 0..3_usize), 0..12),
            used in 0..i64::MAX,
        ) {
            let kinds = ["adjustment", "applied_to_invoice", "credit_note", "invoice_overpaid",
                "unapplied_from_invoice", "initial"];
            let changes: Vec<BalanceChange> = rows.iter().map(|(kind, amount, invoice)| {
                change(kinds[*kind], *amount, Some(&format!("in_{invoice}")))
            }).collect();
            let sum: i128 = of(&changes, "in_2", used).iter().map(|(_, part)| i128::from(*part)).sum();
            prop_assert_eq!(sum, i128::from(used));
        }
    }
}
