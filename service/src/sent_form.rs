//! A form is taken once: whoever presses its button twice, or whose browser sends it again, gets to
//! where the first one led, and nothing is done a second time.
//!
//! A form carries a word of its own, made when its page was. Who sent it, to which address, with
//! which word and what else was in it make one name, and one request may work under that name at a
//! time. What was refused may be sent again as it is.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use entity::sent_form::{ActiveModel, Column, Entity};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::{Error, Result};

/// The name of the field with a form's own word.
pub const FIELD: &str = "_once";
/// How long the second waits for the first.
const WAITS: Duration = Duration::from_secs(10);
/// How often it looks.
const LOOKS: Duration = Duration::from_millis(100);
/// Whoever worked on it so long ago has died over it.
const ABANDONED: TimeDelta = TimeDelta::minutes(5);
/// How long it is known that a form was taken.
const KEPT: TimeDelta = TimeDelta::days(2);

/// The name of what a person sent to an address; none for a form without a word of its own, and for
/// people who are not signed in.
pub fn name<'a>(
    ctx: &Context,
    path: &str,
    pairs: &[(String, String)],
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Option<String> {
    let person_id = ctx.actor.person_id()?;
    pairs.iter().find(|(name, _)| name == FIELD)?;
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    add(&person_id.to_be_bytes());
    add(path.as_bytes());
    for (name, value) in pairs {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    for (name, bytes) in files {
        add(name.as_bytes());
        add(bytes);
    }
    Some(hex::encode(hash.finalize()))
}

/// Takes a form for this request; or says where the one that was taken led.
///
/// # Errors
/// [`Error::Conflict`] while the first one is still being worked on after some time.
pub async fn take(ctx: &Context, name: &str) -> Result<Option<String>> {
    let began = Instant::now();
    loop {
        let Some(first) = Entity::find_by_id(name).one(ctx.reader()).await? else {
            // New, or refused meanwhile: this one may try.
            if enter(ctx, name).await? {
                return Ok(None);
            }
            continue;
        };
        match first.leads_to {
            Some(path) => return Ok(Some(path)),
            None if began.elapsed() > WAITS => {
                return Err(Error::conflict(
                    "This form was sent a moment ago and is still being worked on. Wait a little, \
                     then look whether it was done before you send it again.",
                ));
            }
            None if first.sent_at < ctx.now() - ABANDONED => give_up(ctx, name).await?,
            None => {}
        }
        tokio::time::sleep(LOOKS).await;
    }
}

/// Enters a form as being worked on; false when another request was first.
async fn enter(ctx: &Context, name: &str) -> Result<bool> {
    let tx = ctx.begin().await?;
    let entered = Entity::insert(ActiveModel {
        id: Set(name.to_owned()),
        sent_at: Set(ctx.now()),
        leads_to: Set(None),
    })
    .on_conflict(OnConflict::column(Column::Id).do_nothing().to_owned())
    .exec_without_returning(&*tx)
    .await?;
    tx.commit().await?;
    Ok(entered == 1)
}

/// Lets another request try what one has died over.
async fn give_up(ctx: &Context, name: &str) -> Result<()> {
    let tx = ctx.begin().await?;
    Entity::delete_many()
        .filter(Column::Id.eq(name))
        .filter(Column::SentAt.lt(ctx.now() - ABANDONED))
        .filter(Column::LeadsTo.is_null())
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Notes where a form led that was taken, or with `None` that it was refused and may be sent again.
///
/// # Errors
/// When the database refuses.
pub async fn done(ctx: &Context, name: &str, leads_to: Option<&str>) -> Result<()> {
    let tx = ctx.begin().await?;
    match leads_to {
        Some(path) => {
            Entity::update_many()
                .col_expr(Column::LeadsTo, Expr::value(path))
                .filter(Column::Id.eq(name))
                .exec(&*tx)
                .await?;
        }
        None => {
            Entity::delete_by_id(name).exec(&*tx).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Forgets forms that nobody sends again; says how many. For the worker, once a day.
///
/// # Errors
/// When the database refuses.
pub async fn forget(ctx: &Context) -> Result<u64> {
    let tx = ctx.begin().await?;
    let old = Entity::delete_many()
        .filter(Column::SentAt.lt(ctx.now() - KEPT))
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(old.rows_affected)
}
