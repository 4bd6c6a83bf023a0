//! What is not one's own does not exist, and auditors only read.

use domain::partner::StaffRole;
use rstest::rstest;
use service::Error;
use service::deal::{self, Approval, DealList, Fields};

use super::world::World;
use crate::support::{Engine, errors};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn foreign_and_missing_are_the_same(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let theirs = world.protected(ana, "Acme", "acme.com").await;
    let file = deal::attach(
        &world.of(ana),
        theirs,
        "../offer.pdf",
        "application/pdf",
        b"%PDF",
    )
    .await
    .expect("attaches");
    let draft = deal::start(&world.of(ana), &Fields::default())
        .await
        .expect("starts");
    let ctx = world.of(ben);
    for id in [theirs, draft, 999_999] {
        let form = Fields::default();
        let found = [
            deal::show(&ctx, id).await.err(),
            deal::form(&ctx, Some(id)).await.err(),
            deal::save(&ctx, id, &form).await.err(),
            deal::submit(&ctx, id, &form).await.err(),
            deal::discard(&ctx, id).await.err(),
            deal::again(&ctx, id).await.err(),
            deal::answer(&ctx, id, "x").await.err(),
            deal::comment(&ctx, id, "x", false).await.err(),
            deal::set_stage(&ctx, id, "proposal").await.err(),
            deal::request(&ctx, id, "x").await.err(),
            deal::win(&ctx, id, "").await.err(),
            deal::lost(&ctx, id, "x").await.err(),
            deal::withdraw(&ctx, id, "x").await.err(),
            deal::join(&ctx, id).await.err(),
            deal::leave(&ctx, id).await.err(),
            deal::accept(&ctx, id).await.err(),
            deal::attach(&ctx, id, "a", "", b"x").await.err(),
            deal::remove(&ctx, id, file).await.err(),
            deal::download(&ctx, file).await.err(),
            // What only staff may do does not exist for partners, their own deals included.
            deal::review(&world.of(ana), id).await.err(),
            deal::take(&world.of(ana), id).await.err(),
            deal::ask(&world.of(ana), id, "x").await.err(),
            deal::approve(&world.of(ana), id, &Approval::default())
                .await
                .err(),
            deal::reject(&world.of(ana), id, "other", "x").await.err(),
            deal::duplicate(&world.of(ana), id, "1", "").await.err(),
            deal::revoke(&world.of(ana), id, "x").await.err(),
            deal::grant(&world.of(ana), id).await.err(),
            deal::refuse(&world.of(ana), id, "x").await.err(),
            deal::contests(&world.of(ana), "", 0, 9).await.err(),
        ];
        for (place, error) in found.into_iter().enumerate() {
            assert!(
                matches!(error, Some(Error::NotFound)),
                "{place} of {id}: {error:?}"
            );
        }
    }
    assert_eq!(
        deal::list(&ctx, &DealList::default())
            .await
            .expect("lists")
            .1,
        0
    );
    let tricked = DealList {
        partner_id: Some(ana.id),
        ..DealList::default()
    };
    assert_eq!(deal::list(&ctx, &tricked).await.expect("lists").1, 0);
    assert!(matches!(
        deal::review(&world.manager(), draft).await,
        Err(Error::NotFound)
    ));

    let download = deal::download(&world.of(ana), file).await.expect("its own");
    assert_eq!(
        (download.name.as_str(), download.bytes.as_slice()),
        ("offer.pdf", b"%PDF".as_slice())
    );
    deal::download(&world.manager(), file)
        .await
        .expect("staff read what was sent");
    let large = vec![0; deal::MAX_BYTES + 1];
    assert!(
        errors(deal::attach(&world.of(ana), theirs, "a", "", &large).await)
            .0
            .contains_key("file")
    );
    assert!(matches!(
        deal::remove(&world.of(ana), theirs, file).await,
        Err(Error::Conflict(_))
    ));

    // Auditors read and change nothing.
    let auditor = world.staff(world.admin, StaffRole::Auditor);
    assert!(
        !deal::review(&auditor, theirs)
            .await
            .expect("reads")
            .may_decide
    );
    assert!(matches!(
        deal::revoke(&auditor, theirs, "x").await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        deal::comment(&auditor, theirs, "x", true).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        deal::lost(&auditor, theirs, "x").await,
        Err(Error::Forbidden(_))
    ));
}
