//! Managers mark deals as won while workers book what the same customers pay.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::deal::DealStatus as D;
use domain::money::Currency;
use domain::partner::StaffRole;
use domain::plan::{Amount, Basis, Period, PeriodCap, PlanRules, ready_made};
use entity::{customer, partner_month, webhook_event};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;
use service::billing::{MatchForm, confirm_match, propose_match};
use service::inbox::{Inbox, process_batch};
use service::{Error, deal};

use super::{for_won, held};
use crate::deal::world::{Partner, World};
use crate::shelf::Shelf;
use crate::support::Engine;
use crate::world::{new_customer, paid, receive};

/// Deals of one round.
const DEALS: i64 = 10;
/// Rounds, each with other companies.
const ROUNDS: i64 = 2;

/// 25 % of what is paid, and a fixed sum for a won deal and for a meeting; all of it capped, so that
/// what one booking earns depends on those before it.
fn capped() -> PlanRules {
    let flat = |minor| Amount::Flat {
        amounts: ready_made::amounts(minor, Currency::EUR),
    };
    let cap = |minor| PeriodCap {
        period: Period::Month,
        amounts: ready_made::amounts(minor, Currency::EUR),
    };
    let mut rules = for_won(Basis::Flat, flat(30_000));
    rules.rules[0].caps.per_partner = Some(cap(200_000));
    let mut share = ready_made::agency();
    share.rules[0].caps.per_partner = Some(cap(100_000));
    rules.rules.extend(share.rules);
    let meeting = ready_made::bounty(
        ready_made::amounts(5_000, Currency::EUR),
        ready_made::amounts(1, Currency::EUR),
    );
    rules.rules.extend(meeting.rules.into_iter().take(1));
    rules.rules[2].caps.per_period = Some(cap(1_000_000));
    rules
}

/// One company: its deal, a customer known by its domain, and one that nobody knows yet.
#[derive(Clone)]
struct Company {
    deal: i64,
    domain: String,
    known: String,
    unknown: String,
}

impl Company {
    async fn new(world: &World, owner: Partner, n: i64) -> Self {
        let domain = format!("company{n}.com");
        Self {
            deal: world
                .protected(owner, &format!("Company {n}"), &domain)
                .await,
            known: format!("cus_known{n}"),
            unknown: format!("cus_unknown{n}"),
            domain,
        }
    }

    /// The customers, and a paid invoice that belongs to nobody yet.
    fn before(&self, n: i64) -> Vec<Value> {
        vec![
            new_customer(&self.known, &format!("ap@{}", self.domain)),
            new_customer(&self.unknown, "boss@gmail.com"),
            paid(10 * n, &self.unknown, 20_000, 2 * 86_400),
        ]
    }

    /// What is paid while the deal is marked as won.
    fn meanwhile(&self, n: i64) -> Vec<Value> {
        let payment = |k: i64| {
            let customer = [&self.unknown, &self.known][usize::from(k % 2 == 1)];
            paid(10 * n + k, customer, 20_000, 2 * 86_400 + k)
        };
        (1..=4).map(payment).collect()
    }

    /// A manager marks the deal as won and names the unknown customer; where a payment was faster,
    /// the manager says by hand whose customer it is.
    async fn won(&self, world: &World) {
        let manager = world.manager();
        match deal::win(&manager, self.deal, &self.unknown).await {
            Ok(()) => {}
            Err(Error::Conflict(_)) => {
                let row = customer::Entity::find()
                    .filter(customer::Column::StripeId.eq(&self.unknown))
                    .one(manager.reader())
                    .await;
                let id = row.expect("reads").expect("a customer").id;
                let form = MatchForm {
                    account: self.domain.clone(),
                    reason: "Pays for them.".to_owned(),
                };
                let id = propose_match(&manager, id, &form).await.expect("proposed");
                let address = format!("finance{}@lumen.example", self.deal);
                let other = world.someone("Fin", &address, Some("finance")).await;
                let other = world.staff(other, StaffRole::Finance);
                confirm_match(&other, id).await.expect("matched");
            }
            Err(other) => panic!("the deal is won, or was won a moment ago: {other}"),
        }
        assert_eq!(world.status(self.deal).await, D::Won);
    }

    async fn meeting(&self, world: &World) {
        deal::qualify(&world.manager(), self.deal, &held(world, 0))
            .await
            .expect("qualified");
    }
}

async fn work_off(world: &World) {
    let stripe = Shelf::default();
    while process_batch(&world.system(), &stripe, 4)
        .await
        .expect("works")
        .total()
        > 0
    {}
}

/// What it came to, whatever came first.
async fn outcome(world: &World) -> Vec<String> {
    let db = world.test.db.reader();
    let mut lines: Vec<String> = world
        .test
        .commissions()
        .await
        .into_iter()
        .map(|c| {
            let (of, rule) = (c.partner_id, c.rule_name);
            format!("line {of} {rule} {} {} {}", c.amount, c.basis, c.state)
        })
        .collect();
    lines.sort();
    for m in partner_month::Entity::find()
        .order_by_asc(partner_month::Column::PartnerId)
        .order_by_asc(partner_month::Column::Month)
        .all(db)
        .await
        .expect("reads")
    {
        lines.push(format!(
            "month {} {} {} {}",
            m.partner_id, m.month, m.earned, m.revenue
        ));
    }
    for (code, currency, balance) in world.test.balances().await {
        lines.push(format!("{code} {balance} {currency}"));
    }
    lines
}

/// What so many rounds come to, with everything at once or one thing after the other.
async fn rounds(engine: Engine, at_once: bool) -> Option<Vec<String>> {
    let world = World::new(engine).await?;
    world.pays(&capped()).await;
    let partners = [world.partner("Ana").await, world.partner("Ben").await];
    let registered = world.now;
    let mut world = Arc::new(world);
    for round in 0..ROUNDS {
        let alone = Arc::get_mut(&mut world).expect("everybody is done");
        alone.now = registered;
        let mut companies = Vec::new();
        for n in round * DEALS..(round + 1) * DEALS {
            let owner = partners[usize::from(n % 2 == 1)];
            companies.push((n, Company::new(alone, owner, n).await));
        }
        alone.now += TimeDelta::days(1);
        let before: Vec<Value> = companies.iter().flat_map(|(n, c)| c.before(*n)).collect();
        alone.deliver(&before).await;
        let inbox = Inbox::start(&world.test.db);
        for k in 0..4 {
            for (n, company) in &companies {
                receive(&inbox, &world.system(), &company.meanwhile(*n)[k]).await;
            }
        }
        if at_once {
            let mut tasks = tokio::task::JoinSet::new();
            for (_, company) in companies {
                let (here, met) = (world.clone(), company.clone());
                tasks.spawn(async move { company.won(&here).await });
                let here = world.clone();
                tasks.spawn(async move { met.meeting(&here).await });
            }
            for _ in 0..3 {
                let here = world.clone();
                tasks.spawn(async move { work_off(&here).await });
            }
            tasks.join_all().await;
        } else {
            for (_, company) in companies {
                company.won(&world).await;
                company.meeting(&world).await;
            }
            work_off(&world).await;
        }
    }
    let left = webhook_event::Entity::find()
        .filter(webhook_event::Column::Status.ne("processed"))
        .all(world.test.db.reader())
        .await
        .expect("reads");
    assert!(left.is_empty(), "{left:#?}");
    world.test.assert_clean().await;
    let outcome = outcome(&world).await;
    let world = Arc::into_inner(world).expect("everybody is done");
    assert_eq!(world.test.deadlocks().await, 0, "nobody waits in a circle");
    Some(outcome)
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn deals_are_won_while_their_customers_pay(#[case] engine: Engine) {
    let Some(one_by_one) = rounds(engine, false).await else {
        return;
    };
    let together = rounds(engine, true).await.expect("a world");
    assert_eq!(together, one_by_one);
}
