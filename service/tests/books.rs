//! What the books of a world say, and a payout as it stands in them.

use domain::ledger::Entry;
use domain::money::Money;
use entity::{commission, ledger_account};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder,
};
use service::{Context, ledger};

use crate::support::TestDb;

impl TestDb {
    /// The ledger's balances that are not zero, as `code currency → amount`.
    pub async fn balances(&self) -> Vec<(String, String, i64)> {
        ledger_account::Entity::find()
            .order_by_asc(ledger_account::Column::Code)
            .order_by_asc(ledger_account::Column::Currency)
            .all(self.db.reader())
            .await
            .expect("read")
            .into_iter()
            .filter(|a| a.balance != 0)
            .map(|a| (a.code, a.currency, a.balance))
            .collect()
    }

    /// The balance of a partner's bucket in euros.
    pub async fn bucket(&self, partner: i64, bucket: &str) -> i64 {
        let code = format!("partner:{partner}:{bucket}");
        self.balances()
            .await
            .into_iter()
            .find(|b| b.0 == code && b.1 == "EUR")
            .map_or(0, |b| b.2)
    }

    /// All commission lines.
    pub async fn commissions(&self) -> Vec<commission::Model> {
        commission::Entity::find()
            .order_by_asc(commission::Column::Id)
            .all(self.db.reader())
            .await
            .expect("read")
    }

    /// Asserts that the books are right.
    pub async fn assert_clean(&self) {
        let report = ledger::audit(&self.db).await.expect("audited");
        assert!(report.is_clean(), "{:#?}", report.findings);
    }
}

/// Books an entry of a payout.
pub async fn book(ctx: &Context, tx: &impl ConnectionTrait, entry: Entry) {
    let links = ledger::Links {
        kind: "payout",
        description: String::new(),
        commission_id: None,
        payout_id: None,
        effective_at: ctx.now(),
    };
    ledger::post(ctx, tx, entry, links).await.expect("posts");
}

/// A line is paid, as a payout does it: the state and the ledger together.
pub async fn pay_out(ctx: &Context, line: &commission::Model) {
    let tx = ctx.begin().await.expect("begins");
    let mut row = line.clone().into_active_model();
    row.state = Set("paid".to_owned());
    row.update(&*tx).await.expect("writes");
    let amount = Money::new(line.amount, line.currency.parse().expect("a currency"));
    for entry in [
        Entry::enter_payout(1, line.partner_id, amount),
        Entry::payout_paid(1, line.partner_id, amount),
    ] {
        book(ctx, &*tx, entry.expect("an entry")).await;
    }
    tx.commit().await.expect("commits");
}
