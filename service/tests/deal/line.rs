//! The waiting list keeps what it offers and moves on, and nothing is kept for who takes no part.

use chrono::TimeDelta;
use domain::deal::DealStatus as D;
use entity::{attribution, deal as deals, member, partner};
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, Set};
use service::deal::{self, Approval, Sent};
use service::{Error, notice};

use super::world::{Partner, World};
use crate::support::{Engine, conflict, errors};

async fn offered(world: &World, partner: Partner, id: i64) -> bool {
    let shown = deal::show(&world.of(partner), id).await.expect("shows");
    let until = shown.waiting.and_then(|waiting| waiting.offer_until);
    until.is_some_and(|until| until > world.now)
}

/// Ana had the company; Ben and Cleo are in line, and Ben is asked.
async fn bens_turn(world: &World) -> (Partner, i64, Partner, i64) {
    let ana = world.partner("Ana").await;
    let (ben, cleo) = (world.partner("Ben").await, world.partner("Cleo").await);
    let held = world.protected(ana, "Acme", "acme.com").await;
    let bens = world.sent(ben, "Acme", "acme.com", &world.lines[..1]).await;
    let cleos = world
        .sent(cleo, "Acme", "acme.com", &world.lines[..1])
        .await;
    for (partner, id) in [(ben, bens), (cleo, cleos)] {
        deal::join(&world.of(partner), id).await.expect("joins");
    }
    deal::withdraw(&world.of(ana), held, "They went elsewhere")
        .await
        .expect("withdraws");
    deal::daily(&world.system()).await.expect("runs");
    assert!(offered(world, ben, bens).await && !offered(world, cleo, cleos).await);
    (ben, bens, cleo, cleos)
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_is_offered_is_kept(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let dora = world.partner("Dora").await;
    let (ben, bens, ..) = bens_turn(&world).await;
    // Somebody who was not in line comes while Ben thinks about it, and while he writes.
    let form = world.form("Acme", "acme.com", &world.lines[..1]);
    let id = deal::start(&world.of(dora), &form).await.expect("starts");
    let sent = deal::submit(&world.of(dora), id, &form).await;
    assert_eq!(sent.expect("is sent"), Sent::Duplicate);
    let new = deal::accept(&world.of(ben), bens).await.expect("takes it");
    world.now += TimeDelta::days(3);
    let id = deal::start(&world.of(dora), &form).await.expect("starts");
    let sent = deal::submit(&world.of(dora), id, &form).await;
    assert_eq!(sent.expect("is sent"), Sent::Duplicate);
    let form = world.form("Acme", "acme.com", &world.lines[..1]);
    let sent = deal::submit(&world.of(ben), new, &form).await;
    assert_eq!(sent.expect("is sent"), Sent::Waits);
    world.approve(new).await;
    assert_eq!(world.status(new).await, D::Approved);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_offer_that_was_taken_and_never_sent_goes_to_the_next(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let (ben, bens, cleo, cleos) = bens_turn(&world).await;
    deal::accept(&world.of(ben), bens).await.expect("takes it");
    world.now += TimeDelta::days(6);
    deal::daily(&world.system()).await.expect("runs");
    assert!(!offered(&world, cleo, cleos).await, "Ben still has time");
    world.now += TimeDelta::days(2);
    deal::daily(&world.system()).await.expect("runs");
    assert!(offered(&world, cleo, cleos).await);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_organisation_has_one_place_in_line(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    world.protected(ana, "Acme", "acme.com").await;
    let lines = &world.lines[..1];
    let first = world.sent(ben, "Acme", "acme.com", lines).await;
    let second = world.sent(ben, "Acme", "acme.com", lines).await;
    deal::join(&world.of(ben), first).await.expect("joins");
    conflict(deal::join(&world.of(ben), second).await);
    deal::leave(&world.of(ben), first).await.expect("leaves");
    deal::join(&world.of(ben), second).await.expect("joins");
}

async fn set_status(world: &World, partner: Partner, status: &str) {
    partner::Entity::update_many()
        .col_expr(partner::Column::Status, Expr::value(status))
        .filter(partner::Column::Id.eq(partner.id))
        .exec(world.test.db.reader())
        .await
        .expect("set");
}

#[rstest]
#[tokio::test]
async fn nothing_is_kept_for_who_takes_no_part(
    #[values("banned", "deactivated")] status: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let sent = world.sent(ana, "Acme", "acme.com", &world.lines).await;
    let held = world.protected(ana, "Beta", "beta.com").await;
    deal::request(&world.of(ana), held, "A demo")
        .await
        .expect("asks");
    set_status(&world, ana, status).await;
    deal::take(&world.manager(), sent).await.expect("takes");
    let refused = deal::approve(&world.manager(), sent, &Approval::default()).await;
    assert!(conflict(refused).contains("does not take part"));
    assert_eq!(world.status(sent).await, D::InReview);
    conflict(deal::grant(&world.manager(), held).await);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn owners_are_told_when_the_colleague_has_gone(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let sent = world.sent(ana, "Acme", "acme.com", &world.lines).await;
    let other = world.someone("Olga", "olga@ana-agency.com", None).await;
    let row = member::ActiveModel {
        partner_id: Set(ana.id),
        person_id: Set(other),
        role: Set("owner".to_owned()),
        joined_at: Set(world.now),
        ..Default::default()
    };
    row.insert(world.test.db.reader()).await.expect("a member");
    member::Entity::update_many()
        .col_expr(member::Column::RemovedAt, Expr::value(world.now))
        .filter(member::Column::PersonId.eq(ana.person))
        .exec(world.test.db.reader())
        .await
        .expect("removed");
    let before = world.mail_to("owner@ana-agency.com").await;
    world.approve(sent).await;
    assert_eq!(world.mail_to("owner@ana-agency.com").await, before);
    let told = world.mail_to("olga@ana-agency.com").await.expect("a mail");
    assert!(told.contains("Acme"), "{told}");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_nobody_looks_after_all_managers_are_told_of(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    partner::Entity::update_many()
        .col_expr(partner::Column::ManagerId, Expr::value(None::<i64>))
        .exec(world.test.db.reader())
        .await
        .expect("nobody");
    world.sent(ana, "Acme", "acme.com", &world.lines).await;
    for ctx in [
        world.manager(),
        world.staff(world.admin, domain::partner::StaffRole::Admin),
    ] {
        assert_eq!(notice::unread(&ctx).await.expect("counts"), 1);
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_protection_lasts_until_the_answer_is_due(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let id = world.protected(ana, "Acme", "acme.com").await;
    let until = world.row(id).await.protected_until.expect("protected");
    world.now = until - TimeDelta::hours(1);
    deal::request(&world.of(ana), id, "Offer sent")
        .await
        .expect("asks");
    let waiting = service::desk::waiting(&world.manager())
        .await
        .expect("counts");
    assert!(waiting.contains(&("deals".to_owned(), 1)), "{waiting:?}");
    world.now = until + TimeDelta::hours(1);
    deal::daily(&world.system()).await.expect("runs");
    assert_eq!(world.status(id).await, D::Approved);
    deal::grant(&world.manager(), id).await.expect("grants");
    assert!(world.row(id).await.protected_until > Some(until + TimeDelta::days(29)));
    // Where nobody answers it ends, later.
    let other = world.protected(ana, "Beta", "beta.com").await;
    let until = world.row(other).await.protected_until.expect("protected");
    world.now = until - TimeDelta::hours(1);
    deal::request(&world.of(ana), other, "Offer sent")
        .await
        .expect("asks");
    world.now = until + TimeDelta::days(14);
    deal::daily(&world.system()).await.expect("runs");
    assert_eq!(world.status(other).await, D::Expired);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_correction_names_no_other_company(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let id = world.sent(ana, "Acme", "acme.com", &world.lines).await;
    deal::take(&world.manager(), id).await.expect("takes");
    deal::ask(&world.manager(), id, "How many seats?")
        .await
        .expect("asks");
    let other = world.form("Acme", "other-company.com", &world.lines);
    let wrong = errors(deal::save(&world.of(ana), id, &other).await);
    assert!(wrong.0.contains_key("customer_domain"), "{wrong}");
    let same = world.form("Acme Inc", "www.acme.com", &world.lines);
    deal::save(&world.of(ana), id, &same)
        .await
        .expect("is kept");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_review_that_goes_on_without_an_answer_can_be_late_again(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let id = world.sent(ana, "Acme", "acme.com", &world.lines).await;
    deal::take(&world.manager(), id).await.expect("takes");
    world.now += TimeDelta::days(6);
    deal::daily(&world.system()).await.expect("runs");
    assert!(world.row(id).await.escalated_at.is_some());
    deal::ask(&world.manager(), id, "How many seats?")
        .await
        .expect("asks");
    deal::take(&world.manager(), id).await.expect("goes on");
    assert_eq!(world.row(id).await.escalated_at, None);
    world.now += TimeDelta::days(10);
    deal::daily(&world.system()).await.expect("runs");
    assert!(world.row(id).await.escalated_at.is_some());
}

/// The customer was won, paid for a while, and the credit for it has ended.
#[rstest]
#[tokio::test]
async fn a_company_whose_credit_has_ended_can_be_registered_again(
    #[values(true, false)] same: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let old = world.protected(ana, "Acme", "acme.com").await;
    deal::win(&world.manager(), old, "cus_1")
        .await
        .expect("wins");
    let form = world.form("Acme", "acme.com", &world.lines[..1]);
    let who = if same { ana } else { ben };
    let early = deal::start(&world.of(who), &form).await.expect("starts");
    let refused = deal::submit(&world.of(who), early, &form).await;
    assert!(!matches!(refused, Ok(Sent::Waits)), "{refused:?}");
    let ends = world.now + TimeDelta::days(30);
    attribution::Entity::update_many()
        .col_expr(attribution::Column::EndsAt, Expr::value(ends))
        .exec(world.test.db.reader())
        .await
        .expect("ends");
    world.now += TimeDelta::days(60);
    let form = world.form("Acme", "acme.com", &world.lines[..1]);
    let id = deal::start(&world.of(who), &form).await.expect("starts");
    let sent = deal::submit(&world.of(who), id, &form).await;
    assert_eq!(sent.expect("is sent"), Sent::Waits);
    world.approve(id).await;
    assert_eq!(world.status(id).await, D::Approved);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_grant_and_a_withdrawal_at_once_are_one_after_the_other(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    for n in 0..12 {
        let id = world
            .protected(ana, &format!("Acme {n}"), &format!("acme-{n}.com"))
            .await;
        deal::request(&world.of(ana), id, "Offer sent")
            .await
            .expect("asks");
        let (manager, partner) = (world.manager(), world.of(ana));
        let grant = tokio::spawn(async move { deal::grant(&manager, id).await });
        let back = tokio::spawn(async move { deal::withdraw(&partner, id, "No").await });
        for done in [grant.await.expect("runs"), back.await.expect("runs")] {
            assert!(matches!(done, Ok(()) | Err(Error::Conflict(_))), "{done:?}");
        }
        assert_eq!(world.status(id).await, D::Withdrawn);
    }
}

/// A manager does not give away what is kept either: the registration was sent before the other ended.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_approval_does_not_take_what_is_kept(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let dora = world.partner("Dora").await;
    let early = world
        .sent(dora, "Acme", "acme.com", &world.lines[..1])
        .await;
    bens_turn(&world).await;
    let row = deals::Entity::find_by_id(early)
        .one(world.test.db.reader())
        .await;
    let row = row.expect("reads").expect("a row");
    let mut row = row.into_active_model();
    row.status = Set("in_review".to_owned());
    row.update(world.test.db.reader()).await.expect("in review");
    let refused = deal::approve(&world.manager(), early, &Approval::default()).await;
    assert!(conflict(refused).contains("waiting list"));
}
