//! Certificates: issued with a pass, checked by anybody, reminded of, lapsed, revoked.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use domain::calendar::{add_days, add_months};
use domain::exam::CertificateStatus;
use domain::partner::StaffRole;
use entity::{attempt, certificate, course, course_version, member, partner, person};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::Expr,
};

use super::published;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::{self, Letter};
use crate::{job, notice, program};

/// Days before expiry on which the holder is reminded.
const REMINDERS: [i64; 3] = [30, 14, 3];

/// What a certificate is worth at an instant.
pub fn status_of(row: &certificate::Model, now: DateTime<Utc>) -> CertificateStatus {
    if row.revoked_at.is_some() {
        CertificateStatus::Revoked
    } else if now < row.expires_at {
        CertificateStatus::Valid
    } else if now < row.grace_until {
        CertificateStatus::Grace
    } else {
        CertificateStatus::Lapsed
    }
}

/// A certificate as it is shown.
#[derive(Clone, Debug)]
pub struct CertificateView {
    /// The row.
    pub row: certificate::Model,
    /// What it is worth now.
    pub status: CertificateStatus,
    /// Whose it is.
    pub person: String,
    /// Of which course.
    pub course: String,
    /// The course's address word.
    pub course_slug: String,
    /// The program's vendor, who issued it.
    pub issuer: String,
}

async fn view(
    ctx: &Context,
    db: &impl ConnectionTrait,
    row: certificate::Model,
) -> Result<CertificateView> {
    let person = person::Entity::find_by_id(row.person_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let version = course_version::Entity::find_by_id(row.course_version_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let course = course::Entity::find_by_id(row.course_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let program = program::by_id(db, course.program_id).await?;
    Ok(CertificateView {
        status: status_of(&row, ctx.now()),
        person: person.name,
        course: version.title,
        course_slug: course.slug,
        issuer: program.vendor_name,
        row,
    })
}

/// Issues the certificate of a passed attempt: valid for the version's months by the calendar of
/// the program's zone, then a grace period.
pub(super) async fn issue(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    attempt: &attempt::Model,
    version: &course_version::Model,
    person: &person::Model,
) -> Result<()> {
    let course = course::Entity::find_by_id(version.course_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let zone = program::zone(&program::by_id(tx, course.program_id).await?);
    let far = || Error::internal("a certificate's dates are out of range");
    let small = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    let expires = add_months(ctx.now(), small(version.valid_months), zone).ok_or_else(far)?;
    let grace = add_days(expires, small(version.grace_days), zone).ok_or_else(far)?;
    let number = format!("C-{:016X}", rand::random::<u64>());
    let row = certificate::Entity::insert(certificate::ActiveModel {
        number: Set(number.clone()),
        course_id: Set(course.id),
        course_version_id: Set(version.id),
        person_id: Set(person.id),
        attempt_id: Set(attempt.id),
        issued_at: Set(ctx.now()),
        expires_at: Set(expires),
        grace_until: Set(grace),
        ..Default::default()
    })
    .exec_with_returning(tx)
    .await?;
    for days in REMINDERS {
        let key = format!("certificate.remind:{}:{days}", row.id);
        let at = expires - TimeDelta::days(days);
        job::enqueue(
            ctx,
            tx,
            REMIND,
            &Remind {
                certificate_id: row.id,
            },
            Some(key),
            at,
        )
        .await?;
    }
    Entry::new(
        "certificate.issued",
        "certificate",
        row.id,
        format!("{} is certified: {}.", person.name, version.title),
    )
    .partner(attempt.partner_id)
    .record(ctx, tx)
    .await?;
    let letter = Letter::new(format!("You are certified: {}", version.title))
        .text(format!(
            "Congratulations. Your certificate {number} is valid until {}.",
            expires.format("%-d %B %Y")
        ))
        .link("Your certificate", &format!("/certificates/{number}"));
    mail::send(ctx, tx, person, letter).await
}

/// The job that reminds a holder before expiry; its payload is [`Remind`].
pub const REMIND: &str = "certificate.remind";

/// The payload of [`REMIND`].
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Remind {
    /// `certificate.id`.
    pub certificate_id: i64,
}

/// Reminds a holder that a certificate runs out, unless it has been renewed or revoked meanwhile.
///
/// # Errors
/// When the database is not available.
pub async fn remind(ctx: &Context, certificate_id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    let row = certificate::Entity::find_by_id(certificate_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let renewed = certificate::Entity::find()
        .filter(certificate::Column::PersonId.eq(row.person_id))
        .filter(certificate::Column::CourseId.eq(row.course_id))
        .filter(certificate::Column::ExpiresAt.gt(row.expires_at))
        .filter(certificate::Column::RevokedAt.is_null())
        .one(&*tx)
        .await?
        .is_some();
    if renewed || row.revoked_at.is_some() || row.expires_at <= ctx.now() {
        return Ok(());
    }
    let shown = view(ctx, &*tx, row).await?;
    let until = shown.row.expires_at.format("%-d %B %Y");
    let link = format!("/partner/learning/{}", shown.course_slug);
    let text = format!(
        "Your certificate “{}” is valid until {until}. Renew it.",
        shown.course
    );
    notice::tell(ctx, &*tx, shown.row.person_id, &text, &link).await?;
    let letter = Letter::new(format!("Your certificate runs out on {until}"))
        .text(format!(
            "“{}” is valid until {until}. Pass the exam again before then, and nothing you may do \
             with it is interrupted.",
            shown.course
        ))
        .link("Renew it", &link);
    mail::send_to(ctx, &*tx, shown.row.person_id, letter).await?;
    tx.commit().await?;
    Ok(())
}

/// The number of the certificate that an attempt earned.
pub(super) async fn number_of_attempt(
    db: &impl ConnectionTrait,
    attempt_id: i64,
) -> Result<Option<String>> {
    Ok(certificate::Entity::find()
        .filter(certificate::Column::AttemptId.eq(attempt_id))
        .one(db)
        .await?
        .map(|c| c.number))
}

/// Anybody's check of a certificate by its number.
///
/// # Errors
/// [`Error::NotFound`] where no certificate has that number.
pub async fn verify(ctx: &Context, number: &str) -> Result<CertificateView> {
    let db = ctx.reader();
    let row = certificate::Entity::find()
        .filter(certificate::Column::Number.eq(number.trim().to_uppercase()))
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    view(ctx, db, row).await
}

/// The signed-in person's certificates, newest first.
///
/// # Errors
/// [`Error::NotFound`] for nobody.
pub async fn own(ctx: &Context) -> Result<Vec<CertificateView>> {
    let person_id = ctx.person()?;
    let db = ctx.reader();
    let rows = certificate::Entity::find()
        .filter(certificate::Column::PersonId.eq(person_id))
        .order_by_desc(certificate::Column::IssuedAt)
        .all(db)
        .await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        views.push(view(ctx, db, row).await?);
    }
    Ok(views)
}

/// The certificates that count for an organisation: those of its present members, newest first.
/// A partner's own, or any for staff.
///
/// # Errors
/// [`Error::NotFound`] for a foreign partner.
pub async fn of_partner(ctx: &Context, partner_id: i64) -> Result<Vec<CertificateView>> {
    match ctx.actor {
        crate::Actor::Staff { .. } => {}
        crate::Actor::Partner {
            partner_id: own, ..
        } if own == partner_id => {}
        _ => return Err(Error::NotFound),
    }
    let db = ctx.reader();
    let rows = counting(db, partner_id, None).await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        views.push(view(ctx, db, row).await?);
    }
    Ok(views)
}

/// The certificates of an organisation's present members, of one course or of all.
async fn counting(
    db: &impl ConnectionTrait,
    partner_id: i64,
    course_id: Option<i64>,
) -> Result<Vec<certificate::Model>> {
    let people: Vec<i64> = member::Entity::find()
        .filter(member::Column::PartnerId.eq(partner_id))
        .filter(member::Column::RemovedAt.is_null())
        .all(db)
        .await?
        .into_iter()
        .map(|m| m.person_id)
        .collect();
    let mut query = certificate::Entity::find()
        .filter(certificate::Column::PersonId.is_in(people))
        .order_by_desc(certificate::Column::IssuedAt);
    if let Some(course_id) = course_id {
        query = query.filter(certificate::Column::CourseId.eq(course_id));
    }
    Ok(query.all(db).await?)
}

/// How many of a partner's people hold a certificate that counts at an instant.
///
/// # Errors
/// When the database cannot be read.
pub async fn certified_people(
    db: &impl ConnectionTrait,
    partner_id: i64,
    at: DateTime<Utc>,
) -> Result<usize> {
    let people: HashSet<i64> = counting(db, partner_id, None)
        .await?
        .into_iter()
        .filter(|c| status_of(c, at).counts())
        .map(|c| c.person_id)
        .collect();
    Ok(people.len())
}

/// A course that has to be passed first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its title.
    pub title: String,
    /// Where it is, as a path in the portal.
    pub link: String,
}

/// The course that a partner lacks for registering deals; none when it may register. One member's
/// certificate is enough for the organisation.
///
/// # Errors
/// When the database cannot be read.
pub async fn missing_for_deals(
    db: &impl ConnectionTrait,
    partner_id: i64,
    at: DateTime<Utc>,
) -> Result<Option<Missing>> {
    let partner = partner::Entity::find_by_id(partner_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let gates = course::Entity::find()
        .filter(course::Column::ProgramId.eq(partner.program_id))
        .filter(course::Column::GatesDeals.eq(true))
        .order_by_asc(course::Column::Id)
        .all(db)
        .await?;
    for gate in gates {
        // A course that is not on offer cannot be asked for.
        let Some(version) = published(db, gate.id).await? else {
            continue;
        };
        let held = counting(db, partner_id, Some(gate.id)).await?;
        if !held.iter().any(|c| status_of(c, at).counts()) {
            let link = format!("/partner/learning/{}", gate.slug);
            return Ok(Some(Missing {
                title: version.title,
                link,
            }));
        }
    }
    Ok(None)
}

/// Takes a certificate back, with a reason that its holder reads.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] when it is revoked already.
pub async fn revoke(ctx: &Context, id: i64, reason: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", "Say why; its holder is told."));
    }
    let tx = ctx.begin().await?;
    let row = certificate::Entity::find_by_id(id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let revoked = certificate::Entity::update_many()
        .col_expr(certificate::Column::RevokedAt, Expr::value(ctx.now()))
        .col_expr(certificate::Column::RevokedReason, Expr::value(reason))
        .filter(certificate::Column::Id.eq(id))
        .filter(certificate::Column::RevokedAt.is_null())
        .exec(&*tx)
        .await?
        .rows_affected;
    if revoked != 1 {
        return Err(Error::conflict(
            "This certificate has already been revoked.",
        ));
    }
    let partner_id = attempt::Entity::find_by_id(row.attempt_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?
        .partner_id;
    Entry::new(
        "certificate.revoked",
        "certificate",
        id,
        format!("Revoked: {reason}"),
    )
    .partner(partner_id)
    .record(ctx, &*tx)
    .await?;
    let letter = Letter::new("Your certificate was revoked").text(format!(
        "Certificate {} no longer counts. The reason: {reason}",
        row.number
    ));
    mail::send_to(ctx, &*tx, row.person_id, letter).await?;
    tx.commit().await?;
    Ok(())
}
