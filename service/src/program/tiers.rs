//! A program's tiers: what each is called, asks and gives.
//!
//! Plans and history know a tier by its rank, so a rank is never changed or used twice: a new tier
//! is put on top, and only the top one can go again while nobody has had it.

use std::collections::HashMap;

use domain::money::{Currency, Money};
use domain::partner::StaffRole;
use domain::validate;
use entity::{partner, program, tier, tier_change};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

use super::by_id;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct TierFields {
    /// Its name.
    pub name: String,
    /// Revenue of twelve months.
    pub min_revenue: String,
    /// Active customers.
    pub min_customers: String,
    /// Won deals of twelve months.
    pub min_won_deals: String,
    /// Certified people.
    pub min_certified: String,
    /// What it gives, in words.
    pub benefits: String,
}

impl TierFields {
    /// A stored tier as it would be typed.
    pub fn of(tier: &tier::Model, currency: &str) -> Self {
        let revenue = match currency.parse::<Currency>() {
            Ok(currency) => Money::new(tier.min_revenue, currency).plain(),
            Err(_) => tier.min_revenue.to_string(),
        };
        Self {
            name: tier.name.clone(),
            min_revenue: revenue,
            min_customers: tier.min_customers.to_string(),
            min_won_deals: tier.min_won_deals.to_string(),
            min_certified: tier.min_certified.to_string(),
            benefits: tier.benefits.clone(),
        }
    }

    /// The tier that is meant, between its neighbours.
    fn read(
        &self,
        program: &program::Model,
        rank: i64,
        others: &[tier::Model],
    ) -> Result<tier::Model> {
        let mut errors = FieldErrors::new();
        let name = validate::required(&self.name, "a name", 40);
        let name = errors.check("name", name).unwrap_or_default();
        if others
            .iter()
            .any(|t| t.name.to_lowercase() == name.to_lowercase())
        {
            errors.add("name", "Another tier has this name.");
        }
        let currency: Currency = program.currency.parse().map_err(Error::internal)?;
        let revenue = Money::parse(&self.min_revenue, currency).map_err(|e| e.to_string());
        let revenue = revenue.and_then(|m| match m.minor {
            minor if minor < 0 => Err("This cannot be negative.".to_owned()),
            minor => Ok(minor),
        });
        let min_revenue = errors.check("min_revenue", revenue).unwrap_or_default();
        let mut number = |field: &str, text: &str| {
            let number = validate::whole_number(text, 0, 1_000_000);
            errors.check(field, number).unwrap_or_default()
        };
        let read = tier::Model {
            id: 0,
            program_id: program.id,
            rank,
            min_revenue,
            min_customers: number("min_customers", &self.min_customers),
            min_won_deals: number("min_won_deals", &self.min_won_deals),
            min_certified: number("min_certified", &self.min_certified),
            name,
            benefits: String::new(),
        };
        let benefits = validate::optional(&self.benefits, 500);
        let benefits = errors.check("benefits", benefits).unwrap_or_default();
        let below = others
            .iter()
            .filter(|t| t.rank < rank)
            .max_by_key(|t| t.rank);
        let above = others
            .iter()
            .filter(|t| t.rank > rank)
            .min_by_key(|t| t.rank);
        for (field, get) in MEASURES {
            let asks = get(&read);
            match (below, above) {
                (None, _) if asks > 0 => {
                    errors.add(
                        field,
                        "Everybody begins in the lowest tier, so it asks nothing.",
                    );
                }
                (Some(below), _) if asks < get(below) => {
                    let sentence = format!("Ask at least as much as {} does below it.", below.name);
                    errors.add(field, sentence);
                }
                (_, Some(above)) if asks > get(above) => {
                    let sentence = format!("Ask at most as much as {} does above it.", above.name);
                    errors.add(field, sentence);
                }
                _ => {}
            }
        }
        errors.finish()?;
        Ok(tier::Model { benefits, ..read })
    }
}

/// What a tier asks.
type Measure = (&'static str, fn(&tier::Model) -> i64);
const MEASURES: [Measure; 4] = [
    ("min_revenue", |t| t.min_revenue),
    ("min_customers", |t| t.min_customers),
    ("min_won_deals", |t| t.min_won_deals),
    ("min_certified", |t| t.min_certified),
];

/// A program's tiers under other thresholds, lowest first as `tiers` are; nothing is changed. Tiers
/// that are not named stay as they are.
///
/// # Errors
/// [`Error::Invalid`] at the field with the tier's id behind it, such as `min_revenue_7`.
pub(crate) fn try_tiers(
    program: &program::Model,
    tiers: &[tier::Model],
    typed: &HashMap<i64, TierFields>,
) -> Result<Vec<tier::Model>> {
    let mut errors = FieldErrors::new();
    let mut next: Vec<tier::Model> = Vec::with_capacity(tiers.len());
    for tier in tiers {
        // Those that are not named too: one below may have been raised above them.
        let usual = TierFields::of(tier, &program.currency);
        let fields = match typed.get(&tier.id) {
            Some(fields) => TierFields {
                name: usual.name,
                benefits: usual.benefits,
                ..fields.clone()
            },
            None => usual,
        };
        // Beside the ones below it, which may be typed too.
        match fields.read(program, tier.rank, &next) {
            Ok(read) => next.push(tier::Model {
                id: tier.id,
                ..read
            }),
            Err(Error::Invalid(found)) => {
                for (field, sentence) in found.0 {
                    errors.add(&format!("{field}_{}", tier.id), sentence);
                }
                next.push(tier.clone());
            }
            Err(other) => return Err(other),
        }
    }
    errors.finish()?;
    Ok(next)
}

/// Puts a tier on top of a program's others.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Forbidden`] for all but admins.
pub async fn add_tier(ctx: &Context, program_id: i64, fields: &TierFields) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let program = by_id(&*tx, program_id).await?;
    let others = super::tiers(&*tx, program_id).await?;
    let rank = others.last().map_or(1, |top| top.rank + 1);
    let new = fields.read(&program, rank, &others)?;
    let summary = format!("Tier “{}” added on top.", new.name);
    tier::Entity::insert(tier::ActiveModel {
        program_id: Set(program_id),
        rank: Set(rank),
        name: Set(new.name),
        min_revenue: Set(new.min_revenue),
        min_customers: Set(new.min_customers),
        min_won_deals: Set(new.min_won_deals),
        min_certified: Set(new.min_certified),
        benefits: Set(new.benefits),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await?;
    Entry::new("program.tier_added", "program", program_id, summary)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Changes what a tier is called, asks and gives. Partners are judged by it at their next review.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::NotFound`] for a missing tier; [`Error::Forbidden`] for all
/// but admins.
pub async fn change_tier(
    ctx: &Context,
    program_id: i64,
    tier_id: i64,
    fields: &TierFields,
) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let program = by_id(&*tx, program_id).await?;
    let mut others = super::tiers(&*tx, program_id).await?;
    let place = others.iter().position(|t| t.id == tier_id);
    let old = others.remove(place.ok_or(Error::NotFound)?);
    let new = fields.read(&program, old.rank, &others)?;
    use tier::Column as C;
    tier::Entity::update_many()
        .col_expr(C::Name, Expr::value(new.name.clone()))
        .col_expr(C::MinRevenue, Expr::value(new.min_revenue))
        .col_expr(C::MinCustomers, Expr::value(new.min_customers))
        .col_expr(C::MinWonDeals, Expr::value(new.min_won_deals))
        .col_expr(C::MinCertified, Expr::value(new.min_certified))
        .col_expr(C::Benefits, Expr::value(new.benefits.clone()))
        .filter(C::Id.eq(tier_id))
        .exec(&*tx)
        .await?;
    let facts = |t: &tier::Model| {
        serde_json::json!({
            "name": t.name, "min_revenue": t.min_revenue, "min_customers": t.min_customers,
            "min_won_deals": t.min_won_deals, "min_certified": t.min_certified,
            "benefits": t.benefits,
        })
    };
    let summary = format!("Tier “{}” changed.", new.name);
    Entry::new("program.tier_changed", "program", program_id, summary)
        .internal()
        .detail(serde_json::json!({ "before": facts(&old), "after": facts(&new) }))
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes the top tier away, as long as nobody is or was in it.
///
/// # Errors
/// [`Error::Conflict`] for another tier, the only one, and one that somebody has had.
pub async fn remove_tier(ctx: &Context, program_id: i64, tier_id: i64) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    by_id(&*tx, program_id).await?;
    let all = super::tiers(&*tx, program_id).await?;
    let found = all.iter().find(|t| t.id == tier_id);
    let found = found.ok_or(Error::NotFound)?;
    if all.len() == 1 || all.last().is_none_or(|top| top.id != tier_id) {
        return Err(Error::conflict(
            "Only the top tier can be removed, and one has to stay.",
        ));
    }
    let inside = partner::Entity::find()
        .filter(partner::Column::TierId.eq(tier_id))
        .count(&*tx)
        .await?;
    let was = Condition::any()
        .add(tier_change::Column::FromTierId.eq(tier_id))
        .add(tier_change::Column::ToTierId.eq(tier_id));
    let was = tier_change::Entity::find().filter(was).count(&*tx).await?;
    if inside + was > 0 {
        return Err(Error::conflict(
            "Partners are or were in this tier, so it stays. Give it another name instead.",
        ));
    }
    tier::Entity::delete_by_id(tier_id).exec(&*tx).await?;
    let summary = format!("Tier “{}” removed.", found.name);
    Entry::new("program.tier_removed", "program", program_id, summary)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
