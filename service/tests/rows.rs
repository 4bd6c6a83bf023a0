//! The rows every world begins with. A world says what is its own about them.

use chrono::{DateTime, Utc};
use domain::plan::PlanRules;
use entity::{plan, plan_version, policy_version, program, tier};
use sea_orm::ActiveValue::Set;
use serde_json::json;

use crate::support::day;

/// When everything began.
pub fn began() -> DateTime<Utc> {
    day(2025, 1, 1)
}

/// A program in euros and by Berlin's time that takes applications and asks nothing of its own.
pub fn program(slug: &str, name: &str, vendor: &str) -> program::ActiveModel {
    program::ActiveModel {
        slug: Set(slug.to_owned()),
        name: Set(name.to_owned()),
        vendor_name: Set(vendor.to_owned()),
        kind: Set("partner".to_owned()),
        currency: Set("EUR".to_owned()),
        time_zone: Set("Europe/Berlin".to_owned()),
        pitch: Set(json!({})),
        application_questions: Set(json!([])),
        deal_questions: Set(json!([])),
        open_to_applications: Set(true),
        accent: Set("#336699".to_owned()),
        created_at: Set(began()),
        ..Default::default()
    }
}

/// The first version of a program's policy.
pub fn policy(program_id: i64) -> policy_version::ActiveModel {
    policy_version::ActiveModel {
        program_id: Set(program_id),
        version: Set(1),
        effective_from: Set(began()),
        attribution_days: Set(90),
        protection_days: Set(90),
        extension_days: Set(30),
        extensions_allowed: Set(2),
        hold_days: Set(30),
        clawback_days: Set(90),
        payout_minimum: Set(5_000),
        payout_day: Set(5),
        second_approval_above: Set(100_000),
        deal_review_hours: Set(48),
        application_review_hours: Set(48),
        reapply_after_days: Set(30),
        tier_grace_days: Set(90),
        countries: Set(json!([])),
        created_at: Set(began()),
        ..Default::default()
    }
}

/// A tier that asks nothing.
pub fn tier(program_id: i64, rank: i64, name: &str) -> tier::ActiveModel {
    tier::ActiveModel {
        program_id: Set(program_id),
        rank: Set(rank),
        name: Set(name.to_owned()),
        min_revenue: Set(0),
        min_customers: Set(0),
        min_won_deals: Set(0),
        min_certified: Set(0),
        benefits: Set(String::new()),
        ..Default::default()
    }
}

/// The plan of a program's new partners.
pub fn plan(program_id: i64) -> plan::ActiveModel {
    plan::ActiveModel {
        program_id: Set(program_id),
        name: Set("Standard".to_owned()),
        is_default: Set(true),
        created_at: Set(began()),
        ..Default::default()
    }
}

/// The first version of a plan, in force from the beginning on.
pub fn plan_version(plan_id: i64, rules: &PlanRules) -> plan_version::ActiveModel {
    plan_version::ActiveModel {
        plan_id: Set(plan_id),
        version: Set(1),
        status: Set("published".to_owned()),
        effective_from: Set(began()),
        rules: Set(serde_json::to_value(rules).expect("rules")),
        revision: Set(0),
        created_at: Set(began()),
        ..Default::default()
    }
}
