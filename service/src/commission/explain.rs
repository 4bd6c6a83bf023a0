//! One line with everything a person needs to recompute it.

use domain::commission::Calculation;
use entity::{account, commission, invoice, invoice_line, partner, payout, plan, plan_version};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;

use super::list::scope;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::{self, Line};

/// See the module.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The line.
    pub line: commission::Model,
    /// How the amount came about; none for reversals and what was booked by hand.
    pub calculation: Option<Calculation>,
    /// The partner's name.
    pub partner: String,
    /// The customer.
    pub customer: Option<String>,
    /// The invoice it comes from.
    pub invoice: Option<invoice::Model>,
    /// The invoice's line.
    pub invoice_line: Option<invoice_line::Model>,
    /// The plan's name and the version's number.
    pub plan: Option<(String, i64)>,
    /// The payout it is in.
    pub payout: Option<payout::Model>,
    /// For a reversal: the line it takes back from.
    pub original: Option<commission::Model>,
    /// What was taken back of it.
    pub reversals: Vec<commission::Model>,
    /// What happened to it, newest first.
    pub timeline: Vec<Line>,
}

impl Explained {
    /// The same for programs: everything that is needed to recompute the amount. Amounts are minor
    /// units of `currency`, rates basis points; `unrounded` is an exact fraction of minor units.
    pub fn answer(&self) -> serde_json::Value {
        let line = &self.line;
        let part = |c: &commission::Model| {
            json!({
                "id": c.id, "kind": c.kind, "amount": c.amount, "state": c.state,
                "earned_at": c.earned_at, "why": c.explain,
            })
        };
        json!({
            "id": line.id,
            "reference": line.reference,
            "kind": line.kind,
            "state": line.state,
            "partner": self.partner,
            "customer": self.customer,
            "deal": line.deal_id,
            "earned_at": line.earned_at,
            "month": line.month,
            "currency": line.currency,
            "amount": line.amount,
            "reversed": line.reversed,
            "plan": self.plan.as_ref().map(|(name, version)| {
                json!({ "name": name, "version": version })
            }),
            "tier": line.tier_name,
            "rate_bp": line.rate_bp,
            "invoice": self.invoice.as_ref().map(|i| {
                json!({
                    "id": i.id, "number": i.number, "stripe_id": i.stripe_id, "paid_at": i.paid_at,
                })
            }),
            "invoice_line": self.invoice_line.as_ref().map(|l| {
                json!({
                    "stripe_id": l.stripe_id, "description": l.description, "net": l.net,
                    "returned": l.returned, "period_start": l.period_start,
                    "period_end": l.period_end,
                })
            }),
            "calculation": self.calculation,
            "credit": line.explain.get("credit"),
            // What of the invoice the customer's balance paid, by where that credit came from.
            "balance": line.explain.get("balance"),
            // What a reversal or a line by hand says of itself.
            "why": self.calculation.is_none().then_some(&line.explain),
            "note": line.note,
            "hold_until": line.hold_until,
            "payout": self.payout.as_ref().map(|p| json!({ "id": p.id, "status": p.status })),
            "takes_back_from": self.original.as_ref().map(part),
            "taken_back": self.reversals.iter().map(part).collect::<Vec<_>>(),
        })
    }
}

/// One line, for its partner and for staff.
///
/// # Errors
/// [`Error::NotFound`] for a missing or foreign line; [`Error::Forbidden`] for members who do not
/// see earnings.
pub async fn explain(ctx: &Context, id: i64) -> Result<Explained> {
    let own = scope(ctx).await?;
    let db = ctx.reader();
    let line = commission::Entity::find_by_id(id)
        .one(db)
        .await?
        .filter(|line| own.is_none_or(|partner| partner == line.partner_id))
        .ok_or(Error::NotFound)?;
    let reversals = commission::Entity::find()
        .filter(commission::Column::ReversesId.eq(id))
        .order_by_asc(commission::Column::Id)
        .all(db)
        .await?;
    let original = match line.reverses_id {
        Some(id) => commission::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    let partner = partner::Entity::find_by_id(line.partner_id).one(db).await?;
    let customer = match line.account_id {
        Some(id) => account::Entity::find_by_id(id)
            .one(db)
            .await?
            .map(|a| a.name),
        None => None,
    };
    let invoice = match line.invoice_id {
        Some(id) => invoice::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    let invoice_line = match line.invoice_line_id {
        Some(id) => invoice_line::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    let payout = match line.payout_id {
        Some(id) => payout::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    Ok(Explained {
        calculation: serde_json::from_value(line.explain.clone()).ok(),
        partner: partner.map(|p| p.name).unwrap_or_default(),
        customer,
        invoice,
        invoice_line,
        plan: plan_of(db, &line).await?,
        payout,
        original,
        reversals,
        timeline: event::timeline(db, "commission", id, own.is_none()).await?,
        line,
    })
}

async fn plan_of(
    db: &impl ConnectionTrait,
    line: &commission::Model,
) -> Result<Option<(String, i64)>> {
    let Some(id) = line.plan_version_id else {
        return Ok(None);
    };
    let Some(version) = plan_version::Entity::find_by_id(id).one(db).await? else {
        return Ok(None);
    };
    let plan = plan::Entity::find_by_id(version.plan_id).one(db).await?;
    Ok(plan.map(|plan| (plan.name, version.version)))
}
