//! What finance booked by hand in a day with one person alone, so that an amount which needs a second
//! person cannot be split into several that do not.

use domain::calendar;
use domain::money::Money;
use entity::{commission, program as programs};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::context::Context;
use crate::error::Result;
use crate::program;
use crate::program::limit::{Limits, second_reason};

/// Why a second person has to approve `amount` for a partner that the actor books; none where none
/// has to. Sums are of amounts without their sign: what goes out and what is taken back do not
/// make each other small. What two people have seen counts for nobody.
pub(super) async fn why_second(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    program: &programs::Model,
    partner_id: i64,
    amount: Money,
) -> Result<Option<String>> {
    let limit = Limits::now(ctx, tx, program).await?;
    let limit = limit.second_approval(amount.currency);
    let zone = program::zone(program);
    let today = calendar::start_of_day(calendar::local_date(ctx.now(), zone), zone);
    let lines = commission::Entity::find()
        .filter(commission::Column::ProgramId.eq(program.id))
        .filter(Expr::cust(
            "kind IN ('adjustment', 'bonus', 'clawback', 'write_off')",
        ))
        .filter(commission::Column::CreatedAt.gte(today))
        .filter(commission::Column::Currency.eq(amount.currency.code()))
        .filter(commission::Column::State.ne("canceled"))
        .all(tx)
        .await?;
    let mine = ctx.actor.person_id();
    let (mut by_person, mut for_partner) =
        (amount.minor.saturating_abs(), amount.minor.saturating_abs());
    for line in lines.iter().filter(|line| seen_by_one(line)) {
        let minor = line.amount.saturating_abs();
        if mine.is_some() && asker(line) == mine {
            by_person = by_person.saturating_add(minor);
        }
        if line.partner_id == partner_id {
            for_partner = for_partner.saturating_add(minor);
        }
    }
    let sum = |minor| Money::new(minor, amount.currency);
    let sums = [
        (sum(by_person), "and what the same person booked"),
        (sum(for_partner), "and what was booked for the same partner"),
    ];
    Ok(second_reason(limit, amount, &sums))
}

/// Who booked a line by hand.
fn asker(line: &commission::Model) -> Option<i64> {
    line.explain.get("asked_by")?.as_i64()
}

/// Whether a line passed, or is to pass, with one person alone.
fn seen_by_one(line: &commission::Model) -> bool {
    let waits = line.explain.get("needs_second") == Some(&serde_json::Value::Bool(true));
    !waits && line.explain.get("approved_by").is_none()
}
