//! Limits of a policy in currencies with other minor units, holds and runs as lists.

use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::payout_item;
use rstest::rstest;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::json;
use service::commission::{
    AdjustForm, LineQuery, adjust, adjust_noted, approve, explain, hold, lines,
};
use service::payout::browse::held_partners;
use service::payout::list::{RunQuery, runs};
use service::payout::run::{NewRun, draft, hold_partner};
use service::program::{self, PolicyFields};

use crate::support::{Engine, errors};
use crate::world::World;

fn bonus(partner_id: i64, amount: &str, currency: &str) -> AdjustForm {
    AdjustForm {
        partner_id,
        kind: "bonus".to_owned(),
        amount: amount.to_owned(),
        currency: currency.to_owned(),
        reason: "Agreed by phone".to_owned(),
    }
}

/// The policy as a form with limits in other currencies.
fn policy(minimums: &str, seconds: &str) -> PolicyFields {
    crate::program::policy(&[
        ("effective_date", "2026-03-10"),
        ("payout_minimums", minimums),
        ("second_approvals", seconds),
    ])
}

/// Why each item of a new run is left out, by currency; none where it is in.
async fn left_out(world: &World) -> Vec<(String, Option<String>)> {
    let new = NewRun {
        program_id: world.program,
        cutoff_at: world.now,
        note: "for JPY".to_owned(),
    };
    let run = draft(&world.finance(0), new).await.expect("drafted");
    payout_item::Entity::find()
        .order_by_asc(payout_item::Column::Currency)
        .all(world.test.db.reader())
        .await
        .expect("reads")
        .into_iter()
        .filter(|i| i.run_id == run)
        .map(|i| (i.currency, i.reason))
        .collect()
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn limits_are_said_per_currency(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let north = world.partners[0];
    let ctx = world.finance(0);
    let waits = async |amount: &str, currency: &str| {
        adjust(&ctx, &bonus(north, amount, currency))
            .await
            .expect("booked")
            .needs_second
    };
    // The limit is 1,000.00 EUR. It says nothing about other currencies: somebody else looks.
    assert!(!waits("1000", "EUR").await);
    assert!(waits("1", "JPY").await);
    assert!(waits("0.001", "KWD").await);
    let yen = adjust(&ctx, &bonus(north, "1000", "JPY")).await;
    let yen = yen.expect("booked");
    approve(&world.finance(1), yen.id).await.expect("approved");

    // What is wrong with exceptions is said at the field.
    let staff = world.staff(StaffRole::Admin);
    for (minimums, seconds, field, part) in [
        ("60", "", "payout_minimums", "with its currency"),
        ("60 EUR", "", "payout_minimums", "own currency"),
        ("60 USD; 70 USD", "", "payout_minimums", "there twice"),
        ("", "-5 USD", "second_approvals", "negative"),
        ("", "5 XYZ", "second_approvals", "not a currency"),
        ("1.5 JPY", "", "payout_minimums", "JPY has no decimals"),
    ] {
        let result =
            program::new_policy(&staff, world.program, 1, &policy(minimums, seconds)).await;
        let errors = errors(result);
        assert!(
            errors.0.get(field).is_some_and(|s| s.contains(part)),
            "{minimums} {seconds}: {errors:?}"
        );
    }
    // 1,000 JPY are payable: above 50, the same number as at home.
    let why = left_out(&world).await;
    let minimum = |(_, why): &(String, Option<String>)| {
        why.as_deref()
            .is_some_and(|w| w.to_lowercase().contains("minimum"))
    };
    assert!(!why.iter().any(minimum), "{why:?}");
    program::new_policy(
        &staff,
        world.program,
        1,
        &policy("5000 JPY; 2.5 KWD", "2000 JPY; 0.5 KWD"),
    )
    .await
    .expect("made");
    let rows = program::policies(&staff, world.program)
        .await
        .expect("reads");
    assert_eq!(
        rows[0].payout_minimums,
        json!({ "JPY": 5_000, "KWD": 2_500 })
    );
    assert_eq!(
        program::limit::typed(&rows[0].second_approvals),
        "2000 JPY; 0.500 KWD"
    );
    // The first figure of a currency loosens the limit, so it counts a day later.
    world.now += chrono::TimeDelta::minutes(1);
    let soon = adjust(&world.finance(0), &bonus(north, "1", "JPY")).await;
    assert!(soon.expect("booked").needs_second);
    world.now += chrono::TimeDelta::days(1);
    let ctx = world.finance(0);
    let waits = async |amount: &str, currency: &str| {
        adjust(&ctx, &bonus(north, amount, currency))
            .await
            .expect("booked")
            .needs_second
    };
    assert!(waits("2001", "JPY").await);
    assert!(!waits("2000", "JPY").await);
    assert!(waits("0.501", "KWD").await);
    assert!(waits("0.01", "USD").await, "not named: every amount");
    // 3,000 JPY are payable, below 5,000.
    let why = left_out(&world).await;
    let reason = |code: &str| {
        let found = why.iter().find(|(currency, _)| currency == code);
        found.and_then(|(_, why)| why.clone()).unwrap_or_default()
    };
    assert!(reason("JPY").to_lowercase().contains("minimum"), "{why:?}");
    assert!(!reason("KWD").to_lowercase().contains("minimum"), "{why:?}");
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn holds_and_runs_are_found_and_notes_stay_inside(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [north, south] = world.partners;
    let ctx = world.finance(0);
    let form = bonus(north, "60", "EUR");
    let booked = adjust_noted(&ctx, &form, "Ask legal first")
        .await
        .expect("booked");
    let actions = |shown: service::commission::Explained| {
        let lines = shown.timeline.into_iter();
        lines.map(|l| l.summary).collect::<Vec<_>>().join("|")
    };
    let seen = actions(explain(&ctx, booked.id).await.expect("shows"));
    assert!(seen.contains("Ask legal first"), "{seen}");
    let seen = actions(
        explain(&world.owner(north), booked.id)
            .await
            .expect("shows"),
    );
    assert!(!seen.contains("legal"), "{seen}");

    hold(&ctx, &[booked.id], "Waits for the contract")
        .await
        .expect("held");
    let found = async |q: &str| {
        let query = LineQuery {
            q: q.to_owned(),
            states: vec!["held".to_owned()],
            ..LineQuery::default()
        };
        lines(&ctx, &query).await.expect("lists").total
    };
    assert_eq!((found("contract").await, found("north").await), (1, 1));
    assert_eq!(found("nobody").await, 0);
    hold_partner(&ctx, south, Some("Tax number is missing"))
        .await
        .expect("held");
    let held = async |q: &str, offset: u64| {
        let (rows, total) = held_partners(&ctx, q, offset, 1).await.expect("lists");
        let names: Vec<String> = rows.into_iter().map(|p| p.name).collect();
        (names.join(", "), total)
    };
    let south_alone = ("South".to_owned(), 1);
    assert_eq!(held("", 0).await, south_alone);
    assert_eq!(held("tax", 0).await, south_alone);
    assert_eq!(held("north", 0).await, (String::new(), 0));
    hold_partner(&ctx, north, Some("Moves its bank"))
        .await
        .expect("held");
    assert_eq!(held("", 0).await, ("North".to_owned(), 2));
    assert_eq!(held("", 1).await, ("South".to_owned(), 2));
    assert_eq!(held("", 2).await, (String::new(), 2));

    left_out(&world).await;
    left_out(&world).await;
    let listed = async |q: &str, sort: &str, ascending: bool| {
        let query = RunQuery {
            q: q.to_owned(),
            sort: sort.to_owned(),
            ascending,
            page: 1,
            per: 25,
            ..RunQuery::default()
        };
        let page = runs(&ctx, &query).await.expect("lists");
        let rows = page.rows.into_iter();
        rows.map(|r| r.run.number).collect::<Vec<_>>()
    };
    assert_eq!(listed("", "", false).await, ["2026-03-B", "2026-03-A"]);
    assert_eq!(
        listed("for jpy", "run", true).await,
        ["2026-03-A", "2026-03-B"]
    );
    assert_eq!(listed("03-b", "cutoff", false).await, ["2026-03-B"]);
    assert_eq!(listed("nothing", "", false).await, Vec::<String>::new());
}
