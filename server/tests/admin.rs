//! What administrators do, by the forms of their pages.

use crate::stage::{Stage, id, text};

const ADMIN: &str = "admin";

/// Sends a form and gives the page it leads to.
async fn sent(stage: &Stage, path: &str, fields: &[(&str, &str)]) -> (String, String) {
    let (status, to) = stage.send(path, ADMIN, fields).await;
    assert_eq!(status, 303, "{path} {fields:?}");
    let (status, page) = stage.page(&to, ADMIN).await;
    assert_eq!(status, 200, "{to}");
    (to, page)
}

/// The text of a page without its markup.
fn words(page: &str) -> String {
    let mut words = String::new();
    for part in page.split('<') {
        words.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        words.push(' ');
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn says(page: &str, sentence: &str) {
    let words = words(page);
    assert!(words.contains(sentence), "“{sentence}” is not in:\n{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_drafted_edited_tried_and_published() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let program = id(db, "program").await;
    let (here, page) = sent(
        &stage,
        "/admin/plans",
        &[
            ("program_id", &program),
            ("name", "Winter plan"),
            ("start", "agency"),
        ],
    )
    .await;
    says(&page, "25% of every paid invoice");
    says(&page, "5 points more for registered deals");

    // A rule that cannot be: said at the field, and what was typed is kept.
    let rule = |name: &'static str, rate: &'static str, revision: &'static str| {
        [
            ("revision", revision),
            ("name", name),
            ("trigger", "invoice_paid"),
            ("pays", "percent"),
            ("rate", rate),
            ("basis", "net"),
            ("duration", "months"),
            ("months", "6"),
            ("products", "care"),
        ]
    };
    let rules = format!("{here}/rules");
    let (at, page) = sent(&stage, &rules, &rule("Care bonus", "140", "0")).await;
    assert_eq!(at, format!("{here}/rules/new"));
    says(&page, "A rate cannot be more than 100%.");
    assert!(page.contains("value=\"Care bonus\"") && page.contains("value=\"140\""));

    let (_, page) = sent(&stage, &rules, &rule("Care bonus", "40", "0")).await;
    says(&page, "40% of every paid invoice");
    // Made on a draft that is not there any more.
    let (_, page) = sent(&stage, &rules, &rule("Another", "10", "0")).await;
    says(&page, "Somebody else has changed this draft");
    let change = [("revision", "1"), ("to", "up")];
    let (_, page) = sent(&stage, &format!("{rules}/care-bonus/move"), &change).await;
    let found = words(&page);
    assert!(
        found.find("Care bonus") < found.find("Agency commission"),
        "{found}"
    );
    let (_, page) = sent(
        &stage,
        &format!("{rules}/care-bonus"),
        &rule("Care bonus", "35,5", "2"),
    )
    .await;
    says(&page, "35.5% of every paid invoice");

    // Nobody is on it yet: as if everybody were.
    let (status, page) = stage.page(&format!("{here}/simulation"), ADMIN).await;
    assert_eq!(status, 200);
    says(&page, "Nothing to compare");
    let before = stage.portal.count("commission").await;
    let all = "scope=everybody";
    let (status, page) = stage.page(&format!("{here}/simulation?{all}"), ADMIN).await;
    assert_eq!(status, 200);
    says(&page, "Brightpath");
    says(&page, "Where it differs most");
    let (status, file) = stage
        .page(&format!("{here}/simulation.csv?{all}"), "auditor")
        .await;
    assert_eq!(status, 200);
    let total = file
        .lines()
        .find(|l| l.starts_with("Total,EUR"))
        .expect("a total");
    let cells: Vec<f64> = total
        .split(',')
        .skip(3)
        .map(|c| c.parse().expect("a number"))
        .collect();
    assert!(
        cells[0] > 0.0 && (cells[1] + cells[3] - cells[2]).abs() < 0.005,
        "{total}"
    );
    let (_, page) = stage
        .page(&format!("{here}/simulation?from=2026-12&to=2026-01"), ADMIN)
        .await;
    says(&page, "The last month is before the first.");
    assert_eq!(stage.portal.count("commission").await, before);

    // Published: not in the past, then from today on.
    let publish = format!("{here}/publish");
    let past = [
        ("_form", "publish"),
        ("revision", "3"),
        ("effective_date", "2020-01-01"),
    ];
    let (_, page) = sent(&stage, &publish, &past).await;
    says(&page, "This day is past.");
    let zone = text(db, "SELECT time_zone FROM program").await;
    let zone = domain::calendar::zone(&zone).expect("a zone");
    let today = domain::calendar::local_date(chrono::Utc::now(), zone).to_string();
    let today = [
        ("_form", "publish"),
        ("revision", "3"),
        ("effective_date", today.as_str()),
    ];
    let (_, page) = sent(&stage, &publish, &today).await;
    says(&page, "In force");
    let (_, page) = sent(&stage, &publish, &today).await;
    says(&page, "This version is no draft any more.");
    let version = here.rsplit('/').next().expect("an id");
    let status = text(
        db,
        &format!("SELECT status FROM plan_version WHERE id = {version}"),
    )
    .await;
    assert_eq!(status, "published");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_of_the_policy_counts_from_its_day() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let program = id(db, "program").await;
    let here = format!("/admin/programs/{program}/policies");
    let in_two_days = (chrono::Utc::now() + chrono::TimeDelta::days(2))
        .date_naive()
        .to_string();
    let form = |hold: &'static str, day: &str| {
        [
            ("seen", "1"),
            ("effective_date", day),
            ("attribution_days", "180"),
            ("protection_days", "90"),
            ("extension_days", "30"),
            ("extensions_allowed", "2"),
            ("hold_days", hold),
            ("clawback_days", "90"),
            ("churn_days", "0"),
            ("payout_day", "5"),
            ("deal_review_hours", "16"),
            ("application_review_hours", "40"),
            ("reapply_after_days", "90"),
            ("tier_grace_days", "120"),
            ("payout_minimum", "50.00"),
            ("account_wait_days", "3"),
            ("second_approval_above", "250,000.00"),
            ("auto_approve_below", ""),
            ("auto_approve_min_tier", ""),
            ("countries", "de, AT"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    };
    let send = async |hold: &'static str, day: &str| {
        let form = form(hold, day);
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        sent(&stage, &here, &form).await
    };
    let (at, page) = send("31", &in_two_days).await;
    assert_eq!(at, format!("{here}/new"));
    says(&page, "Choose 0, 7, 14, 30, 60 or 90 days.");
    let (_, page) = send("14", "2020-01-01").await;
    says(&page, "This day is past.");
    let (_, page) = send("14", &in_two_days).await;
    says(&page, "Version 2 Scheduled");
    says(&page, "What counts: version 1");
    let (_, page) = send("30", &in_two_days).await;
    says(&page, "Somebody else has made a newer version");
    let (_, page) = stage.page(&format!("{here}/2"), "auditor").await;
    says(&page, "Hold 30 days 14 days");
    says(&page, "Grace before a tier is lost 90 days 120 days");
    says(&page, "Partners may come from Everywhere DE, AT");
    let stored = text(
        db,
        "SELECT CAST(hold_days AS TEXT) || '/' || CAST(tier_grace_days AS TEXT) || '/' || \
         CAST(second_approval_above AS TEXT) FROM policy_version WHERE version = 2",
    )
    .await;
    assert_eq!(stored, "14/120/25000000");
    sent(
        &stage,
        &format!("{here}/2/withdraw"),
        &[("_form", "withdraw")],
    )
    .await;
    assert_eq!(stage.portal.count("policy_version").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_are_invited_moved_and_stopped_but_never_the_last_admin() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let invite = |email: &'static str, role: &'static str| {
        [("name", "Nina Novak"), ("email", email), ("role", role)]
    };
    let (_, page) = sent(&stage, "/admin/staff", &invite("nina", "emperor")).await;
    says(&page, "Choose a role.");
    let taken = invite("henrik@nordlicht-systeme.example", "finance");
    let (_, page) = sent(&stage, "/admin/staff", &taken).await;
    says(&page, "belongs to a partner");
    let nina = "nina@lumendesk.example";
    let (here, page) = sent(&stage, "/admin/staff", &invite(nina, "finance")).await;
    says(&page, "Invited.");
    assert_eq!(
        stage
            .portal
            .count(&format!("mail WHERE to_address = '{nina}'"))
            .await,
        1
    );

    let role = async |path: &str, role: &str| {
        sent(
            &stage,
            &format!("{path}/role"),
            &[("_form", "role"), ("role", role)],
        )
        .await
    };
    role(&here, "manager").await;
    let stored = format!("SELECT staff_role FROM person WHERE email = '{nina}'");
    assert_eq!(text(db, &stored).await, "manager");
    let (_, page) = sent(&stage, &format!("{here}/deactivate"), &[]).await;
    says(&page, "Deactivated");
    let off = format!("person WHERE email = '{nina}' AND disabled_at IS NOT NULL");
    assert_eq!(stage.portal.count(&off).await, 1);
    sent(&stage, &format!("{here}/reactivate"), &[]).await;
    assert_eq!(stage.portal.count(&off).await, 0);

    let ada = id(db, "person WHERE email = 'ada@lumendesk.example'").await;
    let own = format!("/admin/staff/{ada}");
    let (_, page) = role(&own, "auditor").await;
    says(&page, "This is the only administrator.");
    let (_, page) = sent(&stage, &format!("{own}/deactivate"), &[]).await;
    says(&page, "This is the only administrator.");
    role(&here, "admin").await;
    // With a second admin it may be done, and what the first sees ends with it.
    let (status, _) = stage
        .send(&format!("{own}/role"), ADMIN, &[("role", "auditor")])
        .await;
    assert_eq!(status, 303);
    let (status, to) = stage
        .send(&format!("{own}/role"), ADMIN, &[("role", "admin")])
        .await;
    assert_eq!((status, to.as_str()), (303, "/sign-in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_terms_and_products_are_changed_by_their_forms() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let here = format!("/admin/programs/{}", id(db, "program").await);
    let tier = |name: &'static str, revenue: &'static str| {
        [
            ("name", name),
            ("min_revenue", revenue),
            ("min_customers", "20"),
            ("min_won_deals", "12"),
            ("min_certified", "5"),
            ("benefits", "Everything"),
        ]
    };
    let tiers = format!("{here}/tiers");
    let (_, page) = sent(&stage, &tiers, &tier("Titanium", "1000")).await;
    says(&page, "Ask at least as much as Diamond does below it.");
    let (_, page) = sent(&stage, &tiers, &tier("Titanium", "300000")).await;
    says(&page, "Titanium");
    let top = id(db, "tier WHERE name = 'Titanium'").await;
    let lowest = id(db, "tier WHERE name = 'Registered'").await;
    let (_, page) = sent(
        &stage,
        &format!("{tiers}/{lowest}"),
        &tier("Registered", "5"),
    )
    .await;
    says(&page, "Everybody begins in the lowest tier");
    let (_, page) = sent(&stage, &format!("{tiers}/{lowest}/remove"), &[]).await;
    says(&page, "Only the top tier can be removed");
    sent(&stage, &format!("{tiers}/{top}/remove"), &[]).await;
    assert_eq!(stage.portal.count("tier").await, 5);

    let terms = format!("{here}/terms");
    let day = (chrono::Utc::now() + chrono::TimeDelta::days(2))
        .date_naive()
        .to_string();
    let body = text(db, "SELECT body FROM terms_version").await;
    let same = [
        ("seen", "1"),
        ("effective_date", day.as_str()),
        ("body", body.as_str()),
    ];
    let (_, page) = sent(&stage, &terms, &same).await;
    says(&page, "Nothing differs from the version before.");
    let body = body.replace("No spam", "No unasked mail");
    let new = [
        ("seen", "1"),
        ("effective_date", day.as_str()),
        ("body", body.as_str()),
    ];
    sent(&stage, &terms, &new).await;
    let (_, page) = stage.page(&format!("{terms}/2"), ADMIN).await;
    says(&page, "What differs from version 1");
    says(&page, "No unasked mail");

    let products = format!("{here}/products");
    let product = |code: &'static str, stripe: &'static str| {
        [
            ("code", code),
            ("name", "Lumen Voice"),
            ("products", stripe),
        ]
    };
    let (_, page) = sent(&stage, &products, &product("desk", "price_1")).await;
    says(&page, "Another product has this code.");
    says(&page, "“price_1” is not a Stripe product");
    let (_, page) = sent(&stage, &products, &product("voice", "prod_lumen_desk")).await;
    says(&page, "prod_lumen_desk belongs to another product already.");
    let (_, page) = sent(&stage, &products, &product("voice", "prod_lumen_voice")).await;
    says(&page, "prod_lumen_voice");

    let (_, page) = sent(&stage, "/admin/integrations/test-mail", &[]).await;
    says(&page, "A mail to ada@lumendesk.example is on its way.");
    says(&page, "Test: no real money");
    let (_, page) = stage.page("/admin/health", "auditor").await;
    says(&page, "SQLite");
    says(&page, "Up to date");
    assert!(!page.contains("sk_test") && !page.contains("whsec"));
}
