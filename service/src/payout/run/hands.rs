//! Who had a hand in a run: kept for good, also when it is sent back.

use domain::payout::Did;
use entity::{payout_run, payout_run_hand};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use crate::context::Context;
use crate::error::{Error, Result};

/// Notes what the actor did to a run, with the fingerprint the run has afterwards. The calendar is
/// nobody's hand.
pub(super) async fn note(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run_id: i64,
    did: Did,
    fingerprint: Option<String>,
) -> Result<()> {
    let Some(person_id) = ctx.actor.person_id() else {
        return Ok(());
    };
    payout_run_hand::Entity::insert(payout_run_hand::ActiveModel {
        run_id: Set(run_id),
        person_id: Set(person_id),
        did: Set(did.as_str().to_owned()),
        fingerprint: Set(fingerprint),
        at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// A run's hands, oldest first.
pub(in crate::payout) async fn all(
    db: &impl ConnectionTrait,
    run_id: i64,
) -> Result<Vec<payout_run_hand::Model>> {
    Ok(payout_run_hand::Entity::find()
        .filter(payout_run_hand::Column::RunId.eq(run_id))
        .order_by_asc(payout_run_hand::Column::Id)
        .all(db)
        .await?)
}

/// The people who composed a run, as four eyes judges them: each with the first thing they did, and
/// whoever the run itself names.
pub(in crate::payout) fn composed(
    run: &payout_run::Model,
    hands: &[payout_run_hand::Model],
) -> Result<Vec<(i64, Did)>> {
    let mut composed: Vec<(i64, Did)> = Vec::new();
    let named = [
        (run.created_by, Did::Drafted),
        (run.submitted_by, Did::Submitted),
    ];
    let mut add = |person: i64, did: Did| {
        if !composed.iter().any(|(known, _)| *known == person) {
            composed.push((person, did));
        }
    };
    for (person, did) in named {
        if let Some(person) = person {
            add(person, did);
        }
    }
    for hand in hands {
        add(hand.person_id, hand.did.parse().map_err(Error::internal)?);
    }
    Ok(composed)
}
