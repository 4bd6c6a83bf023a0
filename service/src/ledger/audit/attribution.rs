//! Who was credited, held against when money arrived and what is known of whose customer it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::attribution::covers;
use entity::{account_domain, attribution, protection};
use futures::TryStreamExt;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, Statement, StreamTrait};

use super::Report;
use crate::error::Result;
use crate::lists;

/// Adds what is wrong about credits.
pub(super) async fn credits<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    report: &mut Report,
) -> Result<()> {
    let credited = Credited::load(tx).await?;
    times(tx, &credited, report).await?;
    references(tx, report).await?;
    claims(tx, report).await?;
    shared(tx, report).await
}

/// From when until when somebody has something of an account.
struct Span {
    partner_id: i64,
    /// None: every product.
    product_line_id: Option<i64>,
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
}

/// Who is and was credited, by account, and who had a product line protected.
struct Credited {
    credits: HashMap<i64, Vec<Span>>,
    protected: HashMap<i64, Vec<Span>>,
}

impl Credited {
    async fn load<C: ConnectionTrait + StreamTrait>(tx: &C) -> Result<Self> {
        let mut credits: HashMap<i64, Vec<Span>> = HashMap::new();
        let mut rows = attribution::Entity::find().stream(tx).await?;
        while let Some(row) = rows.try_next().await? {
            credits.entry(row.account_id).or_default().push(Span {
                partner_id: row.partner_id,
                product_line_id: row.product_line_id,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
            });
        }
        drop(rows);
        let mut protected: HashMap<i64, Vec<Span>> = HashMap::new();
        let mut rows = protection::Entity::find().stream(tx).await?;
        while let Some(row) = rows.try_next().await? {
            protected.entry(row.account_id).or_default().push(Span {
                partner_id: row.partner_id,
                product_line_id: Some(row.product_line_id),
                starts_at: row.starts_at,
                ends_at: [row.expires_at, row.released_at]
                    .into_iter()
                    .flatten()
                    .min(),
            });
        }
        Ok(Self { credits, protected })
    }

    fn credits(&self, account: i64, at: DateTime<Utc>) -> impl Iterator<Item = &Span> {
        let spans = self.credits.get(&account).into_iter().flatten();
        spans.filter(move |s| covers(s.starts_at, s.ends_at, at))
    }

    /// The partners with product lines of their own, where several have some and nobody has all.
    fn several(&self, account: i64, at: DateTime<Utc>) -> Option<BTreeSet<i64>> {
        if self
            .credits(account, at)
            .any(|s| s.product_line_id.is_none())
        {
            return None;
        }
        let protected = self.protected.get(&account).into_iter().flatten();
        let partners: BTreeSet<i64> = self
            .credits(account, at)
            .chain(protected.filter(|s| covers(s.starts_at, s.ends_at, at)))
            .map(|s| s.partner_id)
            .collect();
        (partners.len() > 1).then_some(partners)
    }
}

/// Commission on invoices that were paid while the partner was not credited, and on lines of an
/// unknown product while several partners were, each for another.
async fn times<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    credited: &Credited,
    report: &mut Report,
) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Line {
        id: i64,
        partner_id: i64,
        account_id: i64,
        paid_at: DateTime<Utc>,
        on_line: bool,
        product_line_id: Option<i64>,
    }
    let statement = statement(
        tx,
        "SELECT c.id, c.partner_id, c.account_id, i.paid_at, \
           l.id IS NOT NULL AS on_line, l.product_line_id \
         FROM commission c JOIN invoice i ON i.id = c.invoice_id \
         LEFT JOIN invoice_line l ON l.id = c.invoice_line_id \
         WHERE c.kind = 'accrual' AND c.state NOT IN ('canceled', 'reversed') \
           AND c.account_id IS NOT NULL AND i.paid_at IS NOT NULL ORDER BY c.id",
    );
    let mut rows = Line::find_by_statement(statement).stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        let at = row.paid_at;
        let mut credits = credited.credits(row.account_id, at);
        if !credits.any(|s| s.partner_id == row.partner_id) {
            let message = format!(
                "partner {} is not credited for account {} at {}, when the money arrived",
                row.partner_id,
                row.account_id,
                at.to_rfc3339()
            );
            report.add("commission", row.id, message);
        }
        if row.on_line
            && row.product_line_id.is_none()
            && let Some(partners) = credited.several(row.account_id, at)
        {
            let message = format!(
                "its line names no product, and the partners {partners:?} hold different ones of \
                 account {}: nobody has said whose it is",
                row.account_id
            );
            report.add("commission", row.id, message);
        }
    }
    Ok(())
}

/// Customers who earn somebody something by a reference that anybody could type, although their mail
/// address does not say the same.
async fn references<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Customer {
        id: i64,
        email: String,
        account_id: i64,
    }
    let statement = statement(
        tx,
        "SELECT c.id, c.email, c.account_id FROM customer c \
         WHERE c.matched_by = 'client_reference' AND c.account_id IS NOT NULL \
           AND NOT EXISTS (SELECT 1 FROM customer_claim s WHERE s.customer_id = c.id \
             AND s.source = 'signed') \
           AND EXISTS (SELECT 1 FROM commission m JOIN invoice i ON i.id = m.invoice_id \
             WHERE i.customer_id = c.id AND m.kind = 'accrual' \
             AND m.state NOT IN ('canceled', 'reversed')) ORDER BY c.id",
    );
    let customers = Customer::find_by_statement(statement).all(tx).await?;
    if customers.is_empty() {
        return Ok(());
    }
    let lists = lists::current(tx).await?;
    let domains: BTreeMap<String, i64> = account_domain::Entity::find()
        .all(tx)
        .await?
        .into_iter()
        .map(|d| (d.id, d.account_id))
        .collect();
    for customer in customers {
        let own = lists.company(&customer.email).ok();
        let says = own.and_then(|domain| domains.get(&domain).copied());
        if says != Some(customer.account_id) {
            let says = says.map_or("no account".to_owned(), |id| format!("account {id}"));
            let message = format!(
                "belongs to account {} by a reference that nobody has signed; its mail address \
                 says {says}",
                customer.account_id
            );
            report.add("customer", customer.id, message);
        }
    }
    Ok(())
}

/// Deals that are won although nothing was paid and no manager said so.
async fn claims<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Deal {
        id: i64,
    }
    let statement = statement(
        tx,
        "SELECT d.id FROM deal d WHERE d.status = 'won' \
           AND NOT EXISTS (SELECT 1 FROM customer c JOIN customer_paid y ON y.id = c.id \
             WHERE c.account_id = d.account_id AND y.first_at IS NOT NULL) \
           AND EXISTS (SELECT 1 FROM event e LEFT JOIN person p ON p.id = e.actor_id \
             WHERE e.subject_type = 'deal' AND e.subject_id = d.id AND e.action = 'deal.won' \
             AND p.staff_role IS NULL) ORDER BY d.id",
    );
    let mut rows = Deal::find_by_statement(statement).stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        report.add(
            "deal",
            row.id,
            "is won, but its customer has paid nothing and no manager has said so",
        );
    }
    Ok(())
}

/// Accounts that are known by a domain which says nothing about a company.
async fn shared<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    let lists = lists::current(tx).await?;
    let mut rows = account_domain::Entity::find().stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        if let Some(kind) = lists.kind(&row.id) {
            let message = format!(
                "is known by {}, which many share ({}): whoever has an address there counts as its \
                 customer",
                row.id,
                kind.label().to_lowercase()
            );
            report.add("account", row.account_id, message);
        }
    }
    Ok(())
}

fn statement<C: ConnectionTrait>(tx: &C, sql: &str) -> Statement {
    let backend: DbBackend = tx.get_database_backend();
    Statement::from_string(backend, sql)
}
