//! A program's policy: its periods and limits, in versions that count from a day on.

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};
use domain::partner::StaffRole;
use domain::validate;
use entity::{policy_version, program};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use super::{by_id, limit};
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;
use crate::plan::begins;

/// A setting that is a whole number.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The field.
    pub key: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What is counted: `days`.
    pub unit: &'static str,
    /// What it means, in a sentence.
    pub hint: &'static str,
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
    get: fn(&policy_version::Model) -> i64,
    set: fn(&mut policy_version::Model, i64),
}

impl Setting {
    /// The value in a version.
    pub fn of(&self, version: &policy_version::Model) -> i64 {
        (self.get)(version)
    }
}

macro_rules! setting {
    ($key:ident, $label:literal, $unit:literal, $min:literal..=$max:expr, $hint:literal) => {
        Setting {
            key: stringify!($key),
            label: $label,
            unit: $unit,
            hint: $hint,
            min: $min,
            max: $max,
            get: |version| version.$key,
            set: |version, value| version.$key = value,
        }
    };
}

/// The longest time within which leaving is early, in days: customers who pay by the year are told
/// after it.
pub(crate) const MOST_CHURN_DAYS: i64 = 366;

/// The settings that are whole numbers, in the order of the form.
#[rustfmt::skip]
pub const SETTINGS: [Setting; 13] = [
    setting!(attribution_days, "Attribution window", "days", 1..=3_650, "How long after a click or a lead the partner is still credited."),
    setting!(protection_days, "Deal protection", "days", 1..=3_650, "How long an approved registration keeps the customer for its partner."),
    setting!(extension_days, "Extension", "days", 1..=3_650, "How much longer a granted extension protects."),
    setting!(extensions_allowed, "Extensions per deal", "times", 0..=20, "How often one registration can be extended."),
    setting!(hold_days, "Hold", "days", 0..=365, "How long commission waits after the payment before it is payable."),
    setting!(clawback_days, "Clawback window", "days", 0..=3_650, "How long after the payment a refund takes commission back."),
    setting!(churn_days, "Early leaving", "days", 0..=MOST_CHURN_DAYS, "A subscription that ends within so many days of its start takes all commission on it along. 0: what was paid stays earned."),
    setting!(payout_day, "Payout day", "of the month", 1..=28, "The day on which payouts are due each month."),
    setting!(account_wait_days, "Wait for a new payout account", "days", 0..=60, "How long after a partner connected or replaced its account the first payout to it waits. 0: not at all."),
    setting!(deal_review_hours, "Answer to a deal", "business hours", 1..=2_000, "Counted down in front of the partner and the manager."),
    setting!(application_review_hours, "Answer to an application", "business hours", 1..=2_000, "Counted down in front of the applicant and the manager."),
    setting!(reapply_after_days, "Wait before applying again", "days", 0..=3_650, "After an application was rejected."),
    setting!(tier_grace_days, "Grace before a tier is lost", "days", 0..=3_650, "Between the notice and the step down; meeting the requirements again takes the notice back."),
];

/// The holds that are offered, in days.
pub const HOLDS: [i64; 6] = [0, 7, 14, 30, 60, 90];

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFields(Vec<(String, String)>);

impl PolicyFields {
    /// From the pairs of a form.
    pub fn from_pairs(pairs: &[(String, String)]) -> Self {
        Self(pairs.to_vec())
    }

    fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }
}

/// One value of a version, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// So many of something.
    Number(i64, &'static str),
    /// Minor units of the program's currency.
    Money(i64),
    /// Words.
    Text(String),
}

/// Everything a version says: name and value.
pub fn values(
    version: &policy_version::Model,
    tier: impl Fn(i64) -> String,
) -> Vec<(&'static str, Value)> {
    let mut values: Vec<(&'static str, Value)> = SETTINGS
        .iter()
        .map(|s| (s.label, Value::Number(s.of(version), s.unit)))
        .collect();
    values.push(("Payout minimum", Value::Money(version.payout_minimum)));
    values.push((
        "Payout minimum in other currencies",
        Value::Text(limit::minimums_in_words(&version.payout_minimums)),
    ));
    values.push((
        "Second approval above",
        Value::Money(version.second_approval_above),
    ));
    values.push((
        "Second approval in other currencies",
        Value::Text(limit::seconds_in_words(&version.second_approvals)),
    ));
    let automatic = match version.auto_approve_below {
        Some(minor) => Value::Money(minor),
        None => Value::Text("Never: a person always looks".to_owned()),
    };
    values.push(("Deals approved at once below", automatic));
    let from = version
        .auto_approve_min_tier
        .map_or("Any tier".to_owned(), tier);
    values.push(("Approved at once from tier", Value::Text(from)));
    let codes = countries(version);
    let countries = if codes.is_empty() {
        "Everywhere".to_owned()
    } else {
        codes.join(", ")
    };
    values.push(("Partners may come from", Value::Text(countries)));
    values
}

/// The allowed countries of a version; none allows all.
pub fn countries(version: &policy_version::Model) -> Vec<String> {
    serde_json::from_value(version.countries.clone()).unwrap_or_default()
}

/// A program's policies, newest first, for admins and auditors.
///
/// # Errors
/// [`Error::NotFound`] for a missing program and for people outside the vendor,
/// [`Error::Forbidden`] for other staff.
pub async fn policies(ctx: &Context, program_id: i64) -> Result<Vec<policy_version::Model>> {
    ctx.admin_reads()?;
    by_id(ctx.reader(), program_id).await?;
    all(ctx.reader(), program_id).await
}

async fn all(db: &impl ConnectionTrait, program_id: i64) -> Result<Vec<policy_version::Model>> {
    Ok(policy_version::Entity::find()
        .filter(policy_version::Column::ProgramId.eq(program_id))
        .order_by_desc(policy_version::Column::Version)
        .all(db)
        .await?)
}

/// Makes a new version of a program's policy that counts from a day on. `seen` is the newest
/// version when the form was opened.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Conflict`] when there is a newer version than `seen`;
/// [`Error::Forbidden`] for all but admins.
pub async fn new_policy(
    ctx: &Context,
    program_id: i64,
    seen: i64,
    fields: &PolicyFields,
) -> Result<DateTime<Utc>> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let program = by_id(&*tx, program_id).await?;
    let tiers = super::tiers(&*tx, program_id).await?;
    let versions = all(&*tx, program_id).await?;
    let last = versions
        .first()
        .ok_or_else(|| Error::internal(format!("program {program_id} has no policy")))?;
    if last.version != seen {
        return Err(super::overtaken());
    }
    let ranks: Vec<i64> = tiers.iter().map(|t| t.rank).collect();
    let mut next = read(fields, &program, last, &ranks)?;
    let from = super::later(
        begins(
            fields.text("effective_date"),
            super::zone(&program),
            ctx.now(),
        ),
        last.version,
        last.effective_from,
        super::zone(&program),
    )?;
    next.effective_from = from;
    next.version = last.version + 1;
    let changed = changed(last, &next);
    if changed.is_empty() {
        return Err(Error::field("", "Nothing differs from the version before."));
    }
    use sea_orm::{ActiveModelTrait, IntoActiveModel};
    let mut row = next.clone().into_active_model().reset_all();
    row.id = sea_orm::ActiveValue::NotSet;
    row.created_at = Set(ctx.now());
    policy_version::Entity::insert(row)
        .exec_without_returning(&*tx)
        .await?;
    let day = domain::calendar::local_date(from, super::zone(&program));
    let summary = format!(
        "Policy version {} made; it counts from {}. Changed: {}.",
        next.version,
        day.format("%-d %B %Y"),
        changed.join(", ")
    );
    Entry::new("program.policy", "program", program_id, summary)
        .internal()
        .detail(serde_json::json!({ "before": detail(last)?, "after": detail(&next)? }))
        .record(ctx, &*tx)
        .await?;
    limit::told(ctx, &*tx, &program, &next, &changed).await?;
    tx.commit().await?;
    Ok(from)
}

/// Takes the newest version of a program's policy back that has not begun.
///
/// # Errors
/// [`Error::Conflict`] once it counts or is not the newest.
pub async fn withdraw_policy(ctx: &Context, program_id: i64, version: i64) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    by_id(&*tx, program_id).await?;
    let newest = all(&*tx, program_id).await?.into_iter().next();
    let gone = policy_version::Entity::delete_many()
        .filter(policy_version::Column::ProgramId.eq(program_id))
        .filter(policy_version::Column::Version.eq(version))
        .filter(policy_version::Column::EffectiveFrom.gt(ctx.now()))
        .exec(&*tx)
        .await?;
    if gone.rows_affected != 1 || newest.is_none_or(|n| n.version != version) {
        return Err(Error::conflict(
            "Only the newest version can be withdrawn, and only before it begins.",
        ));
    }
    let summary = format!("Policy version {version} withdrawn before it began.");
    Entry::new("program.policy_withdrawn", "program", program_id, summary)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

fn read(
    fields: &PolicyFields,
    program: &program::Model,
    last: &policy_version::Model,
    ranks: &[i64],
) -> Result<policy_version::Model> {
    let mut errors = FieldErrors::new();
    let mut next = last.clone();
    for setting in &SETTINGS {
        let number = validate::whole_number(fields.text(setting.key), setting.min, setting.max);
        if let Some(number) = errors.check(setting.key, number) {
            (setting.set)(&mut next, number);
        }
    }
    if !HOLDS.contains(&next.hold_days) {
        errors.add("hold_days", "Choose 0, 7, 14, 30, 60 or 90 days.");
    }
    let currency: Currency = program.currency.parse().map_err(Error::internal)?;
    let mut money = |field: &str| positive(&mut errors, field, fields.text(field), currency);
    next.payout_minimum = money("payout_minimum").unwrap_or_default();
    next.second_approval_above = money("second_approval_above").unwrap_or_default();
    let mut others = |field: &str| errors.check(field, limit::read(fields.text(field), currency));
    if let Some(amounts) = others("payout_minimums") {
        next.payout_minimums = amounts;
    }
    if let Some(amounts) = others("second_approvals") {
        next.second_approvals = amounts;
    }
    let mut money = |field: &str| positive(&mut errors, field, fields.text(field), currency);
    next.auto_approve_below = match fields.text("auto_approve_below") {
        "" => None,
        _ => money("auto_approve_below"),
    };
    if next.auto_approve_below == Some(0) {
        errors.add(
            "auto_approve_below",
            "Leave it empty if a person always looks.",
        );
    }
    next.auto_approve_min_tier = match fields.text("auto_approve_min_tier") {
        "" => None,
        text => {
            let rank = text.parse().ok().filter(|rank| ranks.contains(rank));
            if rank.is_none() {
                errors.add("auto_approve_min_tier", "Choose one of the tiers.");
            }
            rank
        }
    };
    let mut codes = Vec::new();
    for code in fields.text("countries").split([',', ';', ' ', '\n']) {
        if code.trim().is_empty() {
            continue;
        }
        match validate::country(code) {
            Ok(code) if codes.contains(&code) => {}
            Ok(code) => codes.push(code),
            Err(_) => errors.add(
                "countries",
                format!(
                    "“{}” is not a country code; use two letters such as DE.",
                    code.trim()
                ),
            ),
        }
    }
    next.countries = serde_json::to_value(codes)?;
    errors.finish()?;
    Ok(next)
}

/// An amount that is not negative.
fn positive(errors: &mut FieldErrors, field: &str, typed: &str, currency: Currency) -> Option<i64> {
    let read = Money::parse(typed, currency).map_err(|e| e.to_string());
    let read = read.and_then(|m| match m.minor {
        minor if minor < 0 => Err("This cannot be negative.".to_owned()),
        minor => Ok(minor),
    });
    errors.check(field, read)
}

/// The names of what differs.
fn changed(last: &policy_version::Model, next: &policy_version::Model) -> Vec<&'static str> {
    let rank = |rank: i64| rank.to_string();
    let (before, after) = (values(last, rank), values(next, rank));
    before
        .into_iter()
        .zip(after)
        .filter(|(before, after)| before != after)
        .map(|((label, _), _)| label)
        .collect()
}

fn detail(version: &policy_version::Model) -> Result<serde_json::Value> {
    let mut detail = serde_json::Map::new();
    for setting in &SETTINGS {
        detail.insert(setting.key.to_owned(), setting.of(version).into());
    }
    detail.insert("payout_minimum".to_owned(), version.payout_minimum.into());
    detail.insert(
        "second_approval_above".to_owned(),
        version.second_approval_above.into(),
    );
    detail.insert(
        "payout_minimums".to_owned(),
        version.payout_minimums.clone(),
    );
    detail.insert(
        "second_approvals".to_owned(),
        version.second_approvals.clone(),
    );
    detail.insert(
        "auto_approve_below".to_owned(),
        serde_json::to_value(version.auto_approve_below)?,
    );
    detail.insert(
        "auto_approve_min_tier".to_owned(),
        serde_json::to_value(version.auto_approve_min_tier)?,
    );
    detail.insert("countries".to_owned(), version.countries.clone());
    Ok(serde_json::Value::Object(detail))
}
