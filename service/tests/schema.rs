//! What the database itself promises.

use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, Statement};

use crate::support::{Engine, TestDb};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_journal_and_the_timeline_are_append_only(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    let db = test.db.reader();
    db.execute_unprepared(
        "INSERT INTO ledger_transaction (id, reference, input_hash, kind, description, \
         effective_at, created_at) VALUES (1, 'r', 'h', 'k', 'd', '2026-01-01T00:00:00Z', \
         '2026-01-01T00:00:00Z')",
    )
    .await
    .expect("a transaction can be written");
    for change in [
        "UPDATE ledger_transaction SET kind = 'x'",
        "DELETE FROM ledger_transaction",
    ] {
        let refusal = db
            .execute_unprepared(change)
            .await
            .expect_err(change)
            .to_string();
        assert!(refusal.contains("append-only"), "{refusal}");
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn migrating_twice_changes_nothing(#[case] engine: Engine) {
    use migration::{Migrator, MigratorTrait};
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    Migrator::up(test.db.reader(), None)
        .await
        .expect("a second time");
    let pending = Migrator::get_pending_migrations(test.db.reader())
        .await
        .expect("readable");
    assert!(pending.is_empty());
}

/// Reads every table through its entity, so that SQL and entities cannot part.
macro_rules! every_entity {
    ($db:expr, $($table:ident),* $(,)?) => {{
        $(
            if let Err(error) = entity::$table::Entity::find().one($db).await {
                panic!("{}: {error}", stringify!($table));
            }
        )*
        [$(stringify!($table)),*]
    }};
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn every_entity_reads_its_table(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    let seen = every_entity!(
        test.db.reader(),
        account,
        account_domain,
        agreement,
        application,
        attachment,
        attempt,
        attribution,
        balance_transaction,
        bank_payout,
        certificate,
        comment,
        commission,
        course,
        course_version,
        customer,
        customer_claim,
        customer_match,
        customer_paid,
        deal,
        deal_check,
        deal_meeting,
        deal_product_line,
        discrepancy,
        domain_decision,
        domain_list,
        event,
        extension_request,
        invitation,
        invoice,
        invoice_line,
        invoice_payment,
        invoice_return,
        job,
        ledger_account,
        ledger_transaction,
        lesson,
        lesson_progress,
        login_throttle,
        mail,
        member,
        notice,
        partner,
        partner_month,
        payout,
        payout_account,
        payout_account_request,
        payout_approval,
        payout_country_refusal,
        payout_exclusion,
        payout_item,
        payout_question,
        payout_run,
        payout_run_hand,
        payout_submission,
        person,
        plan,
        plan_assignment,
        plan_for_type,
        plan_version,
        policy_version,
        posting,
        product_line,
        program,
        protection,
        question,
        rule_customer,
        rule_month,
        sending_stop,
        sent_form,
        session,
        setting,
        staff_grant,
        stripe_product,
        subscription,
        terms_version,
        tier,
        tier_change,
        token,
        told,
        webhook_event,
    );
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../entity/src");
    let files = std::fs::read_dir(sources)
        .expect("the entities' folder")
        .count()
        - 1;
    assert_eq!(seen.len(), files, "an entity is missing from this test");
}

/// What stands on every page of staff's and on their home pages is counted by an index: how long
/// that takes does not grow with what is over.
#[tokio::test]
async fn what_waits_is_found_without_walking_over_what_is_over() {
    let Some(test) = TestDb::new(Engine::Sqlite).await else {
        return;
    };
    let db = test.db.reader();
    for (table, which, index) in [
        ("job", "status = 'dead'", "job_dead"),
        ("job", "status = 'waiting'", "job_due"),
        ("webhook_event", "status = 'failed'", "webhook_event_failed"),
        (
            "webhook_event",
            "status = 'received'",
            "webhook_event_waiting",
        ),
        ("mail", "sent_at IS NULL", "mail_unsent"),
        ("payout", "status = 'failed'", "payout_failed"),
        (
            "payout",
            "status IN ('intended', 'sending', 'unknown') AND status = 'unknown'",
            "payout_run_open",
        ),
        ("commission", "state = 'held'", "commission_held"),
        ("invoice", "outcome = 'unmatched'", "invoice_unmatched"),
        (
            "deal",
            "status IN ('submitted', 'in_review')",
            "deal_status",
        ),
        ("deal", "status = 'duplicate'", "deal_status"),
        (
            "invoice",
            "id / 8192 IN (SELECT value FROM json_each('[1, 0]')) AND customer_id = ?",
            "invoice_customer (<expr>=? AND customer_id=?)",
        ),
        (
            "event",
            "partner_id = 1 AND actor_id IS NOT NULL",
            "event_by_people",
        ),
        // What was read by an index before is not read by a worse one now.
        (
            "deal",
            "status = 'approved' AND protected_until <= ?",
            "(status=? AND protected_until<?)",
        ),
        (
            "deal",
            "account_id = ? AND status = 'approved'",
            "deal_account",
        ),
        (
            "deal",
            "partner_id = ? AND status = 'won'",
            "(partner_id=? AND status=?)",
        ),
    ] {
        let sql = format!("EXPLAIN QUERY PLAN SELECT count(*) FROM {table} WHERE {which}");
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let plan: Vec<String> = db
            .query_all_raw(statement)
            .await
            .expect("explains")
            .iter()
            .map(|row| row.try_get("", "detail").expect("a step"))
            .collect();
        let plan = plan.join("; ");
        assert!(plan.contains(index), "{table} WHERE {which}: {plan}");
    }
}
