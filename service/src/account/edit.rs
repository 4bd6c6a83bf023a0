//! What managers change about an account.

use domain::partner::StaffRole;
use domain::registrable::normalised_name;
use domain::validate;
use entity::account::{Column, Entity};
use entity::account_domain;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde::Deserialize;

use super::{by_domain, by_id, find_or_create, keep_domain};
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;
use crate::lists;

/// A company that is not known yet, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NewAccount {
    /// The company's name.
    pub name: String,
    /// Its domain or web address.
    pub domain: String,
    /// ISO 3166-1 alpha-2; may be empty.
    pub country: String,
    /// Anything when the vendor's own team works on it.
    pub house: String,
}

/// Makes an account, as for a company that the vendor's own team works on. Returns `account.id`.
///
/// # Errors
/// [`Error::Invalid`] by field, also when the domain belongs to an account already.
pub async fn create(ctx: &Context, form: &NewAccount) -> Result<i64> {
    ctx.staff(StaffRole::Manager)?;
    let mut errors = FieldErrors::new();
    let name = errors.check(
        "name",
        validate::required(&form.name, "the company’s name", 200),
    );
    let country = match form.country.trim() {
        "" => None,
        code => errors.check("country", validate::country(code)),
    };
    let tx = ctx.begin().await?;
    let lists = lists::current(&*tx).await?;
    let domain = errors.check("domain", lists.company(&form.domain));
    if let Some(domain) = &domain
        && let Some(known) = by_domain(&*tx, domain).await?
    {
        errors.add(
            "domain",
            format!("This domain belongs to the account {}.", known.name),
        );
    }
    errors.finish()?;
    let (Some(name), Some(domain)) = (name, domain) else {
        return Err(Error::internal("checked values are missing"));
    };
    let account = find_or_create(ctx, &*tx, &domain, &name, country.as_deref()).await?;
    if !form.house.is_empty() {
        Entity::update_many()
            .col_expr(Column::House, Expr::value(true))
            .filter(Column::Id.eq(account.id))
            .exec(&*tx)
            .await?;
    }
    let kind = if form.house.is_empty() {
        ""
    } else {
        " as a house account"
    };
    Entry::new(
        "account.created",
        "account",
        account.id,
        format!("Made by hand{kind}."),
    )
    .internal()
    .detail(serde_json::json!({ "domain": domain }))
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(account.id)
}

/// Gives an account another name.
///
/// # Errors
/// [`Error::Invalid`] for an empty one, [`Error::NotFound`] for a missing account.
pub async fn rename(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let name = validate::required(typed, "the company’s name", 200)
        .map_err(|sentence| Error::field("name", sentence))?;
    let tx = ctx.begin().await?;
    let before = by_id(&*tx, id).await?;
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(name.as_str()))
        .col_expr(Column::NormalisedName, Expr::value(normalised_name(&name)))
        .filter(Column::Id.eq(id))
        .exec(&*tx)
        .await?;
    Entry::new(
        "account.renamed",
        "account",
        id,
        format!("Renamed from {} to {name}.", before.name),
    )
    .internal()
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Says whether the vendor's own team works on an account. New registrations for a house account
/// are looked at by a person; those that are protected stay so.
///
/// # Errors
/// [`Error::Conflict`] when it is so already, [`Error::NotFound`] for a missing account.
pub async fn set_house(ctx: &Context, id: i64, house: bool) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    by_id(&*tx, id).await?;
    let changed = Entity::update_many()
        .col_expr(Column::House, Expr::value(house))
        .filter(Column::Id.eq(id))
        .filter(Column::House.eq(!house))
        .exec(&*tx)
        .await?;
    if changed.rows_affected == 0 {
        return Err(Error::conflict(if house {
            "This is a house account already."
        } else {
            "This is not a house account."
        }));
    }
    let words = if house {
        "Is a house account now."
    } else {
        "Is no house account any more."
    };
    Entry::new("account.house", "account", id, words)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Says that a company also uses another domain.
///
/// # Errors
/// [`Error::Invalid`] for what is no domain or is another account's, [`Error::NotFound`] for a
/// missing account.
pub async fn link_domain(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let domain = lists::current(&*tx)
        .await?
        .company(typed)
        .map_err(|e| Error::field("domain", e.to_string()))?;
    by_id(&*tx, id).await?;
    if !keep_domain(&*tx, &domain, id).await? {
        let owner = by_domain(&*tx, &domain).await?;
        return Err(Error::field(
            "domain",
            match owner {
                Some(owner) if owner.id == id => format!("{domain} is linked already."),
                Some(owner) => format!("{domain} belongs to the account {}.", owner.name),
                None => format!("{domain} cannot be linked."),
            },
        ));
    }
    Entry::new(
        "account.domain_linked",
        "account",
        id,
        format!("{domain} linked."),
    )
    .internal()
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a domain from an account; the last one stays, because an account is known by it, unless it
/// is one that many companies share.
///
/// # Errors
/// [`Error::Conflict`] for the last one, [`Error::NotFound`] for one the account does not have.
pub async fn unlink_domain(ctx: &Context, id: i64, domain: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let own = account_domain::Entity::find().filter(account_domain::Column::AccountId.eq(id));
    // One that says nothing about a company is better gone, also when it is all there is.
    let shared = lists::current(&*tx).await?.kind(domain).is_some();
    if !shared && own.count(&*tx).await? < 2 {
        return Err(Error::conflict(
            "An account is known by its domain; link the right one first.",
        ));
    }
    let gone = account_domain::Entity::delete_many()
        .filter(account_domain::Column::Id.eq(domain))
        .filter(account_domain::Column::AccountId.eq(id))
        .exec(&*tx)
        .await?;
    if gone.rows_affected == 0 {
        return Err(Error::NotFound);
    }
    Entry::new(
        "account.domain_unlinked",
        "account",
        id,
        format!("{domain} no longer linked."),
    )
    .internal()
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
