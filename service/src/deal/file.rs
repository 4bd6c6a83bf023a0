//! Files of a registration. Who may see the registration may see its files, nobody else.

use chrono::{DateTime, Utc};
use domain::deal::DealStatus as D;
use entity::attachment::{ActiveModel, Column, Entity};
use entity::deal;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, JoinType, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, RelationTrait,
};
use sha2::{Digest, Sha256};

use super::{note, own, status, to_change};
use crate::context::{Actor, Context};
use crate::error::{Error, Result};

/// Largest file, in bytes.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Files of one registration at most.
const MAX_FILES: u64 = 20;

/// A file of a registration, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// `attachment.id`.
    pub id: i64,
    /// Name as sent, without any path.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// When it was added.
    pub at: DateTime<Utc>,
    /// Who added it.
    pub who: String,
}

/// A file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Name.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// A file as it arrived. The type somebody claims for it is kept but never believed.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// Name.
    pub name: &'a str,
    /// Claimed type.
    pub media_type: &'a str,
    /// Content.
    pub bytes: &'a [u8],
}

/// Adds a file; returns its id. The type somebody claims for it is kept but never believed: files
/// leave as downloads of no particular type.
///
/// # Errors
/// [`Error::Invalid`] at `file` for an empty or too large one, or too many.
pub async fn attach(
    ctx: &Context,
    deal_id: i64,
    name: &str,
    media_type: &str,
    bytes: &[u8],
) -> Result<i64> {
    let tx = ctx.begin().await?;
    let deal = to_change(ctx, &*tx, deal_id).await?;
    let file = NewFile {
        name,
        media_type,
        bytes,
    };
    let id = add(ctx, &*tx, &deal, &file).await?;
    tx.commit().await?;
    Ok(id)
}

/// Adds a file to a registration that the actor may change.
pub(super) async fn add(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &deal::Model,
    file: &NewFile<'_>,
) -> Result<i64> {
    let (deal_id, bytes) = (deal.id, file.bytes);
    if bytes.is_empty() {
        return Err(Error::field(
            "file",
            "This file is empty. Choose another one.",
        ));
    }
    if bytes.len() > MAX_BYTES {
        return Err(Error::field(
            "file",
            "This file is larger than 10 MB. Choose a smaller one.",
        ));
    }
    let person_id = ctx.person()?;
    let count = Entity::find()
        .filter(Column::DealId.eq(deal_id))
        .count(tx)
        .await?;
    if count >= MAX_FILES {
        return Err(Error::field(
            "file",
            "There are 20 files already; remove one first.",
        ));
    }
    let name = safe_name(file.name);
    let row = Entity::insert(ActiveModel {
        deal_id: Set(deal_id),
        person_id: Set(person_id),
        file_name: Set(name.clone()),
        media_type: Set(file
            .media_type
            .chars()
            .filter(char::is_ascii_graphic)
            .take(100)
            .collect()),
        size: Set(i64::try_from(bytes.len()).map_err(Error::internal)?),
        sha256: Set(hex::encode(Sha256::digest(bytes))),
        content: Set(bytes.to_vec()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(tx)
    .await?;
    if deal.submitted_at.is_some() {
        note(
            ctx,
            tx,
            deal,
            "deal.file_added",
            format!("Added the file {name}."),
        )
        .await?;
    }
    Ok(row.id)
}

/// A name without path and control characters, at most 150 characters.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(150).collect();
    match name.trim() {
        "" | "." | ".." => "file".to_owned(),
        name => name.to_owned(),
    }
}

/// One file, for whoever may see its registration.
///
/// # Errors
/// [`Error::NotFound`] for a missing file, and for one of a registration the actor may not see.
pub async fn download(ctx: &Context, id: i64) -> Result<Download> {
    let mut query = Entity::find_by_id(id).join(
        JoinType::InnerJoin,
        entity::attachment::Relation::Deal.def(),
    );
    query = match ctx.actor {
        Actor::Partner { partner_id, .. } => query.filter(deal::Column::PartnerId.eq(partner_id)),
        _ => {
            ctx.any_staff()?;
            query.filter(deal::Column::SubmittedAt.is_not_null())
        }
    };
    let row = query.one(ctx.reader()).await?.ok_or(Error::NotFound)?;
    Ok(Download {
        name: row.file_name,
        bytes: row.content,
    })
}

/// Takes a file away, as long as the form can be changed; what was decided on stays.
///
/// # Errors
/// [`Error::NotFound`] for a foreign or missing one, [`Error::Conflict`] once it was sent.
pub async fn remove(ctx: &Context, deal_id: i64, id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    let deal = own(ctx, &*tx, deal_id).await?;
    let state = status(&deal)?;
    let file = Entity::find_by_id(id)
        .filter(Column::DealId.eq(deal_id))
        .select_only()
        .column(Column::FileName)
        .into_tuple::<String>()
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    if !state.is_editable() {
        return Err(Error::conflict(
            "Files of a registration that was sent stay with it.",
        ));
    }
    Entity::delete_by_id(id).exec(&*tx).await?;
    if state != D::Draft {
        note(
            ctx,
            &*tx,
            &deal,
            "deal.file_removed",
            format!("Removed the file {file}."),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The files of a registration, oldest first. The caller has checked the right to it.
pub(super) async fn of(db: &impl ConnectionTrait, deal_id: i64) -> Result<Vec<File>> {
    let rows: Vec<(i64, String, i64, DateTime<Utc>, String)> = Entity::find()
        .join(
            JoinType::InnerJoin,
            entity::attachment::Relation::Person.def(),
        )
        .select_only()
        .column(Column::Id)
        .column(Column::FileName)
        .column(Column::Size)
        .column(Column::CreatedAt)
        .column(entity::person::Column::Name)
        .filter(Column::DealId.eq(deal_id))
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, name, size, at, who)| File {
            id,
            name,
            size,
            at,
            who,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::safe_name;

    #[test]
    fn names_lose_what_could_harm() {
        assert_eq!(safe_name("../../etc/passwd"), "passwd");
        assert_eq!(safe_name("C:\\x\\offer\r\n.pdf"), "offer.pdf");
        assert_eq!(safe_name(" .. "), "file");
        assert_eq!(safe_name(&"a".repeat(300)).len(), 150);
    }
}
