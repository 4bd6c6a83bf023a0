//! A payout account that was connected or replaced: everybody whom it concerns is told, and its first
//! payout waits, so that somebody who got into an owner's account is noticed before money leaves.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use domain::partner::MemberRole;
use entity::{event, member, partner};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Statement};

use super::letters::{self, Connected};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::program;
use crate::program::limit::Limits;

/// How long somebody who was an owner is still told: who changes owners first and then the account
/// would otherwise be alone in knowing it.
const FORMER: TimeDelta = TimeDelta::days(30);

/// Tells the owners, those who were until lately, the manager and finance.
pub(super) async fn told(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    partner_id: i64,
    by: i64,
    replaced: bool,
) -> Result<()> {
    let wait = wait(ctx, tx, partner_id).await?;
    let connected = Connected {
        partner_id,
        by,
        replaced,
        pays_from: (wait > TimeDelta::zero()).then(|| ctx.now() + wait),
    };
    let former = former_owners(ctx, tx, partner_id).await?;
    letters::account_connected(ctx, tx, &connected, &former).await
}

/// How long a new account of a partner waits for its first payout.
pub(super) async fn wait(
    ctx: &Context,
    db: &impl ConnectionTrait,
    partner_id: i64,
) -> Result<TimeDelta> {
    let partner = partner::Entity::find_by_id(partner_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let program = program::by_id(db, partner.program_id).await?;
    Ok(Limits::now(ctx, db, &program).await?.account_wait())
}

/// Who owned a partner within the last month and does not any more.
async fn former_owners(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    partner_id: i64,
) -> Result<Vec<i64>> {
    let since = ctx.now() - FORMER;
    let owner = MemberRole::Owner.as_str();
    let members = member::Entity::find()
        .filter(member::Column::PartnerId.eq(partner_id))
        .all(tx)
        .await?;
    let mut former: BTreeSet<i64> = members
        .iter()
        .filter(|m| m.role == owner && m.removed_at.is_some_and(|at| at >= since))
        .map(|m| m.person_id)
        .collect();
    let demoted = event::Entity::find()
        .filter(event::Column::PartnerId.eq(partner_id))
        .filter(event::Column::Action.eq("member.role_changed"))
        .filter(event::Column::At.gte(since))
        .all(tx)
        .await?;
    for change in demoted {
        let was_owner = change.detail.get("before").and_then(|b| b.as_str()) == Some(owner);
        if let Some(person) = change.detail.get("person_id").filter(|_| was_owner) {
            former.extend(person.as_i64());
        }
    }
    for still in members
        .iter()
        .filter(|m| m.removed_at.is_none() && m.role == owner)
    {
        former.remove(&still.person_id);
    }
    Ok(former.into_iter().collect())
}

/// Until when the first payout to an account waits; none where it need not, as for accounts from
/// before new ones waited. Whoever decides whether a payout may leave asks this.
pub(super) fn waits_until(
    ctx: &Context,
    connected_at: Option<DateTime<Utc>>,
    wait: TimeDelta,
) -> Option<DateTime<Utc>> {
    let until = connected_at? + wait;
    (until > ctx.now()).then_some(until)
}

/// Whose first payout to the account they have now is in a run, by name.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn first_payouts(ctx: &Context, run_id: i64) -> Result<Vec<String>> {
    #[derive(FromQueryResult)]
    struct Name {
        name: String,
    }
    ctx.any_staff()?;
    let statement = Statement::from_sql_and_values(
        ctx.db.backend(),
        "SELECT DISTINCT p.name FROM payout_item i JOIN partner p ON p.id = i.partner_id \
         JOIN payout_account a ON a.partner_id = p.id \
         WHERE i.run_id = $1 AND i.included AND NOT EXISTS ( \
           SELECT 1 FROM payout o WHERE o.partner_id = p.id AND o.destination = a.stripe_id \
             AND o.status IN ('paid', 'reversed')) ORDER BY p.name",
        [run_id.into()],
    );
    let names = Name::find_by_statement(statement).all(ctx.reader()).await?;
    Ok(names.into_iter().map(|row| row.name).collect())
}
