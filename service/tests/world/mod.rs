//! A small program with partners and customers, for tests about money.

mod stripe;

use chrono::{DateTime, Utc};
use domain::partner::{MemberRole, StaffRole};
use domain::plan::PlanRules;
use entity::{
    account, account_domain, agreement, attribution, commission, mail, notice, partner,
    partner_month, person, product_line, stripe_product, terms_version, tier,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
};
use serde_json::Value;
use service::billing::{MatchForm, confirm_match, propose_match};
use service::inbox::Worked;
use service::{Context, Error};

use crate::rows;
use crate::shelf::Shelf;
use crate::support::{Engine, TestDb, day};

pub use stripe::{
    acme, acme_pays, charge, credit_note, credited, customer, deliver, dispute, event, event_at,
    invoice, invoice_in, line, new_customer, paid, payment, pays, receive, refund, refunded, work,
};

/// See the module.
pub struct World {
    pub test: TestDb,
    pub shelf: Shelf,
    pub now: DateTime<Utc>,
    pub program: i64,
    pub product_line: i64,
    /// Two partners of tier Silver.
    pub partners: [i64; 2],
    /// The account of acme.com, credited to the first partner.
    pub account: i64,
    /// Staff: finance and another of finance.
    pub finance: [i64; 2],
}

impl World {
    /// A world whose partners are paid by `rules`.
    pub async fn new(engine: Engine, rules: PlanRules) -> Option<Self> {
        let test = TestDb::new(engine).await?;
        let db = test.db.reader();
        let start = rows::began();
        let program = rows::program("acme", "Acme partners", "Acme")
            .insert(db)
            .await
            .expect("program");
        rows::policy(program.id).insert(db).await.expect("policy");
        let mut tiers = Vec::new();
        for (rank, name) in [(1, "Registered"), (2, "Silver"), (3, "Gold")] {
            let row = tier::ActiveModel {
                min_revenue: Set((rank - 1) * 100_000),
                ..rows::tier(program.id, rank, name)
            };
            tiers.push(row.insert(db).await.expect("tier").id);
        }
        let plan = rows::plan(program.id).insert(db).await.expect("plan");
        let version = rows::plan_version(plan.id, &rules);
        version.insert(db).await.expect("version");
        let line = product_line::ActiveModel {
            program_id: Set(program.id),
            code: Set("suite".to_owned()),
            name: Set("Suite".to_owned()),
            ..Default::default()
        }
        .insert(db)
        .await
        .expect("product line");
        stripe_product::ActiveModel {
            id: Set("prod_suite".to_owned()),
            product_line_id: Set(line.id),
        }
        .insert(db)
        .await
        .expect("product");
        let mut partners = [0, 0];
        for (i, name) in ["North", "South"].into_iter().enumerate() {
            partners[i] = partner::ActiveModel {
                program_id: Set(program.id),
                name: Set(name.to_owned()),
                legal_name: Set(format!("{name} GmbH")),
                website: Set(format!("https://{name}.example")),
                domain: Set(format!("{}.example", name.to_lowercase())),
                country: Set("DE".to_owned()),
                currency: Set("EUR".to_owned()),
                partner_type: Set("agency".to_owned()),
                size: Set("1-10".to_owned()),
                status: Set("active".to_owned()),
                tier_id: Set(tiers[1]),
                tier_since: Set(start),
                plan_id: Set(plan.id),
                members_see_earnings: Set(true),
                created_at: Set(start),
                ..Default::default()
            }
            .insert(db)
            .await
            .expect("partner")
            .id;
        }
        let mut finance = [0, 0];
        for (i, id) in finance.iter_mut().enumerate() {
            *id = person::ActiveModel {
                email: Set(format!("finance{i}@acme.example")),
                name: Set(format!("Finance {i}")),
                staff_role: Set(Some("finance".to_owned())),
                locale: Set("en".to_owned()),
                time_zone: Set("UTC".to_owned()),
                created_at: Set(start),
                ..Default::default()
            }
            .insert(db)
            .await
            .expect("person")
            .id;
        }
        // Nobody is paid without a signed agreement.
        let terms = terms_version::ActiveModel {
            program_id: Set(program.id),
            version: Set(1),
            effective_from: Set(start),
            body: Set("The terms.".to_owned()),
            created_at: Set(start),
            ..Default::default()
        };
        let terms = terms.insert(db).await.expect("terms");
        for partner in partners {
            let signed = agreement::ActiveModel {
                partner_id: Set(partner),
                person_id: Set(finance[0]),
                terms_version_id: Set(terms.id),
                signed_name: Set("Ida Falk".to_owned()),
                ip: Set("192.0.2.1".to_owned()),
                signed_at: Set(start),
                ..Default::default()
            };
            signed.insert(db).await.expect("signed");
        }
        let mut world = Self {
            shelf: Shelf::default(),
            now: day(2026, 3, 10),
            program: program.id,
            product_line: line.id,
            partners,
            account: 0,
            finance,
            test,
        };
        world.account = world
            .add_account("acme.com", &[(partners[0], 10_000)])
            .await;
        Some(world)
    }

    /// An account with its domain, credited to partners.
    pub async fn add_account(&self, domain: &str, credits: &[(i64, i64)]) -> i64 {
        let db = self.test.db.reader();
        let row = account::ActiveModel {
            name: Set(domain.to_owned()),
            normalised_name: Set(domain.to_owned()),
            house: Set(false),
            created_at: Set(day(2025, 1, 1)),
            ..Default::default()
        }
        .insert(db)
        .await
        .expect("account");
        account_domain::ActiveModel {
            id: Set(domain.to_owned()),
            account_id: Set(row.id),
        }
        .insert(db)
        .await
        .expect("domain");
        for (partner, share) in credits {
            self.credit(row.id, *partner, *share).await;
        }
        row.id
    }

    /// Credits a partner with a share of an account.
    pub async fn credit(&self, account: i64, partner: i64, share_bp: i64) {
        attribution::ActiveModel {
            program_id: Set(self.program),
            account_id: Set(account),
            partner_id: Set(partner),
            part: Set("sourced".to_owned()),
            share_bp: Set(share_bp),
            reason: Set("test".to_owned()),
            starts_at: Set(day(2025, 1, 1)),
            created_at: Set(day(2025, 1, 1)),
            ..Default::default()
        }
        .insert(self.test.db.reader())
        .await
        .expect("attribution");
    }

    /// The portal itself, at the world's time.
    pub fn system(&self) -> Context {
        self.test.system(self.now)
    }

    /// One of finance.
    pub fn finance(&self, which: usize) -> Context {
        self.test
            .staff(self.finance[which], StaffRole::Finance, self.now)
    }

    /// Somebody of the staff with this role.
    pub fn staff(&self, role: StaffRole) -> Context {
        self.test.staff(self.finance[0], role, self.now)
    }

    /// One more person of the staff, who has been there since the beginning.
    pub async fn add_staff(&self, name: &str, role: StaffRole) -> i64 {
        person::ActiveModel {
            email: Set(format!("{}@acme.example", name.to_lowercase())),
            name: Set(name.to_owned()),
            staff_role: Set(Some(role.into())),
            locale: Set("en".to_owned()),
            time_zone: Set("UTC".to_owned()),
            created_at: Set(rows::began()),
            ..Default::default()
        }
        .insert(self.test.db.reader())
        .await
        .expect("person")
        .id
    }

    /// One of finance proposes whose customer it is, and the other one confirms it.
    pub async fn match_by_hand(&self, customer_id: i64, form: &MatchForm) -> Result<u64, Error> {
        let id = propose_match(&self.finance(0), customer_id, form).await?;
        confirm_match(&self.finance(1), id).await
    }

    /// What was mailed to an address: the subjects, oldest first.
    pub async fn mails_to(&self, address: &str) -> Vec<String> {
        mail::Entity::find()
            .filter(mail::Column::ToAddress.eq(address))
            .order_by_asc(mail::Column::Id)
            .all(self.test.db.reader())
            .await
            .expect("reads")
            .into_iter()
            .map(|m| m.subject)
            .collect()
    }

    /// What a person was told in the portal, oldest first.
    pub async fn notices_of(&self, person_id: i64) -> Vec<String> {
        notice::Entity::find()
            .filter(notice::Column::PersonId.eq(person_id))
            .order_by_asc(notice::Column::Id)
            .all(self.test.db.reader())
            .await
            .expect("reads")
            .into_iter()
            .map(|n| n.text)
            .collect()
    }

    /// The owner of a partner.
    pub fn owner(&self, partner: i64) -> Context {
        self.of_partner(partner, MemberRole::Owner)
    }

    /// Somebody of a partner; the person is one of finance, for here the role is what counts.
    pub fn of_partner(&self, partner: i64, role: MemberRole) -> Context {
        self.test
            .of_partner(self.finance[1], partner, role, self.now)
    }

    /// Stores events and works off the inbox until nothing more happens.
    pub async fn deliver(&self, events: &[Value]) -> Worked {
        deliver(&self.system(), &self.shelf, events).await
    }

    /// Works off the inbox.
    pub async fn work(&self) -> Worked {
        work(&self.system(), &self.shelf, 100).await
    }

    /// See [`TestDb::balances`].
    pub async fn balances(&self) -> Vec<(String, String, i64)> {
        self.test.balances().await
    }

    /// See [`TestDb::bucket`].
    pub async fn bucket(&self, partner: i64, bucket: &str) -> i64 {
        self.test.bucket(partner, bucket).await
    }

    /// See [`TestDb::commissions`].
    pub async fn commissions(&self) -> Vec<commission::Model> {
        self.test.commissions().await
    }

    /// Everything that must be the same whatever the order of events was.
    pub async fn state(&self) -> Vec<String> {
        let db = self.test.db.reader();
        let mut state: Vec<String> = self
            .balances()
            .await
            .into_iter()
            .map(|b| format!("{b:?}"))
            .collect();
        for m in partner_month::Entity::find()
            .order_by_asc(partner_month::Column::PartnerId)
            .order_by_asc(partner_month::Column::Currency)
            .order_by_asc(partner_month::Column::Month)
            .all(db)
            .await
            .expect("read")
        {
            state.push(format!(
                "month {} {} {}: {} {} {}",
                m.partner_id, m.currency, m.month, m.earned, m.given_back, m.revenue
            ));
        }
        let mut lines: Vec<String> = entity::commission::Entity::find()
            .all(db)
            .await
            .expect("read")
            .into_iter()
            .filter(|c| c.kind == "accrual")
            .map(|c| {
                format!(
                    "{} {} {} reversed {}",
                    c.reference, c.state, c.amount, c.reversed
                )
            })
            .collect();
        lines.sort();
        state.extend(lines);
        let mut invoices: Vec<String> = entity::invoice::Entity::find()
            .all(db)
            .await
            .expect("read")
            .into_iter()
            .map(|i| {
                format!(
                    "{} {} {} net {} returned {} disputed {} {}",
                    i.stripe_id, i.status, i.total, i.net, i.returned, i.disputed, i.outcome
                )
            })
            .collect();
        invoices.sort();
        state.extend(invoices);
        state
    }

    /// See [`TestDb::assert_clean`].
    pub async fn assert_clean(&self) {
        self.test.assert_clean().await;
    }
}
