//! Who was first: duplicates, one's own company, and several who want the same one at once.

use domain::deal::{ConflictKind, DealStatus as D};
use rstest::rstest;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use service::deal::{self, Approval, DealList, Fields, Sent};
use service::{Error, notice};

use super::world::World;
use crate::support::{Engine, errors};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_duplicate_learns_nothing_about_the_other(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let first = world.protected(ana, "Acme Ltd", "acme.com").await;

    let form = world.form("Acme", "https://www.acme.com", &world.lines);
    let ctx = world.of(ben);
    let id = deal::start(&ctx, &form).await.expect("starts");
    assert_eq!(
        deal::submit(&ctx, id, &form).await.expect("is sent"),
        Sent::Duplicate
    );
    let shown = deal::show(&ctx, id).await.expect("shows");
    assert_eq!(shown.status, D::Duplicate);
    let words = format!("{shown:?}");
    for secret in ["Ana Owner", "\"Ana\"", "ana-agency", "Duplicate of"] {
        assert!(!words.contains(secret), "{secret} in {words}");
    }
    let (rows, _) = deal::list(&ctx, &DealList::default()).await.expect("lists");
    assert_eq!(
        (rows.len(), rows[0].conflicts.len(), rows[0].account_id),
        (1, 0, None)
    );
    assert!(
        notice::list(&ctx, 0, 10)
            .await
            .expect("lists")
            .0
            .iter()
            .all(|n| !n.text.contains("Ana"))
    );

    let review = deal::review(&world.manager(), id).await.expect("shows");
    assert_eq!(review.duplicate_of, Some(first));
    assert_eq!(review.conflicts[0].kind, ConflictKind::Duplicate);
    let (desk, total) = deal::contests(&world.manager(), "acm", 0, 10)
        .await
        .expect("lists");
    assert_eq!(
        (total, desk[0].partners, desk[0].held, desk[0].open),
        (1, 2, 1, 0)
    );
    let contest = deal::contest(&world.manager(), desk[0].account_id)
        .await
        .expect("shows");
    assert_eq!((contest.sides.len(), contest.guarded.len()), (2, 1));

    // Another product line is free.
    let free = world.sent(ben, "Acme", "acme.com", &world.lines[1..]).await;
    deal::take(&world.manager(), free).await.expect("takes");
    deal::approve(&world.manager(), free, &Approval::default())
        .await
        .expect("approves");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn nobody_refers_itself_and_one_company_is_one_account(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let colleague = world.someone("Col", "col@side-project.de", None).await;
    entity::member::Entity::insert(entity::member::ActiveModel {
        partner_id: Set(ana.id),
        person_id: Set(colleague),
        role: Set("member".to_owned()),
        joined_at: Set(world.now),
        ..Default::default()
    })
    .exec_without_returning(world.test.db.reader())
    .await
    .expect("a member");
    let ctx = world.of(ana);
    let id = deal::start(&ctx, &Fields::default()).await.expect("starts");
    for own in [
        "ana-agency.com",
        "https://shop.ANA-Agency.com/x",
        "side-project.de",
        "gmail.com",
        "co.uk",
        "10.0.0.1",
    ] {
        let wrong = errors(deal::submit(&ctx, id, &world.form("Own", own, &world.lines)).await);
        assert!(wrong.0.contains_key("customer_domain"), "{own}: {wrong}");
    }
    let form = Fields {
        contact_email: "me@mail.ana-agency.com".to_owned(),
        ..world.form("Acme", "acme.com", &world.lines)
    };
    assert!(
        errors(deal::submit(&ctx, id, &form).await)
            .0
            .contains_key("contact_email")
    );
    assert_eq!(world.status(id).await, D::Draft);

    // The same company, written in five ways, is one account; the first name stays.
    let mut accounts = Vec::new();
    for (partner, domain) in [
        (ana, "müller.de"),
        (ben, "https://www.MÜLLER.de:443/impressum?x=1"),
    ] {
        let id = world
            .sent(partner, "Müller GmbH", domain, &world.lines[..1])
            .await;
        accounts.push(world.row(id).await.account_id);
    }
    assert_eq!(accounts[0], accounts[1]);
    assert_eq!(
        entity::account_domain::Entity::find_by_id("xn--mller-kva.de")
            .count(world.test.db.reader())
            .await
            .expect("counts"),
        1
    );
    // Registering it again is refused at the field; a similar name is only a hint.
    let form = world.form("Müller GmbH", "müller.de", &world.lines);
    assert!(
        errors(deal::submit(&ctx, id, &form).await)
            .0
            .contains_key("customer_domain")
    );
    let hint = world
        .sent(ana, "Mueller AG", "mueller-gruppe.com", &world.lines)
        .await;
    let review = deal::review(&world.manager(), hint).await.expect("shows");
    assert_eq!(review.conflicts[0].kind, ConflictKind::SimilarName);
    assert_eq!(review.similar[0].1, "Müller GmbH");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn of_eight_approvals_at_once_one_protects(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let mut ids = Vec::new();
    for name in ["A", "B", "C", "D", "E", "F", "G", "H"] {
        let partner = world.partner(name).await;
        // Every second one asks for both lines, so that they overlap in part.
        let lines = if ids.len() % 2 == 0 {
            &world.lines[..]
        } else {
            &world.lines[..1]
        };
        let id = world.sent(partner, "Acme", "acme.com", lines).await;
        deal::take(&world.manager(), id).await.expect("takes");
        ids.push(id);
    }
    let tries = ids.iter().map(|id| {
        let (ctx, id) = (world.manager(), *id);
        tokio::spawn(async move { deal::approve(&ctx, id, &Approval::default()).await })
    });
    let mut won = 0;
    for result in futures::future::join_all(tries.collect::<Vec<_>>()).await {
        match result.expect("no panic") {
            Ok(()) => won += 1,
            Err(Error::Conflict(words)) => assert!(words.contains("already protects"), "{words}"),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
    let mut approved = 0;
    for id in &ids {
        match world.status(*id).await {
            D::Approved => approved += 1,
            other => assert_eq!(other, D::InReview, "the others still wait for a decision"),
        }
    }
    assert_eq!(approved, 1);
    let held = entity::protection::Entity::find()
        .filter(entity::protection::Column::ProductLineId.eq(world.lines[0]))
        .filter(entity::protection::Column::ReleasedAt.is_null())
        .count(world.test.db.reader())
        .await
        .expect("counts");
    assert_eq!(held, 1);
}
