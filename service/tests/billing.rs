//! Stripe's objects: which account a customer belongs to, and what was missed.

use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::{customer as customers, deal, invoice as invoices};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DbBackend, EntityTrait};
use serde_json::{Value, json};
use service::Error;
use service::billing::{MatchForm, OwnQuery, own_list, sweep::sweep, unmatched, why_nothing};
use service::ledger::{JournalQuery, journal};

use crate::support::{Engine, day};
use crate::world::{
    World, acme, customer, event, invoice, line, new_customer, paid, payment, refunded,
};

async fn matched_by(world: &World) -> Option<String> {
    let rows = customers::Entity::find()
        .all(world.test.db.reader())
        .await
        .expect("reads");
    rows.into_iter().next().and_then(|c| c.matched_by)
}

fn with_metadata(mut object: Value, key: &str, value: i64) -> Value {
    object["metadata"][key] = json!(value.to_string());
    object
}

#[rstest]
#[case::domain("billing@eu.acme.com", None, Some("domain"))]
#[case::free_mail("acme@gmail.com", None, None)]
#[case::stranger("a@stranger.com", None, None)]
#[case::metadata("a@stranger.com", Some("portico_account"), Some("metadata"))]
#[tokio::test]
async fn customers_find_their_account(
    #[case] email: &str,
    #[case] key: Option<&str>,
    #[case] expected: Option<&str>,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let mut object = customer("cus_1", email);
    if let Some(key) = key {
        object = with_metadata(object, key, world.account);
    }
    world.shelf.put(object.clone());
    // The invoice comes first: who the customer is has to be asked.
    let paid = invoice("in_1", "cus_1", &[("il_1", 10_000)], 1);
    world
        .deliver(&[event("evt_1", "invoice.paid", 1, paid)])
        .await;
    assert_eq!(matched_by(&world).await.as_deref(), expected);
    assert_eq!(
        world.commissions().await.len(),
        usize::from(expected.is_some())
    );
    world
        .deliver(&[event("evt_2", "customer.created", 0, object)])
        .await;
    assert_eq!(
        world.commissions().await.len(),
        usize::from(expected.is_some())
    );
    world.assert_clean().await;
}

/// As if so many invoices of somebody else's had come in between: ids go on from there.
async fn far_on(world: &World, id: i64) {
    let db = world.test.db.reader();
    let at = "'2026-03-01T00:00:00Z'";
    let mut sql = format!(
        "INSERT INTO invoice (id, stripe_id, customer_id, status, currency, total, net, amount_paid, \
         disputed, outcome, issued_at, created_at) VALUES ({id}, 'in_far{id}', \
         (SELECT id FROM customer WHERE stripe_id = 'cus_2'), \
         'draft', 'EUR', 0, 0, 0, false, 'open', {at}, {at})"
    );
    if world.test.db.backend() == DbBackend::Postgres {
        sql.push_str(&format!("; SELECT setval('invoice_id_seq', {id})"));
    }
    db.execute_unprepared(&sql).await.expect("far on");
}

/// Invoices are kept by the thousand, each thousand by customer.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_customers_invoices_are_found_however_many_came_in_between(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world
        .deliver(&[
            new_customer("cus_1", "boss@gmail.com"),
            new_customer("cus_2", "else@gmail.com"),
            paid(1, "cus_1", 10_000, 1),
        ])
        .await;
    for (n, id) in [(2, 8_190), (3, 16_383), (4, 40_000)] {
        far_on(&world, id).await;
        world.deliver(&[paid(n, "cus_1", 10_000, n)]).await;
    }
    let ctx = world.staff(StaffRole::Manager);
    let (rows, _) = unmatched(&ctx, "", 1, 25).await.expect("reads");
    let form = MatchForm {
        account: "acme.com".to_owned(),
        reason: "It is their boss".to_owned(),
    };
    let earned = world.match_by_hand(rows[0].customer_id, &form).await;
    assert_eq!(earned.expect("matched"), 4);
    let own = own_list(&world.owner(world.partners[0]), &OwnQuery::default()).await;
    assert_eq!(own.expect("lists").1, 4);
    let query = JournalQuery {
        q: "cus_1".to_owned(),
        ..JournalQuery::default()
    };
    let found = journal(&world.finance(0), &query).await.expect("reads");
    assert_eq!(found.lines.len(), 4);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn matching_late_books_what_was_missed(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world
        .deliver(&[
            new_customer("cus_1", "boss@gmail.com"),
            paid(1, "cus_1", 10_000, 1),
            event(
                "evt_3",
                "invoice_payment.paid",
                2,
                payment("inpay_1", "in_1", "pi_1", 12_000),
            ),
            refunded(1, "pi_1", 1_200, 50),
            paid(2, "cus_1", 5_000, 60),
        ])
        .await;
    assert!(world.commissions().await.is_empty());
    let ctx = world.staff(StaffRole::Manager);
    let (rows, total) = unmatched(&ctx, "", 1, 25).await.expect("reads");
    assert_eq!((rows.len(), total), (2, 2));
    assert!(
        why_nothing(&ctx, "in_1")
            .await
            .expect("reads")
            .expect("why")
            .contains("account")
    );
    let customer_id = rows[0].customer_id;

    let form = MatchForm {
        account: "nobody.com".to_owned(),
        reason: String::new(),
    };
    let error = world
        .match_by_hand(customer_id, &form)
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("no such account") && error.contains("reason"),
        "{error}"
    );

    let form = MatchForm {
        account: "acme.com".to_owned(),
        reason: "It is their boss".to_owned(),
    };
    assert_eq!(
        world
            .match_by_hand(customer_id, &form)
            .await
            .expect("matched"),
        2
    );
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        2_250 - 225 + 1_125
    );
    assert_eq!(unmatched(&ctx, "", 1, 25).await.expect("reads").1, 0);
    assert_eq!(why_nothing(&ctx, "in_1").await.expect("reads"), None);
    assert_eq!(
        world
            .match_by_hand(customer_id, &form)
            .await
            .expect("again"),
        0
    );
    world.assert_clean().await;

    // Somebody else's name comes up later: the metadata does not move what is matched.
    let other = world
        .add_account("other.com", &[(world.partners[1], 10_000)])
        .await;
    let moved = with_metadata(
        customer("cus_1", "boss@gmail.com"),
        "portico_account",
        other,
    );
    world
        .deliver(&[event("evt_6", "customer.updated", 90, moved)])
        .await;
    assert_eq!(matched_by(&world).await.as_deref(), Some("hand"));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_customer_event_that_matches_books_what_was_missed(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world
        .deliver(&[
            new_customer("cus_1", "boss@gmail.com"),
            paid(1, "cus_1", 10_000, 1),
        ])
        .await;
    assert!(world.commissions().await.is_empty());
    let named = with_metadata(
        customer("cus_1", "boss@gmail.com"),
        "portico_account",
        world.account,
    );
    world
        .deliver(&[event("evt_3", "customer.updated", 5, named)])
        .await;
    assert_eq!(world.bucket(world.partners[0], "pending").await, 2_250);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_protected_deal_is_won_by_its_customers_payment(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::agency()).await else {
        return;
    };
    let db = world.test.db.reader();
    let account = world.add_account("fresh.com", &[]).await;
    let row = deal::ActiveModel {
        program_id: Set(world.program),
        partner_id: Set(world.partners[1]),
        person_id: Set(world.finance[0]),
        account_id: Set(Some(account)),
        status: Set("approved".to_owned()),
        stage: Set("proposal".to_owned()),
        currency: Set("EUR".to_owned()),
        answers: Set(json!({})),
        conflicts: Set(json!([])),
        created_at: Set(day(2026, 2, 1)),
        updated_at: Set(day(2026, 2, 1)),
        protected_until: Set(Some(day(2026, 5, 1))),
        ..Default::default()
    }
    .insert(db)
    .await
    .expect("deal");
    entity::protection::ActiveModel {
        deal_id: Set(row.id),
        partner_id: Set(world.partners[1]),
        account_id: Set(account),
        product_line_id: Set(world.product_line),
        starts_at: Set(day(2026, 2, 1)),
        expires_at: Set(Some(day(2026, 5, 1))),
        ..Default::default()
    }
    .insert(db)
    .await
    .expect("protection");
    let object = with_metadata(customer("cus_1", "x@gmail.com"), "portico_deal", row.id);
    world
        .deliver(&[
            event("evt_1", "customer.created", 0, object),
            paid(1, "cus_1", 10_000, 1),
        ])
        .await;
    // 25 % and 5 points for a registered deal.
    assert_eq!(world.bucket(world.partners[1], "pending").await, 3_000);
    let won = deal::Entity::find_by_id(row.id)
        .one(db)
        .await
        .expect("reads")
        .expect("there");
    assert_eq!(
        (won.status.as_str(), won.closed_at.is_some()),
        ("won", true)
    );
    // Long after the protection would have ended, the customer is still the partner's.
    let later = (day(2026, 9, 1) - day(2026, 3, 1)).num_seconds();
    let paid = invoice("in_2", "cus_1", &[("il_2", 10_000)], later);
    world
        .deliver(&[event("evt_3", "invoice.paid", later, paid)])
        .await;
    assert_eq!(world.bucket(world.partners[1], "pending").await, 6_000);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn invoices_that_earn_nothing_say_why(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::agency()).await else {
        return;
    };
    world.add_account("alone.com", &[]).await;
    let mut free = invoice("in_free", "cus_1", &[("il_f", 10_000)], 5);
    free["lines"]["data"][0]["discount_amounts"] =
        json!([{ "amount": 10_000, "discount": "di_1" }]);
    let mut open = invoice("in_open", "cus_1", &[("il_o", 10_000)], 6);
    open["status"] = json!("open");
    open["status_transitions"]["paid_at"] = json!(null);
    let mut void = open.clone();
    void["id"] = json!("in_void");
    void["status"] = json!("void");
    world
        .deliver(&[
            acme(),
            new_customer("cus_2", "a@alone.com"),
            event("evt_3", "invoice.paid", 5, free),
            event("evt_4", "invoice.finalized", 6, open),
            event("evt_5", "invoice.voided", 7, void),
            event(
                "evt_6",
                "invoice.paid",
                8,
                invoice("in_alone", "cus_2", &[("il_a", 500)], 8),
            ),
            event(
                "evt_7",
                "invoice.paid",
                9,
                invoice("in_old", "cus_1", &[("il_x", 10_000)], 9),
            ),
        ])
        .await;
    let ctx = world.finance(0);
    let why = async |id: &str| {
        why_nothing(&ctx, id)
            .await
            .expect("reads")
            .unwrap_or_default()
    };
    assert!(
        why("in_free").await.contains("Nothing is left"),
        "{}",
        why("in_free").await
    );
    assert!(why("in_open").await.contains("not been paid"));
    assert!(why("in_void").await.contains("annulled"));
    assert!(why("in_alone").await.contains("No partner is credited"));
    assert_eq!(why("in_old").await, "");
    assert!(
        why_nothing(&world.system(), "in_old").await.is_err(),
        "staff only"
    );
    // 37 months on the customer no longer earns, and the page says so.
    let later = (day(2029, 4, 1) - day(2026, 3, 1)).num_seconds();
    let paid = invoice("in_late", "cus_1", &[("il_l", 10_000)], later);
    world
        .deliver(&[event("evt_8", "invoice.paid", later, paid)])
        .await;
    assert!(
        why("in_late").await.contains("36 months"),
        "{}",
        why("in_late").await
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn more_lines_than_an_event_carries_are_fetched(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.shelf.put(customer("cus_1", "a@acme.com"));
    let mut full = invoice("in_1", "cus_1", &[("il_0", 1_000)], 1);
    let all: Vec<Value> = (0..30)
        .map(|i| line(&format!("il_{i}"), 1_000, "eur"))
        .collect();
    full["all_lines"] = json!(all);
    full["lines"]["has_more"] = json!(true);
    full["subtotal"] = json!(30_000);
    full["total"] = json!(30_000);
    full["amount_due"] = json!(30_000);
    full["amount_paid"] = json!(30_000);
    world.shelf.put(full.clone());
    let worked = world
        .deliver(&[event("evt_1", "invoice.paid", 1, full)])
        .await;
    assert_eq!(worked.processed, 1, "{worked:?}");
    assert_eq!(world.commissions().await.len(), 30);
    assert_eq!(world.bucket(world.partners[0], "pending").await, 30 * 225);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_sweep_finds_what_never_arrived(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.shelf.put(customer("cus_1", "a@acme.com"));
    for i in 0..3 {
        let (id, line) = (format!("in_{i}"), format!("il_{i}"));
        world
            .shelf
            .put(invoice(&id, "cus_1", &[(&line, 10_000)], i));
    }
    let at = day(2026, 3, 1).timestamp();
    world.shelf.put(json!({
        "id": "cs_1", "object": "checkout.session", "created": at, "mode": "payment",
        "status": "complete", "payment_status": "paid", "customer": "cus_1", "invoice": null,
        "payment_intent": "pi_cs", "currency": "eur", "amount_total": 10_000,
        "line_items": { "object": "list", "has_more": false, "data": [
            { "id": "li_1", "object": "item", "currency": "eur", "amount_total": 10_000 },
        ] },
    }));
    // Not paid: nothing is missing.
    world.shelf.put(json!({
        "id": "cs_2", "object": "checkout.session", "created": at, "mode": "payment",
        "payment_status": "unpaid", "customer": "cus_1", "invoice": null,
    }));
    let known = invoice("in_0", "cus_1", &[("il_0", 10_000)], 0);
    world
        .deliver(&[event("evt_1", "invoice.paid", 0, known)])
        .await;
    let swept = sweep(&world.system(), &world.shelf, day(2026, 1, 1))
        .await
        .expect("swept");
    assert_eq!(
        (swept.listed, swept.caught_up.len(), swept.failed.len()),
        (4, 3, 0),
        "{swept:?}"
    );
    assert_eq!(world.bucket(world.partners[0], "pending").await, 4 * 2_250);
    let again = sweep(&world.system(), &world.shelf, day(2026, 1, 1))
        .await
        .expect("swept");
    assert!(again.caught_up.is_empty());
    assert_eq!(
        invoices::Entity::find()
            .all(world.test.db.reader())
            .await
            .expect("reads")
            .len(),
        4
    );
    world.assert_clean().await;
}

/// Finance and managers may both match a customer, and it takes two of them.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_match_by_hand_takes_two_people(#[case] engine: Engine) {
    use service::billing::{confirm_match, decline_match, proposal, propose_match};
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world
        .deliver(&[
            new_customer("cus_1", "boss@gmail.com"),
            paid(1, "cus_1", 10_000, 1),
        ])
        .await;
    let maya = world.add_staff("Maya", StaffRole::Manager).await;
    let manager = world.test.staff(maya, StaffRole::Manager, world.now);
    let (fin, other) = (world.finance(0), world.finance(1));
    let (rows, _) = unmatched(&fin, "", 1, 25).await.expect("finance sees it");
    let customer_id = rows[0].customer_id;
    let form = MatchForm {
        account: "acme.com".to_owned(),
        reason: "It is their boss".to_owned(),
    };
    let auditor = world.test.staff(maya, StaffRole::Auditor, world.now);
    let refused = propose_match(&auditor, customer_id, &form).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let id = propose_match(&fin, customer_id, &form)
        .await
        .expect("proposed");
    assert!(world.commissions().await.is_empty(), "nothing is booked");
    assert_eq!(world.notices_of(maya).await.len(), 1, "the manager is told");
    let twice = propose_match(&manager, customer_id, &form).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    let own = confirm_match(&fin, id).await;
    assert!(matches!(own, Err(Error::Forbidden(_))), "{own:?}");
    assert!(matches!(
        confirm_match(&auditor, id).await,
        Err(Error::Forbidden(_))
    ));
    decline_match(&other, id, "Not them")
        .await
        .expect("declined");
    let late = confirm_match(&manager, id).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    let id = propose_match(&manager, customer_id, &form)
        .await
        .expect("again");
    let shown = proposal(&fin, customer_id)
        .await
        .expect("reads")
        .expect("waits");
    assert_eq!((shown.id, shown.by.1.as_str()), (id, "Maya"));
    assert_eq!(confirm_match(&fin, id).await.expect("confirmed"), 1);
    assert!(world.bucket(world.partners[0], "pending").await > 0);
    world.assert_clean().await;
}
