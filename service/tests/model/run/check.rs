//! The books as they are beside the books as they should be.

use std::collections::BTreeMap;

use service::commission::mature;

use super::Run;
use crate::model::expect::expected;
use crate::model::facts::Booked;

impl Run {
    /// Compares everything.
    pub async fn check(&mut self) -> Result<(), String> {
        self.settle().await?;
        mature(&self.world.system()).await.expect("works");
        let expected = expected(&self.stripe, &self.facts, self.world.now, &self.names);
        let mut balances: BTreeMap<(String, String), i64> = BTreeMap::new();
        for b in expected.values().filter(|b| b.bucket != "canceled") {
            let code = format!("partner:{}:{}", self.names.partners[b.partner], b.bucket);
            *balances.entry((code, b.currency.clone())).or_default() += b.left;
            *balances
                .entry(("expense:commission".to_owned(), b.currency.clone()))
                .or_default() -= b.left;
        }
        let mut should: Vec<String> = expected
            .iter()
            .map(|(key, b)| self.line(key, b, [(b.bucket, b.left)].into()))
            .collect();
        should.extend(
            balances
                .iter()
                .filter(|b| *b.1 != 0)
                .map(|((code, currency), sum)| format!("{code} {currency} {sum}")),
        );
        let mut is = self.booked().await;
        is.extend(
            self.world
                .balances()
                .await
                .iter()
                .map(|b| format!("{} {} {}", b.0, b.1, b.2)),
        );
        should.sort();
        is.sort();
        let report = service::ledger::audit(&self.world.test.db)
            .await
            .expect("audited");
        let mut wrong: Vec<String> = should
            .iter()
            .filter(|l| !is.contains(l))
            .map(|l| format!("should be: {l}"))
            .collect();
        wrong.extend(
            is.iter()
                .filter(|l| !should.contains(l))
                .map(|l| format!("is booked: {l}")),
        );
        wrong.extend(report.findings.iter().map(|f| format!("audit: {f}")));
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n"))
        }
    }

    fn line(&self, key: &str, b: &Booked, mut buckets: BTreeMap<&str, i64>) -> String {
        buckets.retain(|bucket, sum| *sum != 0 && *bucket != "reversed" && *bucket != "canceled");
        let partner = self.names.partners[b.partner];
        format!(
            "{key} {partner} {} of {}: {} left {} {buckets:?}",
            b.currency, b.basis, b.amount, b.left
        )
    }

    /// The commissions in the words of [`Run::line`].
    pub async fn booked(&self) -> Vec<String> {
        let rows = self.world.commissions().await;
        let mut lines = Vec::new();
        for row in rows.iter().filter(|c| c.kind == "accrual") {
            let family = || {
                rows.iter()
                    .filter(|c| c.id == row.id || c.reverses_id == Some(row.id))
            };
            let mut buckets: BTreeMap<&str, i64> = BTreeMap::new();
            for member in family() {
                *buckets.entry(member.state.as_str()).or_default() += member.amount;
            }
            let left = family()
                .filter(|c| c.state != "canceled")
                .map(|c| c.amount)
                .sum();
            let partner = self
                .names
                .partners
                .iter()
                .position(|p| *p == row.partner_id)
                .expect("known");
            let booked = Booked {
                partner,
                currency: row.currency.clone(),
                basis: row.basis,
                amount: row.amount,
                left,
                bucket: "",
            };
            lines.push(self.line(&row.reference, &booked, buckets));
        }
        lines
    }
}
