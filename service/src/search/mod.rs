//! The command palette: people, partners, deals, invoices, Stripe ids, pages and actions, limited to
//! what the actor may see.

mod places;

use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait,
};

use crate::context::{Actor, Context};
use crate::error::Result;

/// Hits of one kind at most.
const EACH: u64 = 5;

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hit {
    /// What it is: `Partner`, `Person`, `Deal`, `Invoice`, `Page`, …
    pub kind: String,
    /// Its name.
    pub title: String,
    /// More about it.
    pub detail: String,
    /// Where it is, a path in the portal.
    pub href: String,
}

impl Hit {
    fn new(
        kind: &str,
        title: impl Into<String>,
        detail: impl Into<String>,
        href: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.to_owned(),
            title: title.into(),
            detail: detail.into(),
            href: href.into(),
        }
    }
}

/// A pattern that finds the text anywhere, in lower case.
pub(crate) fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.trim().to_lowercase().chars().take(100) {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Whether a column has the text of a pattern made by [`like`], in any case.
pub(crate) fn contains(column: Expr, pattern: &str) -> Expr {
    Expr::expr(Func::lower(column)).like(LikeExpr::new(pattern).escape('\\'))
}

/// What fits the text. Pages and actions come first, records after them.
///
/// # Errors
/// [`crate::Error::NotFound`] for nobody.
pub async fn search(ctx: &Context, text: &str) -> Result<Vec<Hit>> {
    ctx.person()?;
    let text = text.trim();
    let mut hits = places::find(&ctx.actor, text);
    if text.chars().count() < 2 {
        return Ok(hits);
    }
    match ctx.actor {
        Actor::Partner { partner_id, .. } => of_partner(ctx, partner_id, text, &mut hits).await?,
        Actor::Staff { .. } => of_staff(ctx, text, &mut hits).await?,
        _ => {}
    }
    Ok(hits)
}

async fn of_partner(ctx: &Context, partner_id: i64, text: &str, hits: &mut Vec<Hit>) -> Result<()> {
    let pattern = like(text);
    let db = ctx.reader();
    deals(ctx, Some(partner_id), &pattern, hits).await?;
    let people = entity::member::Entity::find()
        .join(JoinType::InnerJoin, entity::member::Relation::Person.def())
        .select_also(entity::person::Entity)
        .filter(entity::member::Column::PartnerId.eq(partner_id))
        .filter(entity::member::Column::RemovedAt.is_null())
        .filter(person_fits(&pattern))
        .limit(EACH)
        .all(db)
        .await?;
    for person in people.into_iter().filter_map(|(_, p)| p) {
        hits.push(Hit::new(
            "Person",
            person.name,
            person.email,
            "/partner/organisation",
        ));
    }
    Ok(())
}

fn person_fits(pattern: &str) -> Condition {
    use entity::person::{Column, Entity};
    Condition::any()
        .add(contains(Expr::col((Entity, Column::Name)), pattern))
        .add(contains(Expr::col((Entity, Column::Email)), pattern))
}

async fn deals(
    ctx: &Context,
    partner_id: Option<i64>,
    pattern: &str,
    hits: &mut Vec<Hit>,
) -> Result<()> {
    use entity::deal::{Column, Entity};
    let mut query = Entity::find().filter(
        Condition::any()
            .add(contains(Expr::col((Entity, Column::CustomerName)), pattern))
            .add(contains(
                Expr::col((Entity, Column::CustomerDomain)),
                pattern,
            )),
    );
    query = match partner_id {
        Some(id) => query.filter(Column::PartnerId.eq(id)),
        None => query.filter(Column::SubmittedAt.is_not_null()),
    };
    let area = if partner_id.is_some() {
        "partner"
    } else {
        "manager"
    };
    for deal in query
        .order_by_desc(Column::Id)
        .limit(EACH)
        .all(ctx.reader())
        .await?
    {
        let name = if deal.customer_name.is_empty() {
            "Draft".to_owned()
        } else {
            deal.customer_name
        };
        let detail = format!(
            "{} · {}",
            deal.customer_domain,
            deal.status.replace('_', " ")
        );
        hits.push(Hit::new(
            "Deal",
            name,
            detail,
            format!("/{area}/deals/{}", deal.id),
        ));
    }
    Ok(())
}

async fn of_staff(ctx: &Context, text: &str, hits: &mut Vec<Hit>) -> Result<()> {
    let pattern = like(text);
    let db = ctx.reader();
    {
        use entity::partner::{Column, Entity};
        let fits = Condition::any()
            .add(contains(Expr::col((Entity, Column::Name)), &pattern))
            .add(contains(Expr::col((Entity, Column::LegalName)), &pattern))
            .add(contains(Expr::col((Entity, Column::Domain)), &pattern));
        for p in Entity::find()
            .filter(fits)
            .order_by_asc(Column::Name)
            .limit(EACH)
            .all(db)
            .await?
        {
            let detail = format!("{} · {}", p.domain, p.status);
            hits.push(Hit::new(
                "Partner",
                p.name,
                detail,
                format!("/manager/partners/{}", p.id),
            ));
        }
    }
    {
        use entity::application::{Column, Entity};
        let fits = Condition::any()
            .add(contains(Expr::col((Entity, Column::LegalName)), &pattern))
            .add(contains(Expr::col((Entity, Column::Domain)), &pattern));
        let found = Entity::find()
            .filter(fits)
            .filter(Column::SubmittedAt.is_not_null())
            .order_by_desc(Column::Id)
            .limit(EACH)
            .all(db)
            .await?;
        for a in found {
            let detail = a.status.replace('_', " ");
            hits.push(Hit::new(
                "Application",
                a.legal_name,
                detail,
                format!("/manager/applications/{}", a.id),
            ));
        }
    }
    deals(ctx, None, &pattern, hits).await?;
    people(ctx, &pattern, hits).await?;
    {
        use entity::account::{Column, Entity};
        let fits = contains(Expr::col((Entity, Column::Name)), &pattern);
        for a in Entity::find()
            .filter(fits)
            .order_by_asc(Column::Name)
            .limit(EACH)
            .all(db)
            .await?
        {
            let detail = a.country.unwrap_or_default();
            hits.push(Hit::new(
                "Account",
                a.name,
                detail,
                format!("/manager/accounts/{}", a.id),
            ));
        }
    }
    stripe(ctx, text, &pattern, hits).await
}

/// People of partners lead to their organisation, applicants to their application.
async fn people(ctx: &Context, pattern: &str, hits: &mut Vec<Hit>) -> Result<()> {
    let rows = entity::member::Entity::find()
        .join(JoinType::InnerJoin, entity::member::Relation::Person.def())
        .join(JoinType::InnerJoin, entity::member::Relation::Partner.def())
        .select_also(entity::person::Entity)
        .filter(entity::member::Column::RemovedAt.is_null())
        .filter(person_fits(pattern))
        .order_by_asc(entity::person::Column::Name)
        .limit(EACH)
        .all(ctx.reader())
        .await?;
    for (member, person) in rows {
        let Some(person) = person else { continue };
        let href = format!("/manager/partners/{}", member.partner_id);
        hits.push(Hit::new("Person", person.name, person.email, href));
    }
    Ok(())
}

/// Invoices by number and everything that has a Stripe id.
async fn stripe(ctx: &Context, text: &str, pattern: &str, hits: &mut Vec<Hit>) -> Result<()> {
    let db = ctx.reader();
    {
        use entity::invoice::{Column, Entity};
        let fits = Condition::any()
            .add(Column::StripeId.eq(text))
            .add(contains(Expr::col((Entity, Column::Number)), pattern));
        for i in Entity::find()
            .filter(fits)
            .order_by_desc(Column::Id)
            .limit(EACH)
            .all(db)
            .await?
        {
            let title = i.number.unwrap_or(i.stripe_id);
            let detail = format!("{} · {}", i.status, i.outcome);
            hits.push(Hit::new(
                "Invoice",
                title,
                detail,
                format!("/finance/invoices/{}", i.id),
            ));
        }
    }
    if text.starts_with("cus_")
        && let Some(c) = entity::customer::Entity::find()
            .filter(entity::customer::Column::StripeId.eq(text))
            .one(db)
            .await?
    {
        let href = c.account_id.map_or("/finance/invoices".to_owned(), |id| {
            format!("/manager/accounts/{id}")
        });
        hits.push(Hit::new("Customer", c.name, c.stripe_id, href));
    }
    if text.starts_with("acct_")
        && let Some(a) = entity::payout_account::Entity::find()
            .filter(entity::payout_account::Column::StripeId.eq(text))
            .one(db)
            .await?
    {
        hits.push(Hit::new(
            "Payout account",
            a.stripe_id,
            a.state,
            format!("/manager/partners/{}", a.partner_id),
        ));
    }
    if text.starts_with("tr_")
        && let Some(p) = entity::payout::Entity::find()
            .filter(entity::payout::Column::TransferId.eq(text))
            .one(db)
            .await?
    {
        hits.push(Hit::new(
            "Payout",
            text,
            p.status,
            format!("/finance/runs/{}", p.run_id),
        ));
    }
    if text.starts_with("sub_")
        && let Some(s) = entity::subscription::Entity::find()
            .filter(entity::subscription::Column::StripeId.eq(text))
            .one(db)
            .await?
        && let Some(c) = entity::customer::Entity::find_by_id(s.customer_id)
            .one(db)
            .await?
    {
        let href = c.account_id.map_or("/finance/invoices".to_owned(), |id| {
            format!("/manager/accounts/{id}")
        });
        hits.push(Hit::new("Subscription", c.name, s.stripe_id, href));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn what_means_something_to_the_database_is_escaped() {
        assert_eq!(like(" 50%_Off\\ "), "%50\\%\\_off\\\\%");
    }
}
