//! About 150 deals in every state, their accounts, and who is credited for what.

use chrono::{DateTime, Utc};
use domain::registrable::normalised_name;
use entity::{
    account, account_domain, attribution, comment, deal, deal_product_line, event, protection,
};
use sea_orm::ActiveValue::Set;
use serde_json::json;
use service::Result;

use super::partners::Made as Partner;
use super::program::{Made as Program, PRODUCTS};
use super::{Stage, days, insert, names};

/// A company that pays, and for what.
pub(super) struct Customer {
    /// None: Stripe bills it, and the portal has never heard of it.
    pub(super) account_id: Option<i64>,
    /// None: nobody is credited.
    pub(super) partner: Option<usize>,
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) country: &'static str,
    pub(super) currency: &'static str,
    /// Places in [`PRODUCTS`].
    pub(super) products: Vec<usize>,
    pub(super) seats: i64,
    pub(super) since: DateTime<Utc>,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) yearly: bool,
}

/// The deals' customers and how many deals there are.
pub(super) struct Deals {
    pub(super) customers: Vec<Customer>,
    count: usize,
}

impl Deals {
    pub(super) fn len(&self) -> usize {
        self.count
    }
}

/// State and how many deals are in it; won ones come first, so that they are old enough to pay.
const STATES: [(&str, usize); 12] = [
    ("won", 78),
    ("approved", 22),
    ("lost", 12),
    ("expired", 8),
    ("rejected", 7),
    ("submitted", 6),
    ("in_review", 4),
    ("information_requested", 3),
    ("withdrawn", 3),
    ("revoked", 2),
    ("duplicate", 3),
    ("draft", 4),
];

pub(super) async fn make(
    stage: &mut Stage<'_>,
    program: &Program,
    partners: &[Partner],
) -> Result<Deals> {
    let mut made = Deals {
        customers: Vec::new(),
        count: 0,
    };
    // Customers from before registration was introduced.
    for n in 0..92 {
        let partner = early_partner(n);
        let since = days(stage.start, 1 + u64::from(stage.dice(25)));
        let customer =
            customer(stage, partners, made.customers.len(), Some(partner), since).await?;
        let credit = "Brought before deal registration was introduced.";
        credit_to(stage, program, partners, &customer, None, credit).await?;
        made.customers.push(customer);
    }
    for (state, how_many) in STATES {
        for n in 0..how_many {
            one(stage, program, partners, &mut made, state, n).await?;
        }
    }
    // Companies that came by themselves and are not known to belong to anybody.
    for _ in 0..7 {
        let month = 8 + stage.dice(6);
        let since = days(stage.month(month), 4);
        let n = made.customers.len() + made.count;
        made.customers
            .push(customer(stage, partners, n, None, since).await?);
    }
    Ok(made)
}

/// The larger partners had customers from the start; Brightpath among them.
fn early_partner(n: usize) -> usize {
    const SHARES: [usize; 23] = [
        2, 2, 2, 4, 4, 4, 21, 21, 6, 6, 1, 1, 13, 24, 26, 39, 0, 0, 0, 5, 7, 11, 15,
    ];
    let partner = SHARES[n % SHARES.len()];
    // Who joined later cannot have brought anybody at the start.
    if partner < 12 { partner } else { n % 12 }
}

async fn customer(
    stage: &mut Stage<'_>,
    partners: &[Partner],
    n: usize,
    partner: Option<usize>,
    since: DateTime<Utc>,
) -> Result<Customer> {
    let (name, domain) = names::customer(n);
    let place = partner.map_or(&partners[7], |p| &partners[p]);
    // A partner in Zürich sells in francs; one in four customers is abroad and pays in euros.
    let (country, currency) = if stage.chance(25) {
        ("DE", "EUR")
    } else {
        (place.company.country, place.company.currency)
    };
    let first = stage.dice(2) as usize;
    let products = if stage.chance(35) {
        vec![0, 1 + first]
    } else {
        vec![0]
    };
    let mut account_id = None;
    if partner.is_some() {
        let db = stage.ctx.reader();
        let row = account::ActiveModel {
            name: Set(name.clone()),
            normalised_name: Set(normalised_name(&name)),
            country: Set(Some(country.to_owned())),
            house: Set(false),
            created_at: Set(since),
            ..Default::default()
        };
        let id = insert::one(db, row).await?.id;
        let row = account_domain::ActiveModel {
            id: Set(domain.clone()),
            account_id: Set(id),
        };
        insert::one(db, row).await?;
        account_id = Some(id);
    }
    let until = (stage.chance(9)).then(|| days(since, 150 + u64::from(stage.dice(200))));
    Ok(Customer {
        account_id,
        partner,
        name,
        domain,
        country,
        currency,
        products,
        seats: 3 + i64::from(stage.dice(38)),
        since,
        until: until.filter(|at| *at < stage.today),
        yearly: stage.chance(12),
    })
}

async fn credit_to(
    stage: &Stage<'_>,
    program: &Program,
    partners: &[Partner],
    customer: &Customer,
    deal_id: Option<i64>,
    reason: &str,
) -> Result<()> {
    let (Some(partner), Some(account_id)) = (customer.partner, customer.account_id) else {
        return Ok(());
    };
    let row = attribution::ActiveModel {
        program_id: Set(program.program.id),
        account_id: Set(account_id),
        partner_id: Set(partners[partner].partner.id),
        deal_id: Set(deal_id),
        part: Set("sourced".to_owned()),
        share_bp: Set(10_000),
        reason: Set(reason.to_owned()),
        starts_at: Set(customer.since),
        created_at: Set(customer.since),
        ..Default::default()
    };
    insert::one(stage.ctx.reader(), row).await?;
    Ok(())
}

/// When a deal in a state was registered, and by whom.
fn timing(stage: &mut Stage<'_>, state: &str, n: usize) -> (DateTime<Utc>, usize) {
    // Every tenth belongs to Brightpath, so that the first visitor has something to see.
    let partner = if n % 9 == 1 {
        0
    } else {
        stage.dice(36) as usize
    };
    let ago = match state {
        "won" => 60 + stage.dice(400),
        "approved" => 4 + stage.dice(78),
        "submitted" => stage.dice(3),
        "in_review" | "information_requested" => 1 + stage.dice(4),
        "draft" => stage.dice(6),
        _ => 40 + stage.dice(300),
    };
    (
        stage.today - chrono::TimeDelta::days(i64::from(ago)) + chrono::TimeDelta::hours(9),
        partner,
    )
}

async fn one(
    stage: &mut Stage<'_>,
    program: &Program,
    partners: &[Partner],
    made: &mut Deals,
    state: &'static str,
    n: usize,
) -> Result<()> {
    let (wanted, partner) = timing(stage, state, n);
    // Nobody registers anything before joining and being certified.
    let registered = wanted
        .max(days(partners[partner].joined, 21))
        .min(stage.today);
    let decided = days(registered, 1);
    let won_at = days(decided, 14 + u64::from(stage.dice(30))).min(stage.today);
    let customer = customer(
        stage,
        partners,
        made.customers.len() + made.count,
        Some(partner),
        won_at,
    )
    .await?;
    let monthly: i64 = customer.products.iter().map(|p| PRODUCTS[*p].3).sum();
    let approved = matches!(
        state,
        "won" | "approved" | "lost" | "expired" | "withdrawn" | "revoked"
    );
    let expiry = days(decided, 90);
    let closed_at = match state {
        "won" => Some(won_at),
        "lost" | "withdrawn" | "revoked" => Some(days(decided, 25)),
        "expired" => Some(expiry),
        "rejected" | "duplicate" => Some(decided),
        _ => None,
    };
    let who = &partners[partner];
    let person = stage.one(&who.people).clone();
    let stage_word = *stage.one(&[
        "prospecting",
        "qualified",
        "proposal",
        "negotiation",
        "verbal_commit",
    ]);
    let db = stage.ctx.reader();
    let scale = domain_currency(customer.currency);
    let row = deal::ActiveModel {
        program_id: Set(program.program.id),
        partner_id: Set(who.partner.id),
        person_id: Set(person.id),
        account_id: Set(customer.account_id.filter(|_| state != "draft")),
        status: Set(state.to_owned()),
        stage: Set(if state == "won" {
            "verbal_commit"
        } else {
            stage_word
        }
        .to_owned()),
        customer_name: Set(customer.name.clone()),
        customer_domain: Set(customer.domain.clone()),
        customer_country: Set(customer.country.to_owned()),
        contact_name: Set(names::COLLEAGUES[(made.count * 5) % 24].to_owned()),
        contact_email: Set(format!("office@{}", customer.domain)),
        need: Set(NEEDS[made.count % NEEDS.len()].to_owned()),
        competitors: Set(["", "Zendrive", "HelpBarn", "an own tool"][made.count % 4].to_owned()),
        value: Set(Some(monthly * 12 * customer.seats / 10 * scale)),
        currency: Set(customer.currency.to_owned()),
        term_months: Set(Some(12)),
        expected_close: Set(Some(days(decided, 45).date_naive())),
        answers: Set(json!({})),
        conflicts: Set(json!([])),
        decision_reason: Set(reason(state).map(str::to_owned)),
        reviewer_id: Set((state != "draft" && state != "submitted").then_some(program.manager.id)),
        policy_version_id: Set((state != "draft").then_some(program.policy.id)),
        submitted_at: Set((state != "draft").then_some(registered)),
        review_due_at: Set((state != "draft").then(|| review_due(registered))),
        decided_at: Set((approved || closed_at.is_some()).then_some(decided)),
        protected_until: Set((state == "approved").then_some(expiry)),
        extensions_used: Set(i64::from(state == "approved" && n % 7 == 3)),
        closed_at: Set(closed_at),
        created_at: Set(registered),
        updated_at: Set(closed_at.unwrap_or(registered)),
        ..Default::default()
    };
    let deal = insert::one(db, row).await?;
    for product in &customer.products {
        let line = program.lines[*product].id;
        let row = deal_product_line::ActiveModel {
            deal_id: Set(deal.id),
            product_line_id: Set(line),
            ..Default::default()
        };
        insert::one(db, row).await?;
        if let (true, Some(account_id)) = (approved, customer.account_id) {
            let row = protection::ActiveModel {
                deal_id: Set(deal.id),
                partner_id: Set(who.partner.id),
                account_id: Set(account_id),
                product_line_id: Set(line),
                starts_at: Set(decided),
                expires_at: Set((state != "won").then_some(expiry)),
                released_at: Set(closed_at.filter(|_| state != "won")),
                ..Default::default()
            };
            insert::one(db, row).await?;
        }
    }
    history(
        stage, program, &deal, person.id, registered, decided, closed_at,
    )
    .await?;
    made.count += 1;
    if state == "won" {
        let text = format!("Registered deal {}.", deal.id);
        credit_to(stage, program, partners, &customer, Some(deal.id), &text).await?;
        made.customers.push(customer);
    }
    Ok(())
}

/// Units of the smallest coin in one of the currency.
fn domain_currency(code: &str) -> i64 {
    code.parse::<domain::money::Currency>()
        .map_or(100, domain::money::Currency::scale)
}

fn review_due(at: DateTime<Utc>) -> DateTime<Utc> {
    domain::calendar::add_business_hours(at, 16, chrono_tz::Europe::Berlin)
}

fn reason(state: &str) -> Option<&'static str> {
    Some(match state {
        "rejected" => "Not enough detail: we could not find out what the company needs.",
        "revoked" => {
            "There was no activity for two months and the customer asked for somebody else."
        }
        "duplicate" => "The company is already registered for this product.",
        "lost" => "The customer stays with what it has for another year.",
        "withdrawn" => "The project was called off.",
        _ => return None,
    })
}

const NEEDS: [&str; 5] = [
    "Support answers from a shared mailbox and loses track of who does what.",
    "The contract with the present vendor ends this quarter, and the team wants something simpler.",
    "A new product launches in spring, and twice as many requests are expected.",
    "Customers complain about waiting times; management wants to see figures.",
    "Three teams in two countries need one history of every customer.",
];

/// The timeline, and a comment or two.
async fn history(
    stage: &mut Stage<'_>,
    program: &Program,
    deal: &deal::Model,
    person_id: i64,
    registered: DateTime<Utc>,
    decided: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let mut steps: Vec<(&str, String, DateTime<Utc>, i64)> = Vec::new();
    if deal.submitted_at.is_some() {
        steps.push((
            "deal.submitted",
            "Registered.".to_owned(),
            registered,
            person_id,
        ));
    }
    if deal.decided_at.is_some() {
        let (action, text) = match deal.status.as_str() {
            "rejected" => ("deal.rejected", "Rejected.".to_owned()),
            "duplicate" => ("deal.duplicate", "Marked as a duplicate.".to_owned()),
            _ => (
                "deal.approved",
                format!(
                    "Approved and protected until {}.",
                    days(decided, 90).format("%-d %B %Y")
                ),
            ),
        };
        steps.push((action, text, decided, program.manager.id));
    }
    if let Some(at) = closed_at {
        let ending = match deal.status.as_str() {
            "won" => Some((
                "deal.won",
                "Won. The customer is linked; its invoices earn.",
            )),
            "lost" => Some(("deal.lost", "Lost.")),
            "expired" => Some(("deal.expired", "Protection ended.")),
            "withdrawn" => Some(("deal.withdrawn", "Withdrawn.")),
            "revoked" => Some(("deal.revoked", "Protection revoked.")),
            _ => None,
        };
        if let Some((action, text)) = ending {
            steps.push((action, text.to_owned(), at, person_id));
        }
    }
    let db = stage.ctx.reader();
    let rows = steps
        .into_iter()
        .map(|(action, summary, at, who)| event::ActiveModel {
            at: Set(at),
            actor_id: Set(Some(who)),
            action: Set(action.to_owned()),
            subject_type: Set("deal".to_owned()),
            subject_id: Set(deal.id),
            partner_id: Set(Some(deal.partner_id)),
            internal: Set(false),
            summary: Set(summary),
            detail: Set(json!({})),
            request_id: Set("seed".to_owned()),
            ..Default::default()
        })
        .collect();
    insert::many(db, rows).await?;
    if stage.chance(30) && deal.decided_at.is_some() {
        for (person, text, internal) in [
            (
                person_id,
                "The demo went well; they want an offer by Friday.",
                false,
            ),
            (
                program.manager.id,
                "Good. I can join the next call if that helps.",
                false,
            ),
            (
                program.manager.id,
                "Ask finance about a longer payment term.",
                true,
            ),
        ] {
            let row = comment::ActiveModel {
                subject_type: Set("deal".to_owned()),
                subject_id: Set(deal.id),
                person_id: Set(person),
                body: Set(text.to_owned()),
                internal: Set(internal),
                created_at: Set(days(decided, 2)),
                ..Default::default()
            };
            insert::one(stage.ctx.reader(), row).await?;
        }
    }
    Ok(())
}
