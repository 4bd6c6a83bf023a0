//! Roles that move money count after a time or after a second administrator, so that nobody makes the
//! second pair of eyes alone.

use chrono::TimeDelta;
use domain::partner::StaffRole;
use domain::plan::ready_made;
use rstest::rstest;
use service::commission::{AdjustForm, adjust, approve};
use service::{Context, Error, identity};

use crate::payout::bank::Bank;
use crate::support::Engine;
use crate::world::World;

const ADDRESS: &str = "me2@freemail.example";

/// A world with two administrators who have been there since the beginning.
struct Office {
    world: World,
    ada: i64,
    bea: i64,
}

impl Office {
    async fn new(engine: Engine) -> Option<Self> {
        let world = World::new(engine, ready_made::reseller()).await?;
        let ada = world.add_staff("Ada", StaffRole::Admin).await;
        let bea = world.add_staff("Bea", StaffRole::Admin).await;
        Some(Self { world, ada, bea })
    }

    fn admin(&self, person: i64) -> Context {
        self.world
            .test
            .staff(person, StaffRole::Admin, self.world.now)
    }

    fn as_finance(&self, person: i64) -> Context {
        self.world
            .test
            .staff(person, StaffRole::Finance, self.world.now)
    }

    /// Ada gives somebody new a role in finance.
    async fn invite(&self) -> i64 {
        let ada = self.admin(self.ada);
        identity::add_staff(&ada, "Me Two", ADDRESS, StaffRole::Finance, None)
            .await
            .expect("invited")
    }

    /// A bonus that waits for a second person.
    async fn waits(&self, asker: &Context) -> i64 {
        let form = AdjustForm {
            partner_id: self.world.partners[0],
            kind: "bonus".to_owned(),
            amount: "5000".to_owned(),
            currency: "EUR".to_owned(),
            reason: "Agreed by phone".to_owned(),
        };
        let adjusted = adjust(asker, &form).await.expect("booked");
        assert!(adjusted.needs_second);
        adjusted.id
    }

    /// Whether somebody approves a bonus that `asker` booked; else the sentence.
    async fn approves(&self, asker: &Context, person: i64) -> Result<(), String> {
        let id = self.waits(asker).await;
        match approve(&self.as_finance(person), id).await {
            Ok(()) => Ok(()),
            Err(Error::Forbidden(sentence)) => Err(sentence),
            Err(other) => panic!("{other}"),
        }
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_new_role_approves_money_only_after_a_day_and_everybody_is_told(#[case] engine: Engine) {
    let Some(mut office) = Office::new(engine).await else {
        return;
    };
    let me2 = office.invite().await;
    for colleague in ["finance0", "finance1", "bea"] {
        let mails = office
            .world
            .mails_to(&format!("{colleague}@acme.example"))
            .await;
        assert_eq!(
            mails,
            ["Me Two (me2@freemail.example) now has the role “Finance”"],
            "{colleague}"
        );
    }
    assert!(office.world.mails_to("ada@acme.example").await.is_empty());
    assert_eq!(office.world.notices_of(office.bea).await.len(), 1);

    let ada = office.admin(office.ada);
    let sentence = office.approves(&ada, me2).await.expect_err("too young");
    assert!(
        sentence.contains("Ada gave you your role") && sentence.contains("confirms"),
        "{sentence}"
    );
    office.world.now += TimeDelta::hours(23);
    let fin = office.world.finance(0);
    office.approves(&fin, me2).await.expect_err("23 hours");
    office.world.now += TimeDelta::hours(1);
    let ada = office.admin(office.ada);
    office.approves(&ada, me2).await.expect("a day later");
    office.world.assert_clean().await;
}

/// The time is not shortened by taking the role away and giving it again, by another role between, or
/// by an account that slept.
#[rstest]
#[case::taken_and_given("demoted")]
#[case::by_way_of_admin("promoted")]
#[case::an_account_that_slept("slept")]
#[case::ended_and_invited_again("left")]
#[tokio::test]
async fn the_time_begins_anew_with_each_change(
    #[case] how: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut office) = Office::new(engine).await else {
        return;
    };
    let me2 = office.invite().await;
    office.world.now += TimeDelta::hours(25);
    let fin = office.world.finance(0);
    office.approves(&fin, me2).await.expect("old enough");
    let ada = office.admin(office.ada);
    let set = async |role| {
        identity::set_staff_role(&ada, me2, role)
            .await
            .expect("set");
    };
    match how {
        "demoted" => {
            set(Some(StaffRole::Auditor)).await;
            set(Some(StaffRole::Finance)).await;
        }
        "promoted" => {
            set(Some(StaffRole::Admin)).await;
            set(Some(StaffRole::Finance)).await;
        }
        "slept" => {
            identity::disable(&ada, me2).await.expect("disabled");
            identity::enable(&ada, me2).await.expect("enabled");
        }
        _ => {
            set(None).await;
            office.invite().await;
        }
    }
    office.approves(&ada, me2).await.expect_err("new again");
    // The same role given once more changes nothing.
    office.world.now += TimeDelta::hours(20);
    let ada = office.admin(office.ada);
    identity::set_staff_role(&ada, me2, Some(StaffRole::Finance))
        .await
        .expect("the same");
    office.world.now += TimeDelta::hours(4);
    let fin = office.world.finance(0);
    office.approves(&fin, me2).await.expect("a day after");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_second_administrator_confirms_and_the_giver_stays_a_hand(#[case] engine: Engine) {
    let Some(office) = Office::new(engine).await else {
        return;
    };
    let me2 = office.invite().await;
    // Ada's own second administrator does not help either.
    let ada = office.admin(office.ada);
    let puppet = identity::add_staff(
        &ada,
        "Puppet",
        "puppet@freemail.example",
        StaffRole::Admin,
        None,
    )
    .await
    .expect("invited");
    for who in [office.ada, puppet] {
        let refused = identity::confirm_role(&office.admin(who), me2).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    let own = identity::confirm_role(&office.admin(puppet), puppet).await;
    assert!(matches!(own, Err(Error::Forbidden(_))), "{own:?}");
    let finance = identity::confirm_role(&office.world.finance(0), me2).await;
    assert!(matches!(finance, Err(Error::Forbidden(_))), "{finance:?}");

    identity::confirm_role(&office.admin(office.bea), me2)
        .await
        .expect("confirmed");
    let fin = office.world.finance(0);
    office.approves(&fin, me2).await.expect("counts at once");
    let sentence = office.approves(&ada, me2).await.expect_err("Ada's own");
    assert!(sentence.contains("Ada gave you your role"), "{sentence}");
    let again = identity::confirm_role(&office.admin(office.bea), me2).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    let told = office.world.notices_of(office.world.finance[0]).await;
    assert!(
        told.iter().any(|t| t.contains("Bea confirmed the role")),
        "{told:?}"
    );
}

/// The operator's first people work at once, and only the operator sets the time.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_operators_people_count_at_once(#[case] engine: Engine) {
    let Some(office) = Office::new(engine).await else {
        return;
    };
    let system = office.world.system();
    let first = identity::add_staff(&system, "First", ADDRESS, StaffRole::Finance, None)
        .await
        .expect("added");
    let fin = office.world.finance(0);
    office.approves(&fin, first).await.expect("at once");
    let set = identity::set_wait(&office.admin(office.ada), 0).await;
    assert!(matches!(set, Err(Error::NotFound)), "{set:?}");
    identity::set_wait(&system, 0).await.expect("set");
    let ada = office.admin(office.ada);
    let next = identity::add_staff(&ada, "Next", "next@acme.example", StaffRole::Finance, None)
        .await
        .expect("invited");
    office.approves(&ada, next).await.expect("no time is set");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_run_is_not_approved_by_an_account_made_for_it(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let ada = bank.world.add_staff("Ada", StaffRole::Admin).await;
    let ctx = bank.world.test.staff(ada, StaffRole::Admin, bank.world.now);
    let me2 = identity::add_staff(&ctx, "Me Two", ADDRESS, StaffRole::Finance, None)
        .await
        .expect("invited");
    let run_id = bank.submitted().await;
    let as_me2 = |bank: &Bank| {
        bank.world
            .test
            .staff(me2, StaffRole::Finance, bank.world.now)
    };
    let refused = bank.approve_as(&as_me2(&bank), run_id).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    assert!(bank.transfers().await.is_empty());
    bank.world.now += TimeDelta::hours(24);
    bank.approve_as(&as_me2(&bank), run_id)
        .await
        .expect("approved");
    bank.world.assert_clean().await;
}

/// An approval by somebody whose role was too young is found, whether the role's time was kept or is
/// known from the timeline alone.
#[rstest]
#[case::the_time_was_kept(true)]
#[case::from_before_it_was_kept(false)]
#[tokio::test]
async fn the_audit_sees_an_approval_by_a_young_role(
    #[case] kept: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    use entity::staff_grant;
    use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryOrder};
    let Some(mut office) = Office::new(engine).await else {
        return;
    };
    let db = office.world.test.db.reader().clone();
    let me2 = office.invite().await;
    let grant = staff_grant::Entity::find()
        .order_by_desc(staff_grant::Column::Id)
        .one(&db)
        .await
        .expect("reads")
        .expect("kept");
    // As if nobody had asked how old the role is.
    staff_grant::Entity::delete_by_id(grant.id)
        .exec(&db)
        .await
        .expect("forgotten");
    office.world.now += TimeDelta::hours(1);
    let ada = office.admin(office.ada);
    office.approves(&ada, me2).await.expect("as it was before");
    if kept {
        grant
            .into_active_model()
            .reset_all()
            .insert(&db)
            .await
            .expect("remembered");
    }
    let report = service::ledger::audit(&office.world.test.db)
        .await
        .expect("audits");
    let said: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(
        said.len() == 1 && said[0].contains(&format!("approved by person {me2}")),
        "{said:?}"
    );
}
