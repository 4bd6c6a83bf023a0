//! A small program for tests that have no database.

use chrono::{DateTime, Utc};
use domain::plan::PlanRules;
use entity::{partner, plan_version, policy_version, tier};
use serde_json::json;

use super::{Config, Version};

impl Config {
    /// One active partner of the first tier, number 1 of program 1, paid by `rules`; a hold of 30
    /// days and a clawback window of 90.
    pub(crate) fn made_up(rules: PlanRules) -> Self {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let policy = policy_version::Model {
            id: 1,
            program_id: 1,
            version: 1,
            effective_from: start,
            attribution_days: 90,
            protection_days: 90,
            extension_days: 30,
            extensions_allowed: 2,
            hold_days: 30,
            clawback_days: 90,
            churn_days: 0,
            account_wait_days: 0,
            payout_minimum: 0,
            payout_minimums: json!({}),
            payout_day: 5,
            second_approval_above: 0,
            second_approvals: json!({}),
            deal_review_hours: 48,
            application_review_hours: 48,
            reapply_after_days: 30,
            auto_approve_below: None,
            auto_approve_min_tier: None,
            countries: json!([]),
            tier_grace_days: 90,
            created_at: start,
        };
        let partner = partner::Model {
            id: 1,
            program_id: 1,
            name: "North".to_owned(),
            legal_name: String::new(),
            website: String::new(),
            domain: String::new(),
            country: "DE".to_owned(),
            currency: "EUR".to_owned(),
            partner_type: "agency".to_owned(),
            size: String::new(),
            status: "active".to_owned(),
            status_reason: None,
            tier_id: 1,
            tier_since: start,
            plan_id: 1,
            manager_id: None,
            members_see_earnings: true,
            payouts_held_reason: None,
            profile: String::new(),
            created_at: start,
        };
        let tier = tier::Model {
            id: 1,
            program_id: 1,
            rank: 1,
            name: "Registered".to_owned(),
            min_revenue: 0,
            min_customers: 0,
            min_won_deals: 0,
            min_certified: 0,
            benefits: String::new(),
        };
        let version = plan_version::Model {
            id: 1,
            plan_id: 1,
            version: 1,
            status: "published".to_owned(),
            effective_from: start,
            rules: json!({}),
            revision: 0,
            created_by: None,
            created_at: start,
        };
        let version = Version::new(&version, rules, start);
        Self {
            policies: [(1, vec![policy])].into(),
            tiers: [(1, tier)].into(),
            partners: [(1, partner)].into(),
            plans: [(1, vec![version])].into(),
            ..Self::default()
        }
    }
}
