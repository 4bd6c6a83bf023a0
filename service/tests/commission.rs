//! Commission: what is earned, given back, held, corrected and explained.

use chrono::TimeDelta;
use domain::partner::MemberRole;
use domain::plan::ready_made;
use entity::partner;
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel};
use serde_json::json;
use service::commission::{
    AdjustForm, LineQuery, adjust, approve, cancel, explain, hold, lines, mature, release,
    write_off,
};
use service::{Actor, Context, Error};

use crate::support::{Engine, day};
use crate::world::{
    World, charge, credit_note, customer, dispute, event, invoice, invoice_in, payment, refund,
};

/// A customer with one paid invoice of 100.00 net and 20.00 tax.
async fn paid(world: &World) {
    world
        .deliver(&[
            event(
                "evt_c",
                "customer.created",
                0,
                customer("cus_1", "a@acme.com"),
            ),
            event(
                "evt_i",
                "invoice.paid",
                1,
                invoice("in_1", "cus_1", &[("il_1", 10_000)], 1),
            ),
            event(
                "evt_p",
                "invoice_payment.paid",
                2,
                payment("inpay_1", "in_1", "pi_1", 12_000),
            ),
        ])
        .await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_line_earns_waits_and_becomes_payable(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    paid(&world).await;
    let north = world.partners[0];
    assert_eq!(
        world.balances().await,
        [
            ("expense:commission".to_owned(), "EUR".to_owned(), -2_250),
            (format!("partner:{north}:pending"), "EUR".to_owned(), 2_250),
        ]
    );
    let line = world.commissions().await.remove(0);
    assert_eq!(
        (
            line.basis,
            line.rate_bp,
            line.tier_name.as_str(),
            line.month.as_str()
        ),
        (10_000, Some(2_250), "Silver", "2026-03")
    );
    // Thirty calendar days in Berlin, over the change to summer time.
    assert_eq!(
        line.hold_until,
        day(2026, 3, 31) + TimeDelta::seconds(1) - TimeDelta::hours(1)
    );
    world.now = line.hold_until - TimeDelta::seconds(1);
    assert_eq!(mature(&world.system()).await.expect("works"), 0);
    world.now = line.hold_until;
    assert_eq!(mature(&world.system()).await.expect("works"), 1);
    assert_eq!(mature(&world.system()).await.expect("works"), 0);
    assert_eq!(world.bucket(north, "payable").await, 2_250);
    assert_eq!(world.bucket(north, "pending").await, 0);
    world.assert_clean().await;
}

#[rstest]
#[case::before_maturity(false)]
#[case::after_maturity(true)]
#[tokio::test]
async fn refunds_in_steps_never_drift(
    #[case] matured: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world
        .deliver(&[
            event(
                "evt_c",
                "customer.created",
                0,
                customer("cus_1", "a@acme.com"),
            ),
            event(
                "evt_i",
                "invoice.paid",
                1,
                invoice("in_1", "cus_1", &[("il_1", 9_999)], 1),
            ),
            event(
                "evt_p",
                "invoice_payment.paid",
                2,
                payment("inpay_1", "in_1", "pi_1", 11_998),
            ),
        ])
        .await;
    let total = world.commissions().await[0].amount;
    if matured {
        world.now = day(2026, 4, 20);
        mature(&world.system()).await.expect("works");
    }
    let bucket = if matured { "payable" } else { "pending" };
    // Seven uneven steps to the whole of it.
    let steps = [1, 333, 3_333, 17, 5_000, 3_300, 14];
    let mut refunded = 0;
    for (i, step) in steps.into_iter().enumerate() {
        refunded += step;
        let at = 100 + i as i64;
        let object = refund(&format!("re_{i}"), "pi_1", step, at);
        world
            .deliver(&[event(&format!("evt_r{i}"), "refund.created", at, object)])
            .await;
        let left = world.bucket(world.partners[0], bucket).await;
        let exact = total as f64 * (1.0 - refunded as f64 / 11_998.0);
        assert!((left as f64 - exact).abs() <= 1.0, "{left} for {exact}");
        world.assert_clean().await;
    }
    assert_eq!(refunded, 11_998);
    assert!(
        world.balances().await.is_empty(),
        "{:?}",
        world.balances().await
    );
    let lines = world.commissions().await;
    assert_eq!(lines[0].reversed, total);
    assert!(lines.iter().all(|l| l.state == "reversed"), "{lines:?}");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_refund_after_payout_is_owed_and_a_failed_refund_is_given_back(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    paid(&world).await;
    let north = world.partners[0];
    world.now = day(2026, 4, 20);
    mature(&world.system()).await.expect("works");
    // Paid, as a payout does it: the state and the ledger together.
    let ctx = world.system();
    let tx = ctx.begin().await.expect("begins");
    tx.execute_unprepared("UPDATE commission SET state = 'paid'")
        .await
        .expect("writes");
    let amount = domain::money::Money::new(2_250, domain::money::Currency::EUR);
    for entry in [
        domain::ledger::Entry::enter_payout(1, north, amount),
        domain::ledger::Entry::payout_paid(1, north, amount),
    ] {
        let links = service::ledger::Links {
            kind: "payout",
            description: String::new(),
            commission_id: None,
            payout_id: None,
            effective_at: world.now,
        };
        service::ledger::post(&ctx, &*tx, entry.expect("entry"), links)
            .await
            .expect("posts");
    }
    tx.commit().await.expect("commits");
    world
        .deliver(&[event(
            "evt_r",
            "refund.created",
            50,
            refund("re_1", "pi_1", 6_000, 50),
        )])
        .await;
    assert_eq!(world.bucket(north, "payable").await, -1_125);
    world.assert_clean().await;
    let mut failed = refund("re_1", "pi_1", 6_000, 50);
    failed["status"] = json!("failed");
    world
        .deliver(&[event("evt_f", "refund.failed", 90, failed.clone())])
        .await;
    assert_eq!(world.bucket(north, "payable").await, 0);
    // The old news again change nothing.
    world
        .deliver(&[event(
            "evt_r2",
            "refund.updated",
            50,
            refund("re_1", "pi_1", 6_000, 50),
        )])
        .await;
    assert_eq!(world.bucket(north, "payable").await, 0);
    world.assert_clean().await;
}

#[rstest]
#[case::note_first(&[0, 1, 2])]
#[case::refund_first(&[1, 2, 0])]
#[case::total_first(&[2, 1, 0])]
#[case::total_then_note(&[2, 0, 1])]
#[tokio::test]
async fn a_credit_note_that_refunds_counts_once(
    #[case] order: &[usize],
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    paid(&world).await;
    let events = [
        event(
            "evt_n",
            "credit_note.created",
            50,
            credit_note("cn_1", "in_1", "il_1", 2_000, Some("re_1"), 50),
        ),
        event(
            "evt_r",
            "refund.created",
            51,
            refund("re_1", "pi_1", 2_400, 50),
        ),
        event(
            "evt_t",
            "charge.refunded",
            52,
            charge("pi_1", 12_000, 2_400),
        ),
    ];
    for i in order {
        world.deliver(std::slice::from_ref(&events[*i])).await;
        assert_eq!(
            world.bucket(world.partners[0], "pending").await,
            2_250 - 450
        );
    }
    world.assert_clean().await;
    // The note is annulled: only the refund stays, which is the same money.
    let mut void = credit_note("cn_1", "in_1", "il_1", 2_000, Some("re_1"), 50);
    void["status"] = json!("void");
    world
        .deliver(&[event("evt_v", "credit_note.voided", 60, void)])
        .await;
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        2_250 - 450
    );
    world.assert_clean().await;
}

#[rstest]
#[case::won("won", 2_250)]
#[case::lost("lost", 0)]
#[case::inquiry("warning_closed", 2_250)]
#[tokio::test]
async fn a_dispute_holds_until_it_is_decided(
    #[case] end: &str,
    #[case] left: i64,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    paid(&world).await;
    let north = world.partners[0];
    let open = dispute("dp_1", "pi_1", 12_000, "needs_response", 50);
    world
        .deliver(&[event("evt_d", "charge.dispute.created", 50, open.clone())])
        .await;
    assert_eq!(world.bucket(north, "held").await, 2_250);
    world.assert_clean().await;
    let id = world.commissions().await[0].id;
    let bulk = release(&world.finance(0), &[id], "please")
        .await
        .expect("answers");
    assert!(
        bulk.single()
            .expect_err("refused")
            .to_string()
            .contains("dispute")
    );
    let decided = dispute("dp_1", "pi_1", 12_000, end, 50);
    world
        .deliver(&[event("evt_e", "charge.dispute.closed", 90, decided)])
        .await;
    assert_eq!(
        (
            world.bucket(north, "held").await,
            world.bucket(north, "pending").await
        ),
        (0, left)
    );
    world.assert_clean().await;
    // The opening comes late once more.
    world
        .deliver(&[event("evt_d2", "charge.dispute.updated", 60, open)])
        .await;
    assert_eq!(world.bucket(north, "pending").await, left);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn credit_is_split_and_whole(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [north, south] = world.partners;
    world
        .add_account("split.com", &[(north, 5_000), (south, 3_333)])
        .await;
    world
        .deliver(&[
            event(
                "evt_c",
                "customer.created",
                0,
                customer("cus_2", "a@split.com"),
            ),
            event(
                "evt_i",
                "invoice.paid",
                1,
                invoice("in_2", "cus_2", &[("il_1", 10_001)], 1),
            ),
        ])
        .await;
    let lines = world.commissions().await;
    let basis: Vec<i64> = lines.iter().map(|l| l.basis).collect();
    // 50 % and 33.33 %; the vendor keeps the rest of the credit.
    assert_eq!(basis, [5_001, 3_333]);
    assert_eq!(
        lines.iter().map(|l| l.amount).collect::<Vec<_>>(),
        [1_125, 750]
    );
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn currencies_stay_apart_and_credits_are_negative(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let north = world.partners[0];
    let mixed = invoice("in_m", "cus_1", &[("il_a", 10_000), ("il_b", -4_000)], 3);
    world
        .deliver(&[
            event(
                "evt_c",
                "customer.created",
                0,
                customer("cus_1", "a@acme.com"),
            ),
            event(
                "evt_j",
                "invoice.paid",
                1,
                invoice_in("in_j", "cus_1", &[("il_j", 9_999)], 1, "jpy"),
            ),
            event(
                "evt_k",
                "invoice.paid",
                2,
                invoice_in("in_k", "cus_1", &[("il_k", 12_345)], 2, "kwd"),
            ),
            event("evt_m", "invoice.paid", 3, mixed),
        ])
        .await;
    let code = format!("partner:{north}:pending");
    let mut owed: Vec<(String, i64)> = world
        .balances()
        .await
        .into_iter()
        .filter(|b| b.0 == code)
        .map(|b| (b.1, b.2))
        .collect();
    owed.sort();
    let expected = [("EUR", 2_250 - 900), ("JPY", 2_250), ("KWD", 2_778)];
    assert_eq!(owed, expected.map(|(c, a)| (c.to_owned(), a)));
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn first_payments_and_brackets(#[case] engine: Engine) {
    use domain::money::Currency;
    let flat = |minor| ready_made::amounts(minor, Currency::EUR);
    let Some(world) = World::new(engine, ready_made::bounty(flat(15_000), flat(50_000))).await
    else {
        return;
    };
    paid(&world).await;
    world
        .deliver(&[event(
            "evt_2",
            "invoice.paid",
            9,
            invoice("in_2", "cus_1", &[("il_2", 500)], 9),
        )])
        .await;
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        50_000,
        "once"
    );
    world
        .deliver(&[event(
            "evt_r",
            "refund.created",
            50,
            refund("re_1", "pi_1", 6_000, 50),
        )])
        .await;
    assert_eq!(world.bucket(world.partners[0], "pending").await, 25_000);
    world.assert_clean().await;

    let world = World::new(engine, ready_made::bracketed(Currency::EUR))
        .await
        .expect("a database");
    let mut events = vec![event(
        "evt_c",
        "customer.created",
        0,
        customer("cus_1", "a@acme.com"),
    )];
    for i in 0..3 {
        let (id, line) = (format!("in_{i}"), format!("il_{i}"));
        let object = invoice(&id, "cus_1", &[(&line, 3_000_000)], i + 1);
        events.push(event(&format!("evt_{i}"), "invoice.paid", i + 1, object));
    }
    world.deliver(&events[..2]).await;
    world.deliver(&events[2..]).await;
    // 50,000 at 15 % and 40,000 at 20 %.
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        750_000 + 800_000
    );
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn finance_holds_releases_and_cancels(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    paid(&world).await;
    let (north, ctx) = (world.partners[0], world.finance(0));
    let id = world.commissions().await[0].id;
    for round in 0..2 {
        hold(&ctx, &[id], "We look into it")
            .await
            .expect("held")
            .single()
            .expect("held");
        assert_eq!(world.bucket(north, "held").await, 2_250, "round {round}");
        let again = hold(&ctx, &[id], "Again").await.expect("answers");
        assert!(again.single().is_err());
        release(&ctx, &[id], "All is well")
            .await
            .expect("released")
            .single()
            .expect("released");
        assert_eq!(world.bucket(north, "pending").await, 2_250);
        world.assert_clean().await;
    }
    let empty = hold(&ctx, &[id], " ").await.expect_err("needs a reason");
    assert!(matches!(empty, Error::Invalid(_)));
    assert!(matches!(
        hold(&world.system(), &[id], "x").await,
        Err(Error::NotFound)
    ));

    // A part goes back, then the rest is canceled: nothing is left, and nothing comes back.
    world
        .deliver(&[event(
            "evt_r",
            "refund.created",
            50,
            refund("re_1", "pi_1", 6_000, 50),
        )])
        .await;
    cancel(&ctx, &[id], "Self-referral")
        .await
        .expect("canceled")
        .single()
        .expect("canceled");
    assert!(
        world.balances().await.is_empty(),
        "{:?}",
        world.balances().await
    );
    world.assert_clean().await;
    world
        .deliver(&[event(
            "evt_s",
            "refund.created",
            60,
            refund("re_2", "pi_1", 6_000, 60),
        )])
        .await;
    assert!(world.balances().await.is_empty());
    world.now = day(2026, 8, 1);
    assert_eq!(mature(&world.system()).await.expect("works"), 0);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn large_adjustments_need_a_second_person(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let north = world.partners[0];
    let form = |kind: &str, amount: &str| AdjustForm {
        partner_id: north,
        kind: kind.to_owned(),
        amount: amount.to_owned(),
        currency: "EUR".to_owned(),
        reason: "Agreed by phone".to_owned(),
    };
    let (first, second) = (world.finance(0), world.finance(1));
    let small = adjust(&first, &form("bonus", "10.00"))
        .await
        .expect("booked");
    assert!(!small.needs_second);
    assert_eq!(world.bucket(north, "payable").await, 1_000);
    let large = adjust(&first, &form("bonus", "1000.01"))
        .await
        .expect("booked");
    assert!(large.needs_second);
    assert_eq!(world.bucket(north, "payable").await, 1_000);
    assert!(matches!(
        approve(&first, large.id).await,
        Err(Error::Forbidden(_))
    ));
    let bulk = release(&second, &[large.id], "x").await.expect("answers");
    assert!(bulk.single().is_err(), "an approval is not a release");
    approve(&second, large.id).await.expect("approved");
    assert!(matches!(
        approve(&second, large.id).await,
        Err(Error::Conflict(_))
    ));
    assert_eq!(world.bucket(north, "payable").await, 101_001);
    let back = adjust(&first, &form("clawback", "900"))
        .await
        .expect("booked");
    assert!(!back.needs_second);
    assert_eq!(world.bucket(north, "payable").await, 11_001);
    world.assert_clean().await;
    for (kind, amount) in [
        ("bonus", "0"),
        ("bonus", "-5"),
        ("clawback", "-5"),
        ("x", "5"),
        ("bonus", "a"),
    ] {
        let refused = adjust(&first, &form(kind, amount)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{kind} {amount}");
    }
    assert!(matches!(
        write_off(&first, north, "EUR", "x").await,
        Err(Error::Conflict(_))
    ));
    adjust(&first, &form("clawback", "200"))
        .await
        .expect("booked");
    assert_eq!(world.bucket(north, "payable").await, -8_999);
    write_off(&first, north, "EUR", "Out of business")
        .await
        .expect("written off");
    assert_eq!(world.bucket(north, "payable").await, 0);
    world.assert_clean().await;
}

fn of_partner(world: &World, which: usize, role: MemberRole) -> Context {
    let actor = Actor::Partner {
        person_id: world.finance[0],
        partner_id: world.partners[which],
        role,
    };
    world.test.context(actor, world.now)
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn partners_see_their_own_lines_explained(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    paid(&world).await;
    world
        .deliver(&[event(
            "evt_r",
            "refund.created",
            50,
            refund("re_1", "pi_1", 6_000, 50),
        )])
        .await;
    let id = world.commissions().await[0].id;
    let (north, south) = (
        of_partner(&world, 0, MemberRole::Owner),
        of_partner(&world, 1, MemberRole::Owner),
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
    let member = of_partner(&world, 0, MemberRole::Member);
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
