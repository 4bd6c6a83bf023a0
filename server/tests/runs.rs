//! A payout run's page: what it is approved of, who may not approve it, and why somebody is left out.

use sea_orm::ConnectionTrait;

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

/// A run that fell back to waiting after some of it had left, and was given up then.
#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_run_says_what_was_paid() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let run = id(
        db,
        "payout_run r WHERE status = 'done' AND (SELECT count(*) FROM payout p \
         WHERE p.run_id = r.id AND p.status = 'paid') > 1",
    )
    .await;
    let paid = format!("payout WHERE run_id = {run} AND status = 'paid'");
    let one = id(db, &paid).await;
    for sql in [
        format!(
            "UPDATE payout SET status = 'failed', failure = 'The run was canceled.', \
             transfer_id = NULL WHERE id = {one}"
        ),
        format!("UPDATE payout_run SET status = 'canceled', done_at = NULL WHERE id = {run}"),
    ] {
        db.reader()
            .execute_unprepared(&sql)
            .await
            .expect("canceled");
    }
    let count = format!("SELECT CAST(count(*) AS TEXT) FROM {paid}");
    let label = format!("Canceled, {} paid", text(db, &count).await);
    let (_, page) = stage.page(&format!("/finance/runs/{run}"), "finance").await;
    for words in [
        label.as_str(),
        "Canceled after some of it was sent",
        "What was not sent is payable again.",
        "Not sent, EUR",
    ] {
        assert!(page.contains(words), "“{words}” is not in:\n{page}");
    }
    for list in ["/finance/runs", "/finance/runs?status=canceled"] {
        let (_, page) = stage.page(list, "finance").await;
        assert!(page.contains(&label), "{list}:\n{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_which_everybody_dropped_out_says_so() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let run = id(db, "payout_run WHERE status = 'submitted'").await;
    for sql in [
        format!(
            "UPDATE payout_item SET included = FALSE, stage = 'approval', \
             reason = 'Held by finance' WHERE run_id = {run} AND included"
        ),
        format!("UPDATE payout_run SET status = 'done' WHERE id = {run}"),
    ] {
        db.reader().execute_unprepared(&sql).await.expect("nobody");
    }
    let (_, page) = stage.page(&format!("/finance/runs/{run}"), "finance").await;
    for words in [
        "Done, nobody paid",
        "Nobody was paid",
        "Held by finance (found at the approval)",
    ] {
        assert!(page.contains(words), "“{words}” is not in:\n{page}");
    }
    for list in ["/finance", "/finance/runs"] {
        let (_, page) = stage.page(list, "finance").await;
        assert!(page.contains("Done, nobody paid"), "{list}:\n{page}");
    }
}

/// The owners of a new payout account read until when its first payout waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_payout_account_says_until_when_it_waits() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let said = "The first payout waits";
    let pages = ["/partner/payout-account", "/partner/payouts"];
    for here in pages {
        let (_, page) = stage.page(here, "owner of A").await;
        assert!(!page.contains(said), "{here}: it is an old one\n{page}");
    }
    db.reader()
        .execute_unprepared(
            "UPDATE payout_account SET connected_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')",
        )
        .await
        .expect("new");
    for here in pages {
        let (_, page) = stage.page(here, "owner of A").await;
        assert!(page.contains(said), "{here}:\n{page}");
        assert!(page.contains("leaves at the earliest on"), "{page}");
    }
}
