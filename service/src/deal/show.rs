//! One registration: as its partner sees it, and as a reviewer does.

use chrono::{DateTime, NaiveDate, Utc};
use domain::deal::{Conflict, DealStatus as D, Protection, SalesStage};
use entity::deal::{Column, Entity, Model};
use entity::{account, commission, customer, partner, tier};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{
    Check, DealRow, Extension, Fields, File, Guarded, Meeting, Moment, Waiting, check, close,
    conflict, draft, extension, file, line_names, list, own, policy, protect, protection_policy,
    reward, status, submitted, waiting,
};
use crate::account as accounts;
use crate::application::{Question, Said, questions, said};
use crate::billing;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::{event, program};

/// One thing that happened, with what was protected then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: DateTime<Utc>,
    /// Who, by name; empty for the portal itself.
    pub who: String,
    /// What, as a machine's word.
    pub action: String,
    /// What, as a sentence.
    pub summary: String,
    /// What was protected at that moment.
    pub protection: Option<Moment>,
    /// Whether partners never see it.
    pub internal: bool,
}

/// A registration as its partner sees it: nothing in it speaks of another partner.
#[derive(Clone, Debug)]
pub struct Shown {
    /// `deal.id`.
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// The partner's name.
    pub partner: String,
    /// Who registered it.
    pub registrant: String,
    /// Where it stands.
    pub status: D,
    /// The partner's sales stage.
    pub stage: SalesStage,
    /// What is in the form.
    pub fields: Fields,
    /// The program's own questions.
    pub questions: Vec<Question>,
    /// The product lines' names.
    pub lines: Vec<String>,
    /// First year, minor units.
    pub value: Option<i64>,
    /// The same as the vendor confirmed it once it was won.
    pub confirmed_value: Option<i64>,
    /// ISO 4217.
    pub currency: String,
    /// The meeting that counts as qualified.
    pub meeting: Option<Meeting>,
    /// When the partner expects it to close.
    pub expected_close: Option<NaiveDate>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it was sent.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When an answer is due, while one is.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it stands as it does, in words for the partner.
    pub reason: Option<String>,
    /// Until when it is protected, while it is.
    pub protected_until: Option<DateTime<Utc>>,
    /// What it protects and protected.
    pub guarded: Vec<Guarded>,
    /// Extensions granted.
    pub extensions_used: i64,
    /// Extensions the policy allows.
    pub extensions_allowed: i64,
    /// Days one extension adds.
    pub extension_days: i64,
    /// Requests for more time, newest first.
    pub extensions: Vec<Extension>,
    /// What was found about the company, in sentences for the partner.
    pub findings: Vec<&'static str>,
    /// The place on the waiting list.
    pub waiting: Option<Waiting>,
    /// What a checkout passes along as `client_reference_id` so that its customer is known as this
    /// deal's, while the company is protected.
    pub reference: Option<String>,
    /// Whether money of the company has arrived since it is protected by this registration.
    pub has_paid: bool,
    /// Files.
    pub files: Vec<File>,
    /// Comments, oldest first; with internal notes for staff.
    pub said: Vec<Said>,
    /// What happened, newest first.
    pub timeline: Vec<Happened>,
}

/// One of the actor's organisation's own registrations.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for somebody else's.
pub async fn show(ctx: &Context, id: i64) -> Result<Shown> {
    let deal = own(ctx, ctx.reader(), id).await?;
    shown(ctx, &deal, false).await
}

async fn shown(ctx: &Context, deal: &Model, staff: bool) -> Result<Shown> {
    let db = ctx.reader();
    let state = status(deal)?;
    let program = program::by_id(db, deal.program_id).await?;
    let policy = policy(ctx, db, deal).await?;
    let lines = draft::lines_of(db, deal.id).await?;
    let names = line_names(db, lines.iter().copied()).await?;
    let people = crate::partner::names(db, [deal.person_id]).await?;
    let partners = super::partner_names(db, [deal.partner_id]).await?;
    let found: Vec<Conflict> = serde_json::from_value(deal.conflicts.clone())?;
    let timeline = event::timeline(db, "deal", deal.id, staff).await?;
    Ok(Shown {
        id: deal.id,
        partner_id: deal.partner_id,
        partner: partners.into_values().next().unwrap_or_default(),
        registrant: people.into_values().next().unwrap_or_default(),
        status: state,
        stage: deal.stage.parse().map_err(Error::internal)?,
        fields: Fields::of(deal, &lines),
        questions: questions(&program.deal_questions)?,
        lines: lines.iter().filter_map(|l| names.get(l).cloned()).collect(),
        value: deal.value,
        confirmed_value: deal.confirmed_value,
        meeting: reward::meeting(db, deal.id).await?,
        currency: deal.currency.clone(),
        expected_close: deal.expected_close,
        created_at: deal.created_at,
        submitted_at: deal.submitted_at,
        due_at: deal.review_due_at.filter(|_| state.awaits_review()),
        decided_at: deal.decided_at,
        reason: deal.decision_reason.clone(),
        protected_until: deal.protected_until.filter(|_| state == D::Approved),
        guarded: protect::guarded_deal(db, deal.id).await?,
        extensions_used: deal.extensions_used,
        extensions_allowed: policy.extensions_allowed,
        extension_days: policy.extension_days,
        extensions: extension::of(db, deal.id).await?,
        findings: found.iter().map(Conflict::sentence_for_partner).collect(),
        waiting: waiting::place(db, deal).await?,
        reference: match state.is_protected() {
            true => Some(billing::reference_of_deal(ctx, deal.id).await?),
            false => None,
        },
        has_paid: state == D::Approved && close::has_paid(db, deal).await?,
        files: file::of(db, deal.id).await?,
        said: said(db, "deal", deal.id, staff).await?,
        timeline: timeline
            .into_iter()
            .map(|line| Happened {
                at: line.at,
                who: line.actor.unwrap_or_default(),
                protection: Moment::of(&line.detail),
                action: line.action,
                summary: line.summary,
                internal: line.internal,
            })
            .collect(),
    })
}

async fn customers(
    db: &impl ConnectionTrait,
    account_id: Option<i64>,
) -> Result<Vec<customer::Model>> {
    let Some(account_id) = account_id else {
        return Ok(Vec::new());
    };
    Ok(customer::Entity::find()
        .filter(customer::Column::AccountId.eq(account_id))
        .order_by_asc(customer::Column::Id)
        .all(db)
        .await?)
}

/// A registration with everything a reviewer needs to decide.
#[derive(Clone, Debug)]
pub struct Review {
    /// As the partner sees it, with internal notes.
    pub shown: Shown,
    /// The account.
    pub account: account::Model,
    /// Its registrable domains.
    pub domains: Vec<String>,
    /// What stands in the way now, the weightiest first.
    pub conflicts: Vec<Conflict>,
    /// What Stripe said about the company; none for those that were sent before it was asked.
    pub check: Option<Check>,
    /// Other registrations for the account, newest first.
    pub others: Vec<DealRow>,
    /// What is and was kept of the account, newest first.
    pub guarded: Vec<Guarded>,
    /// Accounts whose name is alike: id and name.
    pub similar: Vec<(i64, String)>,
    /// The account's customers at Stripe.
    pub customers: Vec<customer::Model>,
    /// Who waits for the account, the first one first: `deal.id` and partner.
    pub waiting: Vec<(i64, String)>,
    /// The partner's row.
    pub partner: partner::Model,
    /// The partner's tier.
    pub tier: String,
    /// Who reviews it.
    pub reviewer: Option<String>,
    /// The version of the policy it is judged by.
    pub policy_version: i64,
    /// The last day of the protection that the policy gives from now, in the program's zone.
    pub proposed_until: NaiveDate,
    /// Whether the actor may change anything.
    pub may_decide: bool,
    /// The registration it is a duplicate of.
    pub duplicate_of: Option<i64>,
    /// Late, and reported.
    pub escalated_at: Option<DateTime<Utc>>,
    /// What it earned by itself, with the partners' names.
    pub rewards: Vec<(commission::Model, String)>,
    /// Today in the program's zone: a meeting is not later.
    pub today: NaiveDate,
}

/// One registration as staff see it.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor, and for drafts.
pub async fn review(ctx: &Context, id: i64) -> Result<Review> {
    use domain::partner::StaffRole;
    ctx.any_staff()?;
    let db = ctx.reader();
    let deal = submitted(db, id).await?;
    let shown = shown(ctx, &deal, true).await?;
    let account_id = deal
        .account_id
        .ok_or_else(|| Error::internal("a sent deal, no account"))?;
    let account = account::Entity::find_by_id(account_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let partner = partner::Entity::find_by_id(deal.partner_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let tier = tier::Entity::find_by_id(partner.tier_id).one(db).await?;
    let reviewer = crate::partner::names(db, deal.reviewer_id).await?;
    let policy = policy(ctx, db, &deal).await?;
    let zone = program::zone(&program::by_id(db, deal.program_id).await?);
    let proposed = Protection::start(&protection_policy(&policy), ctx.now(), None, zone)
        .map_err(Error::Internal)?;
    let others = Entity::find()
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::Id.ne(id))
        .filter(Column::SubmittedAt.is_not_null())
        .order_by_desc(Column::SubmittedAt)
        .all(db)
        .await?;
    // What is decided is not judged again.
    let conflicts = match shown.status {
        D::Submitted | D::InReview | D::InformationRequested => {
            conflict::of_deal(db, &deal, ctx.now()).await?
        }
        _ => serde_json::from_value(deal.conflicts.clone())?,
    };
    Ok(Review {
        domains: accounts::domains(db, account_id).await?,
        conflicts,
        check: check::of(db, id).await?,
        others: list::rows_of(ctx, others, true).await?,
        guarded: protect::guarded_account(db, account_id).await?,
        similar: accounts::similar(db, account_id, &deal.customer_name).await?,
        customers: customers(db, Some(account_id)).await?,
        waiting: waiting::in_line(db, account_id).await?,
        tier: tier.map(|t| t.name).unwrap_or_default(),
        partner,
        reviewer: reviewer.into_values().next(),
        policy_version: policy.version,
        proposed_until: domain::calendar::local_date(
            proposed.expires_at - chrono::TimeDelta::seconds(1),
            zone,
        ),
        may_decide: ctx.staff(StaffRole::Manager).is_ok(),
        duplicate_of: deal.duplicate_of_id,
        escalated_at: deal.escalated_at,
        rewards: reward::rewards(db, id).await?,
        today: domain::calendar::local_date(ctx.now(), zone),
        shown,
        account,
    })
}
