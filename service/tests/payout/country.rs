//! Countries that Stripe does not pay to.

use domain::partner::MemberRole;
use entity::{mail, payout_account, payout_country_refusal};
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::json;
use service::payout::{account, country, run};

use super::bank::Bank;
use crate::support::{Engine, conflict};

/// A refused transfer is refused once: the next run leaves the partner out with that reason.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_refused_country_leaves_out_instead_of_failing_again(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.fault("country_refused").await;
    bank.work(row.id).await;
    let failed = bank.payout().await;
    assert_eq!(failed.status, "failed");
    let said = failed.failure.unwrap_or_default();
    assert!(
        said.contains("Stripe does not pay to this country"),
        "{said}"
    );
    let north = bank.world.partners[0];
    for _ in 0..2 {
        let run_id = bank.drafted(0).await;
        let item = bank.item(run_id, north).await;
        assert_eq!(
            (item.included, item.reason.as_deref()),
            (false, Some("Stripe does not pay to this country"))
        );
        conflict(run::submit(&bank.world.finance(0), run_id, None).await);
    }
    let db = bank.world.test.db.reader();
    let kept = payout_country_refusal::Entity::find()
        .all(db)
        .await
        .expect("read");
    assert_eq!(kept.len(), 1);
    let told = mail::Entity::find().all(db).await.expect("read");
    let finance = told
        .iter()
        .filter(|m| m.subject.contains("Stripe does not pay to Germany"));
    assert_eq!(finance.count(), 2, "each of finance, once");

    // Another country, or another account, is another matter.
    db.execute_unprepared("UPDATE partner SET country = 'AT'")
        .await
        .expect("moves");
    let run_id = bank.drafted(0).await;
    assert!(bank.item(run_id, north).await.included);
    bank.world.assert_clean().await;
}

/// The owner who connects an account reads a sentence of ours, and the page goes on saying it.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_account_that_cannot_be_made_is_said_in_our_words(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let db = bank.world.test.db.reader();
    payout_account::Entity::delete_many()
        .exec(db)
        .await
        .expect("gone");
    bank.control(
        "faults",
        json!({"match": {"method": "POST", "path_prefix": "/v2/core/accounts"},
               "kind": "country_refused", "times": 1}),
    )
    .await;
    let north = bank.world.partners[0];
    let owner = bank.world.of_partner(north, MemberRole::Owner);
    let said = conflict(account::connect(&owner, &bank.gateway, "http://portal").await);
    assert!(
        said.starts_with("Stripe does not pay to Germany."),
        "{said}"
    );
    assert!(!said.contains("Stripe refused"), "{said}");
    let view = account::own(&owner).await.expect("shown");
    assert_eq!(view.country.as_deref(), Some(said.as_str()));
    let run_id = bank.drafted(0).await;
    let item = bank.item(run_id, north).await;
    assert_eq!(
        item.reason.as_deref(),
        Some("Stripe does not pay to this country")
    );
}

#[test]
fn what_is_known_is_said_before_stripe_is_asked() {
    assert_eq!(country::beforehand("DE"), None);
    let said = country::beforehand("SV").expect("known");
    assert!(
        said.starts_with("Stripe pays to El Salvador only"),
        "{said}"
    );
}
