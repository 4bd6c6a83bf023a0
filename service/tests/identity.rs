//! Signing up and in, passwords, throttling, sessions.

use chrono::TimeDelta;
use domain::partner::StaffRole;
use rstest::rstest;
use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait};
use service::identity::{self, SignUp};
use service::{Actor, Error};

use crate::people::{ANA, IP, PASSWORD, World};
use crate::support::{Engine, TestDb};

fn form(address: &str) -> SignUp {
    SignUp {
        name: "Ana Silva".to_owned(),
        email: address.to_owned(),
        password: PASSWORD.to_owned(),
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_address_is_confirmed_before_it_signs_in(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ctx = world.nobody();
    identity::sign_up(&ctx, &form(" Ana@Agentur.example "), IP)
        .await
        .expect("signs up");
    let first = world.secret(ANA).await;

    let refused = identity::sign_in(&ctx, ANA, PASSWORD, IP)
        .await
        .expect_err("not confirmed");
    assert!(
        matches!(&refused, Error::Conflict(text) if text.contains("confirm")),
        "{refused}"
    );
    let second = world.secret(ANA).await;
    assert_ne!(first, second, "a new link was sent");
    assert!(
        identity::confirm_email(&ctx, &first).await.is_err(),
        "the earlier link has ended"
    );

    assert_eq!(
        identity::confirm_email(&ctx, &second)
            .await
            .expect("confirms"),
        ANA
    );
    assert!(
        identity::confirm_email(&ctx, &second).await.is_err(),
        "a link works once"
    );
    let signed = identity::sign_in(&ctx, "ANA@agentur.example", PASSWORD, IP)
        .await
        .expect("signs in");
    assert_eq!((signed.partner_id, signed.staff), (None, false));
    let actor = identity::actor_of(world.test.db.reader(), signed.person_id, None)
        .await
        .expect("readable");
    assert_eq!(
        actor,
        Actor::Person {
            person_id: signed.person_id
        }
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn nothing_tells_whether_an_address_is_known(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    world.signed_up("Ana Silva", ANA).await;
    let ctx = world.nobody();

    identity::sign_up(&ctx, &form(ANA), IP)
        .await
        .expect("the same answer as for a new address");
    assert_eq!(
        world.mail_to(ANA).await.expect("a mail").0,
        "You already have an account"
    );
    identity::forgot_password(&ctx, "nobody@agentur.example", IP)
        .await
        .expect("the same answer");
    assert_eq!(world.mail_to("nobody@agentur.example").await, None);

    let wrong = identity::sign_in(&ctx, ANA, "wrong password", IP)
        .await
        .expect_err("wrong")
        .to_string();
    let unknown = identity::sign_in(&ctx, "nobody@agentur.example", "wrong password", IP)
        .await
        .expect_err("unknown")
        .to_string();
    assert_eq!(wrong, unknown);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn guessing_gets_slower_and_a_restart_forgets_nothing(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    world.signed_up("Ana Silva", ANA).await;
    let guess = async |world: &World, password: &str| match identity::sign_in(
        &world.nobody(),
        ANA,
        password,
        IP,
    )
    .await
    {
        Err(Error::TooMany { retry_after, .. }) => Some(retry_after),
        Err(Error::Invalid(_)) => None,
        other => panic!("{other:?}"),
    };
    for _ in 0..5 {
        assert_eq!(guess(&world, "wrong password").await, None);
    }
    assert_eq!(guess(&world, "wrong password").await, Some(30));
    assert_eq!(
        guess(&world, PASSWORD).await,
        Some(30),
        "the right one waits as well"
    );

    // A second process over the same database knows it too.
    world.test.db = service::Db::connect(&world.test.url)
        .await
        .expect("connects");
    world.now += TimeDelta::seconds(20);
    assert_eq!(guess(&world, PASSWORD).await, Some(10));

    world.now += TimeDelta::seconds(10);
    assert_eq!(guess(&world, "wrong password").await, None);
    assert_eq!(
        guess(&world, "wrong password").await,
        Some(60),
        "the wait doubles"
    );

    world.now += TimeDelta::seconds(60);
    identity::sign_in(&world.nobody(), ANA, PASSWORD, IP)
        .await
        .expect("the right one after the wait");
    assert_eq!(
        guess(&world, "wrong password").await,
        None,
        "it starts anew after a success"
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn attempts_sent_at_once_are_all_counted(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    world.signed_up("Ana Silva", ANA).await;
    let attempts = (0..12).map(|_| {
        let ctx = world.nobody();
        async move { identity::sign_in(&ctx, ANA, "wrong password", IP).await }
    });
    let answers = futures::future::join_all(attempts).await;
    let looked_at = answers
        .iter()
        .filter(|a| matches!(a, Err(Error::Invalid(_))))
        .count();
    assert!(looked_at <= 5, "{looked_at} passwords were tried");
}

async fn session(test: &TestDb, id: &str, person_id: i64) {
    entity::session::Entity::insert(entity::session::ActiveModel {
        id: Set(id.to_owned()),
        person_id: Set(Some(person_id)),
        data: Set("{}".to_owned()),
        expires_at: Set(crate::support::day(2027, 1, 1)),
    })
    .exec_without_returning(test.db.reader())
    .await
    .expect("a session");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_new_password_ends_every_session(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let person = world.signed_up("Ana Silva", ANA).await;
    session(&world.test, "a", person).await;
    session(&world.test, "b", person).await;
    session(&world.test, "other", world.manager).await;
    identity::forgot_password(&world.nobody(), ANA, IP)
        .await
        .expect("asks");
    let secret = world.secret(ANA).await;

    let weak = identity::reset_password(&world.nobody(), &secret, "short")
        .await
        .expect_err("weak");
    assert!(matches!(weak, Error::Invalid(_)));
    identity::reset_password(&world.nobody(), &secret, "another good password")
        .await
        .expect("the link still works");
    assert!(
        identity::reset_password(&world.nobody(), &secret, "a third good password")
            .await
            .is_err()
    );
    let left = entity::session::Entity::find()
        .count(world.test.db.reader())
        .await
        .expect("countable");
    assert_eq!(left, 1, "somebody else's stays");
    assert!(
        identity::sign_in(&world.nobody(), ANA, PASSWORD, IP)
            .await
            .is_err()
    );
    identity::sign_in(&world.nobody(), ANA, "another good password", IP)
        .await
        .expect("the new one");

    session(&world.test, "here", person).await;
    session(&world.test, "there", person).await;
    let ctx = world.person(person).await;
    let wrong = identity::change_password(
        &ctx,
        "not it at all",
        "a fourth good password",
        Some("here"),
    )
    .await;
    assert!(matches!(wrong, Err(Error::Invalid(_))));
    identity::change_password(
        &ctx,
        "another good password",
        "a fourth good password",
        Some("here"),
    )
    .await
    .expect("changes");
    let left = entity::session::Entity::find()
        .count(world.test.db.reader())
        .await
        .expect("countable");
    assert_eq!(left, 2, "this one and somebody else's");

    identity::forgot_password(&world.nobody(), ANA, IP)
        .await
        .expect("asks");
    let secret = world.secret(ANA).await;
    world.now += TimeDelta::hours(3);
    let stale = identity::reset_password(&world.nobody(), &secret, "a fifth good password")
        .await
        .expect_err("too old");
    assert!(matches!(stale, Error::Conflict(_)));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn staff_are_added_by_admins_and_one_admin_stays(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let add = identity::add_staff(
        &world.manager(),
        "Fin",
        "fin@lumen.example",
        StaffRole::Finance,
        None,
    )
    .await;
    assert!(matches!(add, Err(Error::Forbidden(_))));
    let admin = identity::add_staff(
        &world.system(),
        "Ada",
        "ada@lumen.example",
        StaffRole::Admin,
        Some(PASSWORD),
    )
    .await
    .expect("adds");
    let ctx = world.test.staff(admin, StaffRole::Admin, world.now);
    let fin = identity::add_staff(&ctx, "Fin", "fin@lumen.example", StaffRole::Finance, None)
        .await
        .expect("adds");
    assert_eq!(
        world.mail_to("fin@lumen.example").await.expect("a mail").0,
        "Your account on the partner portal"
    );
    identity::reset_password(
        &world.nobody(),
        &world.secret("fin@lumen.example").await,
        PASSWORD,
    )
    .await
    .expect("sets one");
    assert!(
        identity::sign_in(&world.nobody(), "fin@lumen.example", PASSWORD, IP)
            .await
            .expect("signs in")
            .staff
    );

    assert!(matches!(
        identity::set_staff_role(&ctx, admin, Some(StaffRole::Manager)).await,
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        identity::disable(&ctx, admin).await,
        Err(Error::Conflict(_))
    ));
    identity::disable(&ctx, fin).await.expect("disables");
    let actor = identity::actor_of(world.test.db.reader(), fin, None)
        .await
        .expect("readable");
    assert_eq!(actor, Actor::Anonymous, "out at once");
    assert!(
        identity::sign_in(&world.nobody(), "fin@lumen.example", PASSWORD, IP)
            .await
            .is_err()
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_mail_is_sent_once_and_kept_without_its_secret(#[case] engine: Engine) {
    use service::mail::{Folder, PostOffice, deliver};
    let Some(world) = World::new(engine).await else {
        return;
    };
    identity::sign_up(&world.nobody(), &form(ANA), IP)
        .await
        .expect("signs up");
    let secret = world.secret(ANA).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mailer = Folder::new(folder.path()).expect("a folder");
    let office = PostOffice::new(
        Box::new(mailer),
        "https://portal.example/",
        "Portico <portico@lumen.example>",
    )
    .expect("a sender");
    let ctx = world.system();
    let jobs = service::job::claim(&ctx, 10, service::job::CLAIM)
        .await
        .expect("claims");
    let job = jobs
        .iter()
        .find(|j| j.kind == service::mail::SEND)
        .expect("the mail's job");
    let mail_id = job
        .payload::<service::mail::SendMail>()
        .expect("its payload")
        .mail_id;
    deliver(&ctx, &office, mail_id).await.expect("sends");
    deliver(&ctx, &office, mail_id)
        .await
        .expect("again, to no effect");

    let files: Vec<_> = std::fs::read_dir(folder.path())
        .expect("readable")
        .flatten()
        .collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(files[0].path()).expect("readable");
    assert!(
        text.contains(&format!("https://portal.example/confirm?token={secret}")),
        "{text}"
    );
    assert!(text.contains("To: ana@agentur.example"), "{text}");
    let (_, kept) = world.mail_to(ANA).await.expect("kept");
    assert!(!kept.contains(&secret), "{kept}");
}
