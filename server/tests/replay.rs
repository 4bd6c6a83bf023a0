//! One month of billing as Stripe tells it: once and in order, or three times at once, from the
//! end, to two processes. The books are the same afterwards.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use entity::{
    commission, invoice, ledger_account, ledger_transaction, partner_month, posting, webhook_event,
};
use reqwest::Client;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service::{Clock, Context, Db};

use crate::support::{Engine, Place, Running, eventually};

/// How often each event is delivered the second time round.
const TIMES: usize = 3;
/// From the last payment to the day when every hold is over.
const HOLD: TimeDelta = TimeDelta::days(31);

/// Stripe's side: what the vendor's billing does there, and the events it makes of it.
struct Billing {
    api: String,
    client: Client,
}

impl Billing {
    async fn call(&self, what: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox/billing/{what}", self.api);
        let request = self.client.post(url).json(&body);
        let answer = request.send().await.expect("the sandbox answers");
        let status = answer.status();
        let value: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{what}: {value}");
        value
    }

    /// Everything that can happen to the money of two customers of different partners.
    async fn happens(&self) {
        let start = (Utc::now() - TimeDelta::days(12)).timestamp();
        let day = |n: i64| start + n * 86_400;
        for (id, domain) in [
            ("cus_one", "customer0-1.example"),
            ("cus_two", "customer1-1.example"),
        ] {
            let customer = json!({
                "id": id, "name": format!("The customer at {domain}"), "at": day(0),
                "email": format!("billing@{domain}"), "address": {"country": "DE"},
            });
            self.call("customer", customer).await;
        }
        let item = json!({"amount": 29_900, "currency": "eur", "interval": "month"});
        let subscription =
            json!({"id": "sub_one", "customer": "cus_one", "items": [item], "at": day(0)});
        self.call("subscription", subscription).await;

        let line = |amount: i64, discount: i64| {
            json!({
                "amount": amount, "discount": discount, "tax": (amount - discount) * 19 / 100,
                "description": "Lumen Desk", "product": "prod_lumen_desk",
            })
        };
        let paid = async |id: &str, customer: &str, on: i64, lines: &[Value]| {
            let invoice = json!({
                "id": id, "customer": customer, "currency": "eur", "at": day(on), "lines": lines,
            });
            self.call("invoice_paid", invoice).await
        };
        let refund = async |invoice: &str, on: i64, amount: i64| {
            let refund = json!({"invoice": invoice, "amount": amount, "at": day(on)});
            self.call("refund", refund).await
        };
        let dispute = async |invoice: &str, on: i64, status: &str| {
            let dispute = json!({"invoice": invoice, "at": day(on)});
            let id = self.call("dispute", dispute).await["id"].clone();
            let close = json!({"dispute": id, "status": status, "at": day(on + 2)});
            self.call("dispute_close", close).await
        };
        let three = [line(10_001, 0), line(3_333, 333), line(77, 0)];
        paid("in_refunded", "cus_one", 1, &three).await;
        refund("in_refunded", 2, 5_000).await;
        refund("in_refunded", 3, 333).await;
        let two = [line(20_000, 0), line(4_999, 0)];
        let credited = paid("in_credited", "cus_one", 4, &two).await;
        let note = json!({
            "invoice": "in_credited", "refund_amount": 5_950, "at": day(5),
            "lines": [{"type": "invoice_line_item", "amount": 5_000,
                       "invoice_line_item": credited["lines"]["data"][0]["id"]}],
        });
        self.call("credit_note", note).await;
        paid("in_lost", "cus_two", 6, &[line(7_000, 0)]).await;
        dispute("in_lost", 7, "lost").await;
        paid("in_won", "cus_two", 6, &[line(123_456, 0)]).await;
        dispute("in_won", 8, "won").await;
        paid("in_whole", "cus_two", 9, &[line(9_900, 0)]).await;
        refund("in_whole", 10, 9_900 + 9_900 * 19 / 100).await;
        paid("in_plain", "cus_two", 11, &[line(1, 0), line(48_050, 50)]).await;
    }

    /// The events of all that, oldest first.
    async fn events(&self) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let mut url = format!("{}/v1/events?limit=100", self.api);
            if let Some(last) = events.last().and_then(|event| event["id"].as_str()) {
                url.push_str(&format!("&starting_after={last}"));
            }
            let request = self.client.get(url).bearer_auth("sk_test_of_the_tests");
            let answer = request.send().await.expect("the sandbox answers");
            let page: Value = answer.json().await.expect("JSON");
            events.extend(page["data"].as_array().expect("a list").iter().cloned());
            if page["has_more"] != true {
                events.reverse();
                return events;
            }
        }
    }
}

/// A portal with two partners, each with customers of its own, that has nothing else to do.
async fn portal(place: &Place) -> Running {
    let db = place.migrate().await;
    let mut config = place.config();
    // Holds are waited for, and so are second tries.
    config.demo = true;
    let stripe = stripe_gateway::Config {
        api_base: config.stripe.api_base.as_ref().map(ToString::to_string),
        ..stripe_gateway::Config::new(config.stripe.secret_key.reveal())
    };
    let gateway = stripe_gateway::StripeGateway::new(stripe).expect("a gateway");
    let ctx = Context::system(&db, Clock::system(), "test");
    server::seed::bench(&ctx, &gateway, 2, 0)
        .await
        .expect("seeded");
    let portal = place.start_with(config).await;
    // The sweep for missed invoices has found nothing to do, so it is the webhooks that work.
    eventually("the calendar's first turn", async || {
        let due = entity::setting::Entity::find_by_id("due:reconciliation");
        due.one(portal.db.reader()).await.expect("reads").is_some()
    })
    .await;
    portal
}

/// Waits until nothing is left in the inbox; what is to be tried again later is.
async fn worked_off(portal: &Running, events: usize) {
    let waiting = async |later: bool| {
        let rows = webhook_event::Entity::find()
            .filter(webhook_event::Column::Status.eq("received"))
            .all(portal.db.reader())
            .await
            .expect("reads");
        rows.iter()
            .filter(|row| !later || row.next_attempt_at.is_none())
            .count()
    };
    for _ in 0..20 {
        eventually("everything was tried", async || waiting(true).await == 0).await;
        if waiting(false).await == 0 {
            break;
        }
        service::clock::advance(portal.db.reader(), TimeDelta::hours(1))
            .await
            .expect("moves the clock");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    let rows = webhook_event::Entity::find()
        .all(portal.db.reader())
        .await
        .expect("reads");
    assert_eq!(rows.len(), events, "each is stored once");
    for row in rows {
        assert!(
            ["processed", "ignored"].contains(&row.status.as_str()),
            "{} {}: {} {:?}",
            row.r#type,
            row.event_id,
            row.status,
            row.error
        );
    }
}

/// Lets the holds pass.
async fn mature(portal: &Running) {
    service::clock::advance(portal.db.reader(), HOLD)
        .await
        .expect("moves the clock");
    eventually("every hold is over", async || {
        let rows = commission::Entity::find()
            .filter(commission::Column::State.is_in(["pending", "held"]))
            .all(portal.db.reader())
            .await
            .expect("reads");
        rows.is_empty()
    })
    .await;
}

/// The books, in words that do not depend on the order in which they were written.
#[derive(Debug, PartialEq, Eq)]
struct Books {
    /// Invoice lines' commissions: what each is worth, and where it stands.
    accruals: BTreeMap<String, (i64, String)>,
    /// What was given back of each, over all reversals. A refund that comes before its credit note
    /// is spread over the whole invoice until the note says which line it was, so a line may have
    /// lost something and got it back.
    reversed: BTreeMap<String, i64>,
    /// Balances that are not zero.
    balances: BTreeMap<(String, String), i64>,
    /// What the postings about one commission, with its reversals, come to on each account.
    postings: BTreeMap<(String, String), i64>,
    /// A partner's months.
    months: Vec<String>,
    /// The vendor's invoices.
    invoices: Vec<String>,
}

async fn all<E: EntityTrait>(db: &Db) -> Vec<E::Model> {
    E::find().all(db.reader()).await.expect("reads")
}

async fn books(db: &Db) -> Books {
    let commissions = all::<commission::Entity>(db).await;
    let references: BTreeMap<i64, &str> = commissions
        .iter()
        .map(|row| (row.id, row.reference.as_str()))
        .collect();
    let origin = |row: &commission::Model| references[&row.reverses_id.unwrap_or(row.id)];
    let mut accruals = BTreeMap::new();
    let mut reversed = BTreeMap::new();
    for row in &commissions {
        if row.reverses_id.is_some() {
            *reversed.entry(origin(row).to_owned()).or_default() += row.amount;
            continue;
        }
        let stands = format!(
            "{} for partner {}, of {} {} at {:?} by {} as {}: reversed {}, {}, until {}, {}",
            row.kind,
            row.partner_id,
            row.basis,
            row.currency,
            row.rate_bp,
            row.rule_name,
            row.tier_name,
            row.reversed,
            row.state,
            row.hold_until,
            row.month,
        );
        accruals.insert(row.reference.clone(), (row.amount, stands));
    }
    reversed.retain(|_, amount| *amount != 0);
    let accounts: BTreeMap<i64, ledger_account::Model> = all::<ledger_account::Entity>(db)
        .await
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let about: BTreeMap<i64, String> = all::<ledger_transaction::Entity>(db)
        .await
        .into_iter()
        .map(|row| {
            let of = row.commission_id.expect("is about a commission");
            let of = commissions.iter().find(|row| row.id == of);
            (row.id, origin(of.expect("is there")).to_owned())
        })
        .collect();
    let mut postings = BTreeMap::new();
    for row in all::<posting::Entity>(db).await {
        let account = accounts[&row.ledger_account_id].code.clone();
        let key = (about[&row.transaction_id].clone(), account);
        *postings.entry(key).or_default() += row.amount;
    }
    postings.retain(|_, amount| *amount != 0);
    let mut months: Vec<String> = all::<partner_month::Entity>(db)
        .await
        .into_iter()
        .map(|row| {
            format!(
                "{} {} {}: {} {} {}",
                row.partner_id, row.month, row.currency, row.earned, row.given_back, row.revenue
            )
        })
        .collect();
    months.sort();
    let mut invoices: Vec<String> = all::<invoice::Entity>(db)
        .await
        .into_iter()
        .map(|row| {
            format!(
                "{} {} {} net {} paid {} returned {} disputed {} {} {:?}",
                row.stripe_id,
                row.status,
                row.total,
                row.net,
                row.amount_paid,
                row.returned,
                row.disputed,
                row.outcome,
                row.outcome_reason
            )
        })
        .collect();
    invoices.sort();
    Books {
        accruals,
        reversed,
        balances: accounts
            .into_values()
            .filter(|row| row.balance != 0)
            .map(|row| ((row.code, row.currency), row.balance))
            .collect(),
        postings,
        months,
        invoices,
    }
}

#[rstest]
#[case::sqlite(Engine::Sqlite)]
#[case::postgres(Engine::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_times_at_once_from_the_end_is_the_same_as_once_in_order(#[case] engine: Engine) {
    let Some(orderly) = Place::new(engine).await else {
        return;
    };
    let mut wild = Place::new(engine).await.expect("another place");
    wild.stripe = orderly.stripe;
    let once = portal(&orderly).await;
    let first = portal(&wild).await;
    let mut config = wild.config();
    config.demo = true;
    let second = wild.start_with(config).await;

    let billing = Billing {
        api: format!("http://{}", orderly.stripe),
        client: once.client.clone(),
    };
    billing.happens().await;
    let events = billing.events().await;
    assert!(events.len() > 40, "{} events", events.len());

    for event in &events {
        let (status, text) = once.event(event).await;
        assert_eq!(status, 200, "{text}");
    }
    worked_off(&once, events.len()).await;

    let deliveries = (0..TIMES * events.len()).map(|n| {
        let event = &events[events.len() - 1 - n / TIMES];
        let to = if n % 2 == 0 { &first } else { &second };
        to.event(event)
    });
    for (status, text) in futures::future::join_all(deliveries).await {
        assert_eq!(status, 200, "{text}");
    }
    worked_off(&first, events.len()).await;

    for portal in [&once, &first] {
        mature(portal).await;
    }
    let expected = books(&once.db).await;
    assert_eq!(books(&first.db).await, expected);
    // They are right, too, not only alike.
    assert_eq!(expected.invoices.len(), 6);
    // Of ten lines the smallest earns less than half a cent.
    assert_eq!(expected.accruals.len(), 9, "{:#?}", expected.accruals);
    let balance = |code: &str| {
        let key = (code.to_owned(), "EUR".to_owned());
        expected.balances.get(&key).copied().unwrap_or(0)
    };
    let earned: i64 = expected.accruals.values().map(|(amount, _)| amount).sum();
    let returned: i64 = expected.reversed.values().sum();
    assert_eq!(
        balance("partner:1:payable") + balance("partner:2:payable"),
        earned + returned
    );
    // 22.5 % of 1,234.56, of 0.01 and of 480.00; what was lost and what was refunded whole is gone.
    assert_eq!(balance("partner:2:payable"), 27_778 + 10_800);
    for portal in [&once, &first] {
        let report = service::ledger::audit(&portal.db).await.expect("audited");
        assert!(report.is_clean(), "{:#?}", report.findings);
    }
    for portal in [once, first, second] {
        portal.portal.stop().await;
    }
}
