//! Holding customers and accounts, so that whoever works on the same ones does it afterwards and sees
//! what was written. For the order in which things are held see [`crate::db`].

use std::collections::BTreeSet;

use entity::{account, customer};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::load::make_customers;
use crate::context::Context;
use crate::error::{Error, Result};

/// An account with its customers, held until the transaction ends: whoever changes who is credited
/// for an account begins with this.
pub(crate) struct Held {
    pub(super) account_id: i64,
    pub(super) customers: Vec<customer::Model>,
}

/// Holds an account with its customers and one more, which is made where Stripe has not spoken of it.
pub(crate) async fn hold(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    account_id: i64,
    named: Option<&str>,
) -> Result<Held> {
    let named: BTreeSet<String> = named.map(str::to_owned).into_iter().collect();
    make_customers(ctx, tx, &named).await?;
    let which = Condition::any()
        .add(customer::Column::AccountId.eq(account_id))
        .add(customer::Column::StripeId.is_in(named));
    let customers = hold_customers(tx, which).await?;
    hold_accounts(tx, &BTreeSet::from([account_id])).await?;
    Ok(Held {
        account_id,
        customers,
    })
}

impl Held {
    /// Links a customer to the account, as when a deal is won: what it pays from now on, and what it
    /// has paid without being matched, counts for the account. A link that is there stays.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it belongs to another account.
    pub(crate) async fn link(
        &self,
        tx: &impl ConnectionTrait,
        stripe_id: &str,
        reason: &str,
    ) -> Result<()> {
        let row = self.customers.iter().find(|c| c.stripe_id == stripe_id);
        let row = row.ok_or_else(|| Error::internal("the customer is not held"))?;
        match row.account_id {
            Some(known) if known == self.account_id => Ok(()),
            Some(_) => Err(Error::conflict(format!(
                "The customer {stripe_id} belongs to another account. Ask a manager to look at it."
            ))),
            None => {
                customer::Entity::update_many()
                    .col_expr(customer::Column::AccountId, Expr::value(self.account_id))
                    .col_expr(customer::Column::MatchedBy, Expr::value("linked"))
                    .col_expr(customer::Column::MatchReason, Expr::value(reason))
                    .col_expr(customer::Column::Question, Expr::value(None::<String>))
                    .filter(customer::Column::Id.eq(row.id))
                    .exec(tx)
                    .await?;
                Ok(())
            }
        }
    }
}

/// Customers by Stripe's ids, in one order for every process.
pub(super) async fn hold_customers(
    tx: &impl ConnectionTrait,
    which: Condition,
) -> Result<Vec<customer::Model>> {
    let mut query = customer::Entity::find()
        .filter(which)
        .order_by_asc(customer::Column::StripeId);
    if tx.get_database_backend() == DbBackend::Postgres {
        query = query.lock(LockType::NoKeyUpdate);
    }
    Ok(query.all(tx).await?)
}

/// Accounts, in one order for every process: two customers of one company may pay at once.
pub(crate) async fn hold_accounts(tx: &impl ConnectionTrait, ids: &BTreeSet<i64>) -> Result<()> {
    if ids.is_empty() || tx.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    account::Entity::find()
        .select_only()
        .column(account::Column::Id)
        .filter(account::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(account::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple::<i64>()
        .all(tx)
        .await?;
    Ok(())
}
