//! Partner organisations: members, invitations, the agreement, standing.

use chrono::TimeDelta;
use domain::partner::{MemberRole, OnboardingStep, PartnerStatus};
use rstest::rstest;
use service::partner::{self, ListView, Profile};
use service::{Actor, Error, identity, notice, search};

use crate::people::{ANA, PASSWORD, World};
use crate::support::Engine;

const BEN: &str = "ben@agentur.example";

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn colleagues_are_invited_and_owners_stay(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let (owner, partner_id) = world.agency().await;
    let ctx = world.person(owner).await;
    assert!(
        matches!(
            partner::invite(&ctx, "mia@lumen.example", "member").await,
            Err(Error::Invalid(_))
        ),
        "not the vendor's people"
    );
    assert!(
        matches!(
            partner::invite(&ctx, ANA, "member").await,
            Err(Error::Invalid(_))
        ),
        "not somebody who is there"
    );
    partner::invite(&ctx, BEN, "member").await.expect("invites");
    let first = world.secret(BEN).await;
    partner::invite(&ctx, BEN, "member").await.expect("again");
    let second = world.secret(BEN).await;
    assert!(
        partner::invitation(&world.nobody(), &first).await.is_err(),
        "the earlier one has ended"
    );
    assert_eq!(partner::invitations(&ctx).await.expect("lists").len(), 1);

    assert!(
        matches!(partner::accept(&world.nobody(), &second, "", "short").await, Err(Error::Invalid(e)) if e.0.len() == 2)
    );
    let accepted = partner::accept(&world.nobody(), &second, "Ben", PASSWORD)
        .await
        .expect("accepts");
    assert!(accepted.new_account);
    assert!(
        partner::accept(&world.nobody(), &second, "Ben", PASSWORD)
            .await
            .is_err(),
        "once"
    );
    let ben = world.person(accepted.person_id).await;
    assert!(
        matches!(ben.actor, Actor::Partner { partner_id: p, role: MemberRole::Member, .. } if p == partner_id)
    );

    // A member is not an owner, and the last owner stays.
    assert!(matches!(
        partner::invite(&ben, "c@agentur.example", "member").await,
        Err(Error::Forbidden(_))
    ));
    let members = partner::members(&ctx).await.expect("lists");
    let (me, other) = (members[0].id, members[1].id);
    assert!(matches!(
        partner::change_role(&ctx, me, MemberRole::Member).await,
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        partner::remove(&ctx, me).await,
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        partner::leave(&ctx).await,
        Err(Error::Conflict(_))
    ));

    // What members see of the money is the owner's choice.
    assert!(partner::may_see_earnings(&ben).await.expect("readable"));
    partner::set_earnings_visible(&ctx, false)
        .await
        .expect("switches");
    assert!(!partner::may_see_earnings(&ben).await.expect("readable"));
    assert!(partner::may_see_earnings(&ctx).await.expect("readable"));

    partner::change_role(&ctx, other, MemberRole::Owner)
        .await
        .expect("a second owner");
    let ben = world.person(accepted.person_id).await;
    let (a, b) = tokio::join!(partner::remove(&ctx, other), partner::remove(&ben, me));
    assert!(
        a.is_ok() != b.is_ok(),
        "one of two owners stays: {a:?} {b:?}"
    );
    world.now += TimeDelta::days(8);
    let left = if a.is_ok() { owner } else { accepted.person_id };
    let left = world.person(left).await;
    partner::invite(&left, "late@agentur.example", "member")
        .await
        .expect("invites");
    let secret = world.secret("late@agentur.example").await;
    world.now += TimeDelta::days(8);
    assert!(
        partner::accept(&world.nobody(), &secret, "Late", PASSWORD)
            .await
            .is_err(),
        "too old"
    );
}

/// Who is removed is told, and whoever removed the wrong one undoes it, for a day.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_removal_is_told_and_can_be_undone(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let (owner, _) = world.agency().await;
    world.colleague(owner, "Ben", BEN).await;
    let ctx = world.person(owner).await;
    let ben = partner::members(&ctx).await.expect("lists")[1].clone();
    let count = async |ctx: &service::Context| partner::members(ctx).await.expect("lists").len();

    partner::remove(&ctx, ben.id).await.expect("removed");
    assert_eq!(count(&ctx).await, 1);
    let (told, _) = world.mail_to(BEN).await.expect("a mail");
    assert!(told.contains("You are no longer a member of"), "{told}");
    let gone = world.person(ben.person_id).await;
    assert!(!matches!(gone.actor, Actor::Partner { .. }));
    partner::take_back(&ctx, ben.id).await.expect("undone");
    let again = partner::members(&ctx).await.expect("lists");
    assert_eq!((again.len(), again[1].role), (2, ben.role));
    let (told, _) = world.mail_to(BEN).await.expect("a mail");
    assert!(told.contains("again"), "{told}");
    // Twice is once, and a day later the person has to be asked.
    assert!(matches!(
        partner::take_back(&ctx, ben.id).await,
        Err(Error::Conflict(_))
    ));
    partner::remove(&ctx, ben.id).await.expect("removed");
    world.now += TimeDelta::days(2);
    let ctx = world.person(owner).await;
    assert!(matches!(
        partner::take_back(&ctx, ben.id).await,
        Err(Error::Conflict(_))
    ));
    assert_eq!(count(&ctx).await, 1);
}

/// Who leaves is missed: the owners are told.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn owners_are_told_who_left(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (owner, _) = world.agency().await;
    world.colleague(owner, "Ben", BEN).await;
    let ctx = world.person(owner).await;
    let ben = partner::members(&ctx).await.expect("lists")[1].person_id;
    let ben = world.person(ben).await;
    partner::leave(&ben).await.expect("leaves");
    let owner = &partner::members(&ctx).await.expect("lists")[0];
    let (_, told) = world.mail_to(&owner.email).await.expect("a mail");
    assert!(told.contains("Ben has left"), "{told}");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_partner_sees_nothing_of_another(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (owner, partner_id) = world.agency().await;
    let (rival, _) = world
        .partner(
            "Rita",
            "rita@rival.example",
            "Rival AG",
            "https://rival-ag.de",
        )
        .await;
    let ctx = world.person(owner).await;
    let rival = world.person(rival).await;
    world.colleague(owner, "Ben", BEN).await;
    partner::invite(&ctx, "c@agentur.example", "member")
        .await
        .expect("invites");
    let member = partner::members(&ctx).await.expect("lists")[1].id;
    let invitation = partner::invitations(&ctx).await.expect("lists")[0].id;
    let profile = Profile {
        name: "Mine now".to_owned(),
        legal_name: "X".to_owned(),
        website: "x.de".to_owned(),
        country: "DE".to_owned(),
        currency: "EUR".to_owned(),
        size: "solo".to_owned(),
        profile: String::new(),
    };

    assert!(matches!(
        partner::update(&rival, partner_id, &profile).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        partner::remove(&rival, member).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        partner::change_role(&rival, member, MemberRole::Owner).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        partner::revoke(&rival, invitation).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        partner::agreement(&rival, partner_id).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        partner::checklist(&rival, partner_id).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        partner::record(&rival, partner_id).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        partner::list(&rival, &ListView::default()).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        partner::note(&rival, partner_id, "x").await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        partner::ban(&rival, partner_id, "x").await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        identity::switch(&rival, partner_id).await,
        Err(Error::NotFound)
    ));
    let theirs = notice::list(&ctx, 0, 10).await.expect("lists").0[0].id;
    assert!(matches!(
        notice::open(&rival, theirs).await,
        Err(Error::NotFound)
    ));
    assert!(notice::open(&ctx, theirs).await.is_ok());

    let found = search::search(&rival, "agentur").await.expect("searches");
    assert!(found.is_empty(), "{found:?}");
    let found = search::search(&world.manager(), "AGENTUR")
        .await
        .expect("searches");
    for kind in ["Partner", "Application", "Person"] {
        assert!(found.iter().any(|h| h.kind == kind), "{kind}: {found:?}");
    }
    assert_eq!(
        search::search(&world.manager(), "100%_")
            .await
            .expect("searches"),
        vec![],
        "signs are only signs"
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_agreement_is_signed_and_the_checklist_knows(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (owner, partner_id) = world.agency().await;
    let member = world.colleague(owner, "Ben", BEN).await;
    let (ctx, member) = (world.person(owner).await, world.person(member).await);
    let terms = world.terms.to_string();
    assert!(matches!(
        partner::sign(&member, &terms, "Ben", true, "::1").await,
        Err(Error::Forbidden(_))
    ));
    assert!(
        matches!(partner::sign(&ctx, &terms, " ", false, "::1").await, Err(Error::Invalid(e)) if e.0.len() == 2)
    );
    assert!(matches!(
        partner::sign(&ctx, "0", "Ana Silva", true, "::1").await,
        Err(Error::Conflict(_))
    ));
    let other = partner::sign(&ctx, &terms, "Somebody Else", true, "::1").await;
    assert!(
        matches!(&other, Err(Error::Invalid(e)) if e.0["signed_name"].contains("Ana Silva")),
        "{other:?}"
    );
    partner::sign(&ctx, &terms, "Ana Silva", true, "192.0.2.7")
        .await
        .expect("signs");
    let (subject, copy) = world.mail_to(ANA).await.expect("a copy");
    assert!(subject.contains("Your copy of the agreement"), "{subject}");
    assert!(copy.contains("signed version 1"), "{copy}");
    assert!(matches!(
        partner::sign(&ctx, &terms, "Ana Silva", true, "::1").await,
        Err(Error::Conflict(_))
    ));
    let signed = partner::agreement(&member, partner_id)
        .await
        .expect("shows")
        .signed
        .expect("signed");
    assert_eq!(
        (signed.signed_name.as_str(), signed.ip.as_str()),
        ("Ana Silva", "192.0.2.7")
    );

    let done = |steps: &[partner::Step], step| steps.iter().any(|s| s.step == step && s.done);
    let steps = partner::checklist(&ctx, partner_id).await.expect("shows");
    assert!(done(&steps, OnboardingStep::Agreement) && done(&steps, OnboardingStep::Members));
    assert!(!done(&steps, OnboardingStep::Profile) && !done(&steps, OnboardingStep::FirstDeal));
    let profile = Profile {
        name: "Agentur Silva".to_owned(),
        legal_name: "Agentur Silva GmbH".to_owned(),
        website: "agentur-silva.de".to_owned(),
        country: "de".to_owned(),
        currency: "chf".to_owned(),
        size: "11_50".to_owned(),
        profile: "We build CRM systems.".to_owned(),
    };
    assert!(matches!(
        partner::update(&member, partner_id, &profile).await,
        Err(Error::Forbidden(_))
    ));
    partner::update(&ctx, partner_id, &profile)
        .await
        .expect("updates");
    let own = partner::own(&ctx).await.expect("shows").partner;
    assert_eq!(
        (
            own.name.as_str(),
            own.currency.as_str(),
            own.website.as_str()
        ),
        ("Agentur Silva", "CHF", "https://agentur-silva.de")
    );
    let steps = partner::checklist(&world.manager(), partner_id)
        .await
        .expect("shows");
    assert!(done(&steps, OnboardingStep::Profile));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_partner_is_paused_banned_and_comes_back(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (owner, partner_id) = world.agency().await;
    let manager = world.manager();
    assert!(
        matches!(
            partner::deactivate(&manager, partner_id, " ").await,
            Err(Error::Invalid(_))
        ),
        "needs a reason"
    );
    assert!(matches!(
        partner::reactivate(&manager, partner_id).await,
        Err(Error::Conflict(_))
    ));
    partner::deactivate(&manager, partner_id, "No answer for a year.")
        .await
        .expect("pauses");
    let ctx = world.person(owner).await;
    assert_eq!(
        ctx.actor,
        Actor::Person { person_id: owner },
        "nobody acts for it"
    );
    let memberships = identity::memberships(&ctx).await.expect("lists");
    assert_eq!(
        (memberships[0].status, memberships[0].reason.as_deref()),
        (PartnerStatus::Deactivated, Some("No answer for a year."))
    );
    assert!(
        world
            .mail_to(ANA)
            .await
            .expect("a mail")
            .1
            .contains("> No answer for a year.")
    );

    partner::reactivate(&manager, partner_id)
        .await
        .expect("comes back");
    assert!(matches!(
        world.person(owner).await.actor,
        Actor::Partner { .. }
    ));
    partner::ban(&manager, partner_id, "Fraud.")
        .await
        .expect("bans");
    assert!(
        matches!(
            partner::reactivate(&manager, partner_id).await,
            Err(Error::Conflict(_))
        ),
        "two decisions"
    );
    partner::lift_ban(&manager, partner_id, "A mistake.")
        .await
        .expect("lifts");
    partner::reactivate(&manager, partner_id)
        .await
        .expect("comes back");
    let record = partner::record(&manager, partner_id).await.expect("shows");
    assert_eq!(record.status, PartnerStatus::Active);
    assert!(
        record
            .timeline
            .iter()
            .filter(|l| l.action == "partner.status_changed")
            .count()
            == 5
    );

    partner::note(&manager, partner_id, "Call in May.")
        .await
        .expect("notes");
    assert_eq!(
        partner::record(&manager, partner_id)
            .await
            .expect("shows")
            .notes
            .len(),
        1
    );
    assert!(
        partner::own(&world.person(owner).await)
            .await
            .expect("shows")
            .notes
            .is_empty()
    );
    let listed = async || {
        let view = ListView {
            search: "silva".to_owned(),
            status: Some(PartnerStatus::Active),
            manager_id: Some(0),
            sort: "quiet".to_owned(),
            ..ListView::default()
        };
        partner::list(&manager, &view).await.expect("lists")
    };
    let (rows, total) = listed().await;
    assert_eq!((total, rows[0].tier.as_str()), (1, "Registered"));
    assert_eq!(
        rows[0].last_activity, None,
        "what the vendor did is not its own"
    );
    partner::invite(&world.person(owner).await, BEN, "member")
        .await
        .expect("invites");
    assert!(listed().await.0[0].last_activity.is_some());
}
