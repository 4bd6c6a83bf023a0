//! Accounts: the customers' companies. One company is one account, keyed by its registrable
//! domains; deals, protection and credit belong to accounts, never to single contacts.

mod credit;
mod edit;
mod list;
mod record;

use domain::registrable::{normalised_name, similar_names};
use entity::{account, account_domain};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

pub use credit::{Credit, add_credit, end_credit};
pub use edit::{NewAccount, create, link_domain, rename, set_house, unlink_domain};
pub use list::{AccountKind, AccountList, AccountRow, list};
pub use record::{Credited, Record, record};

use crate::context::Context;
use crate::error::{Error, Result};

/// Accounts compared for a similar name, at most.
const COMPARED: u64 = 2_000;

/// The account of a registrable domain; a new one with this name when nobody has the domain yet.
/// Two that ask at once get the same one.
///
/// # Errors
/// When the database refuses.
pub async fn find_or_create(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    domain: &str,
    name: &str,
    country: Option<&str>,
) -> Result<account::Model> {
    if let Some(known) = by_domain(tx, domain).await? {
        return Ok(known);
    }
    let made = account::Entity::insert(account::ActiveModel {
        name: Set(name.trim().to_owned()),
        normalised_name: Set(normalised_name(name)),
        country: Set(country.map(str::to_owned)),
        house: Set(false),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(tx)
    .await?;
    if keep_domain(tx, domain, made.id).await? {
        return Ok(made);
    }
    // Somebody else was first: theirs counts.
    account::Entity::delete_by_id(made.id).exec(tx).await?;
    by_domain(tx, domain)
        .await?
        .ok_or_else(|| Error::internal("a domain without its account"))
}

/// The account of a registrable domain.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_domain(db: &impl ConnectionTrait, domain: &str) -> Result<Option<account::Model>> {
    let Some(row) = account_domain::Entity::find_by_id(domain.to_owned())
        .one(db)
        .await?
    else {
        return Ok(None);
    };
    Ok(account::Entity::find_by_id(row.account_id).one(db).await?)
}

/// Gives a domain to an account; false when somebody has it.
async fn keep_domain(tx: &impl ConnectionTrait, domain: &str, account_id: i64) -> Result<bool> {
    let kept = account_domain::Entity::insert(account_domain::ActiveModel {
        id: Set(domain.to_owned()),
        account_id: Set(account_id),
    })
    .on_conflict(
        OnConflict::column(account_domain::Column::Id)
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    Ok(kept == 1)
}

/// The registrable domains of an account, by name.
pub(crate) async fn domains(db: &impl ConnectionTrait, account_id: i64) -> Result<Vec<String>> {
    let rows = account_domain::Entity::find()
        .filter(account_domain::Column::AccountId.eq(account_id))
        .order_by_asc(account_domain::Column::Id)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|d| d.id).collect())
}

/// Other accounts that may be the same company by their name: id and name, at most five. Only ever
/// a hint for a person.
pub(crate) async fn similar(
    db: &impl ConnectionTrait,
    account_id: i64,
    name: &str,
) -> Result<Vec<(i64, String)>> {
    // The measure weighs the beginning of a name most, so only those that begin alike are compared.
    let start: String = normalised_name(name).chars().take(2).collect();
    if start.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String)> = account::Entity::find()
        .select_only()
        .column(account::Column::Id)
        .column(account::Column::Name)
        .filter(account::Column::NormalisedName.starts_with(start))
        .filter(account::Column::Id.ne(account_id))
        .order_by_asc(account::Column::Id)
        .limit(COMPARED)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .filter(|(_, other)| similar_names(name, other))
        .take(5)
        .collect())
}

/// An account by id, for those who have shown their right to it.
async fn by_id(db: &impl ConnectionTrait, id: i64) -> Result<account::Model> {
    account::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}
