//! What a simulation has found: two amounts for everything that either side earns.

use std::collections::BTreeMap;

use entity::commission;

/// Single amounts that are named.
const NAMED: usize = 10;

/// One partner in one currency, or all of a currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// `partner.id`; 0 for a total.
    pub partner_id: i64,
    /// The partner's name.
    pub partner: String,
    /// The currency.
    pub currency: String,
    /// Amounts that either earns.
    pub lines: i64,
    /// Net revenue behind them, in minor units.
    pub revenue: i64,
    /// What the plans in force earn, in minor units.
    pub old: i64,
    /// What the draft earns, in minor units.
    pub new: i64,
}

impl Compared {
    /// How much more the draft earns.
    pub fn difference(&self) -> i64 {
        self.new.saturating_sub(self.old)
    }
}

/// One amount that differs much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `invoice.id`.
    pub invoice_id: i64,
    /// Its number.
    pub invoice: String,
    /// The partner's name.
    pub partner: String,
    /// Old and new.
    pub compared: Compared,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// By partner and currency.
    pub rows: Vec<Compared>,
    /// By currency.
    pub totals: Vec<Compared>,
    /// The single amounts that differ most.
    pub named: Vec<Named>,
    /// Paid invoices that were looked at.
    pub invoices: usize,
    /// Rules that no invoice can say anything about, by name.
    pub silent: Vec<String>,
}

/// What both sides have earned so far.
#[derive(Default)]
pub(super) struct Found {
    /// Single amounts of the present chunk, by their reference.
    single: BTreeMap<String, Named>,
    rows: BTreeMap<(i64, String), Compared>,
    named: Vec<Named>,
}

impl Found {
    pub(super) fn add(&mut self, side: usize, (id, name): (i64, &str), row: &commission::Model) {
        let named = self
            .single
            .entry(row.reference.clone())
            .or_insert_with(|| Named {
                invoice_id: id,
                invoice: name.to_owned(),
                partner: String::new(),
                compared: Compared {
                    partner_id: row.partner_id,
                    currency: row.currency.clone(),
                    lines: 1,
                    revenue: row.basis,
                    ..Compared::default()
                },
            });
        match side {
            0 => named.compared.old = row.amount,
            _ => named.compared.new = row.amount,
        }
    }

    /// Adds the chunk's amounts to their partners; `wanted` names the partners that are asked for.
    pub(super) fn fold<'a>(&mut self, wanted: impl Fn(&i64) -> Option<&'a String>) {
        for mut named in std::mem::take(&mut self.single).into_values() {
            let Some(name) = wanted(&named.compared.partner_id) else {
                continue;
            };
            let one = &named.compared;
            let key = (one.partner_id, one.currency.clone());
            let sum = self.rows.entry(key).or_insert_with(|| Compared {
                partner_id: one.partner_id,
                partner: name.clone(),
                currency: one.currency.clone(),
                ..Compared::default()
            });
            sum_up(sum, one);
            if one.difference() != 0 {
                named.partner.clone_from(name);
                self.named.push(named);
            }
        }
        let size = |n: &Named| std::cmp::Reverse(n.compared.difference().unsigned_abs());
        self.named.sort_by_key(size);
        self.named.truncate(NAMED);
    }

    pub(super) fn finish(self, invoices: usize, silent: Vec<String>) -> Simulation {
        let mut totals: BTreeMap<String, Compared> = BTreeMap::new();
        for row in self.rows.values() {
            let total = totals
                .entry(row.currency.clone())
                .or_insert_with(|| Compared {
                    currency: row.currency.clone(),
                    ..Compared::default()
                });
            sum_up(total, row);
        }
        let mut rows: Vec<Compared> = self.rows.into_values().collect();
        rows.sort_by(|a, b| (&a.partner, &a.currency).cmp(&(&b.partner, &b.currency)));
        Simulation {
            rows,
            totals: totals.into_values().collect(),
            named: self.named,
            invoices,
            silent,
        }
    }
}

fn sum_up(sum: &mut Compared, one: &Compared) {
    sum.lines += one.lines;
    sum.revenue = sum.revenue.saturating_add(one.revenue);
    sum.old = sum.old.saturating_add(one.old);
    sum.new = sum.new.saturating_add(one.new);
}
