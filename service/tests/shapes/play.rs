//! Plays a shape: makes its world, lets happen what happens, and reads what it has come to.

mod outcome;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};
use domain::ledger::Entry;
use domain::money::{Currency, Money};
use domain::plan::{PlanRules, ready_made};
use entity::{
    attribution, commission, deal, partner, policy_version, protection, tier, tier_change,
    webhook_event,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use serde_json::{Map, Value, json};
use service::billing::MatchForm;

use super::read::Shape;
use super::stripe::Stripe;
use crate::books::book;
use crate::support::{Engine, day};
use crate::world::World;

pub use outcome::Outcome;

/// How Stripe's events reach the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// One by one, as they happened.
    AsWritten,
    /// One by one, the last first.
    Reversed,
    /// All together, each twice; and once more at the end of the shape, when everything is over.
    Twice,
}

/// One shape in its world.
struct Play {
    world: World,
    names: BTreeMap<String, i64>,
    delivery: Delivery,
    told: Vec<Value>,
    payouts: i64,
}

/// Plays a shape; none where there is no such database.
pub async fn play(
    shape: &Shape,
    plans: &Map<String, Value>,
    engine: Engine,
    delivery: Delivery,
) -> Option<Outcome> {
    let mut world = World::new(engine, rules(&shape.plan, plans)).await?;
    world.now = day(2026, 3, 2);
    let mut play = Play {
        names: BTreeMap::from([("acme.com".to_owned(), world.account)]),
        world,
        delivery,
        told: Vec::new(),
        payouts: 0,
    };
    play.given(&shape.given).await;
    let mut stripe = Stripe::default();
    let mut at = play.world.now + TimeDelta::hours(9);
    let mut waiting: Vec<Value> = Vec::new();
    let known = |is: &Map<String, Value>| {
        let kind = is.get("is").and_then(Value::as_str);
        kind.is_some_and(|kind| kind.starts_with("customer.") && !kind.contains("subscription"))
    };
    // A shape that does not speak of the customer is about the one at acme.com.
    let usual = Map::from_iter([("is".to_owned(), json!("customer.created"))]);
    let first = (!shape.events.iter().any(known)).then_some(&usual);
    for told in first.into_iter().chain(&shape.events) {
        if told.contains_key("is") {
            at = match told.get("at").and_then(Value::as_i64) {
                Some(seconds) => DateTime::from_timestamp(seconds, 0).expect("a moment"),
                None => at + TimeDelta::minutes(1),
            };
            let named = play.name(&Value::Object(told.clone()));
            let told = named.as_object().expect("an event");
            let (event, object) = stripe.tell(told, at.timestamp());
            play.world.shelf.put(object);
            waiting.push(event);
            play.world.now = play.world.now.max(at + TimeDelta::minutes(1));
        } else {
            play.deliver(std::mem::take(&mut waiting)).await;
            play.act(told).await;
            at = at.max(play.world.now);
        }
    }
    play.deliver(waiting).await;
    if delivery == Delivery::Twice {
        let again: Vec<Value> = play.told.iter().map(|event| again(event, "late")).collect();
        play.world.deliver(&again).await;
    }
    play.world.assert_clean().await;
    Some(play.outcome().await)
}

/// The same news under another event's name, as when two endpoints are told.
fn again(event: &Value, why: &str) -> Value {
    let mut event = event.clone();
    event["id"] = json!(format!("{}_{why}", event["id"].as_str().expect("an id")));
    event
}

fn rules(name: &str, plans: &Map<String, Value>) -> PlanRules {
    let flat = |minor| ready_made::amounts(minor, Currency::EUR);
    match name {
        "referral" => ready_made::referral(),
        "reseller" => ready_made::reseller(),
        "agency" => ready_made::agency(),
        "bracketed" => ready_made::bracketed(Currency::EUR),
        "bounty" => ready_made::bounty(flat(15_000), flat(50_000)),
        _ => {
            let rules = plans.get(name).unwrap_or_else(|| panic!("no plan {name}"));
            serde_json::from_value(rules.clone()).expect("a plan")
        }
    }
}

impl Play {
    fn partner(&self, name: &str) -> i64 {
        let [north, south] = self.world.partners;
        match name {
            "north" => north,
            "south" => south,
            other => panic!("no partner {other}"),
        }
    }

    /// Puts the ids of accounts and deals where a shape names them: `{acme.com}`.
    fn name(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let mut text = text.clone();
                for (name, id) in &self.names {
                    text = text.replace(&format!("{{{name}}}"), &id.to_string());
                }
                Value::String(text)
            }
            Value::Array(items) => items.iter().map(|item| self.name(item)).collect(),
            Value::Object(map) => {
                let named = map
                    .iter()
                    .map(|(key, value)| (key.clone(), self.name(value)));
                Value::Object(named.collect())
            }
            other => other.clone(),
        }
    }

    /// What is different before anything happens.
    async fn given(&mut self, given: &Map<String, Value>) {
        for (what, value) in given {
            match what.as_str() {
                "credits" => {
                    let db = self.world.test.db.reader();
                    attribution::Entity::delete_many()
                        .exec(db)
                        .await
                        .expect("deleted");
                    self.credit(self.world.account, value).await;
                }
                "accounts" => {
                    for (domain, credits) in value.as_object().expect("accounts") {
                        let id = self.world.add_account(domain, &[]).await;
                        self.credit(id, credits).await;
                        self.names.insert(domain.clone(), id);
                    }
                }
                "linked" => {
                    for (customer, domain) in value.as_object().expect("customers") {
                        self.link(customer, domain.as_str().expect("an account"))
                            .await;
                    }
                }
                "tier" => self.tier(value.as_str().expect("a tier"), None).await,
                "promotion" => {
                    let tier = value["tier"].as_str().expect("a tier");
                    self.tier(tier, value["at"].as_i64()).await;
                }
                "clawback_days" | "churn_days" => {
                    let db = self.world.test.db.reader();
                    let row = policy_version::Entity::find().one(db).await.expect("reads");
                    let mut row = row.expect("a policy").into_active_model();
                    let days = Set(value.as_i64().expect("days"));
                    match what.as_str() {
                        "churn_days" => row.churn_days = days,
                        _ => row.clawback_days = days,
                    }
                    row.update(db).await.expect("writes");
                }
                "deal" => self.deal(value).await,
                "balance" => self.balance(value),
                other => panic!("what is given.{other}?"),
            }
        }
    }

    async fn credit(&self, account: i64, credits: &Value) {
        for (name, share) in credits.as_object().expect("shares by partner") {
            let share = share.as_i64().expect("basis points");
            self.world.credit(account, self.partner(name), share).await;
        }
    }

    /// North's tier from the start, or from a moment on.
    async fn tier(&self, name: &str, from: Option<i64>) {
        let db = self.world.test.db.reader();
        let to = tier::Entity::find()
            .filter(tier::Column::Name.eq(name))
            .one(db)
            .await;
        let to = to.expect("reads").expect("a tier").id;
        let north = partner::Entity::find_by_id(self.world.partners[0])
            .one(db)
            .await;
        let north = north.expect("reads").expect("a partner");
        let before = north.tier_id;
        let mut row = north.into_active_model();
        row.tier_id = Set(to);
        row.update(db).await.expect("writes");
        if let Some(from) = from {
            let at = DateTime::from_timestamp(from, 0).expect("a moment");
            let change = tier_change::ActiveModel {
                partner_id: Set(self.world.partners[0]),
                from_tier_id: Set(Some(before)),
                to_tier_id: Set(to),
                kind: Set("promotion".to_owned()),
                explanation: Set(String::new()),
                figures: Set(json!({})),
                effective_at: Set(at),
                created_at: Set(at),
                ..Default::default()
            };
            change.insert(db).await.expect("inserts");
        }
    }

    /// How the balance of the customer came about at Stripe, the oldest change first.
    fn balance(&self, changes: &Value) {
        for (n, change) in (1..).zip(changes.as_array().expect("changes")) {
            let mut object = json!({
                "id": format!("cbtxn_{n}"), "object": "customer_balance_transaction",
                "customer": "cus_1", "currency": "eur", "created": 1_760_000_000 + n,
                "checkout_session": null, "credit_note": null, "invoice": null,
                "livemode": false, "metadata": {}, "description": null, "ending_balance": 0,
            });
            super::stripe::lay(&mut object, change.clone());
            self.world.shelf.put(object);
        }
    }

    /// An approved registration that protects a company from February to April.
    async fn deal(&mut self, value: &Value) {
        let domain = value["account"].as_str().expect("a domain");
        let partner = self.partner(value["partner"].as_str().expect("a partner"));
        let account = self.world.add_account(domain, &[]).await;
        let (start, end) = (day(2026, 2, 1), day(2026, 5, 1));
        let db = self.world.test.db.reader();
        let row = deal::ActiveModel {
            program_id: Set(self.world.program),
            partner_id: Set(partner),
            person_id: Set(self.world.finance[0]),
            account_id: Set(Some(account)),
            status: Set("approved".to_owned()),
            stage: Set("proposal".to_owned()),
            customer_domain: Set(domain.to_owned()),
            currency: Set("EUR".to_owned()),
            answers: Set(json!({})),
            conflicts: Set(json!([])),
            created_at: Set(start),
            updated_at: Set(start),
            protected_until: Set(Some(end)),
            ..Default::default()
        };
        let row = row.insert(db).await.expect("deal");
        let guard = protection::ActiveModel {
            deal_id: Set(row.id),
            partner_id: Set(partner),
            account_id: Set(account),
            product_line_id: Set(self.world.product_line),
            starts_at: Set(start),
            expires_at: Set(Some(end)),
            ..Default::default()
        };
        guard.insert(db).await.expect("protection");
        self.names.insert(domain.to_owned(), account);
        self.names.insert("deal".to_owned(), row.id);
    }

    /// What people do, and what the calendar does.
    async fn act(&mut self, told: &Map<String, Value>) {
        let text = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default();
        if let Some(until) = told.get("until").and_then(Value::as_i64) {
            self.world.now = DateTime::from_timestamp(until, 0).expect("a moment");
            let matured = service::commission::mature(&self.world.system()).await;
            matured.expect("matures");
        } else if told.contains_key("match") {
            self.match_by_hand(text("match"), text("account"), text("reason"))
                .await;
        } else if told.contains_key("payout") {
            self.payout(text("payout")).await;
        } else {
            panic!("what is {told:?}?");
        }
    }

    async fn match_by_hand(&self, customer: &str, account: &str, reason: &str) {
        let row = entity::customer::Entity::find()
            .filter(entity::customer::Column::StripeId.eq(customer))
            .one(self.world.test.db.reader())
            .await;
        let id = row.expect("reads").expect("a customer").id;
        let form = MatchForm {
            account: account.to_owned(),
            reason: reason.to_owned(),
        };
        self.world.match_by_hand(id, &form).await.expect("matched");
    }

    /// A manager has named the customer of a won deal before Stripe spoke of it.
    async fn link(&self, customer: &str, account: &str) {
        let row = entity::customer::ActiveModel {
            stripe_id: Set(customer.to_owned()),
            account_id: Set(Some(self.names[account])),
            name: Set(String::new()),
            email: Set(String::new()),
            matched_by: Set(Some("linked".to_owned())),
            match_reason: Set(Some("The deal is won.".to_owned())),
            created_at: Set(self.world.now),
            ..Default::default()
        };
        let linked = row.insert(self.world.test.db.reader()).await;
        linked.expect("linked");
    }

    /// Everything payable goes into a payout, or what is in one arrives.
    async fn payout(&mut self, what: &str) {
        let (from, to) = match what {
            "begins" => ("payable", "in_payout"),
            "arrives" => ("in_payout", "paid"),
            other => panic!("a payout begins or arrives, it is not {other}"),
        };
        let ctx = self.world.system();
        let tx = ctx.begin().await.expect("begins");
        let rows = commission::Entity::find()
            .filter(commission::Column::State.eq(from))
            .all(&*tx)
            .await
            .expect("reads");
        let mut sums: BTreeMap<(i64, String), i64> = BTreeMap::new();
        for row in rows {
            *sums
                .entry((row.partner_id, row.currency.clone()))
                .or_default() += row.amount;
            let mut row = row.into_active_model();
            row.state = Set(to.to_owned());
            row.update(&*tx).await.expect("writes");
        }
        self.payouts += 1;
        for ((partner, currency), sum) in sums {
            let amount = Money::new(sum, currency.parse().expect("a currency"));
            let number = self.payouts * 10 + partner;
            let entry = match what {
                "begins" => Entry::enter_payout(number, partner, amount),
                _ => Entry::payout_paid(number, partner, amount),
            };
            book(&ctx, &*tx, entry.expect("an entry")).await;
        }
        tx.commit().await.expect("commits");
    }

    async fn deliver(&mut self, events: Vec<Value>) {
        match self.delivery {
            Delivery::AsWritten => {
                for event in &events {
                    self.world.deliver(std::slice::from_ref(event)).await;
                }
            }
            Delivery::Reversed => {
                for event in events.iter().rev() {
                    self.world.deliver(std::slice::from_ref(event)).await;
                }
            }
            Delivery::Twice => {
                let twice: Vec<Value> = events
                    .iter()
                    .flat_map(|event| [event.clone(), event.clone(), again(event, "again")])
                    .collect();
                self.world.deliver(&twice).await;
            }
        }
        self.told.extend(events);
        // What could not be handled at once is tried again.
        self.world.now += TimeDelta::minutes(5);
        self.world.work().await;
        let db = self.world.test.db.reader();
        let left = webhook_event::Entity::find()
            .filter(webhook_event::Column::Status.is_not_in(["processed", "ignored"]))
            .all(db)
            .await
            .expect("reads");
        let left: Vec<String> = left
            .into_iter()
            .map(|e| format!("{} {} {}: {:?}", e.event_id, e.r#type, e.status, e.error))
            .collect();
        assert!(left.is_empty(), "{left:#?}");
    }
}
