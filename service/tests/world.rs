//! A small program with partners and customers, and the events Stripe would send about them.

use chrono::{DateTime, TimeDelta, Utc};
use domain::plan::PlanRules;
use entity::{
    account, account_domain, attribution, commission, ledger_account, partner, partner_month,
    person, plan, plan_version, policy_version, product_line, program, stripe_product, tier,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QueryOrder};
use serde_json::{Value, json};
use service::inbox::{Inbox, Worked, process_batch};
use service::{Actor, Context};
use stripe_gateway::webhook::Envelope;

use crate::shelf::Shelf;
use crate::support::{Engine, TestDb, day};

/// See the module.
pub struct World {
    pub test: TestDb,
    pub shelf: Shelf,
    pub now: DateTime<Utc>,
    pub program: i64,
    pub product_line: i64,
    /// Two partners of tier Silver.
    pub partners: [i64; 2],
    /// The account of acme.com, credited to the first partner.
    pub account: i64,
    /// Staff: finance and another of finance.
    pub finance: [i64; 2],
}

impl World {
    /// A world whose partners are paid by `rules`.
    pub async fn new(engine: Engine, rules: PlanRules) -> Option<Self> {
        let test = TestDb::new(engine).await?;
        let db = test.db.reader();
        let start = day(2025, 1, 1);
        let program = program::ActiveModel {
            slug: Set("acme".to_owned()),
            name: Set("Acme partners".to_owned()),
            vendor_name: Set("Acme".to_owned()),
            kind: Set("partner".to_owned()),
            currency: Set("EUR".to_owned()),
            time_zone: Set("Europe/Berlin".to_owned()),
            pitch: Set(json!({})),
            application_questions: Set(json!([])),
            deal_questions: Set(json!([])),
            open_to_applications: Set(true),
            accent: Set("#336699".to_owned()),
            created_at: Set(start),
            ..Default::default()
        }
        .insert(db)
        .await
        .expect("program");
        policy_version::ActiveModel {
            program_id: Set(program.id),
            version: Set(1),
            effective_from: Set(start),
            attribution_days: Set(90),
            protection_days: Set(90),
            extension_days: Set(30),
            extensions_allowed: Set(2),
            hold_days: Set(30),
            clawback_days: Set(90),
            payout_minimum: Set(5_000),
            payout_day: Set(5),
            second_approval_above: Set(100_000),
            deal_review_hours: Set(48),
            application_review_hours: Set(48),
            reapply_after_days: Set(30),
            tier_grace_days: Set(90),
            countries: Set(json!([])),
            created_at: Set(start),
            ..Default::default()
        }
        .insert(db)
        .await
        .expect("policy");
        let mut tiers = Vec::new();
        for (rank, name) in [(1, "Registered"), (2, "Silver"), (3, "Gold")] {
            let row = tier::ActiveModel {
                program_id: Set(program.id),
                rank: Set(rank),
                name: Set(name.to_owned()),
                min_revenue: Set((rank - 1) * 100_000),
                min_customers: Set(0),
                min_won_deals: Set(0),
                min_certified: Set(0),
                benefits: Set(String::new()),
                ..Default::default()
            };
            tiers.push(row.insert(db).await.expect("tier").id);
        }
        let plan = plan::ActiveModel {
            program_id: Set(program.id),
            name: Set("Standard".to_owned()),
            is_default: Set(true),
            created_at: Set(start),
            ..Default::default()
        }
        .insert(db)
        .await
        .expect("plan");
        plan_version::ActiveModel {
            plan_id: Set(plan.id),
            version: Set(1),
            status: Set("published".to_owned()),
            effective_from: Set(start),
            rules: Set(serde_json::to_value(&rules).expect("rules")),
            revision: Set(0),
            created_at: Set(start),
            ..Default::default()
        }
        .insert(db)
        .await
        .expect("version");
        let line = product_line::ActiveModel {
            program_id: Set(program.id),
            code: Set("suite".to_owned()),
            name: Set("Suite".to_owned()),
            ..Default::default()
        }
        .insert(db)
        .await
        .expect("product line");
        stripe_product::ActiveModel {
            id: Set("prod_suite".to_owned()),
            product_line_id: Set(line.id),
        }
        .insert(db)
        .await
        .expect("product");
        let mut partners = [0, 0];
        for (i, name) in ["North", "South"].into_iter().enumerate() {
            partners[i] = partner::ActiveModel {
                program_id: Set(program.id),
                name: Set(name.to_owned()),
                legal_name: Set(format!("{name} GmbH")),
                website: Set(format!("https://{name}.example")),
                domain: Set(format!("{}.example", name.to_lowercase())),
                country: Set("DE".to_owned()),
                currency: Set("EUR".to_owned()),
                partner_type: Set("agency".to_owned()),
                size: Set("1-10".to_owned()),
                status: Set("active".to_owned()),
                tier_id: Set(tiers[1]),
                tier_since: Set(start),
                plan_id: Set(plan.id),
                members_see_earnings: Set(true),
                created_at: Set(start),
                ..Default::default()
            }
            .insert(db)
            .await
            .expect("partner")
            .id;
        }
        let mut finance = [0, 0];
        for (i, id) in finance.iter_mut().enumerate() {
            *id = person::ActiveModel {
                email: Set(format!("finance{i}@acme.example")),
                name: Set(format!("Finance {i}")),
                staff_role: Set(Some("finance".to_owned())),
                locale: Set("en".to_owned()),
                time_zone: Set("UTC".to_owned()),
                created_at: Set(start),
                ..Default::default()
            }
            .insert(db)
            .await
            .expect("person")
            .id;
        }
        let mut world = Self {
            shelf: Shelf::default(),
            now: day(2026, 3, 10),
            program: program.id,
            product_line: line.id,
            partners,
            account: 0,
            finance,
            test,
        };
        world.account = world
            .add_account("acme.com", &[(partners[0], 10_000)])
            .await;
        Some(world)
    }

    /// An account with its domain, credited to partners.
    pub async fn add_account(&self, domain: &str, credits: &[(i64, i64)]) -> i64 {
        let db = self.test.db.reader();
        let row = account::ActiveModel {
            name: Set(domain.to_owned()),
            normalised_name: Set(domain.to_owned()),
            house: Set(false),
            created_at: Set(day(2025, 1, 1)),
            ..Default::default()
        }
        .insert(db)
        .await
        .expect("account");
        account_domain::ActiveModel {
            id: Set(domain.to_owned()),
            account_id: Set(row.id),
        }
        .insert(db)
        .await
        .expect("domain");
        for (partner, share) in credits {
            self.credit(row.id, *partner, *share).await;
        }
        row.id
    }

    /// Credits a partner with a share of an account.
    pub async fn credit(&self, account: i64, partner: i64, share_bp: i64) {
        attribution::ActiveModel {
            program_id: Set(self.program),
            account_id: Set(account),
            partner_id: Set(partner),
            part: Set("sourced".to_owned()),
            share_bp: Set(share_bp),
            reason: Set("test".to_owned()),
            starts_at: Set(day(2025, 1, 1)),
            created_at: Set(day(2025, 1, 1)),
            ..Default::default()
        }
        .insert(self.test.db.reader())
        .await
        .expect("attribution");
    }

    /// The portal itself, at the world's time.
    pub fn system(&self) -> Context {
        self.test.system(self.now)
    }

    /// One of finance.
    pub fn finance(&self, which: usize) -> Context {
        let role = domain::partner::StaffRole::Finance;
        self.test.context(
            Actor::Staff {
                person_id: self.finance[which],
                role,
            },
            self.now,
        )
    }

    /// Stores events and works off the inbox until nothing more happens.
    pub async fn deliver(&self, events: &[Value]) -> Worked {
        let ctx = self.system();
        let inbox = Inbox::start(&self.test.db);
        for event in events {
            let body = event.to_string();
            let envelope = Envelope::parse(body.as_bytes()).expect("an event");
            inbox.receive(&ctx, &body, &envelope).await.expect("stored");
        }
        self.work().await
    }

    /// Works off the inbox.
    pub async fn work(&self) -> Worked {
        let ctx = self.system();
        let mut sum = Worked::default();
        loop {
            let worked = process_batch(&ctx, &self.shelf, 100).await.expect("works");
            sum.processed += worked.processed;
            sum.ignored += worked.ignored;
            sum.failed += worked.failed;
            sum.waiting += worked.waiting;
            if worked.total() == 0 || worked.processed + worked.ignored + worked.failed == 0 {
                return sum;
            }
        }
    }

    /// The ledger's balances that are not zero, as `code currency → amount`.
    pub async fn balances(&self) -> Vec<(String, String, i64)> {
        ledger_account::Entity::find()
            .order_by_asc(ledger_account::Column::Code)
            .order_by_asc(ledger_account::Column::Currency)
            .all(self.test.db.reader())
            .await
            .expect("read")
            .into_iter()
            .filter(|a| a.balance != 0)
            .map(|a| (a.code, a.currency, a.balance))
            .collect()
    }

    /// The balance of a partner's bucket in euros.
    pub async fn bucket(&self, partner: i64, bucket: &str) -> i64 {
        let code = format!("partner:{partner}:{bucket}");
        self.balances()
            .await
            .into_iter()
            .find(|b| b.0 == code && b.1 == "EUR")
            .map_or(0, |b| b.2)
    }

    /// All commission lines.
    pub async fn commissions(&self) -> Vec<commission::Model> {
        commission::Entity::find()
            .order_by_asc(commission::Column::Id)
            .all(self.test.db.reader())
            .await
            .expect("read")
    }

    /// Everything that must be the same whatever the order of events was.
    pub async fn state(&self) -> Vec<String> {
        let db = self.test.db.reader();
        let mut state: Vec<String> = self
            .balances()
            .await
            .into_iter()
            .map(|b| format!("{b:?}"))
            .collect();
        for m in partner_month::Entity::find()
            .order_by_asc(partner_month::Column::PartnerId)
            .order_by_asc(partner_month::Column::Currency)
            .order_by_asc(partner_month::Column::Month)
            .all(db)
            .await
            .expect("read")
        {
            state.push(format!(
                "month {} {} {}: {} {} {}",
                m.partner_id, m.currency, m.month, m.earned, m.given_back, m.revenue
            ));
        }
        let mut lines: Vec<String> = entity::commission::Entity::find()
            .all(db)
            .await
            .expect("read")
            .into_iter()
            .filter(|c| c.kind == "accrual")
            .map(|c| {
                format!(
                    "{} {} {} reversed {}",
                    c.reference, c.state, c.amount, c.reversed
                )
            })
            .collect();
        lines.sort();
        state.extend(lines);
        let mut invoices: Vec<String> = entity::invoice::Entity::find()
            .all(db)
            .await
            .expect("read")
            .into_iter()
            .map(|i| {
                format!(
                    "{} {} {} net {} returned {} disputed {} {}",
                    i.stripe_id, i.status, i.total, i.net, i.returned, i.disputed, i.outcome
                )
            })
            .collect();
        invoices.sort();
        state.extend(invoices);
        state
    }

    /// Asserts that the books are right.
    pub async fn assert_clean(&self) {
        let report = service::ledger::audit(&self.test.db)
            .await
            .expect("audited");
        assert!(report.is_clean(), "{:#?}", report.findings);
    }
}

/// An event of `kind` about `object`, `seconds` after 1 March 2026.
pub fn event(id: &str, kind: &str, seconds: i64, object: Value) -> Value {
    let created = day(2026, 3, 1) + TimeDelta::seconds(seconds);
    json!({
        "id": id, "object": "event", "type": kind, "created": created.timestamp(),
        "livemode": false, "api_version": "2026-10-28.dahlia", "data": { "object": object },
    })
}

/// The customer of acme.com.
pub fn customer(id: &str, email: &str) -> Value {
    json!({
        "id": id, "object": "customer", "email": email, "name": "Acme", "created": 1_700_000_000,
        "address": { "country": "DE" }, "livemode": false, "metadata": {},
    })
}

/// A line of an invoice, net of nothing.
pub fn line(id: &str, amount: i64, currency: &str) -> Value {
    json!({
        "id": id, "object": "line_item", "amount": amount, "currency": currency,
        "description": "Suite", "discount_amounts": [], "pretax_credit_amounts": [], "quantity": 1,
        "period": { "start": 1_772_323_200, "end": 1_775_001_600 },
        "parent": { "type": "subscription_item_details",
            "subscription_item_details": { "proration": false, "subscription": "sub_1" } },
        "pricing": { "type": "price_details",
            "price_details": { "price": "price_1", "product": "prod_suite" } },
        "taxes": [], "metadata": {},
    })
}

/// An invoice with tax of 20 % on top, paid `seconds` after 1 March 2026.
pub fn invoice(id: &str, customer: &str, lines: &[(&str, i64)], seconds: i64) -> Value {
    invoice_in(id, customer, lines, seconds, "eur")
}

/// The same in another currency.
pub fn invoice_in(
    id: &str,
    customer: &str,
    lines: &[(&str, i64)],
    seconds: i64,
    currency: &str,
) -> Value {
    let net: i64 = lines.iter().map(|(_, amount)| amount).sum();
    let tax = net / 5;
    let paid_at = day(2026, 3, 1) + TimeDelta::seconds(seconds);
    let lines: Vec<Value> = lines
        .iter()
        .map(|(id, amount)| {
            let mut line = line(id, *amount, currency);
            line["taxes"] = json!([{ "amount": amount / 5, "tax_behavior": "exclusive" }]);
            line
        })
        .collect();
    json!({
        "id": id, "object": "invoice", "customer": customer, "customer_email": "ap@acme.com",
        "customer_name": "Acme", "number": format!("N-{id}"), "status": "paid",
        "currency": currency, "created": paid_at.timestamp() - 3_600, "livemode": false,
        "status_transitions": { "paid_at": paid_at.timestamp() },
        "parent": { "type": "subscription_details",
            "subscription_details": { "subscription": "sub_1", "metadata": {} } },
        "subtotal": net, "total": net + tax, "amount_due": net + tax, "amount_paid": net + tax,
        "total_taxes": [{ "amount": tax }], "total_discount_amounts": [],
        "starting_balance": 0, "ending_balance": 0,
        "lines": { "object": "list", "data": lines, "has_more": false }, "metadata": {},
    })
}

/// The payment of an invoice by a payment intent.
pub fn payment(id: &str, invoice: &str, intent: &str, amount: i64) -> Value {
    json!({
        "id": id, "object": "invoice_payment", "invoice": invoice, "amount_paid": amount,
        "amount_requested": amount, "currency": "eur", "status": "paid", "created": 1_772_323_200,
        "payment": { "type": "payment_intent", "payment_intent": intent },
    })
}

/// A refund of a payment intent.
pub fn refund(id: &str, intent: &str, amount: i64, seconds: i64) -> Value {
    json!({
        "id": id, "object": "refund", "amount": amount, "currency": "eur", "status": "succeeded",
        "payment_intent": intent, "charge": format!("ch_{intent}"),
        "created": day(2026, 3, 1).timestamp() + seconds, "metadata": {},
    })
}

/// A charge with what was refunded of it in all.
pub fn charge(intent: &str, amount: i64, refunded: i64) -> Value {
    json!({
        "id": format!("ch_{intent}"), "object": "charge", "amount": amount,
        "amount_refunded": refunded, "currency": "eur", "refunded": amount == refunded,
        "disputed": false, "status": "succeeded", "payment_intent": intent,
        "created": 1_772_323_200, "metadata": {},
    })
}

/// A dispute over a payment intent.
pub fn dispute(id: &str, intent: &str, amount: i64, status: &str, seconds: i64) -> Value {
    json!({
        "id": id, "object": "dispute", "amount": amount, "currency": "eur", "status": status,
        "payment_intent": intent, "charge": format!("ch_{intent}"), "reason": "fraudulent",
        "created": day(2026, 3, 1).timestamp() + seconds,
    })
}

/// A credit note over a line, with the refund it made.
pub fn credit_note(
    id: &str,
    invoice: &str,
    line: &str,
    net: i64,
    refund: Option<&str>,
    seconds: i64,
) -> Value {
    let total = net + net / 5;
    let refunds: Vec<Value> = refund
        .map(|id| json!({ "refund": id, "amount_refunded": total, "type": "refund" }))
        .into_iter()
        .collect();
    json!({
        "id": id, "object": "credit_note", "invoice": invoice, "customer": "cus_1",
        "status": "issued", "currency": "eur", "amount": total, "total": total, "subtotal": net,
        "pre_payment_amount": 0, "post_payment_amount": total, "refunds": refunds,
        "created": day(2026, 3, 1).timestamp() + seconds, "metadata": {},
        "lines": { "object": "list", "has_more": false, "data": [{
            "id": format!("cnli_{id}"), "object": "credit_note_line_item", "amount": net,
            "discount_amounts": [], "invoice_line_item": line, "pretax_credit_amounts": [],
            "taxes": [{ "amount": net / 5, "tax_behavior": "exclusive" }], "quantity": 1,
        }] },
    })
}
