//! What a plan pays for a line.

use super::fractions::{quarter, round, times};
use super::{Books, Row};
use crate::model::ops::Plan;

impl Books<'_> {
    /// What a line's part earns, and by which rule; `part` is the partner's of an amount.
    pub(super) fn earns(
        &self,
        plan: &Plan,
        of: (usize, usize, usize),
        part: &dyn Fn(i64) -> i64,
        suite: bool,
        net: i64,
        rank: usize,
    ) -> (&'static str, i64) {
        let (index, partner, home) = of;
        let currency = self.stripe.invoices[index].currency;
        let quarter = |i: usize| quarter(self.stripe.invoices[i].paid_at().expect("paid"));
        let sum = |part: &dyn Fn(&Row) -> bool, what: &dyn Fn(&Row) -> i64| -> i64 {
            let those = self
                .rows
                .values()
                .filter(|r| !r.canceled && r.booked.currency == currency);
            those.filter(|r| part(r)).map(what).sum()
        };
        match plan {
            Plan::ByTier(_, Some(rate)) | Plan::Percent(_, Some(rate)) if suite => {
                ("suite", times(net, *rate, 10_000))
            }
            Plan::ByTier(rates, _) => ("plain", times(net, rates[rank], 10_000)),
            Plan::Percent(rate, _) | Plan::First(rate, _) => ("plain", times(net, *rate, 10_000)),
            _ if currency != "EUR" => ("none", 0),
            Plan::Brackets([(first, low), (second, middle)], high) => {
                let now =
                    |r: &Row| r.booked.partner == partner && quarter(r.invoice) == quarter(index);
                let volume = sum(&now, &|r| r.booked.basis);
                let up_to = |volume: i64| {
                    let product = |part: i64, rate: &i64| i128::from(part) * i128::from(*rate);
                    product(volume.min(*first), low)
                        + product(volume.clamp(*first, *second) - first, middle)
                        + product(volume.max(*second) - second, high)
                };
                (
                    "brackets",
                    round(up_to(volume + net) - up_to(volume), 10_000),
                )
            }
            Plan::Capped(rate, customer, partners, all) => {
                let mut amount = times(net, *rate, 10_000);
                let now = |r: &Row| r.rule == "capped" && quarter(r.invoice) == quarter(index);
                let ours = |r: &Row| r.rule == "capped" && r.booked.partner == partner;
                let here = |r: &Row| r.rule == "capped" && self.home(r.invoice) == Some(home);
                let cap = |amount: i64, limit: i64, counts: &dyn Fn(&Row) -> bool| {
                    let used = sum(counts, &|r| r.booked.amount);
                    amount.min(limit.saturating_sub(used).max(0))
                };
                amount = cap(amount, *customer, &here);
                amount = cap(amount, part(*customer), &|r| ours(r) && here(r));
                amount = cap(amount, *partners, &|r| ours(r) && now(r));
                if let Some(all) = all {
                    amount = cap(amount, *all, &now);
                }
                ("capped", amount)
            }
        }
    }
}
