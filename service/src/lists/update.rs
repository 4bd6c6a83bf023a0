//! Putting a newer list in the place of one.

use domain::lists::SHIPPED;
use entity::domain_list::{ActiveModel, Column, Entity};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};
use sha2::{Digest, Sha256};

use super::{List, current, entries, of, read, remember};
use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::event::Entry;

/// What a newer list came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// How many entries the list had.
    pub before: usize,
    /// How many it has.
    pub now: usize,
}

/// The kinds of lists there are.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(kind, _)| *kind)
}

/// Every list that holds, for the operator.
///
/// # Errors
/// When the database cannot be read.
pub async fn shown(ctx: &Context) -> Result<Vec<List>> {
    of(ctx.reader()).await
}

/// Takes a newer list, for the operator. It is refused when it is no list, and when it has less than
/// half of what is known: half a download, or another file.
///
/// # Errors
/// [`Error::Invalid`] at `kind` or `content` with a sentence.
pub async fn load(ctx: &Context, kind: &str, source: &str, content: &str) -> Result<Updated> {
    if !matches!(ctx.actor, Actor::System) {
        return Err(Error::NotFound);
    }
    if !kinds().any(|known| known == kind) {
        let known: Vec<&str> = kinds().collect();
        let sentence = format!("A list is one of {}.", known.join(", "));
        return Err(Error::field("kind", sentence));
    }
    let part = read(kind, content).map_err(|sentence| Error::field("content", sentence))?;
    let before = entries(&current(ctx.reader()).await?, kind);
    let now = part.len();
    if now * 2 < before {
        return Err(Error::field(
            "content",
            format!(
                "It has {now} entries, less than half of the {before} that are known: this is not \
                 the whole list. Nothing was changed."
            ),
        ));
    }
    let sha256 = hex::encode(Sha256::digest(content.as_bytes()));
    let tx = ctx.begin().await?;
    let columns = [
        Column::Source,
        Column::Sha256,
        Column::Entries,
        Column::Content,
        Column::LoadedAt,
    ];
    Entity::insert(ActiveModel {
        id: Set(kind.to_owned()),
        source: Set(source.chars().take(500).collect()),
        sha256: Set(sha256.clone()),
        entries: Set(i64::try_from(now).unwrap_or(i64::MAX)),
        content: Set(content.to_owned()),
        loaded_at: Set(ctx.now()),
    })
    .on_conflict(
        OnConflict::column(Column::Id)
            .update_columns(columns)
            .to_owned(),
    )
    .exec_without_returning(&*tx)
    .await?;
    let words =
        format!("The list “{kind}” was loaded from {source}: {now} entries, {before} before.");
    Entry::new("list.loaded", "domain_list", 0, words)
        .internal()
        .detail(serde_json::json!({ "kind": kind, "sha256": sha256, "before": before, "now": now }))
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    remember(kind, &sha256, &part);
    Ok(Updated { before, now })
}
