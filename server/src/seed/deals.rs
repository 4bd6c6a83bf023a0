//! About 150 deals in every state, their accounts, and what protects them.

use chrono::{DateTime, TimeDelta, Utc};
use domain::deal::{Conflict, ConflictKind};
use entity::{account, deal, deal_product_line, protection};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use service::Result;

use super::customers::{self, Customer};
use super::deal_story::{self, reason};
use super::partners::Made as Partner;
use super::program::Made as Program;
use super::{About, Stage, days, insert, names};

/// The companies that pay and how many deals there are.
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

/// What is needed while deals are made.
struct Desk<'a> {
    program: &'a Program,
    partners: &'a [Partner],
    /// Who registers deals, each as often as it does.
    busy: Vec<usize>,
    customers: Vec<Customer>,
    /// Protected registrations that somebody else may want as well.
    protected: Vec<Protected>,
    /// Names given out.
    names: usize,
    count: usize,
}

/// An approved registration.
struct Protected {
    deal_id: i64,
    decided: DateTime<Utc>,
    /// Place in `Desk::partners`.
    partner: usize,
    customer: Customer,
}

/// When and how far a deal went.
pub(super) struct Course {
    pub(super) state: &'static str,
    pub(super) registered: DateTime<Utc>,
    pub(super) decided: DateTime<Utc>,
    pub(super) closed: Option<DateTime<Utc>>,
    /// When protection ends, if it was approved.
    pub(super) expiry: DateTime<Utc>,
    /// How often its protection has been extended.
    pub(super) extensions: i64,
}

impl Course {
    /// Whether somebody has approved it.
    pub(super) fn approved(&self) -> bool {
        matches!(
            self.state,
            "won" | "approved" | "lost" | "expired" | "withdrawn" | "revoked"
        )
    }

    /// Whether a manager has it, or had it.
    pub(super) fn taken(&self) -> bool {
        !matches!(self.state, "draft" | "submitted")
    }
}

pub(super) async fn make(
    stage: &mut Stage<'_>,
    program: &Program,
    partners: &[Partner],
) -> Result<Deals> {
    let mut names = 0;
    let customers = customers::brought(stage, program, partners, &mut names).await?;
    let mut desk = Desk {
        program,
        partners,
        busy: customers::busy(partners),
        customers,
        protected: Vec::new(),
        names,
        count: 0,
    };
    for (state, how_many) in STATES {
        for n in 0..how_many {
            one(stage, &mut desk, state, n).await?;
        }
    }
    let unknown = customers::unknown(stage, partners, &mut desk.names).await?;
    desk.customers.extend(unknown);
    debug_assert!(desk.names <= names::CUSTOMERS);
    Ok(Deals {
        customers: desk.customers,
        count: desk.count,
    })
}

/// When a deal in a state was registered, and by whom.
fn timing(stage: &mut Stage<'_>, desk: &Desk<'_>, state: &str, n: usize) -> (DateTime<Utc>, usize) {
    // Every ninth belongs to Brightpath, so that the first visitor has something to see.
    let partner = if n % 9 == 1 {
        0
    } else {
        *stage.one(&desk.busy)
    };
    let ago = match state {
        "won" => 60 + stage.dice(400),
        "approved" => 4 + stage.dice(78),
        "submitted" => 1 + stage.dice(2),
        "in_review" | "information_requested" => 2 + stage.dice(4),
        "draft" => 1 + stage.dice(6),
        _ => 40 + stage.dice(300),
    };
    let minute = TimeDelta::minutes(i64::from(7 * 60 + stage.dice(10 * 60)));
    (
        stage.today - TimeDelta::days(i64::from(ago)) + minute,
        partner,
    )
}

fn course(
    stage: &mut Stage<'_>,
    state: &'static str,
    n: usize,
    registered: DateTime<Utc>,
) -> Course {
    let now = stage.ctx.now();
    let decided = (registered + TimeDelta::minutes(i64::from(200 + stage.dice(1_500)))).min(now);
    let extensions = i64::from(state == "approved" && n % 7 == 3);
    let expiry = days(decided, if extensions > 0 { 120 } else { 90 });
    let later = |at| DateTime::min(at, now);
    let closed = match state {
        "won" => Some(later(days(decided, 14 + u64::from(stage.dice(30))))),
        "lost" | "withdrawn" | "revoked" => {
            Some(later(days(decided, 18 + u64::from(stage.dice(15)))))
        }
        "expired" => Some(later(expiry)),
        "rejected" | "duplicate" => Some(decided),
        _ => None,
    };
    Course {
        state,
        registered,
        decided,
        closed,
        expiry,
        extensions,
    }
}

async fn one(
    stage: &mut Stage<'_>,
    desk: &mut Desk<'_>,
    state: &'static str,
    n: usize,
) -> Result<()> {
    stage.take_dice(About::Deal, desk.count);
    let (wanted, partner) = timing(stage, desk, state, n);
    // Nobody registers anything before joining and being certified.
    let earliest = days(desk.partners[partner].joined, 21);
    let mut registered = wanted.max(earliest).min(stage.today);
    // A duplicate wants what somebody else holds.
    let rival = if state == "duplicate" {
        rival(desk, partner, stage.today).map(|held| &desk.protected[held])
    } else {
        None
    };
    if let Some(held) = rival {
        registered = days(held.decided, 6) + TimeDelta::hours(2);
    }
    let course = course(stage, state, n, registered);
    let since = course.closed.unwrap_or(registered);
    let customer = match rival {
        Some(held) => Customer {
            partner: Some(partner),
            ..held.customer.clone()
        },
        None => customers::new(stage, desk.partners, &mut desk.names, Some(partner), since).await?,
    };
    let rival = rival.map(|held| held.deal_id);
    let conflicts = conflicts(stage, desk, &customer, state, n).await?;
    let row = row(stage, desk, partner, &customer, &course, rival, conflicts);
    let deal = insert::one(stage.ctx.reader(), row).await?;
    protect(stage, desk, &deal, &customer, &course).await?;
    let manager = desk.partners[partner].partner.manager_id;
    let manager = manager.unwrap_or(desk.program.manager.id);
    deal_story::tell(stage, &deal, manager, &course, n).await?;
    desk.count += 1;
    match state {
        "won" => {
            let text = format!("Registered deal {}.", deal.id);
            let (program, partners) = (desk.program, desk.partners);
            customers::credit(stage, program, partners, &customer, Some(deal.id), &text).await?;
            desk.customers.push(customer);
        }
        "approved" => desk.protected.push(Protected {
            deal_id: deal.id,
            decided: course.decided,
            partner,
            customer,
        }),
        _ => {}
    }
    Ok(())
}

/// A protection of another partner that is old enough to have got in somebody's way, each once.
fn rival(desk: &mut Desk<'_>, partner: usize, today: DateTime<Utc>) -> Option<usize> {
    let place = desk
        .protected
        .iter()
        .position(|held| held.partner != partner && days(held.decided, 9) < today)?;
    // The last place is not looked at before the others.
    let held = desk.protected.remove(place);
    desk.protected.push(held);
    Some(desk.protected.len() - 1)
}

/// What the checks found at submission: one company that pays already, one that the vendor's own
/// sales works, one whose name is like another's.
async fn conflicts(
    stage: &Stage<'_>,
    desk: &Desk<'_>,
    customer: &Customer,
    state: &str,
    n: usize,
) -> Result<Vec<Conflict>> {
    Ok(match (state, n) {
        ("duplicate", _) => vec![Conflict::new(ConflictKind::Duplicate, &customer.name)],
        ("submitted", 4) => desk
            .customers
            .first()
            .map(|other| Conflict::new(ConflictKind::SimilarName, &other.name))
            .into_iter()
            .collect(),
        ("in_review", 2) => {
            if let Some(id) = customer.account_id {
                account::Entity::update_many()
                    .col_expr(account::Column::House, Expr::value(true))
                    .filter(account::Column::Id.eq(id))
                    .exec(stage.ctx.reader())
                    .await?;
            }
            vec![Conflict::new(ConflictKind::HouseAccount, &customer.name)]
        }
        _ => Vec::new(),
    })
}

fn row(
    stage: &mut Stage<'_>,
    desk: &Desk<'_>,
    partner: usize,
    customer: &Customer,
    course: &Course,
    rival: Option<i64>,
    conflicts: Vec<Conflict>,
) -> deal::ActiveModel {
    let who = &desk.partners[partner];
    let state = course.state;
    let (first, last) = names::contact(desk.count);
    let sales_stage = match state {
        "won" => "verbal_commit",
        "draft" => "prospecting",
        _ => *stage.one(&[
            "prospecting",
            "qualified",
            "proposal",
            "negotiation",
            "verbal_commit",
        ]),
    };
    let sent = state != "draft";
    let decided = course.approved() || course.closed.is_some();
    let waits = (state == "duplicate" && who.partner.name == "Brightpath")
        .then(|| course.decided + TimeDelta::minutes(95));
    // What people expect is a round figure: hundreds of the currency.
    let hundred = 100 * customers::price(1, customer.currency);
    let value = customer.monthly() * 12;
    let value = (value - value % hundred).max(hundred);
    let close = 30 + u64::from(stage.dice(90));
    let reviewer = who.partner.manager_id.filter(|_| course.taken());
    let incumbent = stage.one(&["Zendrive", "HelpBarn", "A shared mailbox", "Spreadsheets"]);
    deal::ActiveModel {
        program_id: Set(desk.program.program.id),
        partner_id: Set(who.partner.id),
        // The owner does most of it, and whatever Brightpath is at.
        person_id: Set(
            if (partner == 0 && course.closed.is_none()) || stage.chance(60) {
                who.people[0].id
            } else {
                stage.one(&who.people).id
            },
        ),
        account_id: Set(customer.account_id.filter(|_| sent)),
        status: Set(state.to_owned()),
        stage: Set(sales_stage.to_owned()),
        customer_name: Set(customer.name.clone()),
        customer_domain: Set(customer.domain.clone()),
        customer_country: Set(customer.country.to_owned()),
        contact_name: Set(format!("{first} {last}")),
        contact_email: Set(format!("{}@{}", first.to_lowercase(), customer.domain)),
        need: Set(deal_story::need(desk.count).to_owned()),
        competitors: Set(["", "Zendrive", "HelpBarn", "an own tool"][desk.count % 4].to_owned()),
        value: Set(Some(value)),
        currency: Set(customer.currency.to_owned()),
        term_months: Set(Some(if customer.yearly { 24 } else { 12 })),
        expected_close: Set(Some(days(course.registered, close).date_naive())),
        answers: Set(json!({"incumbent": incumbent})),
        conflicts: Set(json!(conflicts)),
        duplicate_of_id: Set(rival),
        waiting_since: Set(waits),
        decision_reason: Set(reason(state).map(str::to_owned)),
        reviewer_id: Set(reviewer),
        policy_version_id: Set(sent.then_some(desk.program.policy.id)),
        submitted_at: Set(sent.then_some(course.registered)),
        review_due_at: Set(sent.then(|| review_due(course.registered))),
        decided_at: Set(decided.then_some(course.decided)),
        protected_until: Set((state == "approved").then_some(course.expiry)),
        extensions_used: Set(course.extensions),
        closed_at: Set(course.closed),
        created_at: Set(course.registered),
        updated_at: Set(course.closed.unwrap_or(course.registered)),
        ..Default::default()
    }
}

/// Two business days of eight hours.
fn review_due(at: DateTime<Utc>) -> DateTime<Utc> {
    domain::calendar::add_business_hours(at, 16, chrono_tz::Europe::Berlin)
}

/// The deal's products, and their protection where it was approved.
async fn protect(
    stage: &Stage<'_>,
    desk: &Desk<'_>,
    deal: &deal::Model,
    customer: &Customer,
    course: &Course,
) -> Result<()> {
    let db = stage.ctx.reader();
    let won = course.state == "won";
    for product in &customer.products {
        let line = desk.program.lines[*product].id;
        let row = deal_product_line::ActiveModel {
            deal_id: Set(deal.id),
            product_line_id: Set(line),
            ..Default::default()
        };
        insert::one(db, row).await?;
        let (true, Some(account_id)) = (course.approved(), customer.account_id) else {
            continue;
        };
        let row = protection::ActiveModel {
            deal_id: Set(deal.id),
            partner_id: Set(deal.partner_id),
            account_id: Set(account_id),
            product_line_id: Set(line),
            starts_at: Set(course.decided),
            expires_at: Set((!won).then_some(course.expiry)),
            released_at: Set(course.closed.filter(|_| !won)),
            ..Default::default()
        };
        insert::one(db, row).await?;
    }
    Ok(())
}
