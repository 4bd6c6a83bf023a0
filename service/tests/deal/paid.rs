//! Who is credited goes by when the money arrived, and won needs money or a manager.

use chrono::{DateTime, TimeDelta, Utc};
use domain::deal::DealStatus as D;
use domain::plan::ready_made;
use entity::{attribution, customer, deal as deals, protection};
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use service::{deal, ledger, notice, tier};

use super::world::{Partner, World};
use crate::support::{Engine, conflict, day};
use crate::world::{event_at, invoice, new_customer};

/// Tells of the payment of `in_{n}` at `paid_at`.
fn paid_at(n: i64, customer: &str, paid_at: DateTime<Utc>) -> Value {
    let seconds = (paid_at - day(2026, 3, 1)).num_seconds();
    let (id, line) = (format!("in_{n}"), format!("il_{n}"));
    let object = invoice(&id, customer, &[(&line, 10_000)], seconds);
    event_at(
        &format!("evt_{id}"),
        "invoice.paid",
        paid_at.timestamp(),
        object,
    )
}

/// A subscription that is being tried out.
fn trial(n: i64, customer: &str, at: DateTime<Utc>) -> Value {
    let object = json!({
        "id": format!("sub_{n}"), "object": "subscription", "customer": customer,
        "status": "trialing", "currency": "eur", "created": at.timestamp(),
        "start_date": at.timestamp(), "cancel_at_period_end": false,
        "items": { "object": "list", "data": [], "has_more": false }, "metadata": {},
    });
    event_at(
        &format!("evt_sub_{n}"),
        "customer.subscription.created",
        at.timestamp(),
        object,
    )
}

/// Who earned something: `partner.id` of each line.
async fn earners(world: &World) -> Vec<i64> {
    let lines = world.test.commissions().await;
    lines.into_iter().map(|c| c.partner_id).collect()
}

async fn started(engine: Engine) -> Option<(World, Partner, i64)> {
    let world = World::new(engine).await?;
    world.pays(&ready_made::agency()).await;
    let ana = world.partner("Ana").await;
    let id = world.protected(ana, "Acme", "acme.com").await;
    world
        .deliver(&[new_customer("cus_1", "boss@acme.com")])
        .await;
    Some((world, ana, id))
}

async fn end(world: &World, ana: Partner, id: i64, way: D) {
    match way {
        D::Expired => drop(deal::daily(&world.system()).await.expect("runs")),
        D::Withdrawn => deal::withdraw(&world.of(ana), id, "mistake")
            .await
            .expect("withdraws"),
        D::Revoked => deal::revoke(&world.manager(), id, "inactive")
            .await
            .expect("revokes"),
        _ => deal::lost(&world.of(ana), id, "too dear")
            .await
            .expect("loses"),
    }
    assert_eq!(world.status(id).await, way);
}

#[rstest]
#[tokio::test]
async fn money_that_arrived_in_time_is_credited_whenever_it_is_told(
    #[values(D::Expired, D::Withdrawn, D::Revoked, D::Lost)] way: D,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some((mut world, ana, id)) = started(engine).await else {
        return;
    };
    let until = world.row(id).await.protected_until.expect("protected");
    let last = match way {
        D::Expired => until - TimeDelta::minutes(9),
        _ => world.now + TimeDelta::minutes(9),
    };
    world.now = if way == D::Expired {
        until + TimeDelta::hours(1)
    } else {
        world.now + TimeDelta::hours(1)
    };
    end(&world, ana, id, way).await;
    world.now += TimeDelta::hours(1);
    world.deliver(&[paid_at(1, "cus_1", last)]).await;
    assert_eq!(earners(&world).await, [ana.id]);
    assert_eq!(world.status(id).await, D::Won);
    let kept = protection::Entity::find()
        .filter(protection::Column::ReleasedAt.is_null())
        .filter(protection::Column::ExpiresAt.is_null())
        .count(world.test.db.reader())
        .await
        .expect("counts");
    assert_eq!(kept, 1, "the customer stays the partner's");
    world.test.assert_clean().await;
}

#[rstest]
#[case::before_the_approval(Engine::Sqlite, -1)]
#[case::before_the_approval(Engine::Postgres, -1)]
#[case::on_the_second_of_the_end(Engine::Sqlite, 90 * 86_400)]
#[case::on_the_second_of_the_end(Engine::Postgres, 90 * 86_400)]
#[tokio::test]
async fn money_of_another_time_is_not(#[case] engine: Engine, #[case] seconds: i64) {
    let Some((mut world, _, id)) = started(engine).await else {
        return;
    };
    let approved = world.row(id).await.decided_at.expect("approved");
    let until = world.row(id).await.protected_until.expect("protected");
    let at = match seconds {
        ..0 => approved + TimeDelta::seconds(seconds),
        _ => until,
    };
    world.now = until + TimeDelta::hours(1);
    deal::daily(&world.system()).await.expect("runs");
    world.deliver(&[paid_at(1, "cus_1", at)]).await;
    assert!(earners(&world).await.is_empty());
    assert_eq!(world.status(id).await, D::Expired);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn whoever_protects_the_company_by_then_is_heard(#[case] engine: Engine) {
    let Some((mut world, ana, id)) = started(engine).await else {
        return;
    };
    let ben = world.partner("Ben").await;
    let until = world.row(id).await.protected_until.expect("protected");
    world.now = until + TimeDelta::hours(1);
    deal::daily(&world.system()).await.expect("runs");
    let bens = world.protected(ben, "Acme", "acme.com").await;
    let told = notice::unread(&world.manager()).await.expect("counts");
    world
        .deliver(&[paid_at(1, "cus_1", until - TimeDelta::minutes(1))])
        .await;
    assert_eq!(earners(&world).await, [ana.id], "by when the money arrived");
    assert_eq!(
        (world.status(id).await, world.status(bens).await),
        (D::Won, D::Approved)
    );
    assert!(
        notice::unread(&world.manager()).await.expect("counts") > told,
        "a person is told"
    );
    world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_claim_alone_protects_nobody_for_ever(#[case] engine: Engine) {
    let Some((mut world, ana, id)) = started(engine).await else {
        return;
    };
    world.deliver(&[trial(1, "cus_1", world.now)]).await;
    let words = conflict(deal::win(&world.of(ana), id, "").await);
    assert!(words.contains("No payment"), "{words}");
    assert_eq!(world.status(id).await, D::Approved);
    assert!(
        world.row(id).await.protected_until.is_some(),
        "it keeps its end"
    );
    assert!(
        !deal::show(&world.of(ana), id)
            .await
            .expect("shows")
            .has_paid
    );
    // A manager may say so all the same.
    deal::win(&world.manager(), id, "").await.expect("wins");
    assert_eq!(world.status(id).await, D::Won);
    world.test.assert_clean().await;

    // As it was before: won by the partner's word, without a payment.
    let reader = world.test.db.reader();
    entity::event::Entity::insert(entity::event::ActiveModel {
        at: Set(world.now),
        actor_id: Set(Some(ana.person)),
        action: Set("deal.won".to_owned()),
        subject_type: Set("deal".to_owned()),
        subject_id: Set(world.put(ana, D::Approved, "other.com").await),
        internal: Set(false),
        summary: Set("Won.".to_owned()),
        detail: Set(json!({})),
        request_id: Set(String::new()),
        ..Default::default()
    })
    .exec_without_returning(reader)
    .await
    .expect("an event");
    deals::Entity::update_many()
        .col_expr(deals::Column::Status, Expr::value("won"))
        .filter(deals::Column::CustomerDomain.eq("other.com"))
        .exec(reader)
        .await
        .expect("put");
    world.now += TimeDelta::hours(1);
    let report = ledger::audit(&world.test.db).await.expect("audits");
    assert!(
        report.findings.iter().any(|f| f.table == "deal"),
        "{:?}",
        report.findings
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_duplicate_learns_nothing_of_the_rivals_customer(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    world.protected(ana, "Acme", "acme.com").await;
    let bens = world.sent(ben, "Acme", "acme.com", &world.lines[..1]).await;
    let before = conflict(deal::win(&world.of(ben), bens, "").await);
    world
        .deliver(&[
            new_customer("cus_1", "boss@acme.com"),
            paid_at(1, "cus_1", world.now + TimeDelta::minutes(1)),
        ])
        .await;
    let after = conflict(deal::win(&world.of(ben), bens, "").await);
    assert_eq!(before, after);
    assert!(after.contains("Duplicate"), "{after}");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn whoever_only_tries_is_no_customer(#[case] engine: Engine) {
    let Some((world, ana, id)) = started(engine).await else {
        return;
    };
    deal::win(&world.manager(), id, "").await.expect("wins");
    let events: Vec<Value> = (1..=10).map(|n| trial(n, "cus_1", world.now)).collect();
    world.deliver(&events).await;
    let customers = async || {
        let standing = tier::standing(&world.of(ana), ana.id)
            .await
            .expect("stands");
        standing.metrics.customers
    };
    assert_eq!(customers().await, 0);
    world
        .deliver(&[paid_at(1, "cus_1", world.now + TimeDelta::minutes(1))])
        .await;
    assert_eq!(customers().await, 1);

    // A trial is no reason to call somebody an existing customer either.
    let ben = world.partner("Ben").await;
    let tries = world
        .sent(ben, "Fresh", "fresh.com", &world.lines[..1])
        .await;
    let account = world.row(tries).await.account_id;
    world
        .deliver(&[
            new_customer("cus_2", "a@fresh.com"),
            trial(20, "cus_2", world.now),
        ])
        .await;
    let known = customer::Entity::find()
        .filter(customer::Column::AccountId.eq(account))
        .count(world.test.db.reader())
        .await
        .expect("counts");
    assert_eq!(known, 1);
    let review = deal::review(&world.manager(), tries).await.expect("shows");
    assert!(review.conflicts.is_empty(), "{:?}", review.conflicts);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_audit_sees_credit_of_another_time(#[case] engine: Engine) {
    let Some((world, _, _)) = started(engine).await else {
        return;
    };
    world
        .deliver(&[paid_at(1, "cus_1", world.now + TimeDelta::minutes(1))])
        .await;
    world.test.assert_clean().await;
    attribution::Entity::update_many()
        .col_expr(
            attribution::Column::StartsAt,
            Expr::value(world.now + TimeDelta::days(3)),
        )
        .exec(world.test.db.reader())
        .await
        .expect("moved");
    let report = ledger::audit(&world.test.db).await.expect("audits");
    let found = report
        .findings
        .iter()
        .any(|f| f.message.contains("when the money arrived"));
    assert!(found, "{:?}", report.findings);
}
