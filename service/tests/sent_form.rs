//! A form is taken once, however often it arrives.

use chrono::TimeDelta;
use rstest::rstest;
use service::{Error, sent_form};

use crate::people::World;
use crate::support::Engine;

fn pairs(word: &str, typed: &str) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![pair(sent_form::FIELD, word), pair("amount", typed)]
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_form_is_taken_once(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let maya = world.manager();
    let name = |word: &str, typed: &str| {
        let named = sent_form::name(&maya, "/here", &pairs(word, typed), std::iter::empty());
        named.expect("has a word")
    };
    let one = name("a", "10");
    assert_eq!(one, name("a", "10"));
    assert_ne!(one, name("b", "10"), "another page");
    assert_ne!(one, name("a", "20"), "something else is typed");
    let nobody = world.nobody();
    assert_eq!(
        sent_form::name(&nobody, "/here", &pairs("a", "10"), std::iter::empty()),
        None
    );

    // Of several at once one does it; the others wait for it, and are led where it led.
    assert_eq!(sent_form::take(&maya, &one).await.expect("taken"), None);
    let (second, ()) = tokio::join!(sent_form::take(&maya, &one), async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        sent_form::done(&maya, &one, Some("/there"))
            .await
            .expect("noted");
    });
    assert_eq!(second.expect("waited").as_deref(), Some("/there"));

    // What was refused may be sent again as it is.
    let other = name("a", "20");
    assert_eq!(sent_form::take(&maya, &other).await.expect("taken"), None);
    sent_form::done(&maya, &other, None).await.expect("refused");
    assert_eq!(sent_form::take(&maya, &other).await.expect("again"), None);
    // And what a process died over, after a while.
    world.now += TimeDelta::minutes(10);
    let later = world.manager();
    assert_eq!(sent_form::take(&later, &other).await.expect("again"), None);
    // Both are forgotten in the end.
    world.now += TimeDelta::days(3);
    assert_eq!(
        sent_form::forget(&world.manager()).await.expect("forgets"),
        2
    );
}

#[tokio::test]
async fn whoever_waits_too_long_is_told() {
    let Some(world) = World::new(Engine::Sqlite).await else {
        return;
    };
    let maya = world.manager();
    let name = sent_form::name(&maya, "/here", &pairs("a", "1"), std::iter::empty());
    let name = name.expect("has a word");
    sent_form::take(&maya, &name).await.expect("taken");
    let second = sent_form::take(&maya, &name).await;
    assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
}
