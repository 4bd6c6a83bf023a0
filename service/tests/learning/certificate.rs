//! Certificates: valid, in grace, lapsed and revoked, and for whom they count.

use chrono::TimeDelta;
use domain::exam::CertificateStatus;
use rstest::rstest;
use service::{Error, learning, partner};

use super::{later, published, read_all, sit};
use crate::people::World;
use crate::support::Engine;

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_certificate_grows_old(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    published(&world).await;
    let (ana, partner_id) = world.agency().await;
    let ben = world
        .colleague(ana, "Łukasz Ørsted", "lukasz@agentur.example")
        .await;
    let (owner, ben) = (world.person(ana).await, world.person(ben).await);
    read_all(&ben).await;
    let (_, passed) = sit(&ben, 0).await;
    assert!(passed);
    let own = learning::own(&ben).await.expect("lists");
    let number = own[0].row.number.clone();
    let expires = own[0].row.expires_at;
    let db = world.test.db.reader();

    let nobody = world.nobody();
    for (at, status, counts) in [
        (world.now, CertificateStatus::Valid, 1),
        (expires - TimeDelta::seconds(1), CertificateStatus::Valid, 1),
        (expires, CertificateStatus::Grace, 1),
        (expires + TimeDelta::days(31), CertificateStatus::Lapsed, 0),
    ] {
        let seen = learning::verify(&later(&nobody, at), &number.to_lowercase())
            .await
            .expect("found");
        assert_eq!(seen.status, status, "{at}");
        assert_eq!(
            (seen.person.as_str(), seen.issuer.as_str()),
            ("Łukasz Ørsted", "Lumen")
        );
        assert_eq!(
            learning::certified_people(db, partner_id, at)
                .await
                .expect("readable"),
            counts,
            "{at}"
        );
        let missing = learning::missing_for_deals(db, partner_id, at)
            .await
            .expect("readable");
        assert_eq!(missing.is_none(), counts == 1, "{at}");
    }
    assert!(matches!(
        learning::verify(&nobody, "C-0").await,
        Err(Error::NotFound)
    ));

    let id = own[0].row.id;
    let soon = world.test.system(expires - TimeDelta::days(14));
    learning::remind(&soon, id).await.expect("reminds");
    let (subject, _) = world
        .mail_to("lukasz@agentur.example")
        .await
        .expect("a mail");
    assert!(subject.contains("runs out"), "{subject}");

    let pdf = learning::certificate_pdf(&own[0], "https://portal.example/certificates/C-1")
        .expect("a document");
    assert!(
        pdf.starts_with(b"%PDF-") && pdf.len() < 200_000,
        "{}",
        pdf.len()
    );

    let members = partner::members(&owner).await.expect("lists");
    let member = members
        .iter()
        .find(|m| m.name == "Łukasz Ørsted")
        .expect("a member");
    partner::remove(&owner, member.id).await.expect("removed");
    assert_eq!(
        learning::certified_people(db, partner_id, world.now)
            .await
            .expect("readable"),
        0
    );
    assert!(
        learning::of_partner(&owner, partner_id)
            .await
            .expect("lists")
            .is_empty()
    );
    let seen = learning::verify(&nobody, &number)
        .await
        .expect("still the person's");
    assert_eq!(seen.status, CertificateStatus::Valid);

    let staff = world.manager();
    assert!(matches!(
        learning::revoke(&staff, id, " ").await,
        Err(Error::Invalid(_))
    ));
    assert!(matches!(
        learning::revoke(&owner, id, "No").await,
        Err(Error::NotFound)
    ));
    learning::revoke(&staff, id, "Somebody else sat the exam.")
        .await
        .expect("revoked");
    assert!(matches!(
        learning::revoke(&staff, id, "Again").await,
        Err(Error::Conflict(_))
    ));
    let seen = learning::verify(&nobody, &number).await.expect("found");
    assert_eq!(seen.status, CertificateStatus::Revoked);
}
