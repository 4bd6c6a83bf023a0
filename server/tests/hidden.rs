//! A member whose owner keeps the organisation's earnings to the owners: nothing gives them away, and
//! no way leads to a refusal.

use sea_orm::ConnectionTrait;

use crate::stage::Stage;

const MEMBER: &str = "member of A";

/// The addresses of the menu of a page.
fn menu(page: &str) -> Vec<String> {
    let nav = page.split("aria-label=\"Main\"").nth(1).expect("a menu");
    let nav = nav.split("</nav>").next().unwrap_or_default();
    nav.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|href| href.starts_with("/partner"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_earnings_stay_hidden() {
    let stage = Stage::new().await;
    let db = stage.portal.db.reader();
    let (_, before) = stage.page("/partner", MEMBER).await;
    assert!(menu(&before).iter().any(|href| href == "/partner/earnings"));
    db.execute_unprepared("UPDATE partner SET members_see_earnings = FALSE")
        .await
        .expect("hidden");

    let (_, home) = stage.page("/partner", MEMBER).await;
    let entries = menu(&home);
    assert!(entries.len() > 4, "{entries:?}");
    for href in &entries {
        let (status, _) = stage.page(href, MEMBER).await;
        assert_eq!(status, 200, "{href} stands in the menu");
    }
    for here in ["/partner", "/partner/tier", "/partner/customers"] {
        let (_, page) = stage.page(here, MEMBER).await;
        for words in [
            "would have earned",
            "Revenue in the last 12 months:",
            "Last earned",
            "/partner/earnings",
        ] {
            assert!(!page.contains(words), "“{words}” is in {here}:\n{page}");
        }
    }
    // Whose customers they are stays to be seen, without the money.
    let (_, owners) = stage.page("/partner/customers.csv", "owner of A").await;
    let (status, members) = stage.page("/partner/customers.csv", MEMBER).await;
    assert_eq!(status, 200);
    let head = |csv: &str| csv.lines().next().unwrap_or_default().to_owned();
    assert!(head(&owners).contains("Earned"), "{owners}");
    assert!(!head(&members).contains("Earned"), "{members}");
    let name = owners.lines().nth(1).and_then(|row| row.split(',').next());
    assert!(members.contains(name.expect("a customer")), "{members}");
    // The owner sees everything as before.
    let (_, tier) = stage.page("/partner/tier", "owner of A").await;
    assert!(tier.contains("Revenue in the last 12 months"));
}
