//! An invoice that does not say what it is for, while two partners have something of the company.

use domain::deal::DealStatus as D;
use domain::partner::StaffRole;
use domain::plan::ready_made;
use rstest::rstest;
use service::billing::{ProductForm, invoice, say_product, unmatched};
use service::deal;

use super::world::World;
use crate::support::{Engine, conflict, errors};
use crate::world::{new_customer, paid};

#[rstest]
#[tokio::test]
async fn an_unknown_product_is_a_question(
    #[values(false, true)] won: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    world.pays(&ready_made::agency()).await;
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let crm = world.protected(ana, "Acme", "acme.com").await;
    let analytics = world.sent(ben, "Acme", "acme.com", &world.lines[1..]).await;
    world.approve(analytics).await;
    world
        .deliver(&[new_customer("cus_1", "boss@acme.com")])
        .await;
    if won {
        // One is credited already, the other is protected still: it is a question all the same.
        deal::win(&world.manager(), crm, "").await.expect("wins");
    }
    world.deliver(&[paid(1, "cus_1", 10_000, 200_000)]).await;
    assert!(
        world.test.commissions().await.is_empty(),
        "nobody by itself"
    );
    let ctx = world.staff(world.manager, StaffRole::Manager);
    let (rows, total) = unmatched(&ctx, "", 1, 25).await.expect("lists");
    assert_eq!(total, 1);
    let why = &rows[0].why;
    assert!(
        why.contains("Ana for CRM") && why.contains("Ben for Analytics"),
        "{why}"
    );
    assert_eq!(world.status(analytics).await, D::Approved);
    let view = invoice::show(&ctx, "in_1").await.expect("shows");
    assert_eq!(view.products.len(), 2);

    let form = |line: String| ProductForm {
        product_line: line,
        reason: "Their contract".to_owned(),
    };
    let id = rows[0].invoice_id;
    let wrong = errors(say_product(&ctx, id, &ProductForm::default()).await);
    assert!(wrong.0.contains_key("product_line") && wrong.0.contains_key("reason"));
    assert!(
        say_product(&world.of(ana), id, &form("1".to_owned()))
            .await
            .is_err(),
        "staff only"
    );
    let said = form(world.lines[1].to_string());
    assert!(say_product(&ctx, id, &said).await.expect("said"));
    let lines = world.test.commissions().await;
    assert_eq!(
        lines.iter().map(|c| c.partner_id).collect::<Vec<_>>(),
        [ben.id]
    );
    assert_eq!(world.status(analytics).await, D::Won);
    conflict(say_product(&ctx, id, &said).await);
    world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn whoever_has_the_customer_alone_has_the_product(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    world.pays(&ready_made::agency()).await;
    let ana = world.partner("Ana").await;
    world.protected(ana, "Acme", "acme.com").await;
    world
        .deliver(&[
            new_customer("cus_1", "boss@acme.com"),
            paid(1, "cus_1", 10_000, 200_000),
        ])
        .await;
    let lines = world.test.commissions().await;
    assert_eq!(
        lines.iter().map(|c| c.partner_id).collect::<Vec<_>>(),
        [ana.id]
    );
}
