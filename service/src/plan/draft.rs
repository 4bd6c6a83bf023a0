//! Writing a draft.

use domain::partner::StaffRole;
use domain::plan::{PlanRules, PlanStatus};
use entity::{plan, plan_version, program};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::fields::{RuleFields, fresh_id};
use super::{Offer, by_id, rules_of, start, version_by_id, versions};
use crate::context::Context;
use crate::db::Tx;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;

/// Begins a plan with a draft: empty, or one of [`super::READY_MADE`]. Gives the draft's id.
///
/// # Errors
/// [`Error::Invalid`] at `name` and `start`; [`Error::Forbidden`] for all but admins.
pub async fn create(ctx: &Context, program_id: i64, name: &str, start: &str) -> Result<i64> {
    let person = ctx.staff(StaffRole::Admin)?;
    let mut errors = FieldErrors::new();
    let name = errors.check("name", domain::validate::required(name, "a name", 80));
    let tx = ctx.begin().await?;
    let program = crate::program::by_id(&*tx, program_id).await?;
    let offer = offer(&tx, &program).await?;
    let rules = match start::rules(start, &program, &offer) {
        Ok(rules) => Some(rules),
        Err(Error::Invalid(wrong)) => {
            for (field, sentence) in wrong.0 {
                errors.add(&field, sentence);
            }
            None
        }
        Err(other) => return Err(other),
    };
    if let Some(name) = &name
        && named(&tx, program.id, name).await?.is_some()
    {
        errors.add("name", "There is a plan with this name. Choose another.");
    }
    errors.finish()?;
    let (Some(name), Some(rules)) = (name, rules) else {
        return Err(Error::internal("checked values are missing"));
    };
    let plan = plan::Entity::insert(plan::ActiveModel {
        program_id: Set(program.id),
        name: Set(name),
        is_default: Set(false),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(&*tx)
    .await?;
    let draft = insert(ctx, &tx, plan.id, 1, &rules, person).await?;
    let summary = format!("Plan “{}” begun.", plan.name);
    record(ctx, &tx, "plan.created", &plan, summary).await?;
    tx.commit().await?;
    Ok(draft)
}

/// Gives a plan another name.
///
/// # Errors
/// [`Error::Invalid`] at `name`; [`Error::NotFound`] for a missing plan.
pub async fn rename(ctx: &Context, plan_id: i64, name: &str) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let mut errors = FieldErrors::new();
    let name = errors.check("name", domain::validate::required(name, "a name", 80));
    errors.finish()?;
    let name = name.unwrap_or_default();
    let tx = ctx.begin().await?;
    let plan = by_id(&*tx, plan_id).await?;
    match named(&tx, plan.program_id, &name).await? {
        Some(other) if other.id != plan.id => {
            return Err(Error::field(
                "name",
                "There is a plan with this name. Choose another.",
            ));
        }
        _ => {}
    }
    plan::Entity::update_many()
        .col_expr(plan::Column::Name, Expr::value(name.clone()))
        .filter(plan::Column::Id.eq(plan_id))
        .exec(&*tx)
        .await?;
    let summary = format!("Plan “{}” is now called “{name}”.", plan.name);
    record(ctx, &tx, "plan.renamed", &plan, summary).await?;
    tx.commit().await?;
    Ok(())
}

/// Opens a plan's draft, as a copy of its newest published version where none is being written.
///
/// # Errors
/// [`Error::NotFound`] for a missing plan; [`Error::Conflict`] for one that is retired.
pub async fn open_draft(ctx: &Context, plan_id: i64) -> Result<i64> {
    let person = ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let plan = by_id(&*tx, plan_id).await?;
    let all = versions(&*tx, plan_id).await?;
    let with = |status: PlanStatus| all.iter().find(|v| v.status == status.as_str());
    if let Some(draft) = with(PlanStatus::Draft) {
        return Ok(draft.id);
    }
    if plan.retired_at.is_some() {
        return Err(Error::conflict(
            "This plan is retired. Offer it again before you change it.",
        ));
    }
    let rules = match with(PlanStatus::Published).or(all.first()) {
        Some(version) => rules_of(version)?,
        None => PlanRules::new(Vec::new()),
    };
    let next = all.first().map_or(1, |v| v.version + 1);
    let draft = insert(ctx, &tx, plan_id, next, &rules, person).await?;
    let summary = format!("Draft of version {next} begun.");
    record(ctx, &tx, "plan.draft_begun", &plan, summary).await?;
    tx.commit().await?;
    Ok(draft)
}

/// Throws a draft away. A plan that has nothing else goes with it.
///
/// # Errors
/// [`Error::Conflict`] when it is no draft any more, or was changed meanwhile.
pub async fn discard(ctx: &Context, version_id: i64, revision: i64) -> Result<Option<i64>> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let (draft, plan) = writable(&tx, version_id, revision).await?;
    let gone = plan_version::Entity::delete_many()
        .filter(plan_version::Column::Id.eq(draft.id))
        .filter(plan_version::Column::Status.eq(PlanStatus::Draft.as_str()))
        .filter(plan_version::Column::Revision.eq(revision))
        .exec(&*tx)
        .await?;
    if gone.rows_affected != 1 {
        return Err(overtaken());
    }
    let summary = format!("Draft of version {} discarded.", draft.version);
    record(ctx, &tx, "plan.draft_discarded", &plan, summary).await?;
    let only = versions(&*tx, plan.id).await?.is_empty() && !plan.is_default;
    let used = entity::partner::Entity::find()
        .filter(entity::partner::Column::PlanId.eq(plan.id))
        .one(&*tx)
        .await?;
    let empty = only && used.is_none();
    if empty {
        plan::Entity::delete_by_id(plan.id).exec(&*tx).await?;
    }
    tx.commit().await?;
    Ok((!empty).then_some(plan.id))
}

/// Replaces a draft's rules by one of [`super::READY_MADE`].
///
/// # Errors
/// [`Error::Invalid`] at `start`, [`Error::Conflict`] as for [`discard`].
pub async fn start_again(ctx: &Context, version_id: i64, revision: i64, key: &str) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    if key.is_empty() {
        return Err(Error::field("start", "Choose one of the plans."));
    }
    let tx = ctx.begin().await?;
    let (draft, plan) = writable(&tx, version_id, revision).await?;
    let program = crate::program::by_id(&*tx, plan.program_id).await?;
    let rules = ready_made(&tx, &program, key).await?;
    let summary = format!(
        "Draft of version {} started again from “{key}”.",
        draft.version
    );
    store(ctx, tx, &draft, &plan, &rules, summary).await
}

/// Adds a rule at the end of a draft.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] as for [`discard`].
pub async fn add_rule(
    ctx: &Context,
    version_id: i64,
    revision: i64,
    fields: &RuleFields,
) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let (draft, plan) = writable(&tx, version_id, revision).await?;
    let program = crate::program::by_id(&*tx, plan.program_id).await?;
    let known = offer(&tx, &program).await?.known();
    let mut rules = rules_of(&draft)?;
    let rule = fields.read(&fresh_id(fields.text("name"), &rules), &known)?;
    let summary = format!("Rule “{}” added to the draft.", rule.name);
    rules.rules.push(rule);
    store(ctx, tx, &draft, &plan, &rules, summary).await
}

/// Changes a rule of a draft; its key stays, so that caps go on counting.
///
/// # Errors
/// [`Error::NotFound`] for a missing rule, else as for [`add_rule`].
pub async fn change_rule(
    ctx: &Context,
    version_id: i64,
    revision: i64,
    rule_id: &str,
    fields: &RuleFields,
) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let (draft, plan) = writable(&tx, version_id, revision).await?;
    let program = crate::program::by_id(&*tx, plan.program_id).await?;
    let known = offer(&tx, &program).await?.known();
    let mut rules = rules_of(&draft)?;
    let place = place(&rules, rule_id)?;
    let rule = fields.read(rule_id, &known)?;
    let summary = format!("Rule “{}” of the draft changed.", rule.name);
    rules.rules[place] = rule;
    store(ctx, tx, &draft, &plan, &rules, summary).await
}

/// Takes a rule out of a draft.
///
/// # Errors
/// [`Error::NotFound`] for a missing rule, [`Error::Conflict`] as for [`discard`].
pub async fn remove_rule(
    ctx: &Context,
    version_id: i64,
    revision: i64,
    rule_id: &str,
) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let (draft, plan) = writable(&tx, version_id, revision).await?;
    let mut rules = rules_of(&draft)?;
    let place = place(&rules, rule_id)?;
    let gone = rules.rules.remove(place);
    let summary = format!("Rule “{}” removed from the draft.", gone.name);
    store(ctx, tx, &draft, &plan, &rules, summary).await
}

/// Moves a rule of a draft one place up or down; at the end of the list nothing happens.
///
/// # Errors
/// As for [`remove_rule`].
pub async fn move_rule(
    ctx: &Context,
    version_id: i64,
    revision: i64,
    rule_id: &str,
    up: bool,
) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let (draft, plan) = writable(&tx, version_id, revision).await?;
    let mut rules = rules_of(&draft)?;
    let place = place(&rules, rule_id)?;
    let other = if up {
        place.checked_sub(1)
    } else {
        Some(place + 1).filter(|p| *p < rules.rules.len())
    };
    let Some(other) = other else { return Ok(()) };
    rules.rules.swap(place, other);
    let way = if up { "up" } else { "down" };
    let summary = format!("Rule “{}” moved {way}.", rules.rules[other].name);
    store(ctx, tx, &draft, &plan, &rules, summary).await
}

fn place(rules: &PlanRules, rule_id: &str) -> Result<usize> {
    let found = rules.rules.iter().position(|rule| rule.id == rule_id);
    found.ok_or(Error::NotFound)
}

async fn insert(
    ctx: &Context,
    tx: &Tx,
    plan_id: i64,
    version: i64,
    rules: &PlanRules,
    person: i64,
) -> Result<i64> {
    let row = plan_version::Entity::insert(plan_version::ActiveModel {
        plan_id: Set(plan_id),
        version: Set(version),
        status: Set(PlanStatus::Draft.as_str().to_owned()),
        // A draft counts for nothing; publishing sets the day.
        effective_from: Set(ctx.now()),
        rules: Set(serde_json::to_value(rules)?),
        revision: Set(0),
        created_by: Set(Some(person)),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(&**tx)
    .await?;
    Ok(row.id)
}

/// A draft that may be changed, as it was when the person looked at it.
pub(super) async fn writable(
    tx: &Tx,
    version_id: i64,
    revision: i64,
) -> Result<(plan_version::Model, plan::Model)> {
    let draft = version_by_id(&**tx, version_id).await?;
    let plan = by_id(&**tx, draft.plan_id).await?;
    if draft.status != PlanStatus::Draft.as_str() {
        return Err(Error::conflict(
            "This version is no draft any more. Open the plan’s draft and change that.",
        ));
    }
    if draft.revision != revision {
        return Err(overtaken());
    }
    Ok((draft, plan))
}

/// Somebody else was faster.
pub(super) fn overtaken() -> Error {
    Error::conflict(
        "Somebody else has changed this draft meanwhile. Look at it as it is now, and do yours again.",
    )
}

/// Writes a draft's rules over the revision that was read, and ends the transaction.
async fn store(
    ctx: &Context,
    tx: Tx,
    draft: &plan_version::Model,
    plan: &plan::Model,
    rules: &PlanRules,
    summary: String,
) -> Result<()> {
    let changed = plan_version::Entity::update_many()
        .col_expr(
            plan_version::Column::Rules,
            Expr::value(serde_json::to_value(rules)?),
        )
        .col_expr(
            plan_version::Column::Revision,
            Expr::value(draft.revision + 1),
        )
        .filter(plan_version::Column::Id.eq(draft.id))
        .filter(plan_version::Column::Status.eq(PlanStatus::Draft.as_str()))
        .filter(plan_version::Column::Revision.eq(draft.revision))
        .exec(&*tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(overtaken());
    }
    record(ctx, &tx, "plan.draft_changed", plan, summary).await?;
    tx.commit().await?;
    Ok(())
}

async fn named(tx: &Tx, program_id: i64, name: &str) -> Result<Option<plan::Model>> {
    Ok(plan::Entity::find()
        .filter(plan::Column::ProgramId.eq(program_id))
        .filter(plan::Column::Name.eq(name))
        .one(&**tx)
        .await?)
}

/// The rules of one of [`super::READY_MADE`] for a program.
///
/// # Errors
/// [`Error::Invalid`] at `start`.
pub(crate) async fn ready_made(tx: &Tx, program: &program::Model, key: &str) -> Result<PlanRules> {
    start::rules(key, program, &offer(tx, program).await?)
}

/// What the program has, seen from inside a transaction.
pub(super) async fn offer(tx: &Tx, program: &program::Model) -> Result<Offer> {
    let tiers = crate::program::tiers(&**tx, program.id).await?;
    super::offer(&**tx, program, &tiers).await
}

/// A row of the plan's timeline.
pub(super) async fn record(
    ctx: &Context,
    tx: &Tx,
    action: &'static str,
    plan: &plan::Model,
    summary: String,
) -> Result<()> {
    Entry::new(action, "plan", plan.id, summary)
        .internal()
        .record(ctx, &**tx)
        .await
}
