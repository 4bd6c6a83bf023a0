//! The timeline: every change of every record, who did it and what it was about.
//!
//! Rows are append-only in the database. The same rows are a record's timeline and the audit log.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::Result;

/// A change to be recorded. Made with [`Entry::new`] and written inside the change's transaction.
#[derive(Clone, Debug)]
pub struct Entry {
    action: &'static str,
    subject_type: &'static str,
    subject_id: i64,
    partner_id: Option<i64>,
    internal: bool,
    summary: String,
    detail: Value,
}

impl Entry {
    /// A change of one record, such as `("deal.approved", "deal", 7, "Deal approved until 4 May.")`.
    pub fn new(
        action: &'static str,
        subject_type: &'static str,
        subject_id: i64,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            action,
            subject_type,
            subject_id,
            partner_id: None,
            internal: false,
            summary: summary.into(),
            detail: json!({}),
        }
    }

    /// The partner it concerns, who sees it unless it is internal.
    #[must_use]
    pub fn partner(mut self, partner_id: i64) -> Self {
        self.partner_id = Some(partner_id);
        self
    }

    /// For the vendor's eyes only.
    #[must_use]
    pub fn internal(mut self) -> Self {
        self.internal = true;
        self
    }

    /// What it was before and is now, or other facts.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// Writes the row.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(self, ctx: &Context, tx: &impl ConnectionTrait) -> Result<()> {
        entity::event::Entity::insert(self.row(ctx))
            .exec_without_returning(tx)
            .await?;
        Ok(())
    }

    fn row(self, ctx: &Context) -> entity::event::ActiveModel {
        entity::event::ActiveModel {
            at: Set(ctx.now()),
            actor_id: Set(ctx.actor.person_id()),
            action: Set(self.action.to_owned()),
            subject_type: Set(self.subject_type.to_owned()),
            subject_id: Set(self.subject_id),
            partner_id: Set(self.partner_id),
            internal: Set(self.internal),
            summary: Set(self.summary),
            detail: Set(self.detail),
            request_id: Set(ctx.request_id.clone()),
            ..Default::default()
        }
    }
}

/// Writes many rows in few statements.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn record_many(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    entries: Vec<Entry>,
) -> Result<()> {
    let rows: Vec<_> = entries.into_iter().map(|entry| entry.row(ctx)).collect();
    for rows in rows.chunks(100) {
        entity::event::Entity::insert_many(rows.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: chrono::DateTime<chrono::Utc>,
    /// Who, by name; none is the portal itself.
    pub actor: Option<String>,
    /// What, as a machine's word.
    pub action: String,
    /// What, as a sentence.
    pub summary: String,
    /// Before and after.
    pub detail: Value,
    /// Whether partners never see it.
    pub internal: bool,
}

/// A record's timeline, newest first. The caller has already checked the right to the record;
/// `with_internal` is for staff.
///
/// # Errors
/// When the database cannot be read.
pub async fn timeline(
    db: &impl ConnectionTrait,
    subject_type: &str,
    subject_id: i64,
    with_internal: bool,
) -> Result<Vec<Line>> {
    let mut query = entity::event::Entity::find()
        .find_also_related_actor()
        .filter(entity::event::Column::SubjectType.eq(subject_type))
        .filter(entity::event::Column::SubjectId.eq(subject_id))
        .order_by_desc(entity::event::Column::Id);
    if !with_internal {
        query = query.filter(entity::event::Column::Internal.eq(false));
    }
    Ok(query.all(db).await?.into_iter().map(line).collect())
}

/// The row with its actor's name as a line.
fn line((row, actor): (entity::event::Model, Option<entity::person::Model>)) -> Line {
    Line {
        at: row.at,
        actor: actor.map(|a| a.name),
        action: row.action,
        summary: row.summary,
        detail: row.detail,
        internal: row.internal,
    }
}

/// Joins an event with the person who did it.
trait WithActor {
    /// The select with the actor's row beside each event.
    fn find_also_related_actor(
        self,
    ) -> sea_orm::SelectTwo<entity::event::Entity, entity::person::Entity>;
}

impl WithActor for sea_orm::Select<entity::event::Entity> {
    fn find_also_related_actor(
        self,
    ) -> sea_orm::SelectTwo<entity::event::Entity, entity::person::Entity> {
        use sea_orm::{JoinType, QuerySelect, RelationTrait};
        self.join(JoinType::LeftJoin, entity::event::Relation::Actor.def())
            .select_also(entity::person::Entity)
    }
}
