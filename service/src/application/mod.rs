//! Applying to a program: the draft, the review, and the decision that makes a partner.

mod applicant;
mod decide;
mod facts;
mod fields;
mod hints;
mod offer;
mod question;
mod review;

use domain::application::ApplicationStatus;
use domain::transition::Who;
use entity::application::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

pub use applicant::{
    Mine, Standing, answer, mine, open_programs, save, show, start, submit, withdraw,
};
pub use decide::{Approval, approve, reject};
pub use fields::Fields;
pub use hints::{Hint, HintLevel};
pub use offer::{Offer, Pitch, Point, TierOffer, offer};
pub(crate) use question::check as check_answers;
pub use question::{Question, QuestionKind, questions};
pub use review::{QueueRow, QueueView, Review, ask, comment, queue, review, take};

use crate::context::Context;
use crate::db::Tx;
use crate::error::{Error, Result};

/// Something said about an application, a deal or a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// When.
    pub at: chrono::DateTime<chrono::Utc>,
    /// Who, by name.
    pub who: String,
    /// What.
    pub text: String,
    /// For the vendor's eyes only.
    pub internal: bool,
}

/// The application's status.
pub(crate) fn status(application: &Model) -> Result<ApplicationStatus> {
    application.status.parse().map_err(Error::internal)
}

/// What was said about a record, oldest first; internal notes only where asked for. The caller has
/// checked the right to the record.
pub(crate) async fn said(
    db: &impl ConnectionTrait,
    subject_type: &str,
    subject_id: i64,
    with_internal: bool,
) -> Result<Vec<Said>> {
    use sea_orm::{JoinType, QuerySelect, RelationTrait};
    let mut query = entity::comment::Entity::find()
        .join(JoinType::InnerJoin, entity::comment::Relation::Person.def())
        .select_also(entity::person::Entity)
        .filter(entity::comment::Column::SubjectType.eq(subject_type))
        .filter(entity::comment::Column::SubjectId.eq(subject_id))
        .order_by_asc(entity::comment::Column::Id);
    if !with_internal {
        query = query.filter(entity::comment::Column::Internal.eq(false));
    }
    let rows = query.all(db).await?;
    Ok(rows
        .into_iter()
        .map(|(c, p)| Said {
            at: c.created_at,
            who: p.map(|p| p.name).unwrap_or_default(),
            text: c.body,
            internal: c.internal,
        })
        .collect())
}

/// Writes a comment. The caller has checked the right to the record.
pub(crate) async fn say(
    ctx: &Context,
    tx: &Tx,
    subject_type: &str,
    subject_id: i64,
    text: &str,
    internal: bool,
) -> Result<()> {
    entity::comment::Entity::insert(entity::comment::ActiveModel {
        subject_type: Set(subject_type.to_owned()),
        subject_id: Set(subject_id),
        person_id: Set(ctx.person()?),
        body: Set(text.to_owned()),
        internal: Set(internal),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}

/// The signed-in applicant's own application.
async fn own(ctx: &Context, db: &impl ConnectionTrait, id: i64) -> Result<Model> {
    let person_id = ctx.person()?;
    Entity::find_by_id(id)
        .filter(Column::PersonId.eq(person_id))
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// An application as reviewers see it: never a draft, which is the applicant's alone.
async fn submitted(db: &impl ConnectionTrait, id: i64) -> Result<Model> {
    Entity::find_by_id(id)
        .filter(Column::SubmittedAt.is_not_null())
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// Takes a step of the state machine, compare-and-set, together with `values`.
async fn step(
    ctx: &Context,
    tx: &Tx,
    application: &Model,
    to: ApplicationStatus,
    who: Who,
    values: Vec<(Column, Expr)>,
) -> Result<()> {
    let from = status(application)?;
    ApplicationStatus::MACHINE
        .check_by(from, to, who)
        .map_err(|refusal| Error::conflict(refusal.sentence))?;
    let mut update = Entity::update_many()
        .col_expr(Column::Status, Expr::value(to.as_str()))
        .col_expr(Column::UpdatedAt, Expr::value(ctx.now()));
    for (column, value) in values {
        update = update.col_expr(column, value);
    }
    let done = update
        .filter(Column::Id.eq(application.id))
        .filter(Column::Status.eq(from.as_str()))
        .exec(&**tx)
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    Err(Error::conflict(
        "Somebody else has just changed this application. Reload the page to see how it stands.",
    ))
}

/// Text that somebody has to write, at most 4,000 characters.
pub(crate) fn written(field: &str, typed: &str, what: &str) -> Result<String> {
    domain::validate::required(typed, what, 4_000).map_err(|sentence| Error::field(field, sentence))
}
