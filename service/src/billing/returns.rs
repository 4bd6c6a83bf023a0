//! How much of an invoice has gone back, and of which lines.
//!
//! The answer is worked out from all refunds, credit notes and disputes that are known, as a
//! function of that set: the order in which they came, and how often, does not matter. The same
//! money arrives under several names, and counts once:
//!
//! - A credit note that refunds names its refunds; they count as part of the note.
//! - A charge says how much of it was refunded in all; only what no known refund explains counts.
//! - An invoice says how much was credited in all; only what no known note explains counts.
//!
//! What was paid beyond the invoice was never in the sale: giving that back takes nothing from it. And
//! what no money arrived for was never in it either, so that the money goes back first.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::money::{MoneyError, ratio, split_largest_remainder};
use entity::{invoice_line, invoice_return};
use serde::{Deserialize, Serialize};

use super::unit::{InvoiceState, Row};

/// What a return says beside its amount; stored as `invoice_return.detail`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// Net amounts by invoice line, where a credit note says so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) lines: BTreeMap<String, i64>,
    /// The refunds a credit note made, and how much of each; none is all of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) refunds: BTreeMap<String, Option<i64>>,
    /// For totals: what was said when, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) totals: Vec<(DateTime<Utc>, i64)>,
    /// For disputes: when the newest news of it was told; a bank may change its mind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) said_at: Option<DateTime<Utc>>,
    /// The charge a refund was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) charge: Option<String>,
    /// When it ended as void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) voided_at: Option<DateTime<Utc>>,
    /// Stripe's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Detail {
    /// Reads a stored detail; what cannot be read says nothing.
    pub(crate) fn of(row: &invoice_return::Model) -> Self {
        serde_json::from_value(row.detail.clone()).unwrap_or_default()
    }

    /// Whether the row is a total rather than a return of its own.
    pub(crate) fn is_total(&self) -> bool {
        !self.totals.is_empty()
    }

    /// Adds what was said at an instant, in order and once.
    pub(crate) fn say(&mut self, at: DateTime<Utc>, total: i64) {
        if !self.totals.contains(&(at, total)) {
            self.totals.push((at, total));
            self.totals.sort_unstable();
        }
    }

    /// The newest total said up to an instant.
    fn total(&self, until: Option<DateTime<Utc>>) -> Option<(DateTime<Utc>, i64)> {
        self.totals
            .iter()
            .rev()
            .find(|(at, _)| until.is_none_or(|until| *at <= until))
            .copied()
    }
}

/// What has gone back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Returned {
    /// With tax, at most the invoice's total.
    pub(crate) gross: i64,
    /// Net, by `invoice_line.id`.
    pub(crate) lines: HashMap<i64, i64>,
}

/// Works out what has gone back up to an instant; `None` is everything known.
pub(crate) fn returned(
    state: &InvoiceState,
    until: Option<DateTime<Utc>>,
) -> Result<Returned, MoneyError> {
    let total = state.row.total.saturating_sub(state.row.unearning);
    if total <= 0 || state.returns.is_empty() {
        return Ok(Returned::default());
    }
    let mut sums = Sums::of(&state.returns, until);
    sums.rest += (sums.cash - excess(state)).max(0);
    let gross = i128::from(total).min(sums.by_line + sums.rest);
    let gross = i64::try_from(gross).map_err(|_| MoneyError::Overflow)?;
    let named = sums.named(&state.lines)?;
    let mut lines = HashMap::new();
    for line in &state.lines {
        let part = if gross >= total {
            line.net
        } else {
            let named = named.get(&line.id).copied().unwrap_or(0);
            line_part(line, named, &sums, total)?
        };
        if part != 0 {
            lines.insert(line.id, part);
        }
    }
    Ok(Returned { gross, lines })
}

/// What was paid beyond what was to be paid.
fn excess(state: &InvoiceState) -> i128 {
    let paid: i128 = state.payments.iter().map(|p| i128::from(p.amount)).sum();
    state
        .row
        .due
        .map_or(0, |due| (paid - i128::from(due)).max(0))
}

/// How much of what was paid beyond the invoice has gone back.
pub(crate) fn excess_returned(state: &InvoiceState) -> i64 {
    let back = Sums::of(&state.returns, None).cash.min(excess(state));
    i64::try_from(back.max(0)).unwrap_or(i64::MAX)
}

/// The part of one line: what credit notes name, and its share of the rest.
fn line_part(
    line: &Row<invoice_line::Model>,
    named: i64,
    sums: &Sums,
    total: i64,
) -> Result<i64, MoneyError> {
    let (low, high) = (line.net.min(0), line.net.max(0));
    // What credit notes name by line is not spread over the others again.
    let open = i128::from(total) - sums.by_line;
    if sums.rest <= 0 || open <= 0 {
        return Ok(named);
    }
    let rest = i64::try_from(sums.rest.min(open)).map_err(|_| MoneyError::Overflow)?;
    let open = i64::try_from(open).map_err(|_| MoneyError::Overflow)?;
    let left = line.net.checked_sub(named).ok_or(MoneyError::Overflow)?;
    let part = ratio(left, rest, open)?
        .checked_add(named)
        .ok_or(MoneyError::Overflow)?;
    Ok(part.clamp(low, high))
}

fn clamp(value: i128, low: i64, high: i64) -> i64 {
    i64::try_from(value.clamp(i128::from(low), i128::from(high))).unwrap_or(high)
}

/// The returns added up, each money once.
#[derive(Debug, Default)]
struct Sums {
    /// Net by invoice line's Stripe id, as credit notes name it.
    lines: HashMap<String, i128>,
    /// Gross of the credit notes that name lines.
    by_line: i128,
    /// Gross of everything else that lowers the sale.
    rest: i128,
    /// Gross of the money that went back by itself: refunds and lost disputes.
    cash: i128,
    /// How much of each row is counted, by `invoice_return.id`: the same money once.
    parts: HashMap<i64, i128>,
}

impl Sums {
    /// What credit notes name of each line, by `invoice_line.id`. Where several lines have one name,
    /// it is divided like what they are worth.
    fn named(&self, lines: &[Row<invoice_line::Model>]) -> Result<HashMap<i64, i64>, MoneyError> {
        let mut of_name: BTreeMap<&str, Vec<&Row<invoice_line::Model>>> = BTreeMap::new();
        for line in lines {
            of_name.entry(&line.line_id).or_default().push(line);
        }
        let mut named = HashMap::new();
        for (name, lines) in of_name {
            let Some(net) = self.lines.get(name).copied() else {
                continue;
            };
            let bounds = |line: &Row<invoice_line::Model>| (line.net.min(0), line.net.max(0));
            if let [line] = lines[..] {
                let (low, high) = bounds(line);
                named.insert(line.id, clamp(net, low, high));
                continue;
            }
            let weights: Vec<u64> = lines.iter().map(|line| line.net.unsigned_abs()).collect();
            let whole = clamp(net, i64::MIN, i64::MAX);
            let Ok(parts) = split_largest_remainder(whole, &weights) else {
                continue;
            };
            for (line, part) in lines.iter().zip(parts) {
                let (low, high) = bounds(line);
                named.insert(line.id, part.clamp(low, high));
            }
        }
        Ok(named)
    }

    fn of(rows: &[Row<invoice_return::Model>], until: Option<DateTime<Utc>>) -> Self {
        let counts = |row: &invoice_return::Model| {
            row.status == "final" && until.is_none_or(|until| row.happened_at <= until)
        };
        let details: Vec<(&invoice_return::Model, Detail)> =
            rows.iter().map(|row| (&**row, Detail::of(row))).collect();
        let mut sums = Self::default();
        let mut notes: Vec<(DateTime<Utc>, i128)> = Vec::new();
        // How much of each refund counts as a credit note; none is all of it.
        let mut covered: BTreeMap<String, (DateTime<Utc>, Option<i128>)> = BTreeMap::new();
        for (row, detail) in details
            .iter()
            .filter(|(row, d)| row.kind == "credit_note" && !d.is_total() && counts(row))
        {
            notes.push((row.happened_at, i128::from(row.amount)));
            sums.parts.insert(row.id, i128::from(row.amount));
            if detail.lines.is_empty() {
                sums.rest += i128::from(row.amount);
            } else {
                sums.by_line += i128::from(row.amount);
                for (line, net) in &detail.lines {
                    *sums.lines.entry(line.clone()).or_insert(0) += i128::from(*net);
                }
            }
            for (refund, amount) in &detail.refunds {
                let (_, cover) = covered
                    .entry(refund.clone())
                    .or_insert((row.happened_at, Some(0)));
                *cover = match (*cover, amount) {
                    (Some(sum), Some(amount)) => Some(sum + i128::from(*amount)),
                    _ => None,
                };
            }
        }
        let known = sums.add_refunds(&details, covered, &counts);
        sums.add_totals(&details, until, &known, &notes);
        for (row, _) in details
            .iter()
            .filter(|(row, _)| row.kind == "dispute" && counts(row))
        {
            sums.cash += i128::from(row.amount);
            sums.parts.insert(row.id, i128::from(row.amount));
        }
        sums
    }

    /// Adds refunds as far as no credit note counts them; returns all that are known one by one.
    fn add_refunds(
        &mut self,
        details: &[(&invoice_return::Model, Detail)],
        mut covered: BTreeMap<String, (DateTime<Utc>, Option<i128>)>,
        counts: &impl Fn(&invoice_return::Model) -> bool,
    ) -> Vec<Known> {
        let mut known = Vec::new();
        for (row, detail) in details
            .iter()
            .filter(|(row, d)| row.kind == "refund" && !d.is_total())
        {
            // One refund of several invoices has a row for each: `re_1/in_2`.
            let name = row.stripe_id.split('/').next().unwrap_or_default();
            let cover = covered.remove(name);
            if !counts(row) {
                continue;
            }
            let amount = i128::from(row.amount);
            known.push(Known {
                charge: detail.charge.clone(),
                at: row.happened_at,
                amount,
            });
            let part = match cover {
                None => amount,
                Some((_, None)) => 0,
                Some((_, Some(part))) => (amount - part).max(0),
            };
            self.cash += part;
            self.parts.insert(row.id, part);
        }
        // Refunds of which only a credit note speaks.
        known.extend(covered.into_values().filter_map(|(at, amount)| {
            Some(Known {
                charge: None,
                at,
                amount: amount?,
            })
        }));
        known
    }

    /// Adds what charges and the invoice say in all beyond what is known one by one. A total that
    /// was said before something happened says nothing about it.
    fn add_totals(
        &mut self,
        details: &[(&invoice_return::Model, Detail)],
        until: Option<DateTime<Utc>>,
        known: &[Known],
        notes: &[(DateTime<Utc>, i128)],
    ) {
        // What was annulled or failed after a total was said is still in it.
        let undone = |kind: &str, charge: Option<&str>, at: DateTime<Utc>| -> i128 {
            details
                .iter()
                .filter(|(r, d)| r.kind == kind && r.status == "void" && !d.is_total())
                .filter(|(_, d)| d.charge.is_none() || d.charge.as_deref() == charge)
                .filter(|(r, d)| r.happened_at <= at && d.voided_at.is_some_and(|v| v >= at))
                .map(|(r, _)| i128::from(r.amount))
                .sum()
        };
        let sum = |charge: Option<&str>, at: DateTime<Utc>| -> i128 {
            let those = known
                .iter()
                .filter(|k| k.charge.as_deref() == charge && k.at <= at);
            those.map(|k| k.amount).sum()
        };
        let mut refunded: Vec<(i64, i128)> = Vec::new();
        let mut last: Option<DateTime<Utc>> = None;
        for (row, detail) in details.iter().filter(|(_, d)| d.is_total()) {
            let Some((at, total)) = detail.total(until) else {
                continue;
            };
            let total = i128::from(total);
            if row.kind == "credit_note" {
                let noted: i128 = notes.iter().filter(|n| n.0 <= at).map(|n| n.1).sum();
                let part = (total - undone("credit_note", None, at) - noted).max(0);
                self.rest += part;
                self.parts.insert(row.id, part);
                continue;
            }
            // One charge of several invoices has a row for each: `ch_1/in_2`.
            let charge = row.stripe_id.split('/').next();
            let part = (total - undone("refund", charge, at) - sum(charge, at)).max(0);
            refunded.push((row.id, part));
            last = last.max(Some(at));
        }
        // Refunds that name no charge are in these totals too.
        let mut named = last.map_or(0, |at| sum(None, at));
        for (row, part) in refunded {
            let counted = (part - named).max(0);
            named -= part - counted;
            self.cash += counted;
            self.parts.insert(row, counted);
        }
    }
}

/// What went back of an invoice as people read it: each amount once, under the name that tells most. What
/// does not count, because it is open or was annulled, stands with its own amount and says so.
pub(crate) fn listed(rows: Vec<invoice_return::Model>) -> Vec<invoice_return::Model> {
    let rows: Vec<Row<invoice_return::Model>> = rows.into_iter().map(Row::stored).collect();
    let parts = Sums::of(&rows, None).parts;
    let shown = rows.iter().filter_map(|row| {
        let mut shown = (**row).clone();
        if row.status == "final" || Detail::of(row).is_total() {
            let part = parts.get(&row.id).copied().unwrap_or_default();
            shown.amount = i64::try_from(part).ok().filter(|amount| *amount != 0)?;
        }
        Some(shown)
    });
    shown.collect()
}

/// A refund that is known by itself.
struct Known {
    charge: Option<String>,
    at: DateTime<Utc>,
    amount: i128,
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::invoice;
    use proptest::prelude::*;
    use serde_json::json;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn line(id: i64, net: i64) -> Row<invoice_line::Model> {
        Row::stored(invoice_line::Model {
            id,
            stripe_id: format!("il_{id}"),
            invoice_id: 1,
            product_line_id: None,
            description: String::new(),
            amount: net,
            discount: 0,
            tax: 0,
            net,
            returned: 0,
            proration: false,
            period_start: None,
            period_end: None,
            line_id: format!("il_{id}"),
            occurrence: 1,
        })
    }

    fn back(
        id: usize,
        kind: &str,
        amount: i64,
        second: i64,
        detail: serde_json::Value,
    ) -> Row<invoice_return::Model> {
        Row::stored(invoice_return::Model {
            id: id as i64,
            stripe_id: format!("re_{id}"),
            kind: kind.to_owned(),
            invoice_id: 1,
            amount,
            status: "final".to_owned(),
            detail,
            happened_at: at(second),
            created_at: at(second),
        })
    }

    fn invoice(total: i64, net: &[i64], returns: Vec<Row<invoice_return::Model>>) -> InvoiceState {
        InvoiceState {
            row: Row::stored(invoice::Model {
                id: 1,
                stripe_id: "in_1".to_owned(),
                customer_id: 1,
                subscription_stripe_id: None,
                number: None,
                status: "paid".to_owned(),
                currency: "EUR".to_owned(),
                total,
                net: 0,
                amount_paid: total,
                returned: 0,
                disputed: false,
                outcome: "open".to_owned(),
                outcome_reason: None,
                issued_at: at(0),
                paid_at: Some(at(0)),
                created_at: at(0),
                due: None,
                from_balance: 0,
                unearning: 0,
                balance: None,
            }),
            lines: (1..).zip(net).map(|(id, net)| line(id, *net)).collect(),
            payments: Vec::new(),
            returns,
            commissions: Vec::new(),
            holds: HashMap::new(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn of_any_amounts_no_more_goes_back_than_there_was(
            total: i64,
            net in prop::collection::vec(any::<i64>(), 1..4),
            rows in prop::collection::vec((0..4_usize, any::<i64>(), 0..100_i64, any::<i64>()), 0..6),
            until in prop::option::of(0..100_i64),
        ) {
            let returns = rows.iter().enumerate().map(|(id, (kind, amount, second, other))| {
                let (kind, detail) = match kind {
                    0 => ("refund", json!({ "charge": "ch_1" })),
                    1 => ("credit_note", json!({ "lines": { "il_1": other },
                        "refunds": { "re_0": other, "re_9": null } })),
                    2 => ("refund", json!({ "totals": [[at(*second), other]] })),
                    _ => ("dispute", json!({})),
                };
                back(id, kind, *amount, *second, detail)
            });
            let state = invoice(total, &net, returns.collect());
            match returned(&state, until.map(at)) {
                Ok(known) => {
                    for line in &state.lines {
                        let part = known.lines.get(&line.id).copied().unwrap_or(0);
                        prop_assert!((line.net.min(0)..=line.net.max(0)).contains(&part));
                    }
                }
                Err(error) => prop_assert_eq!(error, MoneyError::Overflow),
            }
        }

        #[test]
        fn more_refunds_never_take_back_less(
            net in prop::collection::vec(1..1_000_000_i64, 1..4),
            shares in prop::collection::vec(1..400_i64, 1..8),
        ) {
            let total: i64 = net.iter().sum();
            let mut state = invoice(total, &net, Vec::new());
            let mut before = vec![0; net.len()];
            for (id, share) in shares.iter().enumerate() {
                state.returns.push(back(id, "refund", total * share / 1_000, 1, json!({})));
                let known = returned(&state, None).unwrap();
                let now: Vec<i64> =
                    state.lines.iter().map(|l| known.lines.get(&l.id).copied().unwrap_or(0)).collect();
                prop_assert!(now.iter().zip(&before).all(|(now, before)| now >= before));
                prop_assert!(known.gross <= total);
                before = now;
            }
            if shares.iter().map(|s| total * s / 1_000).sum::<i64>() >= total {
                prop_assert_eq!(before, net);
            }
        }
    }
}
