//! What managers, finance and partners see and do about money, by their pages.

use std::collections::BTreeSet;

use sea_orm::ConnectionTrait;

use crate::stage::{Stage, id, text};

const A: &str = "partner_id = (SELECT id FROM partner WHERE domain = 'nordlicht-systeme.example')";

/// The address and its answer as JSON.
async fn json(stage: &Stage, path: &str, who: &str) -> serde_json::Value {
    let (status, body) = stage.page(path, who).await;
    assert_eq!(status, 200, "{path} as {who}");
    serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}\n{body}"))
}

/// The ids of the records below `base` that a page leads to, each once.
fn leads_to(page: &str, base: &str) -> BTreeSet<String> {
    page.split(&format!("href=\"{base}/"))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|id| id.bytes().all(|b| b.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

/// What a list of finance's shows when it is searched.
async fn searched(stage: &Stage, list: &str, q: &str, base: &str) -> BTreeSet<String> {
    let q: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let path = format!("{list}?q={q}");
    let (status, page) = stage.page(&path, "finance").await;
    assert_eq!(status, 200, "{path}");
    leads_to(&page, base)
}

#[tokio::test(flavor = "multi_thread")]
async fn explanations_are_pages_and_answers_for_programs() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let line = id(
        db,
        &format!("commission WHERE {A} AND kind = 'accrual' AND invoice_id IS NOT NULL"),
    )
    .await;
    let invoice = text(
        db,
        &format!("SELECT CAST(invoice_id AS TEXT) FROM commission WHERE id = {line}"),
    )
    .await;
    for (path, people) in [
        (
            format!("/finance/commissions/{line}"),
            ["finance", "auditor"],
        ),
        (
            format!("/partner/earnings/{line}"),
            ["owner of A", "member of A"],
        ),
        (
            format!("/finance/invoices/{invoice}"),
            ["manager", "finance"],
        ),
        (
            format!("/partner/invoices/{invoice}"),
            ["owner of A", "member of A"],
        ),
    ] {
        let address = format!("{path}.json");
        for who in people {
            let (status, page) = stage.page(&path, who).await;
            assert_eq!(status, 200, "{path}");
            assert!(page.contains(&address), "{path} leads to its answer");
            let answer = json(&stage, &address, who).await;
            let key = path.rsplit('/').next().expect("an id");
            assert_eq!(answer["id"].to_string(), key, "{answer}");
        }
        // The same rights as the page: nobody else finds it, and no other ending.
        let (status, _) = stage.page(&address, "owner of B").await;
        assert_eq!(status, 404, "{address}");
        let (status, _) = stage.page(&address, "an applicant").await;
        assert_eq!(status, 404, "{address}");
        let (status, _) = stage.page(&format!("{path}.xml"), people[0]).await;
        assert_eq!(status, 404, "{path}.xml");
    }
    let answer = json(
        &stage,
        &format!("/partner/earnings/{line}.json"),
        "owner of A",
    )
    .await;
    let calculation = &answer["calculation"];
    assert_eq!(answer["amount"], calculation["amount"]["minor"]);
    assert!(calculation["steps"].as_array().is_some_and(|s| s.len() > 2));
    assert!(answer["plan"]["name"].is_string());

    // What earned nothing says why, with the next step.
    let nothing = id(db, "invoice WHERE outcome = 'unmatched'").await;
    let (_, page) = stage
        .page(&format!("/finance/invoices/{nothing}"), "manager")
        .await;
    assert!(page.contains("Why did this invoice earn nothing?"));
    assert!(page.contains("Match the customer to an account"));
    let answer = json(
        &stage,
        &format!("/finance/invoices/{nothing}.json"),
        "manager",
    )
    .await;
    assert!(answer["why_nothing"][0]["next"].is_string(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_marks_a_meeting_and_takes_it_back() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let deal = id(db, &format!("deal WHERE {A} AND status = 'approved'")).await;
    let here = format!("/manager/deals/{deal}");
    let (_, page) = stage.page(&here, "manager").await;
    assert!(page.contains("Mark the meeting as qualified"));
    // What is wrong stands at its field, with what was typed.
    let wrong = [
        ("_form", "meeting"),
        ("held_on", "soon"),
        ("note", "They have a budget"),
    ];
    let (status, to) = stage
        .send(&format!("{here}/meeting"), "manager", &wrong)
        .await;
    assert_eq!((status, to.as_str()), (303, here.as_str()));
    let (_, page) = stage.page(&here, "manager").await;
    assert!(page.contains("Enter a date as year-month-day"), "{page}");
    assert!(page.contains("They have a budget"));
    let today = chrono::Utc::now().date_naive().to_string();
    let right = [("held_on", today.as_str()), ("note", "They have a budget")];
    stage
        .send(&format!("{here}/meeting"), "manager", &right)
        .await;
    let (_, page) = stage.page(&here, "manager").await;
    assert!(page.contains("Undo the meeting"), "{page}");
    let (_, page) = stage
        .page(&format!("/partner/deals/{deal}"), "owner of A")
        .await;
    assert!(page.contains("They have a budget"));
    let undo = [("reason", "The wrong company")];
    stage
        .send(&format!("{here}/meeting/undo"), "manager", &undo)
        .await;
    let (_, page) = stage.page(&here, "manager").await;
    assert!(page.contains("Mark the meeting as qualified"));
    assert!(page.contains("does not count any more: The wrong company"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_tiers_and_holds_are_changed_by_their_pages() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    // Another tier and another plan from a later day, with what was typed kept where it is wrong.
    let partner = id(db, "partner WHERE domain = 'harborline.example'").await;
    let here = format!("/manager/partners/{partner}");
    let wrong = [
        ("_form", "plan"),
        ("from_date", "2001-01-01"),
        ("reason", "They sell projects"),
    ];
    let (status, _) = stage.send(&format!("{here}/plan"), "manager", &wrong).await;
    assert_eq!(status, 303);
    let (_, page) = stage.page(&here, "manager").await;
    assert!(page.contains("This day is past"), "{page}");
    assert!(page.contains("They sell projects"));
    let plan = id(
        db,
        &format!(
            "plan WHERE retired_at IS NULL AND id <> (SELECT plan_id FROM partner WHERE id = \
             {partner}) AND EXISTS (SELECT 1 FROM plan_version v WHERE v.plan_id = plan.id AND \
             v.status = 'published')"
        ),
    )
    .await;
    let right = [
        ("plan_id", plan.as_str()),
        ("from_date", "2999-01-01"),
        ("reason", "They sell projects"),
    ];
    stage.send(&format!("{here}/plan"), "manager", &right).await;
    let (_, page) = stage.page(&here, "manager").await;
    assert!(
        page.contains("They sell projects") && page.contains("Withdraw"),
        "{page}"
    );
    let (_, page) = stage.page("/partner/tier", "owner of B").await;
    assert!(page.contains("They sell projects"), "{page}");
    let set = [("_form", "tier"), ("tier_id", ""), ("reason", "x")];
    stage.send(&format!("{here}/tier"), "manager", &set).await;
    let (_, page) = stage.page(&here, "manager").await;
    assert!(page.contains("Choose a tier from the list"), "{page}");

    let (status, page) = stage
        .page("/manager/tiers?outcome=stays&per=10", "manager")
        .await;
    assert_eq!(status, 200);
    assert!(page.contains("Portico converts no currencies"));
    let (_, csv) = stage.page("/manager/tiers.csv", "auditor").await;
    assert!(csv.starts_with("Partner,Program,Tier,Next review"), "{csv}");

    // Other thresholds are tried by a form that leads to an address. Nobody reaches this revenue, so
    // whoever stays above the entry tier as things are does not stay then.
    let program = id(db, "program").await;
    let entry = text(db, "SELECT name FROM tier ORDER BY rank LIMIT 1").await;
    let (_, staying) = stage
        .page("/manager/tiers.csv?outcome=stays", "auditor")
        .await;
    let partner = async |above: bool| {
        let mut rows = staying.lines().skip(1).map(|l| l.split(',').collect());
        let row = rows.find(|row: &Vec<&str>| (row[2] != entry) == above);
        let row = row.unwrap_or_else(|| panic!("above {entry}: {above}: {staying}"));
        id(db, &format!("partner WHERE name = '{}'", row[0])).await
    };
    let (moves, remains) = (partner(true).await, partner(false).await);
    let what_if = format!("/admin/programs/{program}/what-if");
    let mut asked = Vec::new();
    for rank in 2..=5 {
        let tier = id(db, &format!("tier WHERE rank = {rank}")).await;
        asked.push((format!("min_revenue_{tier}"), "99999999"));
    }
    let form: Vec<(&str, &str)> = asked.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    let (_, to) = stage.send(&what_if, "admin", &form).await;
    let name = &asked[0].0;
    assert!(to.contains(&format!("{name}=99999999")), "{to}");
    let (status, page) = stage.page(&to, "admin").await;
    assert_eq!(status, 200);
    assert!(!page.contains("None of "), "{page}");
    let moved = leads_to(&page, "/manager/partners");
    assert!(
        moved.contains(&moves) && !moved.contains(&remains),
        "{moves}, {remains}: {moved:?}"
    );
    let (_, to) = stage.send(&what_if, "admin", &[(name, "much")]).await;
    assert_eq!(to, what_if);
    let (_, page) = stage.page(&to, "admin").await;
    assert!(page.contains("much"), "what was typed is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_and_held_lines_are_found_by_what_they_say() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let run = id(db, "payout_run ORDER BY id").await;
    let number = text(
        db,
        &format!("SELECT number FROM payout_run WHERE id = {run}"),
    )
    .await;
    let base = "/finance/runs";
    assert!(searched(&stage, base, "", base).await.len() > 1);
    assert_eq!(
        searched(&stage, base, &number, base).await,
        BTreeSet::from([run])
    );

    // By its reason, and by its partner: one of them alone, whose words the other has not.
    let (list, base) = ("/finance/holds", "/finance/commissions");
    let one = id(
        db,
        "commission WHERE state = 'held' AND note IS NOT NULL ORDER BY id",
    )
    .await;
    let of_one = |column: &str| format!("(SELECT {column} FROM commission WHERE id = {one})");
    let other = id(
        db,
        &format!(
            "commission WHERE state = 'held' AND partner_id <> {} AND note <> {} ORDER BY id",
            of_one("partner_id"),
            of_one("note")
        ),
    )
    .await;
    let all = searched(&stage, list, "", base).await;
    assert!(all.contains(&one) && all.contains(&other), "{all:?}");
    let words = [
        ("note", of_one("note")),
        (
            "partner",
            format!(
                "(SELECT name FROM partner WHERE id = {})",
                of_one("partner_id")
            ),
        ),
    ];
    for (what, sql) in words {
        let said = text(db, &format!("SELECT {sql}")).await;
        let found = searched(&stage, list, &said, base).await;
        assert!(
            found.contains(&one) && !found.contains(&other),
            "{what}: {said}: {found:?}"
        );
    }
    let (_, csv) = stage.page("/finance/holds.csv", "finance").await;
    let lines: BTreeSet<String> = csv
        .lines()
        .skip(1)
        .filter_map(|l| l.split(',').next())
        .map(str::to_owned)
        .collect();
    assert!(csv.starts_with("Line,Partner,Kind"), "{csv}");
    assert_eq!(lines, all);
}

/// Beside the held lines stand the first partners on hold, with the way to all of them.
#[tokio::test(flavor = "multi_thread")]
async fn many_partners_on_hold_are_shown_page_by_page() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let (here, all, base) = (
        "/finance/holds",
        "/finance/holds/partners",
        "/manager/partners",
    );
    let (_, page) = stage.page(here, "finance").await;
    assert!(!page.contains(all), "few are shown at once");
    let tx = db.begin().await.expect("begins");
    tx.execute_unprepared("UPDATE partner SET payouts_held_reason = 'Contract ' || id || ' ends'")
        .await
        .expect("written");
    tx.commit().await.expect("committed");
    let total: usize = text(db, "SELECT CAST(COUNT(*) AS TEXT) FROM partner")
        .await
        .parse()
        .expect("a number");
    assert!((26..=50).contains(&total), "{total}");
    let id = id(db, "partner").await;
    let reason = format!("contract {id} ends");

    let (_, page) = stage.page(here, "finance").await;
    assert_eq!(leads_to(&page, base).len(), 10);
    assert!(page.contains(&format!("href=\"{all}\"")), "leads to all");
    assert!(page.contains(&format!("All {total}")), "says how many");
    let (_, first) = stage.page(all, "finance").await;
    let (_, second) = stage.page(&format!("{all}?page=2"), "finance").await;
    let (first, second) = (leads_to(&first, base), leads_to(&second, base));
    assert_eq!((first.len(), second.len()), (25, total - 25));
    assert!(first.is_disjoint(&second));
    let found = searched(&stage, all, &reason, base).await;
    assert_eq!(found, BTreeSet::from([id.clone()]));
    let (_, page) = stage.page(&format!("{here}?q=contract"), "finance").await;
    assert!(
        page.contains(&format!("href=\"{all}?q=contract\"")),
        "narrowed"
    );

    for (listed, back) in [("true", all), ("false", here)] {
        let fields = [("partner", id.as_str()), ("listed", listed)];
        let (status, to) = stage
            .send("/finance/holds/release", "finance", &fields)
            .await;
        assert_eq!((status, to.as_str()), (303, back));
    }
    let found = searched(&stage, all, &reason, base).await;
    assert_eq!(found, BTreeSet::new());
}

/// The rows of a CSV file after its head.
fn rows(csv: &str) -> Vec<&str> {
    csv.lines().skip(1).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_a_file_like_the_list_of_lines() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let earned = |column: &str| {
        format!(
            "SELECT {column} FROM commission JOIN invoice ON invoice.id = commission.invoice_id \
             JOIN partner ON partner.id = commission.partner_id JOIN account ON account.id = \
             commission.account_id WHERE partner.domain = 'nordlicht-systeme.example' AND \
             commission.kind = 'accrual' AND invoice.number IS NOT NULL \
             ORDER BY commission.id LIMIT 1"
        )
    };
    let (line, month) = (
        text(db, &earned("CAST(commission.id AS TEXT)")).await,
        text(db, &earned("commission.month")).await,
    );
    let currency = text(db, &earned("commission.currency")).await;
    let partner = text(db, &earned("CAST(partner.id AS TEXT)")).await;

    let own = format!("/partner/statements/{month}/{currency}/lines.csv");
    let (status, csv) = stage.page(&own, "owner of A").await;
    assert_eq!(status, 200);
    let row = rows(&csv)
        .into_iter()
        .find(|row| row.starts_with(&format!("{line},")))
        .unwrap_or_else(|| panic!("no line {line}: {csv}"));
    for column in ["invoice.number", "partner.name", "account.name"] {
        let said = text(db, &earned(column)).await;
        assert!(row.contains(&said), "{column}: {said}: {row}");
    }
    // Every line of the month, the oldest first, as the list has it.
    let list = format!("/partner/earnings.csv?month={month}&currency={currency}&sort=earned");
    let (_, listed) = stage.page(&list, "owner of A").await;
    assert_eq!(csv, listed);
    let count = text(
        db,
        &format!(
            "SELECT CAST(count(*) AS TEXT) FROM commission WHERE {A} AND month = '{month}' AND \
             currency = '{currency}'"
        ),
    )
    .await;
    assert_eq!(rows(&csv).len().to_string(), count);
    let theirs = format!("/finance/statements/{partner}/{month}/{currency}/lines.csv");
    let (_, same) = stage.page(&theirs, "finance").await;
    assert_eq!(same, csv);
    let none = format!("/partner/statements/2001-01/{currency}/lines.csv");
    assert_eq!(stage.page(&none, "owner of A").await.0, 404);
}
