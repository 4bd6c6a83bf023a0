//! A payout run's page: what it is approved of, who may not approve it, and why somebody is left out.

use crate::stage::{Stage, id, text};

/// The fingerprint that the forms of a run's page send along.
fn shown(page: &str) -> String {
    let at = page
        .find("name=\"shown\"")
        .expect("a form says what is shown");
    let rest = &page[at..];
    let value = rest.split("value=\"").nth(1).expect("a value");
    value.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_of_what_its_page_showed() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let run = id(db, "payout_run WHERE status = 'submitted'").await;
    let here = format!("/finance/runs/{run}");
    let status = format!("SELECT status FROM payout_run WHERE id = {run}");
    let (_, page) = stage.page(&here, "admin").await;
    let old = shown(&page);
    assert_eq!(old.len(), 64, "{old}");
    // Who drafted and submitted it reads why there is no button.
    let (_, page) = stage.page(&here, "finance").await;
    assert!(page.contains("You drafted this run. Somebody else in finance has to approve it."));
    assert!(page.contains("Cannot approve it"), "{page}");
    assert!(!page.contains("Approve and pay"));

    let post = async |what: &str, who: &str, fields: &[(&str, &str)]| {
        let (code, to) = stage.send(&format!("{here}/{what}"), who, fields).await;
        assert_eq!((code, to.as_str()), (303, here.as_str()), "{what}");
        stage.page(&here, who).await.1
    };
    post("send-back", "finance", &[("reason", "One less")]).await;
    let item = id(
        db,
        &format!("payout_item WHERE run_id = {run} AND included ORDER BY amount DESC"),
    )
    .await;
    let partner = text(
        db,
        &format!("SELECT p.name FROM partner p JOIN payout_item i ON i.partner_id = p.id WHERE i.id = {item}"),
    )
    .await;
    let page = post(
        "exclude",
        "finance",
        &[("ids", &item), ("reason", "Its invoice is missing")],
    )
    .await;
    assert!(
        page.contains("Its invoice is missing"),
        "the reason stands there"
    );
    post("submit", "finance", &[("shown", &shown(&page))]).await;
    assert_eq!(text(db, &status).await, "submitted");

    // The page that is still open elsewhere approves nothing any more, and what changed is said.
    let page = post("approve", "admin", &[("shown", &old)]).await;
    assert!(
        page.contains("has changed since you looked at it"),
        "{page}"
    );
    assert!(
        page.contains(&format!("{partner} is no longer in it")),
        "{page}"
    );
    let page = post("approve", "admin", &[]).await;
    assert!(page.contains("does not say what you were shown"), "{page}");
    assert_eq!(text(db, &status).await, "submitted");
    assert_eq!(
        text(
            db,
            &format!("SELECT CAST(count(*) AS TEXT) FROM payout WHERE run_id = {run}")
        )
        .await,
        "0"
    );
    let now = shown(&page);
    assert_ne!(now, old);
    post("approve", "admin", &[("shown", &now)]).await;
    let given = format!("SELECT fingerprint FROM payout_approval WHERE run_id = {run}");
    assert_eq!(text(db, &given).await, now);
}
