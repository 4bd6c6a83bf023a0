//! What a partner reads of its own lines, and of nobody else's.

use domain::partner::MemberRole;
use domain::plan::ready_made;
use entity::partner;
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use service::Error;
use service::commission::{LineQuery, explain, lines};

use crate::support::Engine;
use crate::world::{World, acme_pays, refunded};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn partners_see_their_own_lines_explained(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&acme_pays(10_000)).await;
    world.deliver(&[refunded(1, "pi_1", 6_000, 50)]).await;
    let id = world.commissions().await[0].id;
    let (north, south) = (
        world.owner(world.partners[0]),
        world.owner(world.partners[1]),
    );
    let all = lines(&north, &LineQuery::default()).await.expect("reads");
    assert_eq!(
        (all.rows.len(), all.total, all.totals[0].amount),
        (2, 2, 1_125)
    );
    let foreign = LineQuery {
        partner_id: Some(world.partners[0]),
        ..LineQuery::default()
    };
    assert_eq!(lines(&south, &foreign).await.expect("reads").total, 0);
    for (q, found) in [
        ("ACME", 2),
        ("N-in_1", 2),
        ("il_1", 2),
        ("resel", 2),
        ("nobody", 0),
    ] {
        let query = LineQuery {
            q: q.to_owned(),
            ..LineQuery::default()
        };
        assert_eq!(
            lines(&north, &query).await.expect("reads").total,
            found,
            "{q}"
        );
    }
    for sort in ["amount", "hold", "customer", "earned", "nonsense"] {
        let query = LineQuery {
            sort: sort.to_owned(),
            desc: true,
            ..LineQuery::default()
        };
        assert_eq!(lines(&north, &query).await.expect("reads").rows.len(), 2);
    }
    let query = LineQuery {
        states: vec!["pending".to_owned()],
        kinds: vec!["reversal".to_owned()],
        month: Some("2026-03".to_owned()),
        currency: Some("eur".to_owned()),
        ..LineQuery::default()
    };
    assert_eq!(
        lines(&north, &query).await.expect("reads").rows[0].amount,
        -1_125
    );

    let explained = explain(&north, id).await.expect("own");
    let calculation = explained.calculation.expect("calculated");
    assert_eq!(
        (calculation.amount.minor, explained.reversals.len()),
        (2_250, 1)
    );
    assert_eq!(explained.customer.as_deref(), Some("acme.com"));
    assert_eq!(explained.plan, Some(("Standard".to_owned(), 1)));
    assert!(!explained.timeline.is_empty());
    assert!(matches!(explain(&south, id).await, Err(Error::NotFound)));
    assert!(matches!(
        explain(&north, id + 1_000).await,
        Err(Error::NotFound)
    ));
    assert!(explain(&world.finance(0), id).await.is_ok());

    // Members see earnings unless the owner has switched that off.
    let member = world.of_partner(world.partners[0], MemberRole::Member);
    assert!(lines(&member, &LineQuery::default()).await.is_ok());
    let db = world.test.db.reader();
    let row = partner::Entity::find_by_id(world.partners[0])
        .one(db)
        .await
        .expect("reads");
    let mut row = row.expect("there").into_active_model();
    row.members_see_earnings = Set(false);
    row.update(db).await.expect("writes");
    assert!(matches!(
        lines(&member, &LineQuery::default()).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        explain(&member, id).await,
        Err(Error::Forbidden(_))
    ));
}
