//! One figure everywhere: statements add up, and what they, the homes, the runs and the ledger say of
//! one world is the same.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, TimeZone, Utc};
use domain::ledger::{AccountCode, Entry};
use domain::money::{Currency, Money};
use domain::partner::StaffRole;
use entity::{payout, payout_run, policy_version};
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, sea_query::Expr};
use serde_json::json;
use service::payout::statement::{self, Month};
use service::payout::{browse, list, run, sync};
use service::{Error, earnings, ledger};

use super::bank::Bank;
use crate::support::{Engine, TestDb, day};
use crate::world::{event, invoice_in, refunded};

fn at(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, month, day, hour, minute, 0)
        .single()
        .expect("a moment")
}

async fn months(bank: &Bank) -> Vec<Month> {
    statement::months(&bank.world.finance(0), Some(bank.world.partners[0]))
        .await
        .expect("lists")
}

/// A month's statement, of which the movements are checked to come to its closing balance.
async fn shown(bank: &Bank, month: &str, currency: &str) -> statement::Statement {
    let (ctx, partner) = (bank.world.finance(0), bank.world.partners[0]);
    let shown = statement::show(&ctx, Some(partner), month, currency)
        .await
        .expect("a statement");
    let rows = statement::movements(&shown, &Default::default(), |l| l.kind.clone())
        .expect("its movements come to its closing balance");
    assert_eq!(rows.last().expect("rows").balance, shown.sums.closing);
    let own = statement::show(&bank.world.owner(partner), None, month, currency).await;
    assert_eq!(own.expect("the partner's own").sums, shown.sums);
    shown
}

/// What the partner has in the ledger, by currency, in all of its accounts.
async fn in_ledger(bank: &Bank) -> BTreeMap<String, i64> {
    let own = format!("partner:{}:", bank.world.partners[0]);
    let mut sums = BTreeMap::new();
    for (code, currency, balance) in bank.world.balances().await {
        if code.starts_with(&own) {
            *sums.entry(currency).or_insert(0) += balance;
        }
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

/// Holds the closing balances, the partner's home, finance's home and the ledger against each other.
async fn say_the_same(bank: &Bank) {
    let ledger = in_ledger(bank).await;
    let mut closing = BTreeMap::new();
    for month in months(bank).await.into_iter().rev() {
        closing.insert(month.currency.code().to_owned(), month.closing);
    }
    closing.retain(|_, minor| *minor != 0);
    assert_eq!(closing, ledger, "statements and ledger");
    let partner = bank.world.partners[0];
    let home = earnings::earnings(&bank.world.owner(partner), partner)
        .await
        .expect("home");
    let mut of_home: BTreeMap<String, i64> = home
        .balances
        .iter()
        .map(|b| {
            let sum = b.pending + b.held + b.payable + b.in_payout;
            (b.currency.code().to_owned(), sum)
        })
        .collect();
    of_home.retain(|_, minor| *minor != 0);
    assert_eq!(of_home, ledger, "the partner's home and the ledger");
    let home = earnings::finance_home(&bank.world.finance(0))
        .await
        .expect("finance's home");
    let mut owed: BTreeMap<String, i64> = home
        .owed
        .iter()
        .map(|o| (o.currency.code().to_owned(), o.total().minor))
        .collect();
    owed.retain(|_, minor| *minor != 0);
    assert_eq!(owed, ledger, "finance's home and the ledger");
    bank.world.assert_clean().await;
}

async fn reverse(bank: &Bank, payout: &payout::Model, amount: i64) {
    let transfer = payout.transfer_id.as_deref().expect("a transfer");
    bank.take_back(transfer, amount).await;
    sync::transfer(&bank.world.system(), &bank.gateway, transfer)
        .await
        .expect("synced");
}

/// 20 minutes past midnight of 1 December in Berlin it is still November in UTC; nothing is earned in
/// that December, and later the transfer is taken back.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_month_in_which_one_was_only_paid_has_a_statement(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    bank.world.now = at(2026, 11, 30, 23, 20);
    let row = bank.started().await;
    bank.work(row.id).await;
    let paid = bank.payout().await;
    assert_eq!(paid.status, "paid");
    let run = payout_run::Entity::find()
        .one(bank.world.test.db.reader())
        .await
        .expect("read")
        .expect("a run");
    assert_eq!(run.number, "2026-12-A");

    let december = shown(&bank, "2026-12", "EUR").await;
    let sums = &december.sums;
    assert_eq!(
        (sums.opening, sums.earned, sums.paid(), sums.closing),
        (row.amount, 0, row.amount, 0)
    );
    assert_eq!(december.transfers.len(), 1);
    let ctx = bank.world.finance(0);
    let none = statement::show(&ctx, Some(bank.world.partners[0]), "2026-11", "EUR").await;
    assert!(matches!(none, Err(Error::NotFound)), "nothing in November");
    say_the_same(&bank).await;

    // Taken back whole: deducted, with a row of its own.
    bank.world.now = at(2026, 12, 31, 23, 30);
    reverse(&bank, &paid, row.amount).await;
    let sums = shown(&bank, "2026-12", "EUR").await.sums;
    assert_eq!((sums.paid(), sums.closing), (row.amount, 0));
    let january = shown(&bank, "2027-01", "EUR").await;
    let sums = &january.sums;
    assert_eq!(
        (sums.opening, sums.returned, sums.paid(), sums.closing),
        (0, row.amount, -row.amount, row.amount)
    );
    let came_back = &january.transfers[0];
    assert_eq!(
        (came_back.payout_id, came_back.amount),
        (row.id, -row.amount)
    );
    say_the_same(&bank).await;

    // The books without it are not right.
    let db = bank.world.test.db.reader();
    db.execute_unprepared("UPDATE partner_month SET returned = 0")
        .await
        .expect("written");
    let report = ledger::audit(&bank.world.test.db).await.expect("audited");
    assert!(!report.is_clean());
    assert_eq!(report.findings[0].table, "partner_month");
}

/// A world with refunds, a reversal, a canceled run, debts given up, and currencies of which Stripe
/// moves whole units, hundredths and thousandths.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn statements_homes_and_ledger_say_the_same(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let others = [
        ("jpy", 3_000),
        ("kwd", 1_234_567),
        ("isk", 400_301),
        ("huf", 400_019),
    ];
    // One approval is enough in each of them.
    let limits = others.map(|(currency, _)| (currency.to_uppercase(), 10_000_000));
    policy_version::Entity::update_many()
        .col_expr(
            policy_version::Column::SecondApprovals,
            Expr::value(json!(BTreeMap::from(limits))),
        )
        .exec(bank.world.test.db.reader())
        .await
        .expect("set");
    let mut events = Vec::new();
    for (n, (currency, net)) in others.into_iter().enumerate() {
        let (id, line) = (format!("in_{currency}"), format!("il_{currency}"));
        let object = invoice_in(&id, "cus_1", &[(&line, net)], 60, currency);
        events.push(event(&format!("evt_{n}"), "invoice.paid", 60, object));
        let balance = json!({"currency": currency, "amount": 100_000_000});
        bank.control("balance", balance).await;
    }
    events.push(refunded(1, "pi_1", 12_000, 90));
    bank.world.deliver(&events).await;
    service::commission::mature(&bank.world.system())
        .await
        .expect("matures");
    say_the_same(&bank).await;

    // A run that is canceled moves nothing.
    bank.world.now = day(2026, 6, 1);
    let canceled = bank.submitted().await;
    run::cancel(&bank.world.finance(1), canceled, "Next month")
        .await
        .expect("canceled");
    say_the_same(&bank).await;

    bank.world.now = day(2026, 6, 2);
    bank.started().await;
    let db = bank.world.test.db.reader();
    let rows = payout::Entity::find()
        .order_by_asc(payout::Column::Id)
        .all(db)
        .await
        .expect("read");
    assert_eq!(rows.len(), 5, "EUR and four others: {rows:?}");
    for row in &rows {
        let currency: Currency = row.currency.parse().expect("a currency");
        assert_eq!(row.amount % currency.transfer_step(), 0, "{row:?}");
        bank.work(row.id).await;
    }
    say_the_same(&bank).await;
    let rests = in_ledger(&bank).await;
    let carried: Vec<&str> = rests.keys().map(String::as_str).collect();
    assert_eq!(
        carried,
        ["HUF", "ISK", "KWD"],
        "what Stripe does not move: {rests:?}"
    );

    // Part of a transfer comes back; the customer gets the rest back after the payout, which leaves a
    // debt, and finance gives it up.
    let rows = payout::Entity::find().all(db).await.expect("read");
    let isk = rows.iter().find(|p| p.currency == "ISK").expect("ISK");
    reverse(&bank, isk, 10_000).await;
    bank.world
        .deliver(&[refunded(2, "pi_1", 108_000, 95)])
        .await;
    say_the_same(&bank).await;
    let owes = in_ledger(&bank).await.get("EUR").copied().unwrap_or(0);
    assert!(owes < 0, "{owes}");
    let partner = bank.world.partners[0];
    service::commission::write_off(&bank.world.finance(0), partner, "EUR", "Out of business")
        .await
        .expect("given up");
    say_the_same(&bank).await;
    let newest = months(&bank).await;
    let june = newest
        .iter()
        .find(|m| m.month == "2026-06" && m.currency == Currency::EUR)
        .expect("June");
    assert_eq!((june.written_off, june.closing), (-owes, 0));
    for month in months(&bank).await {
        shown(&bank, &month.month, month.currency.code()).await;
    }
}

/// Of a run of two, one is refused by Stripe: the run says so, and finance sees it until it is paid.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn transferred_means_transferred(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let open = async |bank: &Bank| {
        let home = earnings::finance_home(&bank.world.finance(0)).await;
        let query = browse::PayoutQuery {
            unpaid: true,
            limit: 50,
            ..Default::default()
        };
        let listed = browse::payouts(&bank.world.finance(0), &query).await;
        let counted = home.expect("home").exceptions.failed_payouts;
        assert_eq!(counted, listed.expect("a list").0.len() as i64);
        counted
    };
    // Frozen and given up with its run: nobody has to see to that.
    let row = bank.started_not_sent().await;
    run::cancel(&bank.world.finance(0), row.run_id, "Next month")
        .await
        .expect("canceled");
    assert_eq!(bank.newest().await.status, "failed");
    assert_eq!(open(&bank).await, 0);

    bank.world.now += Duration::days(1);
    let row = bank.started().await;
    let account = format!("accounts/{}/outcome", row.destination);
    bank.control(&account, json!({"outcome": "past_due"})).await;
    bank.work(row.id).await;
    assert_eq!(bank.newest().await.status, "failed");
    assert_eq!(open(&bank).await, 1);
    let view = list::run(&bank.world.finance(0), row.run_id)
        .await
        .expect("shown");
    let moved = view.outcomes[0].moved;
    assert_eq!(
        (moved.approved, moved.sent, moved.failed, moved.open),
        (row.amount, 0, row.amount, 0)
    );
    let newest = list::RunQuery {
        page: 1,
        per: 5,
        ..Default::default()
    };
    let runs = list::runs(&bank.world.finance(0), &newest)
        .await
        .expect("lists");
    assert_eq!(runs.rows[0].label(), "Done, 1 failed");

    // Paid by a later run: no longer counted.
    bank.control(&account, json!({"outcome": "complete"})).await;
    bank.world.now += Duration::days(1);
    let row = bank.started().await;
    bank.work(row.id).await;
    let paid = bank.newest().await;
    assert_eq!(paid.status, "paid");
    assert_eq!(open(&bank).await, 0);
    // Part of it comes back: sent stays what was sent, and the run says what came back.
    reverse(&bank, &paid, 1_000).await;
    let runs = list::runs(&bank.world.finance(0), &newest)
        .await
        .expect("lists");
    assert_eq!(runs.rows[0].label(), "Done, 1 taken back");
    let moved = runs.rows[0].outcomes[0].moved;
    assert_eq!((moved.sent, moved.returned), (row.amount, 1_000));
}

/// A booking that began before midnight wrote between the next day's: both months are whole.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_month_of_the_ledger_is_exported_whole(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    // Midnight of 1 December in Berlin.
    let midnight = at(2026, 11, 30, 23, 0);
    let (before, after) = (
        midnight - Duration::minutes(1),
        midnight + Duration::minutes(1),
    );
    for (round, when, count) in [
        (0, before, 5),
        (1, after, 2_300),
        (2, before, 600),
        (3, after, 1_900),
    ] {
        let ctx = test.system(when);
        let tx = ctx.begin().await.expect("begins");
        let entries = (0..count).map(|i| {
            let money = Money::new(100, Currency::EUR);
            let reference = format!("{round}:{i}");
            let (from, to) = (AccountCode::ExpenseCommission, AccountCode::StripeClearing);
            let entry = Entry::transfer(&*reference, from, to, money).expect("an entry");
            let links = ledger::Links {
                kind: "adjustment",
                description: String::new(),
                commission_id: None,
                payout_id: None,
                effective_at: when,
            };
            (entry, links)
        });
        let entries: Vec<_> = entries.collect();
        ledger::post_many(&ctx, &*tx, entries).await.expect("posts");
        tx.commit().await.expect("commits");
    }
    let ctx = test.staff(1, StaffRole::Finance, after);
    for (from, until, whole) in [
        (at(2026, 10, 31, 23, 0), midnight, 605),
        (midnight, at(2026, 12, 31, 23, 0), 4_200),
    ] {
        let (mut found, mut next) = (Vec::new(), Some(0));
        while let Some(after) = next {
            let (lines, more) = ledger::booked(&ctx, from, until, after)
                .await
                .expect("reads");
            found.extend(lines.into_iter().map(|line| line.id));
            next = more;
        }
        assert_eq!(found.len(), whole);
        assert!(found.is_sorted());
    }
}
