//! A world in which a payout can be made, with a Stripe that can be told to fail.

use domain::plan::ready_made;
use entity::{payout, payout_account, payout_item, payout_run, payout_submission};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder,
};
use serde_json::{Value, json};
use service::commission::{AdjustForm, adjust};
use service::payout::{Next, run, send};
use service::{Context, Error};
use stripe_gateway::{Config, StripeGateway};
use stripe_sandbox::SandboxConfig;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::{Engine, day};
use crate::world::{World, acme_pays, new_customer, paid};

/// A world in which the first partner has 225.00 payable and a payout account that is ready.
pub struct Bank {
    pub world: World,
    pub gateway: StripeGateway,
    pub base: String,
    pub client: reqwest::Client,
    _stop: oneshot::Sender<()>,
}

impl Bank {
    pub async fn new(engine: Engine) -> Option<Self> {
        let mut world = World::new(engine, ready_made::reseller()).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(stripe_sandbox::serve(
            listener,
            SandboxConfig::default(),
            async move {
                let _ = stopped.await;
            },
        ));
        stripe_gateway::install_crypto();
        let mut config = Config::new("sk_test_payouts");
        config.api_base = Some(base.clone());
        config.timeout = std::time::Duration::from_millis(800);
        let gateway = StripeGateway::new(config).expect("a client");
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        world.deliver(&acme_pays(100_000)).await;
        world.now = day(2026, 5, 5);
        service::commission::mature(&world.system())
            .await
            .expect("matures");
        let bank = Self {
            world,
            gateway,
            base,
            client,
            _stop: stop,
        };
        let account = bank.account("complete").await;
        bank.connect(bank.world.partners[0], account).await;
        Some(bank)
    }

    /// Gives a partner a payout account that is ready and old enough.
    pub async fn ready(&self, partner: i64) {
        let account = self.account("complete").await;
        self.connect(partner, account).await;
    }

    /// Approves a run as somebody.
    pub async fn approve_as(&self, ctx: &Context, run_id: i64) -> Result<bool, Error> {
        let shown = self.shown(run_id).await;
        run::approve(ctx, run_id, &shown).await
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let reply = self
            .client
            .post(format!("{}/_sandbox/{path}", self.base))
            .json(&body)
            .send()
            .await
            .expect("the sandbox answers");
        assert!(
            reply.status().is_success(),
            "{path}: {}",
            reply.text().await.unwrap_or_default()
        );
        reply.json().await.expect("JSON")
    }

    pub async fn account(&self, outcome: &str) -> String {
        let made = self
            .control(
                "accounts",
                json!({"contact_email": "p@north.example", "country": "de", "outcome": outcome}),
            )
            .await;
        made["id"].as_str().expect("an id").to_owned()
    }

    pub async fn fault(&self, kind: &str) {
        self.control(
            "faults",
            json!({"match": {"method": "POST", "path_prefix": "/v1/transfers"}, "kind": kind,
                   "times": 1, "hang_ms": 1500}),
        )
        .await;
    }

    /// Something that goes wrong so often, with what else the sandbox has to know of it.
    pub async fn goes_wrong(&self, method: &str, path: &str, kind: &str, times: u32, more: Value) {
        let mut fault = json!({"match": {"method": method, "path_prefix": path}, "kind": kind,
                               "times": times, "hang_ms": 1500});
        for (name, value) in more.as_object().into_iter().flatten() {
            fault[name.as_str()] = value.clone();
        }
        self.control("faults", fault).await;
    }

    /// Nothing goes wrong any more.
    pub async fn all_well(&self) {
        let url = format!("{}/_sandbox/faults", self.base);
        let reply = self.client.delete(url).send().await.expect("answers");
        assert!(reply.status().is_success());
    }

    /// Takes back so much of a transfer at Stripe.
    pub async fn take_back(&self, transfer: &str, amount: i64) {
        let reply = self
            .client
            .post(format!("{}/v1/transfers/{transfer}/reversals", self.base))
            .bearer_auth("sk_test_payouts")
            .form(&[("amount", amount.to_string())])
            .send()
            .await
            .expect("answers");
        assert!(reply.status().is_success());
    }

    /// Time passes.
    pub fn later(&mut self, by: chrono::TimeDelta) {
        self.world.now += by;
    }

    /// Transfers at Stripe.
    pub async fn transfers(&self) -> Vec<Value> {
        let state: Value = self
            .client
            .get(format!("{}/_sandbox/state", self.base))
            .send()
            .await
            .expect("answers")
            .json()
            .await
            .expect("JSON");
        state["transfers"].as_array().expect("a list").clone()
    }

    /// One of finance drafts a run.
    pub async fn drafted(&self, who: usize) -> i64 {
        let new = run::NewRun {
            program_id: self.world.program,
            cutoff_at: self.world.now,
            note: String::new(),
        };
        run::draft(&self.world.finance(who), new)
            .await
            .expect("drafted")
    }

    /// Drafts and submits a run.
    pub async fn submitted(&self) -> i64 {
        let run_id = self.drafted(0).await;
        run::submit(&self.world.finance(0), run_id, None)
            .await
            .expect("submitted");
        run_id
    }

    /// The last approval that a run needs.
    pub async fn approve(&self, run_id: i64) {
        let approved = self.approve_by(1, run_id).await;
        assert!(approved.expect("approved"));
    }

    /// A second partner with something payable and an account that is ready.
    pub async fn second_partner(&mut self) -> i64 {
        let partner = self.world.partners[1];
        self.world
            .add_account("beta.com", &[(partner, 10_000)])
            .await;
        let events = [
            new_customer("cus_2", "b@beta.com"),
            paid(2, "cus_2", 90_000, 5),
        ];
        self.world.deliver(&events).await;
        service::commission::mature(&self.world.system())
            .await
            .expect("matures");
        let account = self.account("complete").await;
        self.connect(partner, account).await;
        partner
    }

    /// The partner has this account, and it is ready.
    pub async fn connect(&self, partner: i64, account: String) {
        payout_account::ActiveModel {
            partner_id: Set(partner),
            stripe_id: Set(account),
            state: Set("ready".to_owned()),
            requirements: Set(json!([])),
            checked_at: Set(self.world.now),
            created_at: Set(self.world.now),
            ..Default::default()
        }
        .insert(self.world.test.db.reader())
        .await
        .expect("connected");
    }

    /// Every payout, oldest first.
    pub async fn payouts(&self) -> Vec<payout::Model> {
        let rows = payout::Entity::find().order_by_asc(payout::Column::Id);
        rows.all(self.world.test.db.reader()).await.expect("read")
    }

    /// What the newest submission of a run was of.
    pub async fn shown_at_submission(&self, run_id: i64) -> String {
        payout_submission::Entity::find()
            .filter(payout_submission::Column::RunId.eq(run_id))
            .order_by_desc(payout_submission::Column::Id)
            .one(self.world.test.db.reader())
            .await
            .expect("read")
            .expect("one")
            .fingerprint
    }

    /// What the page of a run says of its content.
    pub async fn shown(&self, run_id: i64) -> String {
        let run = payout_run::Entity::find_by_id(run_id)
            .one(self.world.test.db.reader())
            .await
            .expect("read")
            .expect("one");
        run.fingerprint.expect("counted")
    }

    /// One of finance approves what the run's page shows.
    pub async fn approve_by(&self, who: usize, run_id: i64) -> Result<bool, Error> {
        self.approve_as(&self.world.finance(who), run_id).await
    }

    /// Drafts, submits, approves and starts a run; gives its only payout.
    pub async fn started(&self) -> payout::Model {
        let run_id = self.submitted().await;
        self.approve(run_id).await;
        let next = send::start_run(&self.world.system(), &self.gateway, run_id).await;
        assert_eq!(next.expect("started"), Next::Done);
        self.newest().await
    }

    pub async fn payout(&self) -> payout::Model {
        payout::Entity::find()
            .one(self.world.test.db.reader())
            .await
            .expect("read")
            .expect("one")
    }

    /// Drafts, submits and approves a run, of which nothing is sent yet; gives its newest payout.
    pub async fn started_not_sent(&self) -> payout::Model {
        let run_id = self.submitted().await;
        self.approve(run_id).await;
        self.newest().await
    }

    /// The payout that was made last.
    pub async fn newest(&self) -> payout::Model {
        payout::Entity::find()
            .order_by_desc(payout::Column::Id)
            .one(self.world.test.db.reader())
            .await
            .expect("read")
            .expect("one")
    }

    pub async fn work(&self, id: i64) -> Next {
        send::work(&self.world.system(), &self.gateway, id)
            .await
            .expect("works")
    }

    /// Works until nothing is left to do.
    pub async fn settle(&mut self, id: i64) {
        for _ in 0..20 {
            match self.work(id).await {
                Next::Done => return,
                Next::Again(at) => self.world.now = at,
            }
        }
        panic!("the payout never settles");
    }

    /// Gives the second partner 100.00 payable and a payout account that is ready.
    pub async fn bonus_for_second(&self) {
        let south = self.world.partners[1];
        let bonus = AdjustForm {
            partner_id: south,
            kind: "bonus".to_owned(),
            amount: "100.00".to_owned(),
            currency: "EUR".to_owned(),
            reason: "Agreed by phone".to_owned(),
        };
        adjust(&self.world.finance(0), &bonus)
            .await
            .expect("booked");
        self.ready(south).await;
    }

    /// A run's item of a partner.
    pub async fn item(&self, run_id: i64, partner: i64) -> payout_item::Model {
        payout_item::Entity::find()
            .filter(payout_item::Column::RunId.eq(run_id))
            .filter(payout_item::Column::PartnerId.eq(partner))
            .one(self.world.test.db.reader())
            .await
            .expect("read")
            .expect("one")
    }

    /// What stands against paying the first partner from now on, by name.
    pub async fn against(&self, what: &str) {
        let db = self.world.test.db.reader();
        let north = self.world.partners[0];
        let sql = match what {
            "held" => {
                run::hold_partner(&self.world.finance(0), north, Some("Its bank asks"))
                    .await
                    .expect("held");
                return;
            }
            "banned" | "deactivated" => {
                format!("UPDATE partner SET status = '{what}' WHERE id = {north}")
            }
            "new terms" => format!(
                "INSERT INTO terms_version (program_id, version, effective_from, body, created_at) \
                 SELECT program_id, 2, created_at, 'Other terms.', created_at \
                 FROM terms_version WHERE program_id = {}",
                self.world.program
            ),
            "unsigned" => format!("DELETE FROM agreement WHERE partner_id = {north}"),
            "restricted" | "closed" => {
                format!("UPDATE payout_account SET state = '{what}' WHERE partner_id = {north}")
            }
            "disconnected" => format!("DELETE FROM payout_account WHERE partner_id = {north}"),
            "replaced" => {
                let other = self.account("complete").await;
                format!(
                    "UPDATE payout_account SET stripe_id = '{other}' WHERE partner_id = {north}"
                )
            }
            "no owner" => format!(
                "INSERT INTO member (partner_id, person_id, role, joined_at, removed_at) \
                 SELECT {north}, id, 'owner', created_at, created_at FROM person WHERE id = {}",
                self.world.finance[0]
            ),
            "country" => format!(
                "INSERT INTO payout_country_refusal (partner_id, country, account, said, refused_at) \
                 SELECT p.id, p.country, a.stripe_id, 'no', p.created_at FROM partner p \
                 JOIN payout_account a ON a.partner_id = p.id WHERE p.id = {north}"
            ),
            other => panic!("{other}?"),
        };
        db.execute_unprepared(&sql).await.expect(what);
    }

    pub async fn bucket(&self, bucket: &str) -> i64 {
        self.world.bucket(self.world.partners[0], bucket).await
    }
}
