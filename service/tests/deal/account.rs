//! Accounts: domains, the vendor's own, and who is credited.

use domain::deal::ConflictKind;
use rstest::rstest;
use service::Error;
use service::account::{self, AccountKind, AccountList, Credit, NewAccount};
use service::deal;

use super::world::World;
use crate::support::{Engine, errors};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn accounts_have_domains_and_credit(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let staff = world.manager();
    let new = NewAccount {
        name: "Acme Inc.".to_owned(),
        domain: "https://www.acme.com/".to_owned(),
        house: "on".to_owned(),
        ..NewAccount::default()
    };
    let id = account::create(&staff, &new).await.expect("made");
    assert!(
        errors(account::create(&staff, &new).await)
            .0
            .contains_key("domain")
    );
    account::link_domain(&staff, id, "shop.acme.de")
        .await
        .expect("links");
    assert!(
        errors(account::link_domain(&staff, id, "acme.de").await)
            .0
            .contains_key("domain")
    );

    // The other domain is the same company, and a house account is a person's to decide.
    let sent = world
        .sent(ana, "Acme Deutschland", "acme.de", &world.lines)
        .await;
    let review = deal::review(&staff, sent).await.expect("shows");
    assert_eq!(review.account.id, id);
    assert_eq!(review.conflicts[0].kind, ConflictKind::HouseAccount);
    account::set_house(&staff, id, false)
        .await
        .expect("changes");
    assert!(matches!(
        account::set_house(&staff, id, false).await,
        Err(Error::Conflict(_))
    ));
    account::unlink_domain(&staff, id, "acme.de")
        .await
        .expect("unlinks");
    assert!(matches!(
        account::unlink_domain(&staff, id, "acme.com").await,
        Err(Error::Conflict(_))
    ));
    account::rename(&staff, id, "Acme Group")
        .await
        .expect("renames");

    let credit = |partner: i64, percent: &str| Credit {
        partner_id: partner.to_string(),
        part: "sold".to_owned(),
        percent: percent.to_owned(),
        reason: "Agreed with both".to_owned(),
        ..Credit::default()
    };
    account::add_credit(&staff, id, &credit(ana.id, "70"))
        .await
        .expect("credits");
    let wrong = errors(account::add_credit(&staff, id, &credit(ben.id, "31")).await);
    assert_eq!(
        wrong.0["percent"],
        "30% are left; end another credit first."
    );
    account::add_credit(&staff, id, &credit(ben.id, "30"))
        .await
        .expect("credits");
    let record = account::record(&staff, id).await.expect("shows");
    assert_eq!(
        (record.account.name.as_str(), record.credits.len()),
        ("Acme Group", 2)
    );
    assert_eq!((record.deals.len(), record.domains.len()), (1, 1));
    let first = record
        .credits
        .iter()
        .find(|c| c.partner_id == ana.id)
        .expect("hers")
        .id;
    account::end_credit(&staff, id, first, "Left")
        .await
        .expect("ends");
    assert!(matches!(
        account::end_credit(&staff, id, first, "Left").await,
        Err(Error::Conflict(_))
    ));

    // A deal is not won over somebody who is credited for everything.
    deal::take(&staff, sent).await.expect("takes");
    deal::approve(&staff, sent, &deal::Approval::default())
        .await
        .expect("approves");
    let won = deal::win(&staff, sent, "cus_acme").await;
    assert!(
        matches!(&won, Err(Error::Conflict(w)) if w.contains("already given")),
        "{won:?}"
    );

    let view = AccountList {
        search: "ACME.com".to_owned(),
        ..AccountList::default()
    };
    let (rows, total) = account::list(&staff, &view).await.expect("lists");
    assert_eq!(
        (total, rows[0].deals, rows[0].protected_for.as_slice()),
        (1, 1, ["Ana".to_owned()].as_slice())
    );
    for (kind, count) in [
        (AccountKind::Protected, 1),
        (AccountKind::House, 0),
        (AccountKind::Free, 0),
    ] {
        let view = AccountList {
            kind: Some(kind),
            ..AccountList::default()
        };
        assert_eq!(
            account::list(&staff, &view).await.expect("lists").1,
            count,
            "{kind}"
        );
    }
    for outsider in [
        world.of(ana),
        world.test.context(service::Actor::Anonymous, world.now),
    ] {
        assert!(matches!(
            account::list(&outsider, &view).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            account::record(&outsider, id).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            account::rename(&outsider, id, "x").await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            account::create(&outsider, &new).await,
            Err(Error::NotFound)
        ));
    }
}
