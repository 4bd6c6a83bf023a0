//! What managers, finance and partners see and do about money, by their pages.

use crate::stage::{Stage, id, text};

const A: &str = "partner_id = (SELECT id FROM partner WHERE domain = 'nordlicht-systeme.example')";

/// The address and its answer as JSON.
async fn json(stage: &Stage, path: &str, who: &str) -> serde_json::Value {
    let (status, body) = stage.page(path, who).await;
    assert_eq!(status, 200, "{path} as {who}");
    serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}\n{body}"))
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

    // Other thresholds are tried by a form that leads to an address.
    let program = id(db, "program").await;
    let tier = id(db, "tier ORDER BY rank DESC").await;
    let what_if = format!("/admin/programs/{program}/what-if");
    let name = format!("min_revenue_{tier}");
    let (_, to) = stage.send(&what_if, "admin", &[(&name, "99999999")]).await;
    assert!(to.contains(&format!("{name}=99999999")), "{to}");
    let (status, page) = stage.page(&to, "admin").await;
    assert_eq!(status, 200);
    assert!(
        page.contains("partners would be treated differently"),
        "{page}"
    );
    let (_, to) = stage.send(&what_if, "admin", &[(&name, "much")]).await;
    assert_eq!(to, what_if);
    let (_, page) = stage.page(&to, "admin").await;
    assert!(page.contains("much"), "what was typed is kept");

    for (path, part) in [
        ("/finance/holds?q=x&sort=amount", "Held lines"),
        ("/finance/holds.csv", "Line,Partner,Kind"),
        ("/finance/runs?q=2026&sort=cutoff", "Payout runs"),
    ] {
        let (status, page) = stage.page(path, "finance").await;
        assert_eq!(status, 200, "{path}");
        assert!(page.contains(part), "{path}: {page}");
    }
}
