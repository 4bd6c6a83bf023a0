//! Takes a program's steps with the service and compares the books with what they should be.

mod check;
mod rules;

use chrono::{DateTime, TimeDelta, Utc};
use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::{
    attribution, commission, customer, invoice, plan, plan_version, policy_version, tier,
    webhook_event,
};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
};
use serde_json::Value;
use service::account::{Credit, add_credit, end_credit};
use service::billing::MatchForm;
use service::commission::{cancel, hold, mature, release};
use service::inbox::Inbox;

use super::facts::{Fact, Names};
use super::ops::{Op, Plan, Program};
use super::stripe::{Customer, Stripe};
use crate::support::{Engine, day};
use crate::world::{World, receive, work};

/// Domains of the customers of each home; the last belongs to nobody.
const DOMAINS: [&str; 5] = [
    "acme.com",
    "split.com",
    "special.com",
    "alone.com",
    "gmail.com",
];

/// A program on its way.
pub struct Run {
    pub world: World,
    pub stripe: Stripe,
    pub facts: Vec<Fact>,
    /// What was set up when.
    pub configured: Vec<(DateTime<Utc>, Op)>,
    names: Names,
    queue: Vec<Value>,
    tiers: Vec<i64>,
    dice: StdRng,
    /// Everything is told in the order in which it happens.
    pub orderly: bool,
}

impl Run {
    /// A portal with two partners and four accounts: one partner's, one that both share, one where
    /// the suite belongs to the other partner, and one where only the suite is credited.
    pub async fn new(engine: Engine, program: &Program) -> Option<Self> {
        let world = World::new(engine, ready_made::reseller()).await?;
        let [north, south] = world.partners;
        let mut accounts = vec![world.account];
        accounts.push(
            world
                .add_account("split.com", &[(north, 5_000), (south, 3_333)])
                .await,
        );
        accounts.push(world.add_account("special.com", &[(north, 6_000)]).await);
        accounts.push(world.add_account("alone.com", &[]).await);
        let db = world.test.db.reader();
        for account in &accounts[2..] {
            let credit = attribution::ActiveModel {
                program_id: Set(world.program),
                account_id: Set(*account),
                partner_id: Set(south),
                product_line_id: Set(Some(world.product_line)),
                part: Set("sold".to_owned()),
                share_bp: Set(10_000),
                reason: Set("test".to_owned()),
                starts_at: Set(day(2025, 1, 1)),
                created_at: Set(day(2025, 1, 1)),
                ..Default::default()
            };
            credit.insert(db).await.expect("credited");
        }
        let tiers = tier::Entity::find()
            .order_by_asc(tier::Column::Rank)
            .all(db)
            .await
            .expect("reads");
        let stays = policy_version::Entity::update_many()
            .col_expr(
                policy_version::Column::ChurnDays,
                Expr::value(program.churn_days),
            )
            .exec(db);
        stays.await.expect("written");
        let facts = vec![
            Fact::Stay(program.churn_days),
            Fact::Plan(0, Plan::ByTier([2_000, 2_250, 2_500], None)),
            Fact::Tier(0, 0, 1),
            Fact::Tier(0, 1, 1),
            Fact::Credit(0, 0, false, vec![(0, 10_000)]),
            Fact::Credit(0, 1, false, vec![(0, 5_000), (1, 3_333)]),
            Fact::Credit(0, 2, false, vec![(0, 6_000)]),
            Fact::Credit(0, 2, true, vec![(1, 10_000)]),
            Fact::Credit(0, 3, true, vec![(1, 10_000)]),
        ];
        Some(Self {
            names: Names {
                partners: world.partners,
                accounts,
            },
            tiers: tiers.into_iter().map(|t| t.id).collect(),
            stripe: Stripe::default(),
            facts,
            configured: Vec::new(),
            queue: Vec::new(),
            dice: StdRng::seed_from_u64(program.seed),
            orderly: program.orderly,
            world,
        })
    }

    /// Takes all steps and looks at the end, too.
    pub async fn all(&mut self, program: &Program) -> Result<(), String> {
        for (wait, op) in &program.steps {
            self.world.now += TimeDelta::seconds(*wait);
            self.step(op).await?;
            self.take_news();
            if self.orderly {
                self.settle().await?;
            }
        }
        self.check().await
    }

    /// What Stripe says now is on its way, and can be asked for.
    pub fn take_news(&mut self) {
        for object in self.stripe.shelf.drain(..) {
            self.world.shelf.put(object);
        }
        if self.orderly {
            // What happens in the same second is told in the order in which it hangs together.
            self.stripe.told.sort_by_key(place);
        }
        self.queue.append(&mut self.stripe.told);
    }

    pub async fn step(&mut self, op: &Op) -> Result<(), String> {
        let at = self.world.now.timestamp();
        if let Op::Tier { .. } | Op::Split { .. } | Op::Publish(_) = op {
            self.configured.push((self.world.now, op.clone()));
        }
        match op {
            Op::Customer { home } => {
                let customer = self.stripe.customers.len();
                let home = Some(*home).filter(|h| *h < 4);
                self.stripe.customers.push(Customer {
                    home,
                    subscriptions: Vec::new(),
                });
                self.stripe
                    .tell_customer(at, customer, DOMAINS[home.unwrap_or(4)], None);
                self.stripe.subscribe(at, customer);
                if home.is_some() {
                    self.facts.push(Fact::Matched(customer));
                }
            }
            Op::Match {
                customer,
                home,
                by_hand,
            } => return self.find_home(*customer, *home, *by_hand).await,
            Op::Tier { partner, rank } => {
                let ctx = self.world.staff(StaffRole::Manager);
                let set = service::tier::set_by_hand(
                    &ctx,
                    self.world.partners[*partner],
                    self.tiers[*rank],
                    "test",
                );
                if set.await.is_ok() {
                    self.facts.push(Fact::Tier(at, *partner, *rank));
                }
            }
            Op::Split { home, shares } => self.split(*home, *shares).await,
            Op::Publish(plan) => {
                self.publish(plan).await;
                self.facts.push(Fact::Plan(at, plan.clone()));
            }
            Op::Deliver {
                percent,
                seed,
                batch,
            } if !self.orderly => {
                let mut dice = StdRng::seed_from_u64(*seed);
                self.queue.shuffle(&mut dice);
                let (now, later): (Vec<Value>, Vec<Value>) = std::mem::take(&mut self.queue)
                    .into_iter()
                    .partition(|_| dice.random_range(0..100) < *percent);
                self.queue = later;
                let again: Vec<Value> = now
                    .iter()
                    .filter(|_| dice.random_bool(0.2))
                    .cloned()
                    .collect();
                self.queue.extend(again);
                self.deliver(now).await;
                self.work(*batch).await;
            }
            Op::Mature => {
                mature(&self.world.system()).await.expect("works");
            }
            Op::Hold { nth } | Op::Release { nth } | Op::Cancel { nth } => {
                self.take_news();
                self.settle().await?;
                self.by_hand(op, *nth).await;
            }
            Op::Check => return self.check().await,
            _ => {
                if let Some(invoice) = self.stripe.apply(at, op) {
                    self.facts.push(Fact::Paid(invoice));
                }
            }
        }
        Ok(())
    }

    async fn find_home(&mut self, n: usize, home: usize, by_hand: bool) -> Result<(), String> {
        let lost: Vec<usize> = (0..self.stripe.customers.len())
            .filter(|c| self.stripe.customers[*c].home.is_none())
            .collect();
        let Some(customer) = lost.get(n % lost.len().max(1)).copied() else {
            return Ok(());
        };
        let account = self.names.accounts[home];
        if by_hand {
            self.settle().await?;
            let key = format!("cus_{customer}");
            let row = customer::Entity::find()
                .filter(customer::Column::StripeId.eq(key))
                .one(self.world.test.db.reader())
                .await
                .expect("reads")
                .expect("it was told of");
            let form = MatchForm {
                account: account.to_string(),
                reason: "test".to_owned(),
            };
            self.world
                .match_by_hand(row.id, &form)
                .await
                .expect("matched");
        } else {
            self.stripe.tell_customer(
                self.world.now.timestamp(),
                customer,
                DOMAINS[4],
                Some(account),
            );
        }
        self.stripe.customers[customer].home = Some(home);
        self.facts.push(Fact::Matched(customer));
        Ok(())
    }

    async fn split(&mut self, home: usize, shares: [i64; 2]) {
        let (ctx, account) = (
            self.world.staff(StaffRole::Manager),
            self.names.accounts[home],
        );
        let running = attribution::Entity::find()
            .filter(attribution::Column::AccountId.eq(account))
            .filter(attribution::Column::EndsAt.is_null())
            .all(ctx.reader())
            .await
            .expect("reads");
        for credit in running {
            end_credit(&ctx, account, credit.id, "test")
                .await
                .expect("ended");
        }
        let mut credits = Vec::new();
        for (partner, percent) in shares.into_iter().enumerate().filter(|(_, p)| *p > 0) {
            let form = Credit {
                partner_id: self.world.partners[partner].to_string(),
                product_line_id: String::new(),
                part: "sold".to_owned(),
                percent: percent.to_string(),
                reason: "test".to_owned(),
            };
            add_credit(&ctx, account, &form).await.expect("credited");
            credits.push((partner, percent * 100));
        }
        self.facts.push(Fact::Credit(
            self.world.now.timestamp(),
            home,
            false,
            credits,
        ));
    }

    async fn publish(&self, plan: &Plan) {
        let db = self.world.test.db.reader();
        let of = plan::Entity::find()
            .one(db)
            .await
            .expect("reads")
            .expect("a plan");
        let last = plan_version::Entity::find()
            .order_by_desc(plan_version::Column::Version)
            .one(db);
        plan_version::ActiveModel {
            plan_id: Set(of.id),
            version: Set(last.await.expect("reads").expect("one").version + 1),
            status: Set("published".to_owned()),
            effective_from: Set(self.world.now),
            rules: Set(serde_json::to_value(rules::rules(plan)).expect("JSON")),
            revision: Set(0),
            created_at: Set(self.world.now),
            ..Default::default()
        }
        .insert(db)
        .await
        .expect("published");
    }

    /// Holds, releases or cancels a line with what was reversed of it.
    async fn by_hand(&mut self, op: &Op, nth: usize) {
        let rows = self.world.commissions().await;
        let mut lines: Vec<&commission::Model> = rows
            .iter()
            .filter(|c| c.kind == "accrual" && c.invoice_line_id.is_some())
            .collect();
        lines.sort_by(|a, b| a.reference.cmp(&b.reference));
        let Some(line) = lines.get(nth % lines.len().max(1)) else {
            return;
        };
        let invoice = invoice::Entity::find_by_id(line.invoice_id.expect("an invoice"));
        let invoice = invoice
            .one(self.world.test.db.reader())
            .await
            .expect("reads")
            .expect("there");
        let at_stripe = self
            .stripe
            .invoices
            .iter_mut()
            .find(|i| i.id == invoice.stripe_id)
            .expect("there");
        let family: Vec<i64> = rows
            .iter()
            .filter(|c| c.id == line.id || c.reverses_id == Some(line.id))
            .map(|c| c.id)
            .collect();
        let (ctx, key) = (self.world.finance(0), line.reference.clone());
        let (done, fact) = match op {
            Op::Hold { .. } if at_stripe.shaky => return,
            Op::Hold { .. } => {
                at_stripe.by_hand = true;
                (hold(&ctx, &family, "test").await, Fact::Hold(key))
            }
            Op::Release { .. } => (release(&ctx, &family, "test").await, Fact::Release(key)),
            _ => (cancel(&ctx, &[line.id], "test").await, Fact::Cancel(key)),
        };
        if !done.expect("answers").done.is_empty() {
            self.facts.push(fact);
        }
    }

    /// Stores events in this order, a few at once.
    pub async fn deliver(&self, events: Vec<Value>) {
        let (ctx, inbox) = (self.world.system(), Inbox::start(&self.world.test.db));
        // So few are sent in their order.
        for few in events.chunks(20) {
            let sent = few.iter().map(|event| receive(&inbox, &ctx, event));
            futures::future::join_all(sent).await;
        }
    }

    /// Works off what can be worked off now.
    pub async fn work(&self, batch: u64) {
        work(&self.world.system(), &self.world.shelf, batch).await;
    }

    /// Delivers what is left and waits until all of it is worked off.
    pub async fn settle(&mut self) -> Result<(), String> {
        self.take_news();
        let mut events = std::mem::take(&mut self.queue);
        let again: Vec<Value> = events
            .iter()
            .filter(|_| self.dice.random_bool(0.1))
            .cloned()
            .collect();
        events.extend(again);
        if !self.orderly {
            events.shuffle(&mut self.dice);
        }
        if !events.is_empty() {
            self.deliver(events).await;
        }
        let batch = [1, 3, 20, 100][self.dice.random_range(0..4)];
        self.work_all(batch).await
    }

    /// Works off everything, second tries included.
    pub async fn work_all(&mut self, batch: u64) -> Result<(), String> {
        for _ in 0..30 {
            self.work(batch).await;
            let open = webhook_event::Entity::find()
                .filter(webhook_event::Column::Status.is_in(["received", "failed"]))
                .all(self.world.test.db.reader())
                .await
                .expect("reads");
            if let Some(failed) = open.iter().find(|e| e.status == "failed") {
                return Err(format!(
                    "{} {} failed: {:?}",
                    failed.r#type, failed.event_id, failed.error
                ));
            }
            if open.is_empty() {
                return Ok(());
            }
            // What comes in order never has to wait for something else.
            if self.orderly {
                let waits = open.iter().map(|e| (&e.event_id, &e.r#type, &e.error));
                return Err(format!("{:#?}", waits.collect::<Vec<_>>()));
            }
            self.world.now += TimeDelta::minutes(5);
        }
        Err("an event is not worked off".to_owned())
    }
}

/// Where an event stands among those of the same second.
fn place(event: &Value) -> usize {
    let kinds = [
        "invoice.",
        "invoice_payment.",
        "credit_note.",
        "refund.",
        "charge.refunded",
    ];
    let kind = event["type"].as_str().unwrap_or_default();
    kinds
        .iter()
        .position(|k| kind.starts_with(k))
        .unwrap_or(kinds.len())
}
