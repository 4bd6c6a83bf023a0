//! A program with its vendor's people and applicants, for tests about who may do what.

use chrono::{DateTime, Utc};
use domain::partner::{MemberRole, StaffRole};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
};
use service::application::{Approval, Fields};
use service::{Actor, Context, application, identity};

use crate::rows;
use crate::support::{Engine, TestDb, day};

/// A password nobody guesses.
pub const PASSWORD: &str = "correct horse battery";
/// The address of somebody who signs up.
pub const ANA: &str = "ana@agentur.example";
/// The address requests come from.
pub const IP: &str = "192.0.2.7";

/// A program with two tiers, its terms and policy, and a manager.
pub struct World {
    /// The database.
    pub test: TestDb,
    /// When the test begins: a Monday morning.
    pub now: DateTime<Utc>,
    /// `person.id` of the manager.
    pub manager: i64,
    /// `tier.id`, lowest first.
    pub tiers: Vec<i64>,
    /// The terms' id.
    pub terms: i64,
}

impl World {
    /// A fresh one; none where the engine is not there.
    pub async fn new(engine: Engine) -> Option<Self> {
        let test = TestDb::new(engine).await?;
        let now = day(2026, 3, 2) + chrono::TimeDelta::hours(9);
        let db = test.db.reader();
        let program = entity::program::ActiveModel {
            application_questions: Set(serde_json::json!([
                { "id": "crm", "label": "Which CRM do you use?", "required": true }
            ])),
            ..rows::program("partners", "Lumen Partners", "Lumen")
        }
        .insert(db)
        .await
        .expect("a program");
        entity::policy_version::ActiveModel {
            extensions_allowed: Set(1),
            payout_day: Set(15),
            second_approval_above: Set(1_000_000),
            application_review_hours: Set(16),
            countries: Set(serde_json::json!(["DE", "AT", "FR"])),
            ..rows::policy(program.id)
        }
        .insert(db)
        .await
        .expect("a policy");
        let terms = entity::terms_version::Entity::insert(entity::terms_version::ActiveModel {
            program_id: Set(program.id),
            version: Set(1),
            effective_from: Set(rows::began()),
            body: Set("# Terms".to_owned()),
            created_at: Set(rows::began()),
            ..Default::default()
        })
        .exec_with_returning(db)
        .await
        .expect("terms");
        let mut tiers = Vec::new();
        for (rank, name) in ["Registered", "Silver"].into_iter().enumerate() {
            let tier = rows::tier(program.id, rank as i64, name);
            tiers.push(tier.insert(db).await.expect("a tier").id);
        }
        rows::plan(program.id).insert(db).await.expect("a plan");
        let system = test.system(now);
        let manager = identity::add_staff(
            &system,
            "Mia Manager",
            "mia@lumen.example",
            StaffRole::Manager,
            Some(PASSWORD),
        )
        .await
        .expect("a manager");
        Some(Self {
            test,
            now,
            manager,
            tiers,
            terms: terms.id,
        })
    }

    /// The portal itself, now.
    pub fn system(&self) -> Context {
        self.test.system(self.now)
    }

    /// Nobody, now.
    pub fn nobody(&self) -> Context {
        self.test.context(Actor::Anonymous, self.now)
    }

    /// The manager, now.
    pub fn manager(&self) -> Context {
        self.staff(StaffRole::Manager)
    }

    /// Somebody of the staff with this role, now.
    pub fn staff(&self, role: StaffRole) -> Context {
        self.test.staff(self.manager, role, self.now)
    }

    /// A person as the portal sees them, now.
    pub async fn person(&self, person_id: i64) -> Context {
        let actor = identity::actor_of(self.test.db.reader(), person_id, None)
            .await
            .expect("readable");
        self.test.context(actor, self.now)
    }

    /// The newest mail to an address: subject and text.
    pub async fn mail_to(&self, address: &str) -> Option<(String, String)> {
        entity::mail::Entity::find()
            .filter(entity::mail::Column::ToAddress.eq(address))
            .order_by_desc(entity::mail::Column::Id)
            .one(self.test.db.reader())
            .await
            .expect("readable")
            .map(|m| (m.subject, m.body))
    }

    /// The secret in the newest mail to an address.
    pub async fn secret(&self, address: &str) -> String {
        let (_, body) = self.mail_to(address).await.expect("a mail");
        let (_, rest) = body.split_once("?token=").expect("a link");
        rest.split_whitespace().next().expect("a secret").to_owned()
    }

    /// Somebody who signed up and confirmed the address; returns `person.id`.
    pub async fn signed_up(&self, name: &str, address: &str) -> i64 {
        let form = identity::SignUp {
            name: name.to_owned(),
            email: address.to_owned(),
            password: PASSWORD.to_owned(),
        };
        identity::sign_up(&self.nobody(), &form, IP)
            .await
            .expect("signs up");
        identity::confirm_email(&self.nobody(), &self.secret(address).await)
            .await
            .expect("confirms");
        identity::sign_in(&self.nobody(), address, PASSWORD, IP)
            .await
            .expect("signs in")
            .person_id
    }

    /// A complete form.
    pub fn form(&self, company: &str, website: &str) -> Fields {
        Fields {
            legal_name: company.to_owned(),
            website: website.to_owned(),
            country: "DE".to_owned(),
            partner_type: "agency".to_owned(),
            size: "11_50".to_owned(),
            services: "We implement CRM systems.".to_owned(),
            regions: "DACH".to_owned(),
            expected_business: "Five customers a year".to_owned(),
            contact_name: "Ana Silva".to_owned(),
            accept_terms: "on".to_owned(),
            terms_version_id: self.terms.to_string(),
            ..Fields::default()
        }
        .with_answers(&[("answer_crm".to_owned(), "None yet".to_owned())])
    }

    /// Somebody whose application is submitted: `person.id` and `application.id`.
    pub async fn applied(
        &self,
        name: &str,
        address: &str,
        company: &str,
        website: &str,
    ) -> (i64, i64) {
        let person = self.signed_up(name, address).await;
        let ctx = self.person(person).await;
        let id = application::start(&ctx, "partners").await.expect("starts");
        application::submit(&ctx, id, &self.form(company, website))
            .await
            .expect("submits");
        (person, id)
    }

    /// What a manager decides when nothing speaks against it.
    pub fn approval(&self) -> Approval {
        Approval {
            partner_type: "agency".to_owned(),
            tier_id: self.tiers[0].to_string(),
            ..Approval::default()
        }
    }

    /// An approved partner: its owner's `person.id`, and `partner.id`.
    pub async fn partner(
        &self,
        name: &str,
        address: &str,
        company: &str,
        website: &str,
    ) -> (i64, i64) {
        let (person, id) = self.applied(name, address, company, website).await;
        application::take(&self.manager(), id).await.expect("taken");
        let partner = application::approve(&self.manager(), id, &self.approval())
            .await
            .expect("approved");
        (person, partner)
    }

    /// The agency of Ana Silva, approved: her `person.id`, and `partner.id`.
    pub async fn agency(&self) -> (i64, i64) {
        self.partner(
            "Ana Silva",
            ANA,
            "Agentur Silva GmbH",
            "https://agentur-silva.de",
        )
        .await
    }

    /// A second person in a partner's organisation; returns `person.id`.
    pub async fn colleague(&self, owner: i64, name: &str, address: &str) -> i64 {
        let ctx = self.person(owner).await;
        service::partner::invite(&ctx, address, MemberRole::Member.as_str())
            .await
            .expect("invites");
        let secret = self.secret(address).await;
        service::partner::accept(&self.nobody(), &secret, name, PASSWORD)
            .await
            .expect("accepts")
            .person_id
    }
}
