//! Every step of the state machine through the service: the allowed ones go, the others say why not.

use chrono::TimeDelta;
use domain::deal::DealStatus as D;
use domain::transition::Who;
use rstest::rstest;
use sea_orm::{ActiveValue::Set, EntityTrait};
use service::deal::{self, Approval};
use service::{Error, Result};

use super::world::{Partner, World};
use crate::support::Engine;

/// Something people or the calendar do, the state it leads to, and who does it.
const ACTIONS: &[(&str, D, Who)] = &[
    ("submit", D::Submitted, Who::Partner),
    ("take", D::InReview, Who::Staff),
    ("answer", D::InReview, Who::Partner),
    ("ask", D::InformationRequested, Who::Staff),
    ("approve", D::Approved, Who::Staff),
    ("reject", D::Rejected, Who::Staff),
    ("duplicate", D::Duplicate, Who::Staff),
    ("win", D::Won, Who::Partner),
    ("win by staff", D::Won, Who::Staff),
    ("lose", D::Lost, Who::Partner),
    ("lose by staff", D::Lost, Who::Staff),
    ("withdraw", D::Withdrawn, Who::Partner),
    ("revoke", D::Revoked, Who::Staff),
    ("expire", D::Expired, Who::System),
];

async fn act(world: &World, partner: Partner, name: &str, id: i64, other: i64) -> Result<()> {
    let (own, staff) = (world.of(partner), world.manager());
    match name {
        "submit" => {
            let form = deal::form(&own, Some(id)).await?.fields;
            deal::submit(&own, id, &form).await.map(drop)
        }
        "take" => deal::take(&staff, id).await,
        "answer" => deal::answer(&own, id, "yes").await,
        "ask" => deal::ask(&staff, id, "why?").await,
        "approve" => deal::approve(&staff, id, &Approval::default()).await,
        "reject" => deal::reject(&staff, id, "not_a_fit", "no").await,
        "duplicate" => deal::duplicate(&staff, id, &other.to_string(), "").await,
        "win" => deal::win(&own, id, "").await,
        "win by staff" => deal::win(&staff, id, "").await,
        "lose" => deal::lost(&own, id, "too dear").await,
        "lose by staff" => deal::lost(&staff, id, "too dear").await,
        "withdraw" => deal::withdraw(&own, id, "mistake").await,
        "revoke" => deal::revoke(&staff, id, "inactive").await,
        _ => {
            let later = world.test.system(world.now + TimeDelta::days(30));
            deal::daily(&later).await.map(drop)
        }
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn every_step_is_allowed_or_refused_as_the_table_says(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let mut number = 0;
    for from in D::ALL {
        for (name, to, who) in ACTIONS {
            number += 1;
            let domain = format!("company{number}.com");
            let id = world.put(ana, *from, &domain).await;
            // A customer that has paid, so that both sides may say “won”, and another deal to be a
            // duplicate of.
            let other = world.put(ben, D::Rejected, &domain).await;
            if let Some(account) = world.row(id).await.account_id {
                entity::customer::Entity::insert(entity::customer::ActiveModel {
                    stripe_id: Set(format!("cus_{number}")),
                    account_id: Set(Some(account)),
                    name: Set(String::new()),
                    email: Set(String::new()),
                    created_at: Set(world.now),
                    ..Default::default()
                })
                .exec_without_returning(world.test.db.reader())
                .await
                .expect("a customer");
                world.has_paid(number).await;
            }
            let result = act(&world, ana, name, id, other).await;
            let after = world.status(id).await;
            match D::MACHINE.check_by(*from, *to, *who) {
                Ok(()) => {
                    result.unwrap_or_else(|e| panic!("{name} from {from}: {e:?}"));
                    assert_eq!(after, *to, "{name} from {from}");
                }
                Err(_) => {
                    assert_eq!(after, *from, "{name} from {from}");
                    match result {
                        // The calendar passes over what does not concern it.
                        Ok(()) => assert_eq!(*name, "expire", "{name} from {from}"),
                        Err(Error::Conflict(words)) => {
                            assert!(words.ends_with('.'), "{name} from {from}: {words}");
                        }
                        Err(Error::NotFound) => {
                            assert_eq!(*from, D::Draft, "{name}: staff see no drafts");
                        }
                        Err(other) => panic!("{name} from {from}: {other:?}"),
                    }
                }
            }
            let held = world.row(id).await.protected_until;
            assert_eq!(
                held.is_some(),
                after == D::Approved,
                "{name} from {from} to {after}"
            );
        }
    }
}
