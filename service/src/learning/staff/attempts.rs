//! Looking at attempts and what they earned.

use std::collections::HashMap;

use entity::{attempt, certificate, course_version, partner, person};
use sea_orm::{
    ColumnTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait,
};

use crate::context::Context;
use crate::error::Result;

/// An attempt as a row of the list.
#[derive(Clone, Debug)]
pub struct AttemptLine {
    /// The attempt.
    pub attempt: attempt::Model,
    /// Who took it.
    pub person: String,
    /// For which organisation.
    pub partner: String,
    /// The course's title, as it was then.
    pub course: String,
    /// The certificate it earned.
    pub certificate: Option<certificate::Model>,
}

/// The attempts at one course or at all, newest first, with how many there are.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) for people outside the vendor.
pub async fn attempts(
    ctx: &Context,
    course_id: Option<i64>,
    offset: u64,
    limit: u64,
) -> Result<(Vec<AttemptLine>, u64)> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let mut query =
        attempt::Entity::find().join(JoinType::InnerJoin, attempt::Relation::CourseVersion.def());
    if let Some(course_id) = course_id {
        query = query.filter(course_version::Column::CourseId.eq(course_id));
    }
    let total = query.clone().count(db).await?;
    let rows = query
        .order_by_desc(attempt::Column::StartedAt)
        .order_by_desc(attempt::Column::Id)
        .offset(offset)
        .limit(limit)
        .all(db)
        .await?;
    let people: HashMap<i64, String> = person::Entity::find()
        .filter(person::Column::Id.is_in(rows.iter().map(|a| a.person_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|p| (p.id, p.name))
        .collect();
    let partners: HashMap<i64, String> = partner::Entity::find()
        .filter(partner::Column::Id.is_in(rows.iter().map(|a| a.partner_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|p| (p.id, p.name))
        .collect();
    let titles: HashMap<i64, String> = course_version::Entity::find()
        .filter(course_version::Column::Id.is_in(rows.iter().map(|a| a.course_version_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|v| (v.id, v.title))
        .collect();
    let mut certificates: HashMap<i64, certificate::Model> = certificate::Entity::find()
        .filter(certificate::Column::AttemptId.is_in(rows.iter().map(|a| a.id)))
        .all(db)
        .await?
        .into_iter()
        .map(|c| (c.attempt_id, c))
        .collect();
    let name = |of: &HashMap<i64, String>, id: i64| of.get(&id).cloned().unwrap_or_default();
    let lines = rows
        .into_iter()
        .map(|attempt| AttemptLine {
            person: name(&people, attempt.person_id),
            partner: name(&partners, attempt.partner_id),
            course: name(&titles, attempt.course_version_id),
            certificate: certificates.remove(&attempt.id),
            attempt,
        })
        .collect();
    Ok((lines, total))
}
