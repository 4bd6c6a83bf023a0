//! A program with product lines, partners and staff, for tests about registrations.

use chrono::{DateTime, TimeDelta, Utc};
use domain::deal::{DealStatus, SalesStage};
use domain::partner::{MemberRole, StaffRole};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service::deal::{self, Approval, Fields};
use service::{Context, account};

use crate::rows;
use crate::shelf::Shelf;
use crate::support::{Engine, TestDb, day};
use crate::world::deliver;

/// A partner with its owner.
#[derive(Clone, Copy, Debug)]
pub struct Partner {
    /// `partner.id`.
    pub id: i64,
    /// `person.id`.
    pub person: i64,
}

/// See the module.
pub struct World {
    pub test: TestDb,
    /// A Monday morning.
    pub now: DateTime<Utc>,
    pub program: i64,
    /// `product_line.id` of CRM and Analytics.
    pub lines: [i64; 2],
    /// `tier.id`, ranks 0 and 2.
    pub tiers: [i64; 2],
    pub manager: i64,
    pub admin: i64,
    plan: i64,
}

impl World {
    /// A fresh one; none where the engine is not there.
    pub async fn new(engine: Engine) -> Option<Self> {
        let test = TestDb::new(engine).await?;
        let now = day(2026, 3, 2) + TimeDelta::hours(9);
        let db = test.db.reader();
        let program = entity::program::ActiveModel {
            deal_questions: Set(json!([
                { "id": "seats", "label": "How many seats?", "required": true }
            ])),
            ..rows::program("partners", "Lumen Partners", "Lumen")
        }
        .insert(db)
        .await
        .expect("a program");
        let mut lines = [0; 2];
        for (place, name) in ["CRM", "Analytics"].into_iter().enumerate() {
            let line = entity::product_line::Entity::insert(entity::product_line::ActiveModel {
                program_id: Set(program.id),
                code: Set(name.to_lowercase()),
                name: Set(name.to_owned()),
                ..Default::default()
            });
            lines[place] = line
                .exec_with_returning(db)
                .await
                .expect("a product line")
                .id;
        }
        let mut tiers = [0; 2];
        for (place, (rank, name)) in [(0, "Registered"), (2, "Gold")].into_iter().enumerate() {
            let tier = rows::tier(program.id, rank, name);
            tiers[place] = tier.insert(db).await.expect("a tier").id;
        }
        let plan = rows::plan(program.id).insert(db).await.expect("a plan");
        let mut world = Self {
            now,
            program: program.id,
            lines,
            tiers,
            manager: 0,
            admin: 0,
            plan: plan.id,
            test,
        };
        world.policy(1, None).await;
        world.manager = world
            .someone("Mia Manager", "mia@lumen.example", Some("manager"))
            .await;
        world.admin = world
            .someone("Ada Admin", "ada@lumen.example", Some("admin"))
            .await;
        Some(world)
    }

    /// A version of the policy, in force now; approves at once below the amount from rank 2.
    pub async fn policy(&self, version: i64, below: Option<i64>) {
        entity::policy_version::ActiveModel {
            version: Set(version),
            effective_from: Set(rows::began() + TimeDelta::days(version)),
            extensions_allowed: Set(1),
            payout_day: Set(15),
            second_approval_above: Set(1_000_000),
            deal_review_hours: Set(16),
            application_review_hours: Set(16),
            auto_approve_below: Set(below),
            auto_approve_min_tier: Set(below.map(|_| 2)),
            ..rows::policy(self.program)
        }
        .insert(self.test.db.reader())
        .await
        .expect("a policy");
    }

    /// What everybody's plan pays from the beginning on.
    pub async fn pays(&self, rules: &domain::plan::PlanRules) {
        rows::plan_version(self.plan, rules)
            .insert(self.test.db.reader())
            .await
            .expect("a version");
    }

    /// A person.
    pub async fn someone(&self, name: &str, email: &str, staff: Option<&str>) -> i64 {
        entity::person::Entity::insert(entity::person::ActiveModel {
            email: Set(email.to_owned()),
            name: Set(name.to_owned()),
            staff_role: Set(staff.map(str::to_owned)),
            locale: Set("en".to_owned()),
            time_zone: Set("UTC".to_owned()),
            email_verified_at: Set(Some(self.now)),
            created_at: Set(self.now),
            ..Default::default()
        })
        .exec_with_returning(self.test.db.reader())
        .await
        .expect("a person")
        .id
    }

    /// A partner of the entry tier, with its owner, known by a domain.
    pub async fn partner(&self, name: &str) -> Partner {
        let domain = format!("{}-agency.com", name.to_lowercase());
        let person = self
            .someone(&format!("{name} Owner"), &format!("owner@{domain}"), None)
            .await;
        let partner = entity::partner::Entity::insert(entity::partner::ActiveModel {
            program_id: Set(self.program),
            name: Set(name.to_owned()),
            legal_name: Set(format!("{name} GmbH")),
            website: Set(format!("https://www.{domain}/")),
            domain: Set(domain),
            country: Set("DE".to_owned()),
            currency: Set("EUR".to_owned()),
            partner_type: Set("agency".to_owned()),
            size: Set("11_50".to_owned()),
            status: Set("active".to_owned()),
            tier_id: Set(self.tiers[0]),
            tier_since: Set(self.now),
            plan_id: Set(self.plan),
            manager_id: Set(Some(self.manager)),
            members_see_earnings: Set(true),
            profile: Set(String::new()),
            created_at: Set(self.now),
            ..Default::default()
        })
        .exec_with_returning(self.test.db.reader())
        .await
        .expect("a partner");
        entity::member::Entity::insert(entity::member::ActiveModel {
            partner_id: Set(partner.id),
            person_id: Set(person),
            role: Set("owner".to_owned()),
            joined_at: Set(self.now),
            ..Default::default()
        })
        .exec_without_returning(self.test.db.reader())
        .await
        .expect("a member");
        Partner {
            id: partner.id,
            person,
        }
    }

    /// An invoice that the customer `cus_{number}` pays now.
    pub async fn has_paid(&self, number: i64) {
        let customer = entity::customer::Entity::find()
            .filter(entity::customer::Column::StripeId.eq(format!("cus_{number}")))
            .one(self.test.db.reader())
            .await
            .expect("readable")
            .expect("a customer");
        entity::invoice::Entity::insert(entity::invoice::ActiveModel {
            stripe_id: Set(format!("in_{number}")),
            customer_id: Set(customer.id),
            status: Set("paid".to_owned()),
            currency: Set("EUR".to_owned()),
            total: Set(1_000),
            net: Set(1_000),
            amount_paid: Set(1_000),
            disputed: Set(false),
            outcome: Set("nothing".to_owned()),
            issued_at: Set(self.now),
            paid_at: Set(Some(self.now)),
            created_at: Set(self.now),
            ..Default::default()
        })
        .exec_without_returning(self.test.db.reader())
        .await
        .expect("an invoice");
    }

    /// Moves a partner to the highest tier.
    pub async fn promote(&self, partner: Partner) {
        entity::partner::Entity::update_many()
            .col_expr(
                entity::partner::Column::TierId,
                sea_orm::sea_query::Expr::value(self.tiers[1]),
            )
            .filter(entity::partner::Column::Id.eq(partner.id))
            .exec(self.test.db.reader())
            .await
            .expect("promoted");
    }

    /// The partner's owner, now.
    pub fn of(&self, partner: Partner) -> Context {
        self.test
            .of_partner(partner.person, partner.id, MemberRole::Owner, self.now)
    }

    /// The manager, now.
    pub fn manager(&self) -> Context {
        self.staff(self.manager, StaffRole::Manager)
    }

    /// Somebody of the staff, now.
    pub fn staff(&self, person_id: i64, role: StaffRole) -> Context {
        self.test.staff(person_id, role, self.now)
    }

    /// The portal itself, now.
    pub fn system(&self) -> Context {
        self.test.system(self.now)
    }

    /// Stores what Stripe sends and works it off.
    pub async fn deliver(&self, events: &[Value]) {
        deliver(&self.system(), &Shelf::default(), events).await;
    }

    /// A complete form for a company and the given product lines.
    pub fn form(&self, name: &str, domain: &str, lines: &[i64]) -> Fields {
        let close = (self.now + TimeDelta::days(60)).date_naive();
        Fields {
            customer_name: name.to_owned(),
            customer_domain: domain.to_owned(),
            customer_country: "DE".to_owned(),
            contact_name: "Carla Customer".to_owned(),
            contact_email: "carla@customer.example".to_owned(),
            product_lines: lines.iter().map(i64::to_string).collect(),
            need: "A CRM for the field team".to_owned(),
            value: "12,000.00".to_owned(),
            currency: "EUR".to_owned(),
            term_months: "12".to_owned(),
            expected_close: close.to_string(),
            ..Fields::default()
        }
        .with_answers(&[("answer_seats".to_owned(), "40".to_owned())])
    }

    /// A registration that was sent; what became of it is the caller's to look at.
    pub async fn sent(&self, partner: Partner, name: &str, domain: &str, lines: &[i64]) -> i64 {
        let ctx = self.of(partner);
        let form = self.form(name, domain, lines);
        let id = deal::start(&ctx, &form).await.expect("starts");
        deal::submit(&ctx, id, &form).await.expect("is sent");
        id
    }

    /// A registration that is protected.
    pub async fn protected(&self, partner: Partner, name: &str, domain: &str) -> i64 {
        let id = self.sent(partner, name, domain, &self.lines[..1]).await;
        self.approve(id).await;
        id
    }

    /// A manager takes a registration and approves it.
    pub async fn approve(&self, id: i64) {
        deal::take(&self.manager(), id).await.expect("taken");
        deal::approve(&self.manager(), id, &Approval::default())
            .await
            .expect("approved");
    }

    /// The row.
    pub async fn row(&self, id: i64) -> entity::deal::Model {
        entity::deal::Entity::find_by_id(id)
            .one(self.test.db.reader())
            .await
            .expect("readable")
            .expect("there")
    }

    /// Where it stands.
    pub async fn status(&self, id: i64) -> DealStatus {
        self.row(id).await.status.parse().expect("a status")
    }

    /// A registration put into a state by force, with what belongs to the state: for trying every
    /// step out of it.
    pub async fn put(&self, partner: Partner, state: DealStatus, domain: &str) -> i64 {
        let ctx = self.of(partner);
        let form = self.form("Put Ltd", domain, &self.lines[..1]);
        let id = deal::start(&ctx, &form).await.expect("starts");
        let db = self.test.db.reader();
        let tx = self.system().begin().await.expect("begins");
        let known = account::find_or_create(&self.system(), &*tx, domain, "Put Ltd", None)
            .await
            .expect("an account");
        tx.commit().await.expect("commits");
        let sent = state != DealStatus::Draft;
        let protected = matches!(state, DealStatus::Approved);
        let until = self.now + TimeDelta::days(30);
        entity::deal::Entity::update(entity::deal::ActiveModel {
            id: Set(id),
            status: Set(state.as_str().to_owned()),
            stage: Set(SalesStage::Qualified.as_str().to_owned()),
            customer_domain: Set(domain.to_owned()),
            account_id: Set(sent.then_some(known.id)),
            submitted_at: Set(sent.then_some(self.now)),
            review_due_at: Set(sent.then_some(self.now)),
            protected_until: Set(protected.then_some(until)),
            decided_at: Set(protected.then_some(self.now)),
            ..Default::default()
        })
        .exec(db)
        .await
        .expect("put");
        if protected {
            entity::protection::Entity::insert(entity::protection::ActiveModel {
                deal_id: Set(id),
                partner_id: Set(partner.id),
                account_id: Set(known.id),
                product_line_id: Set(self.lines[0]),
                starts_at: Set(self.now),
                expires_at: Set(Some(until)),
                ..Default::default()
            })
            .exec_without_returning(db)
            .await
            .expect("protected");
        }
        id
    }

    /// A registration put into “won” by force, now, without crediting anybody.
    pub async fn put_won(&self, id: i64) {
        entity::deal::Entity::update(entity::deal::ActiveModel {
            id: Set(id),
            status: Set(DealStatus::Won.as_str().to_owned()),
            protected_until: Set(None),
            closed_at: Set(Some(self.now)),
            ..Default::default()
        })
        .exec(self.test.db.reader())
        .await
        .expect("put");
    }

    /// The newest mail's subject to an address.
    pub async fn mail_to(&self, address: &str) -> Option<String> {
        use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
        entity::mail::Entity::find()
            .filter(entity::mail::Column::ToAddress.eq(address))
            .order_by_desc(entity::mail::Column::Id)
            .one(self.test.db.reader())
            .await
            .expect("readable")
            .map(|m| m.subject)
    }
}
