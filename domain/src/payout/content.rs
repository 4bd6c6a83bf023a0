//! What a run's page shows, as a text: its SHA-256 is the run's fingerprint, and two such texts say
//! what differs between what a person saw and what there is now.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::money::{Currency, Money};

/// One partner and currency as shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Minor units of the currency.
    pub amount: i64,
    /// How many lines it is made of.
    pub lines: i64,
    /// The sum of their ids: other lines of the same amount are another content.
    pub line_sum: i64,
    /// Whether it is paid.
    pub included: bool,
    /// Whether a person took it out.
    pub excluded: bool,
}

/// Everything a run shows, by partner and currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    items: BTreeMap<(i64, Currency), Shown>,
}

/// How many differences are named one by one.
const NAMED: usize = 5;

impl Content {
    /// Adds a partner (`partner.id`) and currency.
    pub fn add(&mut self, partner: i64, currency: Currency, shown: Shown) {
        self.items.insert((partner, currency), shown);
    }

    /// What was approved of a partner and currency; none where it was not to be paid.
    pub fn approved(&self, partner: i64, currency: Currency) -> Option<i64> {
        let shown = self.items.get(&(partner, currency))?;
        shown.included.then_some(shown.amount)
    }

    /// The text that is kept and whose hash is the fingerprint: a line for each item, in the order
    /// of partners and currencies.
    pub fn text(&self) -> String {
        let mut out = String::from("run/1\n");
        for ((partner, currency), s) in &self.items {
            let included = if s.included { "in" } else { "out" };
            let excluded = if s.excluded { "excluded" } else { "-" };
            // Writing to a String cannot fail.
            let _ = writeln!(
                out,
                "{partner}|{currency}|{}|{}|{}|{included}|{excluded}",
                s.amount, s.lines, s.line_sum
            );
        }
        out
    }

    /// Reads what [`Content::text`] wrote; none where it is something else.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some("run/1") {
            return None;
        }
        let mut content = Self::default();
        for line in lines {
            let parts: Vec<&str> = line.split('|').collect();
            let [partner, currency, amount, count, sum, included, excluded] = parts[..] else {
                return None;
            };
            let shown = Shown {
                amount: amount.parse().ok()?,
                lines: count.parse().ok()?,
                line_sum: sum.parse().ok()?,
                included: included == "in",
                excluded: excluded == "excluded",
            };
            content.add(partner.parse().ok()?, currency.parse().ok()?, shown);
        }
        Some(content)
    }

    /// The partners of the items that differ from `before`.
    pub fn differing(&self, before: &Self) -> Vec<i64> {
        let keys = self.items.keys().chain(before.items.keys());
        let mut partners: Vec<i64> = keys
            .filter(|key| self.items.get(key) != before.items.get(key))
            .map(|(partner, _)| *partner)
            .collect();
        partners.sort_unstable();
        partners.dedup();
        partners
    }

    /// What differs from `before`, in words: what is paid more, less or no longer. `name` says how a
    /// partner is called.
    pub fn difference(&self, before: &Self, name: impl Fn(i64) -> String) -> Vec<String> {
        let mut said = Vec::new();
        let mut more = 0_usize;
        let mut keys: Vec<_> = self.items.keys().chain(before.items.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let (was, is) = (before.items.get(key), self.items.get(key));
            if was == is {
                continue;
            }
            if said.len() == NAMED {
                more += 1;
                continue;
            }
            let money = |s: &Shown| Money::new(s.amount, key.1).format("en");
            let paid = |s: Option<&Shown>| s.filter(|s| s.included).map(money);
            let who = name(key.0);
            said.push(match (paid(was), paid(is)) {
                (None, Some(now)) => format!("{who} is in it now with {now}"),
                (Some(then), None) => format!("{who} is no longer in it ({then})"),
                (Some(then), Some(now)) if then != now => format!("{who} gets {now}, not {then}"),
                (Some(now), Some(_)) => format!("{who} gets {now} for other lines"),
                (None, None) => format!("{who} is left out otherwise"),
            });
        }
        if more > 0 {
            said.push(format!("and {more} more"));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(amount: i64, included: bool) -> Shown {
        Shown {
            amount,
            lines: 1,
            line_sum: amount,
            included,
            excluded: !included,
        }
    }

    #[test]
    fn a_text_is_read_back_and_says_what_differs() {
        let mut before = Content::default();
        before.add(2, Currency::EUR, shown(24_650, true));
        before.add(1, Currency::EUR, shown(500_000, false));
        assert_eq!(Content::read(&before.text()), Some(before.clone()));
        assert_eq!(before.approved(2, Currency::EUR), Some(24_650));
        assert_eq!(before.approved(1, Currency::EUR), None);

        let mut now = before.clone();
        now.add(1, Currency::EUR, shown(500_000, true));
        assert_ne!(now.text(), before.text());
        assert_eq!(now.differing(&before), [1]);
        let said = now.difference(&before, |id| format!("P{id}"));
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("P1 is in it now with"), "{said:?}");
    }

    #[test]
    fn other_lines_of_the_same_amount_are_another_content() {
        let mut one = Content::default();
        one.add(1, Currency::EUR, shown(5, true));
        let mut other = Content::default();
        let moved = Shown {
            line_sum: 6,
            ..shown(5, true)
        };
        other.add(1, Currency::EUR, moved);
        assert_ne!(one.text(), other.text());
        let said = other.difference(&one, |_| "North".to_owned());
        assert!(said[0].ends_with("for other lines"), "{said:?}");
    }

    #[test]
    fn what_is_no_content_is_not_read() {
        for text in ["", "run/2\n", "run/1\n1|EUR|x|1|1|in|-\n", "run/1\n1|EUR\n"] {
            assert_eq!(Content::read(text), None, "{text:?}");
        }
    }
}
