//! Whose customer somebody at Stripe is: what a buyer can type decides nothing, and the order of
//! events never decides who is credited.

use chrono::TimeDelta;
use domain::deal::DealStatus as D;
use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::{customer, setting};
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service::billing::{MatchForm, confirm_match, propose_match, unmatched};
use service::{commission, deal, ledger};

use super::world::{Partner, World};
use crate::shelf::Shelf;
use crate::support::{Engine, day};
use crate::world::{customer as customer_at, deliver, event, invoice, new_customer};

/// Two partners, each with a company of its own.
struct Two {
    world: World,
    ana: Partner,
    ben: Partner,
    /// Ana's registration of alpha.com.
    alpha: i64,
    /// Ben's of beta.com.
    beta: i64,
}

impl Two {
    async fn new(engine: Engine) -> Option<Self> {
        let world = World::new(engine).await?;
        world.pays(&ready_made::agency()).await;
        let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
        let alpha = world.protected(ana, "Alpha", "alpha.com").await;
        let beta = world.protected(ben, "Beta", "beta.com").await;
        Some(Self {
            world,
            ana,
            ben,
            alpha,
            beta,
        })
    }

    /// The moment of something so many minutes after now, in seconds since 1 March.
    fn at(&self, minutes: i64) -> i64 {
        (self.world.now + TimeDelta::minutes(minutes) - day(2026, 3, 1)).num_seconds()
    }

    fn paid(&self, metadata: Option<i64>) -> Value {
        let mut object = invoice("in_1", "cus_1", &[("il_1", 10_000)], self.at(5));
        if let Some(deal) = metadata {
            object["parent"]["subscription_details"]["metadata"]["portico_deal"] =
                json!(deal.to_string());
        }
        event("evt_paid", "invoice.paid", self.at(5), object)
    }

    fn checkout(&self, customer: Option<&str>, reference: &str) -> Value {
        let object = json!({
            "id": "cs_1", "object": "checkout.session", "created": 1_772_000_000,
            "mode": "subscription", "status": "complete", "payment_status": "paid",
            "customer": customer, "invoice": "in_1", "client_reference_id": reference,
            "currency": "eur", "amount_total": 12_000, "metadata": {},
        });
        event(
            "evt_checkout",
            "checkout.session.completed",
            self.at(4),
            object,
        )
    }

    fn subscribed(&self, deal: i64) -> Value {
        let object = json!({
            "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
            "currency": "eur", "created": 1_772_323_200, "start_date": 1_772_323_200,
            "cancel_at_period_end": false, "items": { "data": [], "has_more": false },
            "metadata": { "portico_deal": deal.to_string() },
        });
        event(
            "evt_sub",
            "customer.subscription.created",
            self.at(3),
            object,
        )
    }

    async fn tell(&self, events: &[Value]) {
        let shelf = Shelf::default();
        shelf.put(customer_at("cus_1", "buyer@beta.com"));
        for one in events {
            deliver(&self.world.system(), &shelf, std::slice::from_ref(one)).await;
        }
    }

    async fn earners(&self) -> Vec<i64> {
        let lines = self.world.test.commissions().await;
        lines.into_iter().map(|c| c.partner_id).collect()
    }

    async fn customer(&self) -> customer::Model {
        customer::Entity::find()
            .one(self.world.test.db.reader())
            .await
            .expect("reads")
            .expect("a customer")
    }
}

#[rstest]
#[tokio::test]
async fn a_typed_reference_against_the_mail_domain_goes_to_a_person(
    #[values(false, true)] checkout_first: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(two) = Two::new(engine).await else {
        return;
    };
    let named = two.checkout(Some("cus_1"), &format!("portico_deal_{}", two.alpha));
    let made = new_customer("cus_1", "buyer@beta.com");
    let mut events = vec![made, named, two.paid(None)];
    if checkout_first {
        events.swap(0, 1);
    }
    two.tell(&events).await;
    assert!(two.earners().await.is_empty(), "nobody by itself");
    for id in [two.alpha, two.beta] {
        assert_eq!(two.world.status(id).await, D::Approved);
    }
    let manager = two.world.staff(two.world.manager, StaffRole::Manager);
    let (rows, total) = unmatched(&manager, "", 1, 25).await.expect("lists");
    assert_eq!(total, 1);
    for hint in [
        format!("deal {} of Ana", two.alpha),
        "beta.com says Beta".to_owned(),
    ] {
        assert!(rows[0].why.contains(&hint), "{hint}: {}", rows[0].why);
    }
    let form = MatchForm {
        account: "beta.com".to_owned(),
        reason: "Asked them".to_owned(),
    };
    let proposed = propose_match(&manager, rows[0].customer_id, &form).await;
    let second = two.world.staff(two.world.admin, StaffRole::Admin);
    let earned = confirm_match(&second, proposed.expect("proposed")).await;
    assert_eq!(earned.expect("matched"), 1);
    assert_eq!(two.earners().await, [two.ben.id]);
    assert_eq!(two.customer().await.question, None);
    two.world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_guest_with_a_guessed_number_is_nobodys(#[case] engine: Engine) {
    let Some(two) = Two::new(engine).await else {
        return;
    };
    let named = two.checkout(Some("cus_1"), &format!("portico_deal_{}", two.alpha));
    let events = [
        new_customer("cus_1", "guest@gmail.com"),
        named,
        two.paid(None),
    ];
    deliver(&two.world.system(), &Shelf::default(), &events).await;
    assert!(two.earners().await.is_empty());
    let why = two.customer().await.question.expect("a question");
    assert!(
        why.contains("guest@gmail.com") && why.contains("of Ana"),
        "{why}"
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_signed_reference_counts(#[case] engine: Engine) {
    let Some(two) = Two::new(engine).await else {
        return;
    };
    let shown = deal::show(&two.world.of(two.ana), two.alpha)
        .await
        .expect("shows");
    let reference = shown.reference.expect("protected");
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    assert!(
        reference.len() <= 200 && reference.chars().all(plain),
        "{reference}"
    );
    assert!(reference.starts_with(&format!("portico_deal_{}_", two.alpha)));
    let again = deal::show(&two.world.of(two.ana), two.alpha)
        .await
        .expect("shows");
    assert_eq!(again.reference.as_ref(), Some(&reference), "made once");
    let secrets = setting::Entity::find_by_id("reference.secret")
        .all(two.world.test.db.reader())
        .await
        .expect("reads");
    assert_eq!(secrets.len(), 1);

    let named = two.checkout(Some("cus_1"), &reference);
    let events = [
        named,
        new_customer("cus_1", "guest@gmail.com"),
        two.paid(None),
    ];
    deliver(&two.world.system(), &Shelf::default(), &events).await;
    assert_eq!(two.earners().await, [two.ana.id]);
    assert_eq!(
        two.customer().await.matched_by.as_deref(),
        Some("client_reference")
    );
    two.world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_signed_reference_does_not_take_another_partners_company(#[case] engine: Engine) {
    let Some(two) = Two::new(engine).await else {
        return;
    };
    let shown = deal::show(&two.world.of(two.ana), two.alpha)
        .await
        .expect("shows");
    let named = two.checkout(Some("cus_1"), &shown.reference.expect("protected"));
    two.tell(&[
        named,
        new_customer("cus_1", "buyer@beta.com"),
        two.paid(None),
    ])
    .await;
    assert!(two.earners().await.is_empty());
    let why = two.customer().await.question.expect("a question");
    assert!(
        why.contains("signed reference") && why.contains("beta.com"),
        "{why}"
    );
}

/// Every order of some events.
fn orders(events: &[Value]) -> Vec<Vec<Value>> {
    if events.len() < 2 {
        return vec![events.to_vec()];
    }
    let mut all = Vec::new();
    for first in 0..events.len() {
        let mut rest = events.to_vec();
        let one = rest.remove(first);
        for mut order in orders(&rest) {
            order.insert(0, one.clone());
            all.push(order);
        }
    }
    all
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_order_of_events_never_decides_who_is_credited(#[case] engine: Engine) {
    let Some(two) = Two::new(engine).await else {
        return;
    };
    // The vendor's metadata says Ana's deal, the address Ben's company, and a buyer typed Ben's deal.
    let events = [
        new_customer("cus_1", "buyer@beta.com"),
        two.subscribed(two.alpha),
        two.checkout(Some("cus_1"), &format!("portico_deal_{}", two.beta)),
        two.paid(Some(two.alpha)),
    ];
    drop(two);
    for order in orders(&events) {
        let Some(two) = Two::new(engine).await else {
            return;
        };
        two.tell(&order).await;
        let kinds: Vec<&Value> = order.iter().map(|e| &e["type"]).collect();
        assert_eq!(two.earners().await, [two.ana.id], "{kinds:?}");
        assert_eq!(two.world.status(two.alpha).await, D::Won, "{kinds:?}");
        two.world.test.assert_clean().await;
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn metadata_goes_before_the_mail_domain_until_something_was_earned(#[case] engine: Engine) {
    let Some(two) = Two::new(engine).await else {
        return;
    };
    two.tell(&[new_customer("cus_1", "buyer@beta.com")]).await;
    assert_eq!(two.customer().await.matched_by.as_deref(), Some("domain"));
    two.tell(&[two.subscribed(two.alpha)]).await;
    assert_eq!(two.customer().await.matched_by.as_deref(), Some("metadata"));
    two.tell(&[two.paid(None)]).await;
    assert_eq!(two.earners().await, [two.ana.id]);
    // Now something was earned: another word is a question and moves nobody.
    let mut other = customer_at("cus_1", "buyer@beta.com");
    other["metadata"]["portico_deal"] = json!(two.beta.to_string());
    two.tell(&[event("evt_late", "customer.updated", two.at(9), other)])
        .await;
    let row = two.customer().await;
    assert_eq!(row.account_id, two.world.row(two.alpha).await.account_id);
    assert!(
        row.question
            .is_some_and(|q| q.contains("cancel those lines"))
    );
    assert_eq!(two.earners().await, [two.ana.id]);
}

impl Two {
    /// Ana has earned, and then another word says that it was Ben's customer.
    async fn contradicted(engine: Engine) -> Option<Self> {
        let two = Self::new(engine).await?;
        two.tell(&[
            new_customer("cus_1", "buyer@beta.com"),
            two.subscribed(two.alpha),
            two.paid(None),
        ])
        .await;
        assert_eq!(two.states().await, [(two.ana.id, "pending".to_owned())]);
        let mut other = customer_at("cus_1", "buyer@beta.com");
        other["metadata"]["portico_deal"] = json!(two.beta.to_string());
        two.tell(&[event("evt_late", "customer.updated", two.at(9), other)])
            .await;
        assert_eq!(two.states().await, [(two.ana.id, "held".to_owned())]);
        two.world.test.assert_clean().await;
        Some(two)
    }

    async fn states(&self) -> Vec<(i64, String)> {
        let lines = self.world.test.commissions().await;
        lines.into_iter().map(|c| (c.partner_id, c.state)).collect()
    }

    /// One person proposes whose the customer is, another one confirms it.
    async fn say(&self, account: &str) -> u64 {
        let form = MatchForm {
            account: account.to_owned(),
            reason: "Asked them".to_owned(),
        };
        let manager = self.world.staff(self.world.manager, StaffRole::Manager);
        let proposed = propose_match(&manager, self.customer().await.id, &form).await;
        let second = self.world.staff(self.world.admin, StaffRole::Admin);
        let earned = confirm_match(&second, proposed.expect("proposed")).await;
        earned.expect("confirmed")
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_was_earned_is_held_while_it_is_asked_whose_customer_it_is(#[case] engine: Engine) {
    let Some(two) = Two::contradicted(engine).await else {
        return;
    };
    let finance = two.world.staff(two.world.admin, StaffRole::Admin);
    let line = two.world.test.commissions().await.remove(0).id;
    let refused = commission::release(&finance, &[line], "It looks right").await;
    let refused = refused.expect("answers").refused;
    assert!(refused[0].1.contains("whose customer"), "{refused:?}");
    // What the customer pays meanwhile is held as well.
    let mut next = invoice("in_2", "cus_1", &[("il_2", 5_000)], two.at(20));
    next["billing_reason"] = json!("subscription_cycle");
    two.tell(&[event("evt_next", "invoice.paid", two.at(20), next)])
        .await;
    let held = (two.ana.id, "held".to_owned());
    assert_eq!(two.states().await, [held.clone(), held]);
    two.say("alpha.com").await;
    let pending = (two.ana.id, "pending".to_owned());
    assert_eq!(two.states().await, [pending.clone(), pending]);
    assert_eq!(two.customer().await.question, None);
    two.world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_question_is_over_when_the_vendor_says_the_same_again(#[case] engine: Engine) {
    let Some(two) = Two::contradicted(engine).await else {
        return;
    };
    let mut again = customer_at("cus_1", "buyer@beta.com");
    again["metadata"]["portico_deal"] = json!(two.alpha.to_string());
    two.tell(&[event("evt_again", "customer.updated", two.at(12), again)])
        .await;
    assert_eq!(two.states().await, [(two.ana.id, "pending".to_owned())]);
    two.world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn lines_that_were_canceled_make_way_for_whom_it_belongs_to(#[case] engine: Engine) {
    let Some(two) = Two::contradicted(engine).await else {
        return;
    };
    let finance = two.world.staff(two.world.admin, StaffRole::Admin);
    let line = two.world.test.commissions().await.remove(0).id;
    let canceled = commission::cancel(&finance, &[line], "It is Ben’s customer").await;
    assert_eq!(canceled.expect("canceled").done, [line]);
    assert_eq!(two.say("beta.com").await, 1);
    assert_eq!(
        two.states().await,
        [
            (two.ana.id, "canceled".to_owned()),
            (two.ben.id, "pending".to_owned())
        ]
    );
    // Ana's deal was won by that payment; the audit says so until a manager has decided about it.
    let manager = two.world.manager();
    let lost = deal::lost(&manager, two.alpha, "Another company’s customer").await;
    lost.expect("lost");
    assert_eq!(two.world.status(two.beta).await, D::Won);
    two.world.test.assert_clean().await;
}

/// Stripe sends the first invoice and the checkout in one second; which comes first is chance.
#[rstest]
#[tokio::test]
async fn the_first_invoice_waits_for_what_its_checkout_says(
    #[values(false, true)] signed: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(two) = Two::new(engine).await else {
        return;
    };
    let shown = deal::show(&two.world.of(two.ana), two.alpha)
        .await
        .expect("shows");
    let reference = match signed {
        true => shown.reference.expect("protected"),
        false => format!("portico_deal_{}", two.alpha),
    };
    // To a person, because the address is at Ben's company.
    let named = two.checkout(Some("cus_1"), &reference);
    let mut bought = named["data"]["object"].clone();
    bought["subscription"] = json!("sub_1");
    let mut paid = two.paid(None);
    paid["data"]["object"]["billing_reason"] = json!("subscription_create");
    let shelf = Shelf::default();
    shelf.put(bought);
    let events = [new_customer("cus_1", "buyer@beta.com"), paid, named];
    for one in &events {
        deliver(&two.world.system(), &shelf, std::slice::from_ref(one)).await;
    }
    assert!(two.earners().await.is_empty(), "as in the other order");
    assert!(two.customer().await.question.is_some());
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_audit_sees_credit_by_what_anybody_could_type(#[case] engine: Engine) {
    let Some(two) = Two::new(engine).await else {
        return;
    };
    two.tell(&[
        new_customer("cus_1", "buyer@beta.com"),
        two.paid(Some(two.alpha)),
    ])
    .await;
    two.world.test.assert_clean().await;
    // As it was before: the same by a reference.
    customer::Entity::update_many()
        .col_expr(customer::Column::MatchedBy, Expr::value("client_reference"))
        .filter(customer::Column::StripeId.eq("cus_1"))
        .exec(two.world.test.db.reader())
        .await
        .expect("put");
    let report = ledger::audit(&two.world.test.db).await.expect("audits");
    let found = report
        .findings
        .iter()
        .any(|f| f.message.contains("nobody has signed"));
    assert!(found, "{:?}", report.findings);
}
