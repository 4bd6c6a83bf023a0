//! The vendor, its program and its people.

use domain::money::Bp;
use domain::plan::{Duration, PlanRules, ready_made};
use entity::{
    person, plan, plan_for_type, plan_version, policy_version, product_line, program,
    stripe_product, terms_version, tier,
};
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};
use service::Result;

use super::{Stage, insert};

/// What the other parts need of the program.
pub(super) struct Made {
    pub(super) program: program::Model,
    pub(super) policy: policy_version::Model,
    pub(super) terms: terms_version::Model,
    /// Lowest first; the rank is the place plus one.
    pub(super) tiers: Vec<tier::Model>,
    /// Reseller (the default), agency, referral.
    pub(super) plans: Vec<plan::Model>,
    pub(super) lines: Vec<product_line::Model>,
    pub(super) manager: person::Model,
    pub(super) second_manager: person::Model,
    pub(super) finance: [person::Model; 2],
    pub(super) admin: person::Model,
}

/// What can be bought: code, name, Stripe product, price per month in whole euros.
pub(super) const PRODUCTS: [(&str, &str, &str, i64); 3] = [
    ("desk", "Lumen Desk", "prod_lumen_desk", 340),
    ("insights", "Lumen Insights", "prod_lumen_insights", 210),
    ("care", "Lumen Care", "prod_lumen_care", 150),
];

pub(super) async fn make(stage: &Stage<'_>, hash: &str) -> Result<Made> {
    let db = stage.ctx.reader();
    let start = stage.start;
    let program = insert::one(
        db,
        program::ActiveModel {
            slug: Set("lumen".to_owned()),
            name: Set("Lumen Partner Program".to_owned()),
            vendor_name: Set("Lumen Desk".to_owned()),
            kind: Set("partner".to_owned()),
            currency: Set("EUR".to_owned()),
            time_zone: Set("Europe/Berlin".to_owned()),
            pitch: Set(pitch()),
            application_questions: Set(json!([{
                "id": "desks", "label": "Which service desks have you rolled out so far?",
                "hint": "Names of products are enough.", "kind": "long_text", "required": false
            }])),
            deal_questions: Set(json!([{
                "id": "incumbent", "label": "What does the customer use today?",
                "hint": "The product that Lumen would replace.", "kind": "text", "required": false
            }])),
            open_to_applications: Set(true),
            accent: Set("#3d5bd9".to_owned()),
            created_at: Set(start),
            ..Default::default()
        },
    )
    .await?;
    let policy = insert::one(db, policy(program.id, start)).await?;
    let terms = insert::one(
        db,
        terms_version::ActiveModel {
            program_id: Set(program.id),
            version: Set(1),
            effective_from: Set(start),
            body: Set(TERMS.to_owned()),
            created_at: Set(start),
            ..Default::default()
        },
    )
    .await?;
    let mut tiers = Vec::new();
    for (rank, (name, revenue, customers, won, certified, benefits)) in (1..).zip(TIERS) {
        let row = tier::ActiveModel {
            program_id: Set(program.id),
            rank: Set(rank),
            name: Set(name.to_owned()),
            min_revenue: Set(revenue * 100),
            min_customers: Set(customers),
            min_won_deals: Set(won),
            min_certified: Set(certified),
            benefits: Set(benefits.to_owned()),
            ..Default::default()
        };
        tiers.push(insert::one(db, row).await?);
    }
    let mut plans = Vec::new();
    let ready: [(&str, PlanRules); 3] = [
        ("Reseller", ready_made::reseller()),
        ("Agency", ready_made::agency()),
        ("Referral", ready_made::referral()),
    ];
    for (place, (name, rules)) in ready.into_iter().enumerate() {
        let row = plan::ActiveModel {
            program_id: Set(program.id),
            name: Set(name.to_owned()),
            is_default: Set(place == 0),
            created_at: Set(start),
            ..Default::default()
        };
        let plan = insert::one(db, row).await?;
        let version = plan_version::ActiveModel {
            plan_id: Set(plan.id),
            version: Set(1),
            status: Set("published".to_owned()),
            effective_from: Set(start),
            rules: Set(serde_json::to_value(rules)?),
            revision: Set(0),
            created_at: Set(start),
            ..Default::default()
        };
        insert::one(db, version).await?;
        plans.push(plan);
    }
    let usual = plan_for_type::ActiveModel {
        program_id: Set(program.id),
        partner_type: Set("agency".to_owned()),
        plan_id: Set(plans[1].id),
        ..Default::default()
    };
    insert::one(db, usual).await?;
    insert::one(db, draft(plans[1].id, start)?).await?;
    let mut lines = Vec::new();
    for (code, name, product, _) in PRODUCTS {
        let row = product_line::ActiveModel {
            program_id: Set(program.id),
            code: Set(code.to_owned()),
            name: Set(name.to_owned()),
            ..Default::default()
        };
        let line = insert::one(db, row).await?;
        let product = stripe_product::ActiveModel {
            id: Set(product.to_owned()),
            product_line_id: Set(line.id),
        };
        insert::one(db, product).await?;
        lines.push(line);
    }
    let manager = staff(stage, hash, "Maya Lindqvist", "maya", "manager").await?;
    let second_manager = staff(stage, hash, "Tomás Reyes", "tomas", "manager").await?;
    let finance = [
        staff(stage, hash, "Felix Baumann", "felix", "finance").await?,
        staff(stage, hash, "Ines Duarte", "ines", "finance").await?,
    ];
    let admin = staff(stage, hash, "Ada Okafor", "ada", "admin").await?;
    staff(stage, hash, "Noor Rahman", "noor", "auditor").await?;
    Ok(Made {
        program,
        policy,
        terms,
        tiers,
        plans,
        lines,
        manager,
        second_manager,
        finance,
        admin,
    })
}

/// A change of the agencies' plan that is being thought about: what would it cost?
fn draft(plan_id: i64, start: chrono::DateTime<chrono::Utc>) -> Result<plan_version::ActiveModel> {
    let mut rules = ready_made::agency();
    rules.rules[0].bonus_points = Bp(750);
    rules.rules[0].duration = Duration::Months { months: 24 };
    Ok(plan_version::ActiveModel {
        plan_id: Set(plan_id),
        version: Set(2),
        status: Set("draft".to_owned()),
        effective_from: Set(start),
        rules: Set(serde_json::to_value(rules)?),
        revision: Set(0),
        created_at: Set(start),
        ..Default::default()
    })
}

async fn staff(
    stage: &Stage<'_>,
    hash: &str,
    name: &str,
    address: &str,
    role: &str,
) -> Result<person::Model> {
    let row = person::ActiveModel {
        email: Set(format!("{address}@lumendesk.example")),
        name: Set(name.to_owned()),
        password_hash: Set(Some(hash.to_owned())),
        staff_role: Set(Some(role.to_owned())),
        locale: Set("en".to_owned()),
        time_zone: Set("Europe/Berlin".to_owned()),
        email_verified_at: Set(Some(stage.start)),
        created_at: Set(stage.start),
        ..Default::default()
    };
    insert::one(stage.ctx.reader(), row).await
}

fn policy(program_id: i64, start: chrono::DateTime<chrono::Utc>) -> policy_version::ActiveModel {
    policy_version::ActiveModel {
        program_id: Set(program_id),
        version: Set(1),
        effective_from: Set(start),
        attribution_days: Set(90),
        protection_days: Set(90),
        extension_days: Set(30),
        extensions_allowed: Set(2),
        hold_days: Set(30),
        clawback_days: Set(90),
        payout_minimum: Set(5_000),
        payout_day: Set(5),
        second_approval_above: Set(25_000_000),
        // About the same in each currency that partners of the demonstration are paid in.
        second_approvals: Set(json!({
            "CAD": 37_000_000, "CHF": 24_000_000, "GBP": 21_500_000, "JPY": 40_000_000,
            "PLN": 107_000_000, "SEK": 285_000_000, "USD": 27_000_000,
        })),
        deal_review_hours: Set(16), // two business days of eight hours
        application_review_hours: Set(40),
        reapply_after_days: Set(90),
        tier_grace_days: Set(90),
        auto_approve_below: Set(None),
        auto_approve_min_tier: Set(None),
        countries: Set(json!([])),
        created_at: Set(start),
        ..Default::default()
    }
}

/// Name, revenue of twelve months in euros, customers, won deals, certified people, benefits.
const TIERS: [(&str, i64, i64, i64, i64, &str); 5] = [
    (
        "Registered",
        0,
        0,
        0,
        0,
        "Deal registration, learning path, monthly payouts",
    ),
    ("Silver", 10_000, 2, 1, 1, "Listing in the directory"),
    ("Gold", 30_000, 5, 3, 2, "A named partner manager"),
    ("Platinum", 75_000, 10, 6, 3, "Joint marketing budget"),
    (
        "Diamond",
        150_000,
        18,
        10,
        4,
        "Roadmap council, priority support",
    ),
];

fn pitch() -> Value {
    json!({
        "headline": "Bring teams a service desk they like, and earn for as long as they stay.",
        "summary": "Agencies, resellers and consultants who introduce Lumen Desk earn 20 to 30% \
                    of every invoice. Registered deals are protected for 90 days, every amount is \
                    explained to the cent, and payouts arrive each month.",
        "steps": [
            {"title": "Apply and get certified",
             "text": "Tell us who you are. After a short course and an exam you can register deals."},
            {"title": "Register your deals",
             "text": "We answer within two business days. An approved deal is yours for 90 days."},
            {"title": "Earn on every invoice",
             "text": "When your customer pays, you earn. Thirty days later it is payable, and on \
                      the fifth of the month it is on its way."}
        ],
        "good_customers": [
            {"title": "20 to 500 people",
             "text": "Large enough to need a desk, small enough to decide in weeks."},
            {"title": "A support team that has outgrown its inbox",
             "text": "Three or more people answer customers and lose track of who does what."},
            {"title": "A problem with a date",
             "text": "A renewal, a launch or an audit that makes them move this quarter."}
        ],
        "questions": [
            {"title": "What counts as revenue?",
             "text": "What the customer paid for our subscriptions, without tax and after discounts \
                      and credits."},
            {"title": "When am I paid?",
             "text": "On the fifth of each month, for everything whose hold of 30 days is over, from \
                      50 € on."},
            {"title": "What if the customer gets money back?",
             "text": "Then the commission goes back in the same proportion, and you see why."},
            {"title": "How long do I earn?",
             "text": "With the reseller plan for as long as the customer stays with us."}
        ]
    })
}

const TERMS: &str = "\
# Lumen Partner Terms

**1. What we do together.** You introduce companies to Lumen Desk and help them succeed with it. You \
act in your own name; you are not our agent.

**2. Deal registration.** A deal that we approve is protected for the period shown with it. During \
that period we approve nobody else for the same company and product.

**3. Commission.** You earn on money that arrived, by the plan shown in your portal on the day it \
arrived. Refunds, credit notes and lost disputes reduce it in proportion.

**4. Payout.** We pay monthly to the Stripe account that you connect, once the hold is over and the \
minimum is reached.

**5. Conduct.** No spam, no bids on our names, no referral of your own company.

**6. End.** Either side may end this with 30 days' notice. What you have earned until then is paid.
";
