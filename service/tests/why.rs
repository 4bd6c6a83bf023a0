//! Why an invoice earned nothing: for staff, for each partner, and what nobody else learns.

use domain::money::Currency;
use domain::partner::MemberRole;
use domain::plan::ready_made;
use entity::partner;
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ActiveValue::Unchanged};
use service::Error;
use service::billing::{OwnQuery, OwnView, invoice as invoices, own, own_list};
use service::commission::{cancel, explain};

use crate::support::Engine;
use crate::world::{World, event, invoice, new_customer, paid};

async fn set(world: &World, change: partner::ActiveModel) {
    change
        .update(world.test.db.reader())
        .await
        .expect("changes");
}

async fn id(world: &World, stripe_id: &str) -> i64 {
    invoices::show(&world.finance(0), stripe_id)
        .await
        .expect("shows")
        .invoice
        .id
}

async fn sees(world: &World, partner: i64, stripe_id: &str) -> OwnView {
    let id = id(world, stripe_id).await;
    own(&world.owner(partner), id).await.expect("shows")
}

fn sentences(view: &OwnView) -> String {
    let all = view.whys.iter();
    all.map(|w| format!("{} → {}", w.sentence, w.next))
        .collect::<Vec<_>>()
        .join(" | ")
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn each_partner_learns_its_own_reason_and_nobody_elses(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [north, south] = world.partners;
    world
        .add_account("split.com", &[(north, 5_000), (south, 5_000)])
        .await;
    world.add_account("nobody.com", &[]).await;
    let row = |status: &str| partner::ActiveModel {
        id: Unchanged(south),
        status: Set(status.to_owned()),
        ..Default::default()
    };
    set(&world, row("deactivated")).await;
    let mut open = invoice("in_open", "cus_s", &[("il_o", 700)], 5);
    open["status"] = "open".into();
    let mut void = invoice("in_void", "cus_s", &[("il_v", 700)], 6);
    void["status"] = "void".into();
    world
        .deliver(&[
            new_customer("cus_s", "a@split.com"),
            new_customer("cus_n", "a@nobody.com"),
            new_customer("cus_u", "a@unknown.example"),
            new_customer("cus_a", "a@acme.com"),
            paid(1, "cus_s", 10_000, 10),
            paid(2, "cus_n", 10_000, 11),
            paid(3, "cus_u", 10_000, 12),
            paid(4, "cus_a", 10_000, 13),
            event("evt_o", "invoice.finalized", 14, open),
            event("evt_v", "invoice.voided", 15, void),
        ])
        .await;

    // Staff: one of two has earned, the other's reason is said all the same, with what to do.
    let finance = world.finance(0);
    let shown = invoices::show(&finance, "in_1").await.expect("shows");
    assert_eq!(shown.invoice.outcome, "earned");
    assert_eq!(shown.whys.len(), 1, "{:?}", shown.whys);
    assert_eq!(shown.whys[0].partner.as_deref(), Some("South"));
    assert!(shown.whys[0].sentence.contains("does not take part"));
    assert!(shown.whys[0].next.contains("Reactivate"));
    for (key, part, next) in [
        ("in_2", "No partner is credited", "Credit a partner"),
        (
            "in_3",
            "does not belong to an account",
            "Match the customer",
        ),
        ("in_open", "not been paid", "when it is paid"),
        ("in_void", "annulled", "Nothing has to be done"),
    ] {
        let shown = invoices::show(&finance, key).await.expect("shows");
        let why = &shown.whys[0];
        assert!(
            why.sentence.contains(part) && why.next.contains(next),
            "{key}: {why:?}"
        );
        let answer = shown.answer();
        assert_eq!(answer["why_nothing"][0]["sentence"], why.sentence.as_str());
    }
    let shown = invoices::show(&finance, "in_4").await.expect("shows");
    assert!(shown.whys.is_empty(), "{:?}", shown.whys);

    // The partner that earned, and the one that did not and never reads the other's name.
    let view = sees(&world, north, "in_1").await;
    assert_eq!((view.invoice.earned, view.whys.len()), (Some(1_125), 0));
    let view = sees(&world, south, "in_1").await;
    assert_eq!((view.invoice.earned, view.commissions.len()), (None, 0));
    assert!(
        sentences(&view).contains("does not take part at the moment. → Ask your manager"),
        "{}",
        sentences(&view)
    );
    let told = format!("{view:?} {}", view.answer());
    assert!(!told.contains("North"), "{told}");
    assert!(sentences(&sees(&world, south, "in_open").await).contains("not been paid"));
    assert_eq!(sees(&world, south, "in_open").await.invoice.net, None);

    // Foreign, missing and unmatched invoices are the same to a partner.
    for key in ["in_2", "in_3", "in_4"] {
        let id = id(&world, key).await;
        let answer = own(&world.owner(south), id).await;
        assert!(matches!(answer, Err(Error::NotFound)), "{key}");
    }
    assert!(matches!(
        own(&world.owner(south), 999_999).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(own(&finance, 1).await, Err(Error::NotFound)));
    let (rows, total) = own_list(
        &world.owner(south),
        &OwnQuery {
            limit: 25,
            ..OwnQuery::default()
        },
    )
    .await
    .expect("lists");
    let numbers: Vec<i64> = rows.iter().map(|r| r.id).collect();
    let mut expected = Vec::new();
    for key in ["in_1", "in_open", "in_void"] {
        expected.push(id(&world, key).await);
    }
    assert_eq!(total, 3);
    assert!(expected.iter().all(|id| numbers.contains(id)), "{rows:?}");
    for (query, count) in [
        (
            OwnQuery {
                earned: Some(true),
                ..OwnQuery::default()
            },
            0,
        ),
        (
            OwnQuery {
                q: "SPLIT".to_owned(),
                ..OwnQuery::default()
            },
            3,
        ),
        (
            OwnQuery {
                q: "in_void".to_owned(),
                ..OwnQuery::default()
            },
            1,
        ),
        (
            OwnQuery {
                q: "acme".to_owned(),
                ..OwnQuery::default()
            },
            0,
        ),
    ] {
        let found = own_list(&world.owner(south), &query).await.expect("lists");
        assert_eq!(found.1, count, "{query:?}");
    }

    // Members who do not see earnings do not see invoices.
    let hidden = partner::ActiveModel {
        id: Unchanged(north),
        members_see_earnings: Set(false),
        ..Default::default()
    };
    set(&world, hidden).await;
    let member = world.of_partner(north, MemberRole::Member);
    assert!(matches!(
        own_list(&member, &OwnQuery::default()).await,
        Err(Error::Forbidden(_))
    ));
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn every_invoice_that_earned_nothing_says_why(#[case] engine: Engine) {
    let eur = |minor| ready_made::amounts(minor, Currency::EUR);
    let rules = ready_made::bounty(eur(15_000), eur(50_000));
    let Some(world) = World::new(engine, rules).await else {
        return;
    };
    let north = world.partners[0];
    world
        .deliver(&[
            new_customer("cus_a", "a@acme.com"),
            paid(1, "cus_a", 10_000, 10),
            paid(2, "cus_a", 10_000, 20),
        ])
        .await;
    let shown = invoices::show(&world.finance(0), "in_2")
        .await
        .expect("shows");
    assert_eq!(
        shown.invoice.outcome_reason.as_deref(),
        Some("North: The plan pays for a customer’s first payment, and this is not the first.")
    );
    assert!(sentences(&sees(&world, north, "in_2").await).contains("not the first"));

    // Everything needed to recompute the line that was earned, for programs.
    let line = world.commissions().await.remove(0);
    let answer = explain(&world.owner(north), line.id)
        .await
        .expect("shows")
        .answer();
    assert_eq!(answer["amount"], 50_000);
    assert_eq!(answer["calculation"]["rule_id"], "first-payment");
    assert_eq!(answer["calculation"]["rounded_minor"], 50_000);
    assert_eq!(answer["plan"]["version"], 1);
    assert!(matches!(
        explain(&world.owner(world.partners[1]), line.id).await,
        Err(Error::NotFound)
    ));

    // A canceled line is a reason too.
    cancel(&world.finance(0), &[line.id], "Own company")
        .await
        .expect("canceled");
    let view = sees(&world, north, "in_1").await;
    assert!(sentences(&view).contains("was canceled"), "{view:?}");
    world.assert_clean().await;
}
