//! What a program sells: product lines, and the Stripe products that belong to each.

use std::collections::{BTreeMap, BTreeSet};

use domain::partner::StaffRole;
use domain::validate;
use entity::{product_line, stripe_product};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::by_id;
use crate::context::Context;
use crate::db::Tx;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct LineFields {
    /// The word that rules, deals and Stripe's metadata know it by.
    pub code: String,
    /// Its name.
    pub name: String,
    /// `prod_…`, separated by spaces, commas or lines.
    pub products: String,
}

/// A product line with the Stripe products that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The row.
    pub row: product_line::Model,
    /// `prod_…`.
    pub products: Vec<String>,
}

/// What a program sells, by name, for admins and auditors.
///
/// # Errors
/// [`Error::NotFound`] for a missing program and for people outside the vendor,
/// [`Error::Forbidden`] for other staff.
pub async fn lines(ctx: &Context, program_id: i64) -> Result<Vec<Line>> {
    ctx.admin_reads()?;
    let db = ctx.reader();
    by_id(db, program_id).await?;
    let mut products: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for row in stripe_product::Entity::find()
        .order_by_asc(stripe_product::Column::Id)
        .all(db)
        .await?
    {
        products
            .entry(row.product_line_id)
            .or_default()
            .push(row.id);
    }
    let rows = super::product_lines(db, program_id).await?;
    Ok(rows
        .into_iter()
        .map(|row| Line {
            products: products.remove(&row.id).unwrap_or_default(),
            row,
        })
        .collect())
}

/// Adds a product line.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Forbidden`] for all but admins.
pub async fn add_line(ctx: &Context, program_id: i64, fields: &LineFields) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    by_id(&*tx, program_id).await?;
    let mut errors = FieldErrors::new();
    let code = fields.code.trim().to_owned();
    errors.check("code", domain::slug::check(&code));
    let others = super::product_lines(&*tx, program_id).await?;
    if others.iter().any(|l| l.code == code) {
        errors.add("code", "Another product has this code.");
    }
    let (name, products) = read(&tx, fields, 0, &mut errors).await?;
    errors.finish()?;
    let line = product_line::Entity::insert(product_line::ActiveModel {
        program_id: Set(program_id),
        code: Set(code),
        name: Set(name),
        ..Default::default()
    })
    .exec_with_returning(&*tx)
    .await?;
    keep(&tx, line.id, &products).await?;
    let summary = format!("Product “{}” added.", line.name);
    Entry::new("program.product_added", "program", program_id, summary)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Changes a product line's name and its Stripe products. Its code stays: rules and deals know it
/// by that. Invoices that have come keep the product they were read with.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::NotFound`] for a missing line; [`Error::Forbidden`] for all
/// but admins.
pub async fn change_line(
    ctx: &Context,
    program_id: i64,
    line_id: i64,
    fields: &LineFields,
) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let lines = super::product_lines(&*tx, program_id).await?;
    if !lines.iter().any(|l| l.id == line_id) {
        return Err(Error::NotFound);
    }
    let mut errors = FieldErrors::new();
    let (name, products) = read(&tx, fields, line_id, &mut errors).await?;
    errors.finish()?;
    product_line::Entity::update_many()
        .col_expr(product_line::Column::Name, Expr::value(name.clone()))
        .filter(product_line::Column::Id.eq(line_id))
        .exec(&*tx)
        .await?;
    stripe_product::Entity::delete_many()
        .filter(stripe_product::Column::ProductLineId.eq(line_id))
        .exec(&*tx)
        .await?;
    keep(&tx, line_id, &products).await?;
    let list: Vec<&str> = products.iter().map(String::as_str).collect();
    let summary = format!("Product “{name}” changed; at Stripe: {}.", list.join(", "));
    Entry::new("program.product_changed", "program", program_id, summary)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn read(
    tx: &Tx,
    fields: &LineFields,
    own: i64,
    errors: &mut FieldErrors,
) -> Result<(String, BTreeSet<String>)> {
    let name = validate::required(&fields.name, "a name", 80);
    let name = errors.check("name", name).unwrap_or_default();
    let mut products = BTreeSet::new();
    for id in fields
        .products
        .split([',', ';', ' ', '\n', '\r', '\t'])
        .filter(|id| !id.is_empty())
    {
        let shape = id.strip_prefix("prod_").is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        if !shape || id.len() > 100 {
            let sentence = format!("“{id}” is not a Stripe product; they begin with prod_.");
            errors.add("products", sentence);
        }
        products.insert(id.to_owned());
    }
    if !products.is_empty() {
        let taken = stripe_product::Entity::find()
            .filter(stripe_product::Column::Id.is_in(products.iter().map(String::as_str)))
            .filter(stripe_product::Column::ProductLineId.ne(own))
            .one(&**tx)
            .await?;
        if let Some(taken) = taken {
            let sentence = format!("{} belongs to another product already.", taken.id);
            errors.add("products", sentence);
        }
    }
    Ok((name, products))
}

async fn keep(tx: &Tx, line_id: i64, products: &BTreeSet<String>) -> Result<()> {
    for id in products {
        let row = stripe_product::ActiveModel {
            id: Set(id.clone()),
            product_line_id: Set(line_id),
        };
        stripe_product::Entity::insert(row)
            .exec_without_returning(&**tx)
            .await?;
    }
    Ok(())
}
