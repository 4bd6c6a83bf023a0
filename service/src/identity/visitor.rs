//! Who somebody is for one request.

use domain::partner::MemberRole;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use crate::context::{Actor, Context};
use crate::error::{Error, Result};

/// The signed-in person with everything the frame of a page shows, read in one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// What the person may do.
    pub actor: Actor,
    /// `person.id`.
    pub person_id: i64,
    /// The person's name.
    pub name: String,
    /// The person's address.
    pub email: String,
    /// The language and country that numbers and dates follow.
    pub locale: String,
    /// IANA time zone.
    pub time_zone: String,
    /// The organisation the person acts for.
    pub partner_name: Option<String>,
    /// Whether the person may see what the organisation earns.
    pub sees_earnings: bool,
    /// Active organisations the person belongs to.
    pub organisations: i64,
    /// Notices not read yet.
    pub unread: i64,
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    name: String,
    email: String,
    staff_role: Option<String>,
    locale: String,
    time_zone: String,
    partner_id: Option<i64>,
    role: Option<String>,
    partner_name: Option<String>,
    members_see_earnings: Option<bool>,
    organisations: i64,
    unread: i64,
}

const VISITOR: &str = "\
    SELECT p.id, p.name, p.email, p.staff_role, p.locale, p.time_zone, \
      m.partner_id, m.role, o.name AS partner_name, o.members_see_earnings, \
      (SELECT COUNT(*) FROM member x JOIN partner y ON y.id = x.partner_id AND y.status = 'active' \
        WHERE x.person_id = p.id AND x.removed_at IS NULL) AS organisations, \
      (SELECT COUNT(*) FROM notice n WHERE n.person_id = p.id AND n.read_at IS NULL) AS unread \
    FROM person p \
    LEFT JOIN (member m JOIN partner o ON o.id = m.partner_id AND o.status = 'active') \
      ON m.person_id = p.id AND m.removed_at IS NULL \
    WHERE p.id = $1 AND p.disabled_at IS NULL \
    ORDER BY CASE WHEN m.partner_id = $2 THEN 0 ELSE 1 END, m.id LIMIT 1";

/// The person of a session, acting for `partner_id` where that is (still) one of the person's active
/// organisations, else for the first of them. `None` when the person is gone or disabled.
///
/// # Errors
/// When the database cannot be read.
pub async fn visitor(
    db: &impl ConnectionTrait,
    person_id: i64,
    partner_id: Option<i64>,
) -> Result<Option<Visitor>> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        VISITOR,
        [person_id.into(), partner_id.into()],
    );
    let Some(row) = Row::find_by_statement(statement).one(db).await? else {
        return Ok(None);
    };
    let actor = if let Some(role) = &row.staff_role {
        Actor::Staff {
            person_id,
            role: role.parse().map_err(Error::internal)?,
        }
    } else if let (Some(partner_id), Some(role)) = (row.partner_id, &row.role) {
        Actor::Partner {
            person_id,
            partner_id,
            role: role.parse().map_err(Error::internal)?,
        }
    } else {
        Actor::Person { person_id }
    };
    let sees_earnings = match actor {
        Actor::Partner {
            role: MemberRole::Owner,
            ..
        } => true,
        Actor::Partner { .. } => row.members_see_earnings.unwrap_or(false),
        Actor::Staff { .. } => true,
        _ => false,
    };
    let partner_name = row
        .partner_name
        .filter(|_| matches!(actor, Actor::Partner { .. }));
    Ok(Some(Visitor {
        actor,
        person_id: row.id,
        name: row.name,
        email: row.email,
        locale: row.locale,
        time_zone: row.time_zone,
        partner_name,
        sees_earnings,
        organisations: row.organisations,
        unread: row.unread,
    }))
}

/// Who asks, for a request of this person; [`Actor::Anonymous`] when the person is gone or disabled.
///
/// # Errors
/// When the database cannot be read.
pub async fn actor_of(
    db: &impl ConnectionTrait,
    person_id: i64,
    partner_id: Option<i64>,
) -> Result<Actor> {
    Ok(visitor(db, person_id, partner_id)
        .await?
        .map_or(Actor::Anonymous, |v| v.actor))
}

/// An organisation the person belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// `partner.id`.
    pub partner_id: i64,
    /// The organisation's name.
    pub name: String,
    /// What the person is in it.
    pub role: MemberRole,
    /// The organisation's status: members of one that is not active cannot act for it.
    pub status: domain::partner::PartnerStatus,
    /// Why it is not active.
    pub reason: Option<String>,
}

/// The organisations of the signed-in person, by name.
///
/// # Errors
/// [`Error::NotFound`] for nobody.
pub async fn memberships(ctx: &Context) -> Result<Vec<Membership>> {
    use sea_orm::{
        ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationTrait,
    };
    let person_id = ctx.person()?;
    let rows = entity::member::Entity::find()
        .join(JoinType::InnerJoin, entity::member::Relation::Partner.def())
        .select_also(entity::partner::Entity)
        .filter(entity::member::Column::PersonId.eq(person_id))
        .filter(entity::member::Column::RemovedAt.is_null())
        .order_by_asc(entity::partner::Column::Name)
        .all(ctx.reader())
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for (member, partner) in rows {
        let Some(partner) = partner else { continue };
        found.push(Membership {
            partner_id: partner.id,
            name: partner.name,
            role: member.role.parse().map_err(Error::internal)?,
            status: partner.status.parse().map_err(Error::internal)?,
            reason: partner.status_reason,
        });
    }
    Ok(found)
}

/// Checks that the signed-in person may act for `partner_id`; the page then keeps it in the session.
///
/// # Errors
/// [`Error::NotFound`] when the person does not belong to it, or it is not active.
pub async fn switch(ctx: &Context, partner_id: i64) -> Result<()> {
    match actor_of(ctx.reader(), ctx.person()?, Some(partner_id)).await? {
        Actor::Partner {
            partner_id: found, ..
        } if found == partner_id => Ok(()),
        _ => Err(Error::NotFound),
    }
}
