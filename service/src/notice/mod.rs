//! Notices inside the portal: a sentence and where it leads.

mod staff;

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};

use crate::context::Context;
use crate::error::{Error, Result};

pub(crate) use staff::{FINANCE, first_time, tell_staff, tell_staff_but};

/// Tells one person something. `link` is a path in the portal.
///
/// # Errors
/// When the database refuses.
pub async fn tell(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    person_id: i64,
    text: impl Into<String>,
    link: impl Into<String>,
) -> Result<()> {
    entity::notice::Entity::insert(entity::notice::ActiveModel {
        person_id: Set(person_id),
        text: Set(text.into()),
        link: Set(link.into()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// Tells every member of a partner organisation, or its owners only.
///
/// # Errors
/// When the database refuses.
pub async fn tell_partner(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    partner_id: i64,
    owners_only: bool,
    text: &str,
    link: &str,
) -> Result<()> {
    use entity::member::{Column, Entity};
    let mut query = Entity::find()
        .filter(Column::PartnerId.eq(partner_id))
        .filter(Column::RemovedAt.is_null());
    if owners_only {
        query = query.filter(Column::Role.eq("owner"));
    }
    for member in query.all(tx).await? {
        tell(ctx, tx, member.person_id, text, link).await?;
    }
    Ok(())
}

/// Tells several people the same, in few statements.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn tell_all(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    people: &[i64],
    text: &str,
    link: &str,
) -> Result<()> {
    use entity::notice::{Entity, Model};
    let ids = crate::bulk::reserve::<Entity>(tx, people.len()).await?;
    let rows: Vec<Model> = people
        .iter()
        .zip(ids)
        .map(|(person_id, id)| Model {
            id,
            person_id: *person_id,
            text: text.to_owned(),
            link: link.to_owned(),
            read_at: None,
            created_at: ctx.now(),
        })
        .collect();
    crate::bulk::insert::<Entity>(tx, &rows).await?;
    Ok(())
}

/// The signed-in person's notices, newest first, and how many there are.
///
/// # Errors
/// [`Error::NotFound`] for nobody.
pub async fn list(
    ctx: &Context,
    offset: u64,
    limit: u64,
) -> Result<(Vec<entity::notice::Model>, u64)> {
    use entity::notice::{Column, Entity};
    let mine = Entity::find().filter(Column::PersonId.eq(ctx.person()?));
    let total = mine.clone().count(ctx.reader()).await?;
    let rows = mine
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(offset)
        .limit(limit.min(100))
        .all(ctx.reader())
        .await?;
    Ok((rows, total))
}

/// How many the signed-in person has not read.
///
/// # Errors
/// [`Error::NotFound`] for nobody.
pub async fn unread(ctx: &Context) -> Result<u64> {
    use entity::notice::{Column, Entity};
    let mine = Entity::find().filter(Column::PersonId.eq(ctx.person()?));
    Ok(mine
        .filter(Column::ReadAt.is_null())
        .count(ctx.reader())
        .await?)
}

/// Marks one as read and returns where it leads.
///
/// # Errors
/// [`Error::NotFound`] for a missing notice and for somebody else's.
pub async fn open(ctx: &Context, id: i64) -> Result<String> {
    use entity::notice::{Column, Entity};
    let found = Entity::find_by_id(id)
        .filter(Column::PersonId.eq(ctx.person()?))
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    if found.read_at.is_none() {
        let tx = ctx.begin().await?;
        mark(ctx.now(), &*tx, Column::Id.eq(id)).await?;
        tx.commit().await?;
    }
    Ok(found.link)
}

/// Marks all of the signed-in person's as read.
///
/// # Errors
/// [`Error::NotFound`] for nobody.
pub async fn read_all(ctx: &Context) -> Result<()> {
    let person_id = ctx.person()?;
    let tx = ctx.begin().await?;
    mark(
        ctx.now(),
        &*tx,
        entity::notice::Column::PersonId.eq(person_id),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn mark(
    now: DateTime<Utc>,
    tx: &impl ConnectionTrait,
    which: impl sea_orm::sea_query::IntoCondition,
) -> Result<()> {
    use entity::notice::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::ReadAt, Expr::value(now))
        .filter(which)
        .filter(Column::ReadAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}
