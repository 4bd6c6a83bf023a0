//! Whether what a person was shown is what there is now, and what a person changed meanwhile.

use domain::payout::{Content, Did};
use entity::{partner, payout_run, payout_run_hand, payout_submission};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{count, hands};
use crate::error::{Error, Result};
use crate::partner::names;

/// Refuses what was decided on another content of the run than it has now, with what changed.
///
/// # Errors
/// [`Error::Conflict`] with the sentence.
pub(super) async fn same(
    db: &impl ConnectionTrait,
    run: &payout_run::Model,
    seen: &str,
) -> Result<()> {
    if run.fingerprint.as_deref() == Some(seen) {
        return Ok(());
    }
    let mut said = String::from("This run has changed since you looked at it");
    let done = since(db, run.id, seen).await?;
    if !done.is_empty() {
        said.push_str(": ");
        said.push_str(&done.join(", "));
    }
    said.push('.');
    let differs = differences(db, run.id, seen).await?;
    if !differs.is_empty() {
        said.push_str(&format!(" Now {}.", differs.join("; ")));
    }
    said.push_str(" Nothing was done. Look at it again.");
    Err(Error::Conflict(said))
}

/// What people did to the run after it had the fingerprint that was seen.
async fn since(db: &impl ConnectionTrait, run_id: i64, seen: &str) -> Result<Vec<String>> {
    let all = hands::all(db, run_id).await?;
    let last = |hand: &payout_run_hand::Model| hand.fingerprint.as_deref() == Some(seen);
    let Some(place) = all.iter().rposition(last) else {
        return Ok(Vec::new());
    };
    let later = &all[place + 1..];
    let people = names(db, later.iter().map(|hand| hand.person_id)).await?;
    let mut said = Vec::new();
    for hand in later {
        let did: Did = hand.did.parse().map_err(Error::internal)?;
        let who = people
            .get(&hand.person_id)
            .map_or("Somebody", String::as_str);
        let sentence = format!("{who} {}", did.label().replace("this run", "it"));
        if said.last() != Some(&sentence) {
            said.push(sentence);
        }
    }
    Ok(said)
}

/// What the run shows otherwise than the submission that was seen.
async fn differences(db: &impl ConnectionTrait, run_id: i64, seen: &str) -> Result<Vec<String>> {
    let submission = payout_submission::Entity::find()
        .filter(payout_submission::Column::RunId.eq(run_id))
        .filter(payout_submission::Column::Fingerprint.eq(seen))
        .order_by_desc(payout_submission::Column::Id)
        .one(db)
        .await?;
    let before = submission.and_then(|s| Content::read(&s.content));
    let Some(before) = before else {
        return Ok(Vec::new());
    };
    let now = count::content(db, run_id).await?;
    let mut partners = now.differing(&before);
    partners.truncate(100);
    let called: Vec<(i64, String)> = partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .column(partner::Column::Name)
        .filter(partner::Column::Id.is_in(partners))
        .into_tuple()
        .all(db)
        .await?;
    let name = |id: i64| {
        let found = called.iter().find(|(partner, _)| *partner == id);
        found.map_or_else(|| format!("Partner {id}"), |(_, name)| name.clone())
    };
    Ok(now.difference(&before, name))
}
