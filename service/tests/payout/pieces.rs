//! A large run is approved and given up in pieces: no request waits for all of it, and a process that
//! dies is followed by another.

use domain::ledger::{AccountCode, Bucket, Entry};
use domain::money::{Currency, Money};
use entity::{job, payout};
use rstest::rstest;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};
use service::ledger::{self, Links};
use service::payout::list::{self, Progress};
use service::payout::{Next, jobs, run, send};

use super::bank::Bank;
use super::unclear::subjects;
use crate::support::Engine;

const MANY: i64 = 600;

/// So many partners more, each with 60.00 payable, a signature and an account that is ready.
async fn many(bank: &Bank) {
    let db = &bank.world.test.db;
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})"
    );
    let south = bank.world.partners[1];
    let at = bank.world.now.to_rfc3339();
    for sql in [
        // One approval is enough.
        "UPDATE policy_version SET second_approval_above = 100000000".to_owned(),
        format!(
            "INSERT INTO partner (id, program_id, name, legal_name, website, domain, country, \
             currency, partner_type, size, status, tier_id, tier_since, plan_id, \
             members_see_earnings, created_at) {numbers} \
             SELECT 1000 + i, program_id, 'P' || i, 'P', 'https://p', 'p' || i || '.example', \
             country, currency, partner_type, size, status, tier_id, tier_since, plan_id, \
             members_see_earnings, created_at FROM n, partner WHERE id = {south}"
        ),
        format!(
            "INSERT INTO agreement (partner_id, person_id, terms_version_id, signed_name, ip, \
             signed_at) {numbers} SELECT 1000 + i, person_id, terms_version_id, signed_name, ip, \
             signed_at FROM n, agreement WHERE partner_id = {south}"
        ),
        format!(
            "INSERT INTO payout_account (partner_id, stripe_id, state, requirements, checked_at, \
             created_at) {numbers} SELECT 1000 + i, 'acct_many' || i, 'ready', '[]', '{at}', '{at}' \
             FROM n"
        ),
        format!(
            "INSERT INTO commission (id, program_id, partner_id, kind, reference, basis, amount, \
             currency, state, hold_until, month, explain, note, earned_at, created_at) {numbers} \
             SELECT 100000 + i, {}, 1000 + i, 'bonus', 'many:' || i, 0, 6000, 'EUR', 'payable', \
             '{at}', '2026-05', '{{}}', 'made up', '{at}', '{at}' FROM n",
            bank.world.program
        ),
        format!(
            "INSERT INTO partner_month (partner_id, month, currency, earned, given_back, revenue) \
             {numbers} SELECT 1000 + i, '2026-05', 'EUR', 6000, 0, 0 FROM n"
        ),
    ] {
        // PostgreSQL does not guess what a text in a query is meant as.
        let sql = match db.backend() {
            sea_orm::DbBackend::Postgres => sql
                .replace(&format!("'{at}'"), &format!("CAST('{at}' AS TIMESTAMPTZ)"))
                .replace("'[]'", "CAST('[]' AS JSONB)")
                .replace("'{}'", "CAST('{}' AS JSONB)"),
            _ => sql,
        };
        db.reader().execute_unprepared(&sql).await.expect(&sql);
    }
    let ctx = bank.world.system();
    let entries = (1..=MANY).map(|i| {
        let entry = Entry::transfer(
            format!("many:{i}"),
            AccountCode::ExpenseAdjustment,
            AccountCode::partner(1000 + i, Bucket::Payable),
            Money::new(6_000, Currency::EUR),
        );
        let links = Links {
            kind: "adjustment",
            description: "Made up".to_owned(),
            commission_id: Some(100_000 + i),
            payout_id: None,
            effective_at: bank.world.now,
        };
        (entry.expect("balanced"), links)
    });
    let tx = ctx.begin().await.expect("begins");
    ledger::post_many(&ctx, &*tx, entries.collect())
        .await
        .expect("booked");
    tx.commit().await.expect("commits");
    bank.world.assert_clean().await;
}

/// What a worker does until nothing is left to do.
async fn frozen_whole(bank: &Bank, run_id: i64) {
    let system = bank.world.system();
    while let Next::Again(_) = run::freeze(&system, run_id).await.expect("frozen") {}
}

async fn count(bank: &Bank, status: &str) -> u64 {
    payout::Entity::find()
        .filter(payout::Column::Status.eq(status))
        .count(bank.world.test.db.reader())
        .await
        .expect("counted")
}

async fn asked(bank: &Bank, kind: &str) -> u64 {
    job::Entity::find()
        .filter(job::Column::Kind.eq(kind))
        .count(bank.world.test.db.reader())
        .await
        .expect("counted")
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_large_run_is_frozen_in_pieces_and_sent_when_all_is(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    many(&bank).await;
    let run_id = bank.submitted().await;
    let felix = bank.world.finance(0);
    assert!(bank.approve_by(1, run_id).await.expect("approved"));
    let frozen = count(&bank, "intended").await;
    assert!(frozen > 0 && frozen < 300, "the request froze {frozen}");
    let view = list::run(&felix, run_id).await.expect("shown");
    assert_eq!(
        view.progress,
        Some(Progress::Freezing(frozen, MANY as u64 + 1))
    );
    let system = bank.world.system();
    // Nothing is sent before everything is frozen, whoever asks.
    let early = send::start_run(&system, &bank.gateway, run_id).await;
    assert_eq!(early.expect("looked"), Next::Done);
    assert_eq!(
        (
            asked(&bank, jobs::WORK).await,
            asked(&bank, jobs::START_RUN).await
        ),
        (0, 0)
    );

    frozen_whole(&bank, run_id).await;
    assert_eq!(count(&bank, "intended").await, MANY as u64 + 1);
    assert_eq!(asked(&bank, jobs::START_RUN).await, 1);
    bank.world.assert_clean().await;
    // Another that does the same again does nothing.
    frozen_whole(&bank, run_id).await;
    assert_eq!(count(&bank, "intended").await, MANY as u64 + 1);
    bank.control(
        "balance",
        serde_json::json!({"currency": "eur", "amount": 10_000_000}),
    )
    .await;
    let started = send::start_run(&system, &bank.gateway, run_id).await;
    assert_eq!(started.expect("started"), Next::Done);
    assert_eq!(asked(&bank, jobs::WORK).await, MANY as u64 + 1);
    let view = list::run(&felix, run_id).await.expect("shown");
    assert_eq!((view.status.as_str(), view.progress), ("sending", None));
}

/// Given up while it is frozen: what is frozen comes back, what is not is never frozen.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_large_run_gives_everything_back(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    many(&bank).await;
    let run_id = bank.submitted().await;
    assert!(bank.approve_by(1, run_id).await.expect("approved"));
    let system = bank.world.system();
    frozen_whole(&bank, run_id).await;
    run::cancel(&bank.world.finance(0), run_id, "Next month")
        .await
        .expect("canceled");
    let view = list::run(&bank.world.finance(0), run_id)
        .await
        .expect("shown");
    assert!(
        matches!(view.progress, Some(Progress::GivingBack(250, 601))),
        "{:?}",
        view.progress
    );
    assert_eq!(asked(&bank, jobs::GIVE_BACK).await, 1);
    assert_eq!(
        run::freeze(&system, run_id).await.expect("looks"),
        Next::Done
    );
    while let Next::Again(_) = run::give_back(&system, run_id).await.expect("gives back") {}
    assert_eq!(
        (count(&bank, "intended").await, count(&bank, "failed").await),
        (0, 601)
    );
    assert_eq!(bank.world.bucket(1_001, "payable").await, 6_000);
    bank.world.assert_clean().await;
}

/// Everybody drops out between the approval and the last piece: the run ends, and says that nobody was
/// paid and why, whether or not Stripe can be asked.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_large_run_of_which_everybody_drops_out_says_so(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    many(&bank).await;
    let run_id = bank.submitted().await;
    for sql in [
        "UPDATE partner SET payouts_held_reason = 'A letter of the bank' WHERE id <= 1300",
        "UPDATE partner SET status = 'banned' WHERE id > 1300",
    ] {
        let db = bank.world.test.db.reader();
        db.execute_unprepared(sql).await.expect("against them");
    }
    assert!(bank.approve_by(1, run_id).await.expect("approved"));
    frozen_whole(&bank, run_id).await;
    bank.goes_wrong(
        "GET",
        "/v1/",
        "connection_reset",
        1_000,
        serde_json::json!({}),
    )
    .await;
    let next = send::start_run(&bank.world.system(), &bank.gateway, run_id).await;
    assert_eq!(next.expect("ends"), Next::Done);
    let felix = bank.world.finance(0);
    let view = list::run(&felix, run_id).await.expect("shown");
    assert_eq!((view.status.as_str(), view.outcomes.len()), ("done", 0));
    let said = &view.timeline[0].summary;
    assert!(said.contains("Nobody was paid"), "{said}");
    assert!(said.contains("Held by finance (301)"), "{said}");
    assert!(said.contains("Partner is not active (300)"), "{said}");
    assert!(
        view.timeline
            .iter()
            .all(|l| !l.summary.contains("Transfers are being sent")),
        "{:?}",
        view.timeline
    );
    let runs = list::runs(&felix, &list::RunQuery::default()).await;
    assert_eq!(runs.expect("listed").rows[0].label(), "Done, nobody paid");
    let told = subjects(&bank).await;
    let told = told.iter().filter(|s| s.ends_with("paid nobody"));
    assert_eq!(told.count(), 2, "each of finance once");
    assert_eq!(bank.world.bucket(1_001, "payable").await, 6_000);
    bank.world.assert_clean().await;
}
