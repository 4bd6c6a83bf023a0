//! The demonstration: what it promises is there, its books balance, and it is the same every time.

use chrono::{DateTime, Utc};
use domain::commission::CommissionState;
use domain::deal::DealStatus;
use rstest::rstest;
use sea_orm::{ConnectionTrait, FromQueryResult, JsonValue, Statement};
use server::seed::{self, Sandbox};
use service::{Clock, Context, Db, ledger};
use stripe_gateway::{Config, StripeGateway};

use crate::support::{Engine, Place};

/// A program that was loaded, with what it lies on.
struct Loaded {
    // Holds the database's file and the sandbox's address.
    place: Place,
    db: Db,
    told: String,
}

impl Loaded {
    async fn at(now: DateTime<Utc>) -> Self {
        let place = Place::new(Engine::Sqlite).await.expect("SQLite is there");
        place.migrate().await;
        let db = Db::connect_to_load(&place.database_url)
            .await
            .expect("opens");
        let base = format!("http://{}", place.stripe);
        let sandbox = Sandbox::find(&base.parse().expect("an address")).await;
        let mut config = Config::new("sk_test_of_the_tests");
        config.api_base = Some(base);
        let gateway = StripeGateway::new(config).expect("a gateway");
        let ctx = Context::system(&db, Clock::at(now), "seed");
        let told = seed::demo(&ctx, &gateway, Some(&sandbox.expect("the sandbox answers")))
            .await
            .expect("loads");
        Self { place, db, told }
    }

    /// The first column of the first row.
    async fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.db.backend(), format!("SELECT {sql} AS n"));
        let row = self.db.reader().query_one_raw(statement).await;
        let row = row.expect("counts").expect("a row");
        row.try_get::<i64>("", "n").expect("a number")
    }

    /// How many rows there are.
    async fn count(&self, from: &str) -> i64 {
        self.number(&format!("(SELECT COUNT(*) FROM {from})")).await
    }

    /// Whether there are rows of each kind.
    async fn has(&self, what: &[&str]) {
        for from in what {
            assert!(
                self.count(from).await > 0,
                "the demonstration has no {from}"
            );
        }
    }

    /// Every row of every table as text, without what is random on purpose (secrets, keys, the ids
    /// that Stripe gives) and without the deadline that Stripe counts from its own clock.
    async fn rows(&self) -> Vec<String> {
        let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE \
                     'sqlite%' AND name <> 'seaql_migrations' ORDER BY name";
        let mut all = Vec::new();
        for table in self.json(names).await {
            let table = table["name"].as_str().expect("a name").to_owned();
            let rows = format!("SELECT * FROM {table} ORDER BY 1");
            for mut row in self.json(&rows).await {
                // The installation's name and what it has looked at when are its own.
                let named = row["id"].as_str().unwrap_or_default();
                if named == "installation" || named.starts_with("sending:") {
                    continue;
                }
                for random in [
                    "password_hash",
                    "idempotency_key",
                    "transfer_id",
                    "transfer_group",
                    "deadline_at",
                ] {
                    row.as_object_mut().expect("a row").remove(random);
                }
                all.push(format!("{table} {}", without_stripe_ids(&row.to_string())));
            }
        }
        all
    }

    async fn json(&self, sql: &str) -> Vec<JsonValue> {
        let statement = Statement::from_string(self.db.backend(), sql);
        JsonValue::find_by_statement(statement)
            .all(self.db.reader())
            .await
            .expect("reads")
    }
}

/// Cuts what follows `tr_` and `po_`.
fn without_stripe_ids(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = ["tr_", "po_"].iter().filter_map(|p| rest.find(p)).min() {
        let (before, id) = rest.split_at(at + 3);
        out.push_str(before);
        rest = id.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    }
    out.push_str(rest);
    out
}

fn at(time: &str) -> DateTime<Utc> {
    time.parse().expect("a time")
}

/// Two are loaded beside each other, each with a sandbox of its own.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_its_promises_and_is_the_same_every_time() {
    let now = at("2026-11-18T10:20:30Z");
    let again = tokio::spawn(Loaded::at(now));
    let demo = Loaded::at(now).await;
    keeps_its_promises(&demo, now).await;

    let again = again.await.expect("loads again");
    assert_eq!(demo.told, again.told);
    let (first, second) = (demo.rows().await, again.rows().await);
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), second.len());
    drop((demo.place, again.place));
}

#[rstest]
#[case("2026-12-01T00:05:00Z")]
#[case("2027-03-31T23:50:00Z")]
#[case("2028-02-29T12:30:00Z")]
#[tokio::test(flavor = "multi_thread")]
async fn keeps_its_promises_on_any_day(#[case] now: &str) {
    let now = at(now);
    keeps_its_promises(&Loaded::at(now).await, now).await;
}

async fn keeps_its_promises(demo: &Loaded, now: DateTime<Utc>) {
    // Partners.
    assert_eq!(demo.count("partner").await, 40);
    assert_eq!(
        demo.number("(SELECT COUNT(DISTINCT tier_id) FROM partner)")
            .await,
        5
    );
    assert!(
        demo.number("(SELECT COUNT(DISTINCT country) FROM partner)")
            .await
            >= 8
    );
    demo.has(&[
        "certificate",
        "attempt WHERE status = 'passed'",
        "question",
        "application WHERE status = 'submitted'",
        "application WHERE status = 'in_review'",
        "application WHERE status = 'information_requested'",
        "application WHERE status = 'rejected'",
    ])
    .await;

    // Deals.
    let deals = demo.count("deal").await;
    assert!((140..=170).contains(&deals), "{deals} deals");
    for status in DealStatus::ALL {
        demo.has(&[&format!("deal WHERE status = '{}'", status.as_str())])
            .await;
    }
    demo.has(&[
        // Other tests look for one.
        "deal WHERE status = 'approved' AND partner_id = (SELECT id FROM partner WHERE domain = \
         'nordlicht-systeme.example')",
        "deal WHERE waiting_since IS NOT NULL AND duplicate_of_id IS NOT NULL",
        "extension_request WHERE status = 'open'",
        "extension_request WHERE status = 'granted'",
        "account WHERE house",
    ])
    .await;

    // What customers paid, and what went back.
    let invoices = demo.count("invoice").await;
    // The running month has as many as days have passed.
    assert!((2_900..=3_400).contains(&invoices), "{invoices} invoices");
    let currencies = "(SELECT COUNT(DISTINCT currency) FROM invoice)";
    assert!(demo.number(currencies).await >= 4);
    demo.has(&[
        "invoice WHERE currency = 'JPY'",
        "invoice WHERE outcome = 'unmatched'",
        "invoice_return WHERE kind = 'refund'",
        "invoice_return WHERE kind = 'dispute' AND status = 'open'",
        "invoice_return WHERE kind = 'dispute' AND status = 'final'",
        "tier_change WHERE kind = 'manual'",
        "notice WHERE read_at IS NULL",
        "webhook_event WHERE status = 'failed'",
        "job WHERE status = 'dead'",
    ])
    .await;
    assert_eq!(
        demo.count("webhook_event WHERE status = 'received'").await,
        0
    );

    // What partners earned, and what they were paid.
    for state in CommissionState::ALL {
        demo.has(&[&format!("commission WHERE state = '{}'", state.as_str())])
            .await;
    }
    let runs = demo.count("payout_run WHERE status = 'done'").await;
    assert!(runs >= 12, "{runs} runs");
    demo.has(&[
        "payout WHERE status = 'paid' AND currency = 'JPY'",
        "payout_run WHERE status = 'submitted'",
        "payout_run WHERE status = 'waiting_for_balance'",
        "payout_item WHERE NOT included AND reason = 'No payout account'",
    ])
    .await;
    let failed = demo.count("payout WHERE status = 'failed'").await;
    assert!(failed > 0);
    // It went back, and the next run paid it.
    let entered = "ledger_transaction t JOIN payout p ON p.id = t.payout_id \
                   WHERE p.status = 'failed' AND t.kind = 'payout_failed'";
    assert_eq!(demo.count(entered).await, failed);
    let caught_up = "payout f JOIN payout p ON p.partner_id = f.partner_id \
                     AND p.currency = f.currency AND p.id > f.id AND p.amount > f.amount \
                     WHERE f.status = 'failed' AND p.status = 'paid'";
    demo.has(&[caught_up]).await;

    // The first visitor's own organisation.
    let brightpath = demo
        .number("(SELECT id FROM partner WHERE name = 'Brightpath')")
        .await;
    for state in ["pending", "held", "payable", "paid", "canceled", "reversed"] {
        let of = format!("commission WHERE partner_id = {brightpath} AND state = '{state}'");
        demo.has(&[&of]).await;
    }
    for status in ["approved", "won", "submitted", "in_review", "duplicate"] {
        let of = format!("deal WHERE partner_id = {brightpath} AND status = '{status}'");
        demo.has(&[&of]).await;
    }
    let paid = format!("payout WHERE partner_id = {brightpath} AND status = 'paid'");
    assert!(demo.count(&paid).await >= 12);
    demo.has(&[
        &format!("payout_account WHERE partner_id = {brightpath} AND state = 'ready'"),
        &format!("bank_payout WHERE partner_id = {brightpath}"),
    ])
    .await;

    // Nothing has happened that is still to come, and the books balance.
    let now = now.format("%Y-%m-%dT%H:%M:%S");
    for (table, column) in [
        ("event", "at"),
        ("commission", "earned_at"),
        ("commission", "created_at"),
        ("deal", "created_at"),
        ("deal", "closed_at"),
        ("payout", "settled_at"),
        ("invoice", "paid_at"),
        ("certificate", "issued_at"),
        ("application", "submitted_at"),
        ("comment", "created_at"),
    ] {
        let late = format!("{table} WHERE datetime({column}) > datetime('{now}')");
        assert_eq!(
            demo.count(&late).await,
            0,
            "{table}.{column} lies in the future"
        );
    }
    let report = ledger::audit(&demo.db).await.expect("reads the books");
    assert!(report.is_clean(), "{:?}", report.findings);
    assert!(report.payouts > 200, "{} payouts", report.payouts);
}
