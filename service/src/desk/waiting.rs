//! What waits for somebody: the numbers beside the entries of the menu.

use domain::partner::StaffRole;
use sea_orm::{FromQueryResult, Statement};

use crate::context::{Actor, Context};
use crate::deal::to_decide;
use crate::error::Result;

/// (key, whose work it is beside admins, SQL) of what can wait for staff, beside conflicts. One
/// statement asks for all of them.
const STAFF_COUNTS: &[(&str, &[StaffRole], &str)] = &[
    (
        "applications",
        &[StaffRole::Manager],
        "SELECT COUNT(*) FROM application WHERE status IN ('submitted', 'in_review')",
    ),
    (
        "deals",
        &[StaffRole::Manager],
        "SELECT COUNT(*) FROM deal WHERE status IN ('submitted', 'in_review') OR id IN \
         (SELECT deal_id FROM extension_request WHERE status = 'open')",
    ),
    (
        "holds",
        &[StaffRole::Finance],
        "SELECT COUNT(*) FROM commission WHERE state = 'held'",
    ),
    (
        "runs",
        &[StaffRole::Finance],
        "SELECT COUNT(*) FROM payout_run WHERE status IN ('submitted', 'waiting_for_balance')",
    ),
    (
        "discrepancies",
        &[StaffRole::Finance],
        "SELECT COUNT(*) FROM discrepancy WHERE settled_at IS NULL",
    ),
    (
        "invoices",
        &[StaffRole::Finance, StaffRole::Manager],
        "SELECT COUNT(*) FROM invoice WHERE outcome = 'unmatched'",
    ),
    (
        "jobs",
        &[],
        "SELECT COUNT(*) FROM job WHERE status = 'dead'",
    ),
    (
        "webhooks",
        &[],
        "SELECT COUNT(*) FROM webhook_event WHERE status = 'failed'",
    ),
];

#[derive(FromQueryResult)]
struct Count {
    name: String,
    waiting: i64,
}

/// How much waits, by key.
///
/// # Errors
/// When the database cannot be read.
pub async fn waiting(ctx: &Context) -> Result<Vec<(String, i64)>> {
    let parts: Vec<(&str, String)> = match ctx.actor {
        // The number in the text is ours, never typed by anybody.
        Actor::Partner { partner_id, .. } => vec![(
            "deals",
            format!(
                "SELECT COUNT(*) FROM deal WHERE partner_id = {partner_id} AND status = \
                 'information_requested'"
            ),
        )],
        Actor::Staff { role, .. } => {
            let conflicts = ("conflicts", &[StaffRole::Manager][..], to_decide());
            STAFF_COUNTS
                .iter()
                .map(|(key, roles, sql)| (*key, *roles, (*sql).to_owned()))
                .chain([conflicts])
                .filter(|(_, roles, _)| {
                    roles.contains(&role) || matches!(role, StaffRole::Admin | StaffRole::Auditor)
                })
                .map(|(key, _, sql)| (key, sql))
                .collect()
        }
        _ => return Ok(Vec::new()),
    };
    let sql = parts
        .iter()
        .map(|(key, sql)| format!("SELECT '{key}' AS name, ({sql}) AS waiting"))
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    let db = ctx.reader();
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = Count::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|c| (c.name, c.waiting)).collect())
}
