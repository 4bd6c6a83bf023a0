//! Deal registration: who may call which company theirs, for which product lines and how long.
//!
//! A partner writes a draft and sends it; what can be found out about the company is found out
//! before a person looks; a manager decides. Approval protects the account's product lines for the
//! partner, and the database itself keeps two partners from holding the same one. Nothing a partner
//! reads here names another partner or another partner's deal.

mod approve;
mod check;
mod close;
mod conflict;
mod daily;
mod desk;
mod draft;
mod extension;
mod fields;
mod file;
mod letters;
mod list;
mod protect;
mod review;
mod reward;
mod show;
mod submit;
mod waiting;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::deal::DealStatus;
use domain::partner::StaffRole;
use domain::transition::Who;
use entity::deal::{Column, Entity, Model};
use entity::{member, partner, person};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait,
};
use serde_json::Value;

pub use approve::{Approval, approve};
pub use check::{ASK, Ask, Check, CheckState, ask_stripe};
pub use close::{lost, revoke, set_stage, win, withdraw, won};
pub use daily::daily;
pub(crate) use desk::to_decide;
pub use desk::{Contest, Contested, contest, contests};
pub use draft::{DraftForm, again, discard, form, save, start};
pub use extension::{Extension, grant, refuse, request};
pub use fields::Fields;
pub use file::{Download, File, MAX_BYTES, NewFile, attach, download, remove};
pub use list::{Board, DealList, DealRow, StageSum, board, list, pipeline};
pub use protect::{Guarded, Moment};
pub use review::{ask, comment, duplicate, reject, take};
pub(crate) use reward::reward;
pub use reward::{Meeting, MeetingForm, confirm_value, qualify, unqualify};
pub use show::{Happened, Review, Shown, review, show};
pub use submit::{Sent, answer, register, submit};
pub use waiting::{Waiting, accept, join, leave};

pub(crate) use list::{line_names, partner_names};
pub(crate) use protect::guarded_account;

use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::{self, Letter};
use crate::notice;

/// The registration's status.
fn status(deal: &Model) -> Result<DealStatus> {
    deal.status.parse().map_err(Error::internal)
}

/// The actor's organisation's own registration.
async fn own(ctx: &Context, db: &impl ConnectionTrait, id: i64) -> Result<Model> {
    let (partner_id, ..) = ctx.partner()?;
    Entity::find_by_id(id)
        .filter(Column::PartnerId.eq(partner_id))
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// A registration as staff see it: never a draft, which is the partner's alone.
async fn submitted(db: &impl ConnectionTrait, id: i64) -> Result<Model> {
    Entity::find_by_id(id)
        .filter(Column::SubmittedAt.is_not_null())
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// The registration the actor has a right to: the organisation's own, or any that was sent for
/// those of the staff who may change it.
async fn to_change(ctx: &Context, db: &impl ConnectionTrait, id: i64) -> Result<Model> {
    match ctx.actor {
        Actor::Staff { .. } => {
            ctx.staff(StaffRole::Manager)?;
            submitted(db, id).await
        }
        Actor::System => submitted(db, id).await,
        _ => own(ctx, db, id).await,
    }
}

/// What the actor is in the table of transitions.
fn who(ctx: &Context) -> Who {
    match ctx.actor {
        Actor::Staff { .. } => Who::Staff,
        Actor::System => Who::System,
        _ => Who::Partner,
    }
}

/// The same use case, done by the portal itself.
fn as_system(ctx: &Context) -> Context {
    Context {
        actor: Actor::System,
        ..ctx.clone()
    }
}

/// Takes a step of the state machine, compare-and-set, together with `values`; returns the row as it
/// is then.
async fn step(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    to: DealStatus,
    who: Who,
    values: Vec<(Column, Expr)>,
) -> Result<Model> {
    let from = status(deal)?;
    DealStatus::MACHINE
        .check_by(from, to, who)
        .map_err(|refusal| Error::conflict(refusal.sentence))?;
    let mut update = Entity::update_many()
        .col_expr(Column::Status, Expr::value(to.as_str()))
        .col_expr(Column::UpdatedAt, Expr::value(ctx.now()));
    for (column, value) in values {
        update = update.col_expr(column, value);
    }
    let done = update
        .filter(Column::Id.eq(deal.id))
        .filter(Column::Status.eq(from.as_str()))
        .exec(tx)
        .await?;
    if done.rows_affected != 1 {
        return Err(Error::conflict(
            "Somebody else has just changed this registration. Reload the page to see how it \
             stands.",
        ));
    }
    Entity::find_by_id(deal.id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)
}

/// A line on the timeline that the partner reads, with what the protection is at that moment.
async fn note(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    action: &'static str,
    summary: impl Into<String>,
) -> Result<()> {
    write(ctx, tx, deal, action, summary.into(), false, Value::Null).await
}

/// The same for the vendor's eyes only, with facts a partner never learns.
async fn note_internal(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    action: &'static str,
    summary: impl Into<String>,
    detail: Value,
) -> Result<()> {
    write(ctx, tx, deal, action, summary.into(), true, detail).await
}

async fn write(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    action: &'static str,
    summary: String,
    internal: bool,
    detail: Value,
) -> Result<()> {
    let mut facts = match detail {
        Value::Object(facts) => facts,
        _ => serde_json::Map::new(),
    };
    let moment = protect::moment(tx, deal.id, ctx.now()).await?;
    facts.insert(Moment::KEY.to_owned(), serde_json::to_value(moment)?);
    let entry = Entry::new(action, "deal", deal.id, summary)
        .partner(deal.partner_id)
        .detail(Value::Object(facts));
    let entry = if internal { entry.internal() } else { entry };
    entry.record(ctx, tx).await
}

/// Tells whoever registered the deal: a notice, and a mail where there is one to send. Where that
/// person is not in the organisation any more, its owners are told.
async fn tell(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    text: &str,
    letter: Option<Letter>,
) -> Result<()> {
    let link = format!("/partner/deals/{}", deal.id);
    for person in readers(tx, deal).await? {
        notice::tell(ctx, tx, person, text, link.as_str()).await?;
        if let Some(letter) = &letter {
            mail::send_to(ctx, tx, person, letter.clone()).await?;
        }
    }
    Ok(())
}

/// Who reads on the partner's side what becomes of a registration.
async fn readers(tx: &impl ConnectionTrait, deal: &Model) -> Result<Vec<i64>> {
    let members: Vec<(i64, String)> = member::Entity::find()
        .join(JoinType::InnerJoin, member::Relation::Person.def())
        .select_only()
        .column(member::Column::PersonId)
        .column(member::Column::Role)
        .filter(member::Column::PartnerId.eq(deal.partner_id))
        .filter(member::Column::RemovedAt.is_null())
        .filter(person::Column::DisabledAt.is_null())
        .order_by_asc(member::Column::PersonId)
        .into_tuple()
        .all(tx)
        .await?;
    if members.iter().any(|(id, _)| *id == deal.person_id) {
        return Ok(vec![deal.person_id]);
    }
    let owners = members.into_iter().filter(|(_, role)| role == "owner");
    Ok(owners.map(|(id, _)| id).collect())
}

/// Tells whoever looks after the deal: its reviewer, else the partner's manager. Where there is
/// neither, or not any more, all managers and admins are told, so that it lies before somebody.
async fn tell_staff(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    text: &str,
) -> Result<()> {
    let link = format!("/manager/deals/{}", deal.id);
    let manager = partner::Entity::find_by_id(deal.partner_id)
        .one(tx)
        .await?
        .and_then(|p| p.manager_id);
    for id in [deal.reviewer_id, manager].into_iter().flatten() {
        let found = person::Entity::find_by_id(id).one(tx).await?;
        if found.is_none_or(|p| p.disabled_at.is_some() || p.staff_role.is_none()) {
            continue;
        }
        if ctx.actor.person_id() != Some(id) {
            notice::tell(ctx, tx, id, text, link).await?;
        }
        return Ok(());
    }
    let roles = [StaffRole::Manager, StaffRole::Admin];
    notice::tell_staff(ctx, tx, &roles, Letter::new(text), &link).await
}

/// Refuses what only an organisation that takes part may have.
async fn takes_part(tx: &impl ConnectionTrait, deal: &Model) -> Result<()> {
    let partner = partner::Entity::find_by_id(deal.partner_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    if partner.status == "active" {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "{} does not take part at the moment, so nothing is kept for it. Reject the registration, or \
         let the partner take part again first.",
        partner.name
    )))
}

/// The policy a registration was judged by.
async fn policy(
    ctx: &Context,
    db: &impl ConnectionTrait,
    deal: &Model,
) -> Result<entity::policy_version::Model> {
    if let Some(id) = deal.policy_version_id
        && let Some(policy) = entity::policy_version::Entity::find_by_id(id)
            .one(db)
            .await?
    {
        return Ok(policy);
    }
    crate::program::policy_at(db, deal.program_id, ctx.now()).await
}

/// What the policy says about protection.
fn protection_policy(policy: &entity::policy_version::Model) -> domain::deal::ProtectionPolicy {
    let number = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    domain::deal::ProtectionPolicy {
        days: number(policy.protection_days),
        extension_days: number(policy.extension_days),
        max_extensions: number(policy.extensions_allowed),
        ..domain::deal::ProtectionPolicy::default()
    }
}

/// When a reviewer's answer is due.
fn review_due(ctx: &Context, policy: &entity::policy_version::Model, zone: Tz) -> DateTime<Utc> {
    let hours = u32::try_from(policy.deal_review_hours).unwrap_or(u32::MAX);
    domain::calendar::add_business_hours(ctx.now(), hours, zone)
}

/// The last day of a protection as people in the zone call it, `4 May 2026`.
fn last_day(until: DateTime<Utc>, zone: Tz) -> String {
    let last = until - chrono::TimeDelta::seconds(1);
    domain::calendar::local_date(last, zone)
        .format("%-d %B %Y")
        .to_string()
}

/// What the company is called in sentences.
fn company(deal: &Model) -> &str {
    if deal.customer_name.is_empty() {
        "this company"
    } else {
        &deal.customer_name
    }
}
