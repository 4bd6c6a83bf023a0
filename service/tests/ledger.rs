//! The journal: balanced, idempotent, append-only, and audited.

use domain::ledger::{AccountCode, Entry, Leg};
use domain::money::{Currency, Money};
use domain::plan::ready_made;
use rstest::rstest;
use sea_orm::{ConnectionTrait, DbBackend};
use service::ledger::{JournalQuery, Links, Posted, audit, balance, journal, post, post_many};

use crate::support::{Engine, TestDb, day};
use crate::world::{World, acme, paid};

fn links() -> Links {
    Links {
        kind: "accrual",
        description: "A test".to_owned(),
        commission_id: None,
        payout_id: None,
        effective_at: day(2026, 1, 1),
    }
}

fn entry(reference: &str, amount: i64) -> Entry {
    Entry::transfer(
        reference,
        AccountCode::ExpenseCommission,
        AccountCode::StripeClearing,
        Money::new(amount, Currency::EUR),
    )
    .expect("balanced")
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_entry_is_booked_once_and_balances_follow(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    let ctx = test.system(day(2026, 1, 2));
    for (amount, expected) in [(100, Posted::New), (100, Posted::Repeated)] {
        let tx = ctx.begin().await.expect("begins");
        assert_eq!(
            post(&ctx, &*tx, entry("a", amount), links())
                .await
                .expect("posts"),
            expected
        );
        tx.commit().await.expect("commits");
    }
    let tx = ctx.begin().await.expect("begins");
    let other = post(&ctx, &*tx, entry("a", 101), links()).await;
    assert!(
        other
            .expect_err("another entry")
            .to_string()
            .contains("taken by another entry")
    );
    drop(tx);

    // Rolled back is not booked.
    let tx = ctx.begin().await.expect("begins");
    post(&ctx, &*tx, entry("b", 7), links())
        .await
        .expect("posts");
    drop(tx);
    let db = test.db.reader();
    let clearing = balance(db, AccountCode::StripeClearing, Currency::EUR)
        .await
        .expect("reads");
    assert_eq!(clearing, 100);

    // Many at once, twice the same reference in one call.
    let tx = ctx.begin().await.expect("begins");
    let many: Vec<_> = (0..300)
        .map(|i| (entry(&format!("m{i}"), i + 1), links()))
        .collect();
    let twice = vec![(entry("t", 5), links()), (entry("t", 5), links())];
    post_many(&ctx, &*tx, many).await.expect("posts");
    let outcomes = post_many(&ctx, &*tx, twice).await.expect("posts");
    assert_eq!(outcomes, [Posted::New, Posted::Repeated]);
    tx.commit().await.expect("commits");
    let report = audit(&test.db).await.expect("audits");
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.transactions, report.postings), (302, 604));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_balance_that_would_not_fit_is_refused(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    let ctx = test.system(day(2026, 1, 2));
    let tx = ctx.begin().await.expect("begins");
    post(&ctx, &*tx, entry("a", i64::MAX), links())
        .await
        .expect("fits");
    let error = post(&ctx, &*tx, entry("b", 1), links())
        .await
        .expect_err("does not fit");
    assert!(error.to_string().contains("64 bits"), "{error}");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn parallel_writers_do_not_wait_for_each_other(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    let mut tasks = Vec::new();
    for writer in 0..8i64 {
        let ctx = test.system(day(2026, 1, 2));
        tasks.push(tokio::spawn(async move {
            for i in 0..10i64 {
                let mut legs = vec![Leg {
                    account: AccountCode::ExpenseCommission,
                    amount: -30,
                    currency: Currency::EUR,
                }];
                // The same accounts, named in another order by each writer.
                for k in 0..3 {
                    let account = match (writer + i + k) % 3 {
                        0 => AccountCode::StripeClearing,
                        1 => AccountCode::ExpenseAdjustment,
                        _ => AccountCode::ExpenseWriteOff,
                    };
                    legs.push(Leg {
                        account,
                        amount: 10,
                        currency: Currency::EUR,
                    });
                }
                let entry = Entry::new(format!("w{writer}:{i}"), legs).expect("balanced");
                let tx = ctx.begin().await.expect("begins");
                post(&ctx, &*tx, entry, links()).await.expect("posts");
                tx.commit().await.expect("commits");
            }
        }));
    }
    for task in tasks {
        task.await.expect("no writer fails");
    }
    let db = test.db.reader();
    let expense = balance(db, AccountCode::ExpenseCommission, Currency::EUR)
        .await
        .expect("reads");
    assert_eq!(expense, -2_400);
    assert!(audit(&test.db).await.expect("audits").is_clean());
}

/// Takes the database's protection away, which only its owner can, and changes a row.
async fn tamper(test: &TestDb, sql: &str) {
    let db = test.db.reader();
    let free: &[&str] = match test.db.backend() {
        DbBackend::Postgres => &[
            "ALTER TABLE posting DISABLE TRIGGER ALL",
            "ALTER TABLE ledger_transaction DISABLE TRIGGER ALL",
        ],
        _ => &[
            "DROP TRIGGER IF EXISTS posting_no_update",
            "DROP TRIGGER IF EXISTS ledger_transaction_no_update",
        ],
    };
    for statement in free {
        db.execute_unprepared(statement)
            .await
            .expect("the owner may");
    }
    db.execute_unprepared(sql).await.expect("changed");
}

#[rstest]
#[case::a_posting(
    "UPDATE posting SET amount = amount + 1 WHERE id = 1",
    "ledger_transaction 1"
)]
#[case::a_reference(
    "UPDATE ledger_transaction SET reference = 'x' WHERE id = 1",
    "does not have the hash"
)]
#[case::a_balance(
    "UPDATE ledger_account SET balance = balance - 1 WHERE code = 'expense:commission'",
    "its postings come to"
)]
#[case::a_commission("UPDATE commission SET amount = amount + 5 WHERE id = 1", "partner 1")]
#[case::a_state("UPDATE commission SET state = 'payable' WHERE id = 1", "partner 1")]
#[case::reversed("UPDATE commission SET reversed = 3 WHERE id = 1", "commission 1")]
#[case::a_month("UPDATE partner_month SET earned = 0", "partner_month")]
#[case::a_rule("UPDATE rule_month SET amount = amount - 1", "rule_month")]
#[case::a_rule_of_no_plan("DELETE FROM rule_month", "rule_month 0: is missing for partner 1")]
#[case::a_customer("UPDATE rule_customer SET amount = amount + 1", "rule_customer")]
#[case::a_first_payment("UPDATE customer_paid SET first_at = NULL", "paid first never")]
#[case::a_last_payment("DELETE FROM customer_paid", "paid last never")]
#[tokio::test]
async fn the_audit_names_what_was_tampered_with(
    #[case] sql: &str,
    #[case] named: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&[acme(), paid(1, "cus_1", 10_000, 1)]).await;
    world.assert_clean().await;
    tamper(&world.test, sql).await;
    let report = audit(&world.test.db).await.expect("audits");
    assert!(!report.is_clean(), "{sql}");
    let all: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(all.iter().any(|f| f.contains(named)), "{sql}: {all:?}");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn finance_finds_entries_by_stripe_ids(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let mut events = vec![acme()];
    events.extend((0..5).map(|i| paid(i, "cus_1", 10_000, i)));
    world.deliver(&events).await;
    let ctx = world.finance(0);
    let find = async |q: &str| {
        let query = JournalQuery {
            q: q.to_owned(),
            ..JournalQuery::default()
        };
        journal(&ctx, &query).await.expect("reads").lines.len()
    };
    assert_eq!(find("in_3").await, 1);
    assert_eq!(find("il_4").await, 1);
    assert_eq!(find("cus_1").await, 5);
    assert_eq!(find("commission:").await, 5);
    assert_eq!(find("nothing").await, 0);
    let first = JournalQuery {
        limit: Some(2),
        ..JournalQuery::default()
    };
    let page = journal(&ctx, &first).await.expect("reads");
    assert_eq!((page.lines.len(), page.lines[0].legs.len()), (2, 2));
    let second = JournalQuery {
        before: page.older,
        limit: Some(50),
        ..JournalQuery::default()
    };
    assert_eq!(journal(&ctx, &second).await.expect("reads").lines.len(), 3);
    assert!(
        journal(&world.system(), &first).await.is_err(),
        "staff only"
    );
}
