//! What administrators decide about single domains.

use chrono::{DateTime, Utc};
use domain::lists::ListKind;
use domain::partner::StaffRole;
use domain::registrable::readable;
use domain::validate;
use entity::domain_decision::{ActiveModel, Column, Entity};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::Deserialize;

use super::current;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;

/// What the form calls a domain that is one company's own.
const OWN: &str = "own";

/// A decision, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DecisionForm {
    /// A domain, web address or e-mail address.
    pub domain: String,
    /// `mailbox`, `disposable`, `shared_host`, or `own` where it is one company's own.
    pub kind: String,
    /// Why; it is kept.
    pub reason: String,
}

/// What somebody has decided about a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The domain, punycode.
    pub domain: String,
    /// What it is; none is one company's own.
    pub kind: Option<ListKind>,
    /// Why.
    pub reason: String,
    /// Who decided it.
    pub person: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The decisions that contain `q`, by domain, and how many there are.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn decisions(
    ctx: &Context,
    q: &str,
    offset: u64,
    limit: u64,
) -> Result<(Vec<Decision>, u64)> {
    ctx.any_staff()?;
    let found = Entity::find().filter(Column::Id.contains(q.trim().to_lowercase()));
    let total = found.clone().count(ctx.reader()).await?;
    let rows = found
        .order_by_asc(Column::Id)
        .offset(offset)
        .limit(limit.min(10_000))
        .all(ctx.reader())
        .await?;
    let names = crate::partner::names(ctx.reader(), rows.iter().map(|r| r.person_id)).await?;
    let rows = rows
        .into_iter()
        .map(|row| {
            Ok(Decision {
                kind: row
                    .kind
                    .as_deref()
                    .map(str::parse)
                    .transpose()
                    .map_err(Error::internal)?,
                domain: row.id,
                reason: row.reason,
                person: names.get(&row.person_id).cloned().unwrap_or_default(),
                at: row.decided_at,
            })
        })
        .collect::<Result<_>>()?;
    Ok((rows, total))
}

/// What is known about a domain, web address or e-mail address, in a sentence.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor, [`Error::Invalid`] at `domain`.
pub async fn looked_up(ctx: &Context, typed: &str) -> Result<String> {
    ctx.any_staff()?;
    let lists = current(ctx.reader()).await?;
    let whole = lists
        .registrable(typed)
        .map_err(|e| Error::field("domain", e.to_string()))?;
    let whole = readable(&whole);
    Ok(match lists.kind(typed) {
        None => format!("{whole} stands for one company."),
        Some(kind) => format!(
            "{}: {whole} stands for no company. Nobody can register it, and customers with an \
             address there are matched by a person.",
            kind.label()
        ),
    })
}

/// Decides what a domain is, whatever the lists say.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::NotFound`] and [`Error::Forbidden`] for everybody but
/// administrators.
pub async fn decide(ctx: &Context, form: &DecisionForm) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let lists = current(&*tx).await?;
    let mut errors = FieldErrors::new();
    let kind = match form.kind.as_str() {
        OWN => Some(None),
        typed => typed.parse::<ListKind>().ok().map(Some),
    };
    // A company's is all of its domain; what many share may be a part, such as sites.google.com.
    let host = match kind {
        Some(None) => lists.registrable(&form.domain),
        _ => lists.host(&form.domain),
    };
    let host = errors.check("domain", host);
    if kind.is_none() {
        errors.add("kind", "Choose what it is.");
    }
    let reason = errors.check(
        "reason",
        validate::required(&form.reason, "the reason", 500),
    );
    errors.finish()?;
    let (Some(host), Some(kind), Some(reason)) = (host, kind, reason) else {
        return Err(Error::internal("checked values are missing"));
    };
    let columns = [
        Column::Kind,
        Column::Reason,
        Column::PersonId,
        Column::DecidedAt,
    ];
    Entity::insert(ActiveModel {
        id: Set(host.clone()),
        kind: Set(kind.map(|k| k.as_str().to_owned())),
        reason: Set(reason.clone()),
        person_id: Set(person_id),
        decided_at: Set(ctx.now()),
    })
    .on_conflict(
        OnConflict::column(Column::Id)
            .update_columns(columns)
            .to_owned(),
    )
    .exec_without_returning(&*tx)
    .await?;
    let what = kind.map_or("one company’s own", ListKind::label);
    let words = format!("{} is “{what}”: {reason}", readable(&host));
    Entry::new("list.decided", "domain_decision", 0, words)
        .internal()
        .detail(serde_json::json!({ "domain": host, "kind": kind }))
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a decision back: the lists say again what the domain is.
///
/// # Errors
/// [`Error::Conflict`] where nothing was decided; [`Error::NotFound`] and [`Error::Forbidden`] for
/// everybody but administrators.
pub async fn withdraw(ctx: &Context, domain: &str) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let gone = Entity::delete_by_id(domain.to_owned()).exec(&*tx).await?;
    if gone.rows_affected == 0 {
        return Err(Error::conflict(
            "Nothing is decided about this domain any more. Reload the page to see how it stands.",
        ));
    }
    let words = format!(
        "What was decided about {} counts no more.",
        readable(domain)
    );
    Entry::new("list.decision_withdrawn", "domain_decision", 0, words)
        .internal()
        .detail(serde_json::json!({ "domain": domain }))
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
