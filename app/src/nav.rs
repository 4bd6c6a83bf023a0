//! The menu by role, with how much waits behind each entry.

use domain::partner::StaffRole;
use service::Actor;

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
    /// Which of what waits stands beside it, see [`service::desk::waiting`].
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

/// Entries for those only who see what their organisation earns.
const OF_EARNINGS: [&str; 2] = ["/partner/earnings", "/partner/payouts"];

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
    (
        "Unmatched invoices",
        "/finance/invoices/unmatched",
        "invoice",
        "invoices",
    ),
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
    ("Shared domains", "/admin/domains", "link", ""),
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

/// Whether an entry of the menu is for a reader who may or may not see earnings.
#[must_use]
pub fn is_for(href: &str, sees_earnings: bool) -> bool {
    sees_earnings || !OF_EARNINGS.contains(&href)
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
