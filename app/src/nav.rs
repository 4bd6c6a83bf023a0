//! The menu by role, with how much waits behind each entry.

use domain::partner::StaffRole;
use sea_orm::{FromQueryResult, Statement};
use service::{Actor, Context};

/// Entries under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavGroup {
    /// Heading; empty for the only group.
    pub label: &'static str,
    /// Entries in order.
    pub entries: Vec<NavEntry>,
}

/// One entry of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavEntry {
    /// Words.
    pub label: &'static str,
    /// Address.
    pub href: &'static str,
    /// Icon.
    pub icon: &'static str,
    /// Which of the [`counts`] stands beside it.
    pub count: &'static str,
    /// How much waits there.
    pub waiting: i64,
}

type Row = (&'static str, &'static str, &'static str, &'static str);

const PARTNER: &[Row] = &[
    ("Home", "/partner", "home", ""),
    ("Deals", "/partner/deals", "deal", "deals"),
    ("Customers", "/partner/customers", "account", ""),
    ("Earnings", "/partner/earnings", "money", ""),
    ("Payouts", "/partner/payouts", "payout", ""),
    ("Learning", "/partner/learning", "learn", ""),
    ("Tier", "/partner/tier", "tier", ""),
    ("Links and resources", "/partner/resources", "link", ""),
    ("Organisation", "/partner/organisation", "people", ""),
];

const APPLICANT: &[Row] = &[("My application", "/application", "home", "")];

const MANAGER: &[Row] = &[
    ("Home", "/manager", "home", ""),
    (
        "Applications",
        "/manager/applications",
        "inbox",
        "applications",
    ),
    ("Deals", "/manager/deals", "deal", "deals"),
    ("Conflicts", "/manager/conflicts", "conflict", "conflicts"),
    ("Pipeline", "/manager/pipeline", "chart", ""),
    ("Partners", "/manager/partners", "people", ""),
    ("Accounts", "/manager/accounts", "account", ""),
    ("Courses", "/manager/courses", "learn", ""),
    ("Attempts", "/manager/attempts", "list", ""),
    ("Tier reviews", "/manager/tiers", "tier", ""),
];

const FINANCE: &[Row] = &[
    ("Home", "/finance", "home", ""),
    ("Commissions", "/finance/commissions", "money", ""),
    ("Holds", "/finance/holds", "hold", "holds"),
    ("Adjustments", "/finance/adjustments", "edit", ""),
    ("Payout runs", "/finance/runs", "payout", "runs"),
    ("Payouts", "/finance/payouts", "list", ""),
    (
        "Reconciliation",
        "/finance/reconciliation",
        "check",
        "discrepancies",
    ),
    ("Invoices", "/finance/invoices", "invoice", "invoices"),
    ("Ledger", "/finance/ledger", "ledger", ""),
    ("Statements", "/finance/statements", "download", ""),
];

const ADMIN: &[Row] = &[
    ("Home", "/admin", "home", ""),
    ("Programs", "/admin/programs", "program", ""),
    ("Plans", "/admin/plans", "money", ""),
    ("Staff", "/admin/staff", "people", ""),
    ("Integrations", "/admin/integrations", "link", ""),
    ("Mail log", "/admin/mail", "inbox", ""),
    ("Jobs", "/admin/jobs", "clock", "jobs"),
    ("Webhook inbox", "/admin/webhooks", "bolt", "webhooks"),
    ("Audit log", "/admin/audit", "ledger", ""),
    ("System health", "/admin/health", "heart", ""),
];

/// Where an actor's work begins.
#[must_use]
pub fn home(actor: &Actor) -> &'static str {
    match actor {
        Actor::Partner { .. } => "/partner",
        Actor::Staff {
            role: StaffRole::Manager,
            ..
        } => "/manager",
        Actor::Staff {
            role: StaffRole::Finance,
            ..
        } => "/finance",
        Actor::Staff { .. } => "/admin",
        Actor::Person { .. } => "/application",
        Actor::Anonymous | Actor::System => "/",
    }
}

/// The menu of an actor. Entries whose address is not served are left out.
#[must_use]
pub fn groups(
    actor: &Actor,
    serves: impl Fn(&str) -> bool,
    counts: &[(String, i64)],
) -> Vec<NavGroup> {
    let areas: &[(&'static str, &[Row])] = match actor {
        Actor::Partner { .. } => &[("", PARTNER)],
        Actor::Person { .. } => &[("", APPLICANT)],
        Actor::Staff {
            role: StaffRole::Manager,
            ..
        } => &[("", MANAGER)],
        Actor::Staff {
            role: StaffRole::Finance,
            ..
        } => &[("", FINANCE)],
        Actor::Staff { .. } => &[
            ("Administration", ADMIN),
            ("Partners", MANAGER),
            ("Money", FINANCE),
        ],
        Actor::Anonymous | Actor::System => &[],
    };
    areas
        .iter()
        .map(|(label, rows)| NavGroup {
            label,
            entries: rows
                .iter()
                .filter(|(_, href, ..)| serves(href))
                .map(|&(label, href, icon, count)| NavEntry {
                    label,
                    href,
                    icon,
                    count,
                    waiting: counts
                        .iter()
                        .find(|(key, _)| key == count)
                        .map_or(0, |(_, n)| *n),
                })
                .collect(),
        })
        .filter(|group| !group.entries.is_empty())
        .collect()
}

/// (key, whose work it is beside admins, SQL) of everything that can wait for staff. One statement
/// asks for all of them.
const STAFF_COUNTS: &[(&str, &[StaffRole], &str)] = &[
    (
        "applications",
        &[StaffRole::Manager],
        "SELECT COUNT(*) FROM application WHERE status IN ('submitted', 'in_review')",
    ),
    (
        "deals",
        &[StaffRole::Manager],
        "SELECT COUNT(*) FROM deal WHERE status IN ('submitted', 'in_review')",
    ),
    (
        "conflicts",
        &[StaffRole::Manager],
        "SELECT COUNT(DISTINCT d.account_id) FROM deal d \
         WHERE d.status IN ('submitted', 'in_review', 'information_requested') \
         AND EXISTS (SELECT 1 FROM deal o WHERE o.account_id = d.account_id \
         AND o.partner_id <> d.partner_id AND o.status IN ('submitted', 'in_review', \
         'information_requested', 'approved', 'won', 'duplicate'))",
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
        &[StaffRole::Finance],
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
pub async fn counts(ctx: &Context) -> service::Result<Vec<(String, i64)>> {
    let parts: Vec<(&str, String)> = match ctx.actor {
        // The number in the text is ours, never typed by anybody.
        Actor::Partner { partner_id, .. } => vec![(
            "deals",
            format!(
                "SELECT COUNT(*) FROM deal WHERE partner_id = {partner_id} AND status = \
                 'information_requested'"
            ),
        )],
        Actor::Staff { role, .. } => STAFF_COUNTS
            .iter()
            .filter(|(_, roles, _)| {
                roles.contains(&role) || matches!(role, StaffRole::Admin | StaffRole::Auditor)
            })
            .map(|(key, _, sql)| (*key, (*sql).to_owned()))
            .collect(),
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
