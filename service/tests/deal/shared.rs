//! No account is known by a domain that many share, and nobody's payment is credited by one.

use domain::deal::DealStatus as D;
use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::{account, account_domain};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, PaginatorTrait};
use service::account::{self as accounts, NewAccount};
use service::lists::{self, DecisionForm};
use service::{deal, ledger};

use super::world::World;
use crate::support::{Engine, errors};
use crate::world::{new_customer, paid};

const SHARED: [&str; 22] = [
    "163.com",
    "comcast.net",
    "btinternet.com",
    "hotmail.es",
    "yahoo.it",
    "freenet.de",
    "bk.ru",
    "onet.pl",
    "sfr.fr",
    "bigpond.com",
    "gmail.com",
    "mail.vodafone.de",
    "shaw.ca",
    "https://facebook.com/shop-a",
    "https://www.facebook.com/shop-b",
    "linktr.ee/acme",
    "https://sites.google.com/view/acme",
    "instagram.com/acme",
    "acme.onmicrosoft.com",
    "acme.slack.com",
    "mailinator.com",
    "github.io",
];

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_many_share_names_no_company(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let known = world.protected(ana, "Known", "known.com").await;
    let known = world.row(known).await.account_id.expect("an account");
    let ctx = world.of(ana);
    for typed in SHARED {
        let form = world.form("Shared", typed, &world.lines[..1]);
        let id = deal::start(&ctx, &form).await.expect("starts");
        let wrong = errors(deal::submit(&ctx, id, &form).await);
        let sentence = wrong.0.get("customer_domain").cloned().unwrap_or_default();
        assert!(sentence.contains("own domain"), "{typed}: {wrong}");
        assert_eq!(world.status(id).await, D::Draft);

        let by_hand = NewAccount {
            name: "Shared".to_owned(),
            domain: typed.to_owned(),
            ..NewAccount::default()
        };
        let wrong = errors(accounts::create(&world.manager(), &by_hand).await);
        assert!(wrong.0.contains_key("domain"), "{typed}: {wrong}");
        let wrong = errors(accounts::link_domain(&world.manager(), known, typed).await);
        assert!(wrong.0.contains_key("domain"), "{typed}: {wrong}");
    }
    // Each tenant of a host on the suffix list is a company of its own.
    world
        .sent(ana, "One", "one.github.io", &world.lines[..1])
        .await;
    let ben = world.partner("Ben").await;
    let two = world
        .sent(ben, "Two", "two.github.io", &world.lines[..1])
        .await;
    assert_eq!(world.status(two).await, D::Submitted);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_stranger_with_a_shared_address_is_nobodys_customer(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    world.pays(&ready_made::agency()).await;
    let ana = world.partner("Ana").await;
    let id = world.protected(ana, "Acme", "acme.com").await;
    let account = world.row(id).await.account_id.expect("an account");
    world.test.assert_clean().await;
    // As it was before: an account that is known by a mail service.
    account_domain::ActiveModel {
        id: Set("163.com".to_owned()),
        account_id: Set(account),
    }
    .insert(world.test.db.reader())
    .await
    .expect("keyed");
    world
        .deliver(&[
            new_customer("cus_1", "someone.else@163.com"),
            paid(1, "cus_1", 90_000, 200_000),
        ])
        .await;
    assert!(world.test.commissions().await.is_empty());
    assert_eq!(world.status(id).await, D::Approved);
    let report = ledger::audit(&world.test.db).await.expect("audits");
    let found = report
        .findings
        .iter()
        .any(|f| f.table == "account" && f.message.contains("163.com"));
    assert!(found, "{:?}", report.findings);
    accounts::unlink_domain(&world.manager(), account, "163.com")
        .await
        .expect("taken off");
    world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_administrator_decides_about_a_domain(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, admin) = (
        world.partner("Ana").await,
        world.staff(world.admin, StaffRole::Admin),
    );
    let decide = |domain: &str, kind: &str| DecisionForm {
        domain: domain.to_owned(),
        kind: kind.to_owned(),
        reason: "They are a customer".to_owned(),
    };
    assert!(
        lists::decide(&world.manager(), &decide("sky.com", "own"))
            .await
            .is_err()
    );
    let wrong = errors(lists::decide(&admin, &decide("co.uk", "")).await);
    assert!(
        wrong.0.contains_key("domain") && wrong.0.contains_key("kind"),
        "{wrong}"
    );
    lists::decide(&admin, &decide("https://www.sky.com/shop", "own"))
        .await
        .expect("decides");
    lists::decide(&admin, &decide("sky.com", "own"))
        .await
        .expect("decides");
    lists::decide(&admin, &decide("reseller-shop.com", "shared_host"))
        .await
        .expect("decides");
    let sky = world.sent(ana, "Sky", "sky.com", &world.lines[..1]).await;
    assert_eq!(world.status(sky).await, D::Submitted);
    let form = world.form("Shop", "acme.reseller-shop.com", &world.lines[..1]);
    let id = deal::start(&world.of(ana), &form).await.expect("starts");
    assert!(
        errors(deal::submit(&world.of(ana), id, &form).await)
            .0
            .contains_key("customer_domain")
    );
    let (rows, total) = lists::decisions(&admin, "", 0, 10).await.expect("lists");
    assert_eq!(total, 2);
    assert!(
        rows.iter()
            .all(|d| d.person == "Ada Admin" && d.reason == "They are a customer")
    );
    lists::withdraw(&admin, "reseller-shop.com")
        .await
        .expect("takes back");
    deal::submit(&world.of(ana), id, &form)
        .await
        .expect("the lists count again");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_newer_list_takes_the_place_of_one(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, system) = (world.partner("Ana").await, world.system());
    let known = lists::all(&world.manager()).await.expect("lists");
    let before = known
        .iter()
        .find(|l| l.kind == "shared_host")
        .expect("there")
        .entries;
    let half: Vec<String> = (0..before / 2 - 1)
        .map(|n| format!("host{n}.com"))
        .collect();
    let wrong = errors(lists::load(&system, "shared_host", "half.txt", &half.join("\n")).await);
    assert!(wrong.0["content"].contains("less than half"), "{wrong}");
    let page = "<html><head><title>404</title></head><body>Not found</body></html>";
    assert!(
        errors(lists::load(&system, "mailbox", "x", page).await)
            .0
            .contains_key("content")
    );
    assert!(
        errors(lists::load(&system, "suffix", "x", "a.com").await)
            .0
            .contains_key("kind")
    );
    assert!(
        lists::load(&world.manager(), "mailbox", "x", "a.com")
            .await
            .is_err()
    );

    let mut names: Vec<String> = (0..before).map(|n| format!("host{n}.com")).collect();
    names.push("fresh-builder.com".to_owned());
    let done = lists::load(&system, "shared_host", "new.txt", &names.join("\n")).await;
    assert_eq!(done.expect("loaded").now, before + 1);
    let form = world.form("Page", "fresh-builder.com/acme", &world.lines[..1]);
    let id = deal::start(&world.of(ana), &form).await.expect("starts");
    assert!(
        errors(deal::submit(&world.of(ana), id, &form).await)
            .0
            .contains_key("customer_domain")
    );
    let now = lists::all(&world.manager()).await.expect("lists");
    let list = now.iter().find(|l| l.kind == "shared_host").expect("there");
    assert_eq!(
        (list.source.as_deref(), list.entries),
        (Some("new.txt"), before + 1)
    );
    let accounts = account::Entity::find()
        .count(world.test.db.reader())
        .await
        .expect("counts");
    assert_eq!(accounts, 0);
}
