//! A line is known by its invoice, its name and its place among the lines of that name.

use domain::plan::ready_made;
use entity::{invoice_line, webhook_event};
use rstest::rstest;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::support::Engine;
use crate::world::{World, acme, credit_note, event, invoice};

/// An event as an endpoint that is pinned to an old version of the API sends it.
fn old(n: i64, lines: &[(&str, i64)], version: &str) -> Value {
    let id = format!("in_{n}");
    let mut told = event(
        &format!("evt_in_{n}"),
        "invoice.paid",
        n * 1_000,
        invoice(&id, "cus_1", lines, n * 1_000),
    );
    told["api_version"] = json!(version);
    told
}

async fn amounts(world: &World) -> Vec<i64> {
    let lines = world.commissions().await;
    let mut amounts: Vec<i64> = lines.iter().map(|c| c.amount).collect();
    amounts.sort_unstable();
    amounts
}

/// Every month's line has the subscription's name, and one invoice has two of one name.
#[rstest]
#[tokio::test]
async fn lines_of_one_name_each_earn_once(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[values("sub_1", "il_1")] name: &str,
    #[values(true, false)] at_once: bool,
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let months = [
        acme(),
        old(1, &[(name, 10_000)], "2019-05-16"),
        old(2, &[(name, 20_000)], "2019-05-16"),
        old(
            3,
            &[(name, 1_000), (name, 3_000), (name, 1_000)],
            "2019-05-16",
        ),
    ];
    if at_once {
        world.deliver(&months).await;
    } else {
        for month in &months {
            world.deliver(std::slice::from_ref(month)).await;
        }
    }
    assert_eq!(amounts(&world).await, [225, 225, 675, 2_250, 4_500]);
    // All of it once more, with the lines in another order as lists have them.
    let mut again: Vec<Value> = months.to_vec();
    for told in &mut again {
        told["id"] = json!(format!("{}_again", told["id"].as_str().expect("an id")));
    }
    if let Some(lines) = again[3]["data"]["object"]["lines"]["data"].as_array_mut() {
        lines.reverse();
    }
    world.deliver(&again).await;
    assert_eq!(amounts(&world).await, [225, 225, 675, 2_250, 4_500]);
    let rows = webhook_event::Entity::find()
        .all(world.test.db.reader())
        .await;
    let open: Vec<_> = rows
        .expect("reads")
        .into_iter()
        .filter(|e| e.status != "processed")
        .collect();
    assert!(open.is_empty(), "{open:?}");
    let lines = invoice_line::Entity::find()
        .order_by_asc(invoice_line::Column::Id)
        .all(world.test.db.reader())
        .await
        .expect("reads");
    assert!(lines.iter().all(|line| line.line_id == name), "{lines:?}");
    let places: Vec<i64> = lines[2..].iter().map(|line| line.occurrence).collect();
    let mut sorted = places.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [1, 2, 3]);
    world.assert_clean().await;
}

/// A credit note names the lines by their common name: what it takes is divided over them.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_credit_note_of_a_shared_name_takes_back_once(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let note = credit_note("cn_1", "in_1", "sub_1", 2_000, None, 2_000);
    world
        .deliver(&[
            acme(),
            old(1, &[("sub_1", 1_000), ("sub_1", 3_000)], "2019-05-16"),
            event("evt_cn", "credit_note.created", 2_000, note),
        ])
        .await;
    // Half of 4,000: of 225 and 675 half is left.
    let sum: i64 = amounts(&world).await.iter().sum();
    assert_eq!(sum, 450);
    world.assert_clean().await;
}

/// Older versions leave out what an invoice is judged by; that is said, and said at once.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_endpoint_that_is_pinned_too_old_is_named(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let worked = world
        .deliver(&[acme(), old(1, &[("sub_1", 10_000)], "2017-08-15")])
        .await;
    assert_eq!((worked.processed, worked.failed), (1, 1), "{worked:?}");
    let rows = webhook_event::Entity::find()
        .all(world.test.db.reader())
        .await;
    let why = rows.expect("reads").into_iter().find_map(|e| e.error);
    let why = why.expect("a reason");
    assert!(why.contains("pinned to version 2017-08-15"), "{why}");
    assert!(world.commissions().await.is_empty());
}
