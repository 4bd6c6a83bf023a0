//! What a program is called, whether it takes applications, and which certificates it asks for.

use domain::partner::StaffRole;
use domain::validate;
use entity::{course, program};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::by_id;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event::{self, Entry};

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct ProgramFields {
    /// The program's name.
    pub name: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// The brand colour, `#rrggbb`.
    pub accent: String,
    /// `on` when applications are taken.
    pub open_to_applications: String,
}

/// A program with what was done with it, for admins and auditors.
///
/// # Errors
/// [`Error::NotFound`] for a missing program and for people outside the vendor,
/// [`Error::Forbidden`] for other staff.
pub async fn record(ctx: &Context, program_id: i64) -> Result<(program::Model, Vec<event::Line>)> {
    ctx.admin_reads()?;
    let db = ctx.reader();
    let program = by_id(db, program_id).await?;
    let timeline = event::timeline(db, "program", program_id, true).await?;
    Ok((program, timeline))
}

/// Changes what a program is called and whether it takes applications. Its kind, currency and zone
/// stay: everything that was counted was counted in them.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Forbidden`] for all but admins.
pub async fn change(ctx: &Context, program_id: i64, fields: &ProgramFields) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let mut errors = FieldErrors::new();
    let name = errors.check("name", validate::required(&fields.name, "a name", 80));
    let vendor = validate::required(&fields.vendor_name, "the vendor’s name", 80);
    let vendor = errors.check("vendor_name", vendor);
    let accent = fields.accent.trim().to_lowercase();
    let hex = accent.strip_prefix('#').unwrap_or_default();
    if hex.len() != 6 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
        errors.add("accent", "Enter a colour such as #3d5bd9.");
    }
    errors.finish()?;
    let open = fields.open_to_applications == "on";
    let (name, vendor) = (name.unwrap_or_default(), vendor.unwrap_or_default());
    let tx = ctx.begin().await?;
    let old = by_id(&*tx, program_id).await?;
    use program::Column as C;
    program::Entity::update_many()
        .col_expr(C::Name, Expr::value(name.clone()))
        .col_expr(C::VendorName, Expr::value(vendor.clone()))
        .col_expr(C::Accent, Expr::value(accent.clone()))
        .col_expr(C::OpenToApplications, Expr::value(open))
        .filter(C::Id.eq(program_id))
        .exec(&*tx)
        .await?;
    let summary = match (old.open_to_applications, open) {
        (true, false) => format!("Program “{name}” takes no more applications."),
        (false, true) => format!("Program “{name}” takes applications."),
        _ => format!("Program “{name}” changed."),
    };
    Entry::new("program.changed", "program", program_id, summary)
        .internal()
        .detail(serde_json::json!({
            "before": {"name": old.name, "vendor_name": old.vendor_name, "accent": old.accent},
            "after": {"name": name, "vendor_name": vendor, "accent": accent},
        }))
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Sets which of a program's courses a partner must be certified in to register deals. It counts at
/// once for courses of which a version is published.
///
/// # Errors
/// [`Error::Invalid`] at `courses` for one that is not the program's; [`Error::Forbidden`] for all
/// but admins.
pub async fn require_courses(ctx: &Context, program_id: i64, required: &[i64]) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    by_id(ctx.reader(), program_id).await?;
    let known = course::Entity::find()
        .filter(course::Column::ProgramId.eq(program_id))
        .order_by_asc(course::Column::Slug)
        .all(ctx.reader())
        .await?;
    if required.iter().any(|id| !known.iter().any(|c| c.id == *id)) {
        return Err(Error::field("courses", "Choose courses of this program."));
    }
    let tx = ctx.begin().await?;
    for wanted in [true, false] {
        let mut ids: Vec<i64> = known.iter().map(|c| c.id).collect();
        ids.retain(|id| required.contains(id) == wanted);
        course::Entity::update_many()
            .col_expr(course::Column::GatesDeals, Expr::value(wanted))
            .filter(course::Column::Id.is_in(ids))
            .exec(&*tx)
            .await?;
    }
    let names: Vec<&str> = known
        .iter()
        .filter(|c| required.contains(&c.id))
        .map(|c| c.slug.as_str())
        .collect();
    let summary = match names.as_slice() {
        [] => "Registering deals needs no certificate.".to_owned(),
        names => format!("Registering deals needs: {}.", names.join(", ")),
    };
    Entry::new("program.certificates", "program", program_id, summary)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
