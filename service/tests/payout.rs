//! Payouts: who is in a run, four eyes, and that no answer of Stripe's pays twice or loses a cent.
//! Stripe is the sandbox, a server of its own.

use chrono::TimeDelta;
use domain::plan::ready_made;
use entity::{payout, payout_account, payout_item, payout_run};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service::payout::{Next, list, reconcile, run, send, sync};
use service::{Context, Error};
use stripe_gateway::{Config, StripeGateway};
use stripe_sandbox::SandboxConfig;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::{Engine, day};
use crate::world::{World, customer, event, invoice, payment};

/// A world in which the first partner has 225.00 payable and a payout account that is ready.
struct Bank {
    world: World,
    gateway: StripeGateway,
    base: String,
    client: reqwest::Client,
    _stop: oneshot::Sender<()>,
}

impl Bank {
    async fn new(engine: Engine) -> Option<Self> {
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
        world
            .deliver(&[
                event(
                    "evt_c",
                    "customer.created",
                    0,
                    customer("cus_1", "a@acme.com"),
                ),
                event(
                    "evt_i",
                    "invoice.paid",
                    1,
                    invoice("in_1", "cus_1", &[("il_1", 100_000)], 1),
                ),
                event(
                    "evt_p",
                    "invoice_payment.paid",
                    2,
                    payment("inpay_1", "in_1", "pi_1", 120_000),
                ),
            ])
            .await;
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
        payout_account::ActiveModel {
            partner_id: Set(bank.world.partners[0]),
            stripe_id: Set(account),
            state: Set("ready".to_owned()),
            requirements: Set(json!([])),
            checked_at: Set(bank.world.now),
            created_at: Set(bank.world.now),
            ..Default::default()
        }
        .insert(bank.world.test.db.reader())
        .await
        .expect("connected");
        Some(bank)
    }

    async fn control(&self, path: &str, body: Value) -> Value {
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

    async fn account(&self, outcome: &str) -> String {
        let made = self
            .control(
                "accounts",
                json!({"contact_email": "p@north.example", "country": "de", "outcome": outcome}),
            )
            .await;
        made["id"].as_str().expect("an id").to_owned()
    }

    async fn fault(&self, kind: &str) {
        self.control(
            "faults",
            json!({"match": {"method": "POST", "path_prefix": "/v1/transfers"}, "kind": kind,
                   "times": 1, "hang_ms": 1500}),
        )
        .await;
    }

    /// Transfers at Stripe.
    async fn transfers(&self) -> Vec<Value> {
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

    /// Drafts and submits a run.
    async fn submitted(&self) -> i64 {
        let drafter = self.world.finance(0);
        let new = run::NewRun {
            program_id: self.world.program,
            cutoff_at: self.world.now,
            note: String::new(),
        };
        let run_id = run::draft(&drafter, new).await.expect("drafted");
        run::submit(&drafter, run_id).await.expect("submitted");
        run_id
    }

    /// Drafts, submits, approves and starts a run; gives its only payout.
    async fn started(&self) -> payout::Model {
        let run_id = self.submitted().await;
        assert!(
            run::approve(&self.world.finance(1), run_id)
                .await
                .expect("approved")
        );
        let next = send::start_run(&self.world.system(), &self.gateway, run_id).await;
        assert_eq!(next.expect("started"), Next::Done);
        self.payout().await
    }

    async fn payout(&self) -> payout::Model {
        payout::Entity::find()
            .one(self.world.test.db.reader())
            .await
            .expect("read")
            .expect("one")
    }

    async fn work(&self, id: i64) -> Next {
        send::work(&self.world.system(), &self.gateway, id)
            .await
            .expect("works")
    }

    /// Works until nothing is left to do.
    async fn settle(&mut self, id: i64) {
        for _ in 0..20 {
            match self.work(id).await {
                Next::Done => return,
                Next::Again(at) => self.world.now = at,
            }
        }
        panic!("the payout never settles");
    }

    async fn bucket(&self, bucket: &str) -> i64 {
        self.world.bucket(self.world.partners[0], bucket).await
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_run_pays_what_is_payable(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let payable = bank.bucket("payable").await;
    assert!(payable > 0);
    let row = bank.started().await;
    assert_eq!(
        (row.amount, bank.bucket("in_payout").await),
        (payable, payable)
    );
    assert_eq!(bank.work(row.id).await, Next::Done);
    let transfers = bank.transfers().await;
    assert_eq!(transfers.len(), 1);
    assert_eq!(transfers[0]["amount"], payable);
    assert_eq!(transfers[0]["transfer_group"], send::reference(row.id));
    let row = bank.payout().await;
    assert_eq!(
        (row.status.as_str(), row.transfer_id.as_deref()),
        ("paid", transfers[0]["id"].as_str())
    );
    assert_eq!(
        (bank.bucket("payable").await, bank.bucket("in_payout").await),
        (0, 0)
    );
    let run = payout_run::Entity::find()
        .one(bank.world.test.db.reader())
        .await;
    assert_eq!(run.expect("read").expect("one").status, "done");
    let states: Vec<_> = bank
        .world
        .commissions()
        .await
        .into_iter()
        .map(|c| c.state)
        .collect();
    assert_eq!(states, ["paid"]);
    bank.world.assert_clean().await;
    // Working it again does nothing.
    assert_eq!(bank.work(row.id).await, Next::Done);
    assert_eq!(bank.transfers().await.len(), 1);
    let since = bank.world.now - TimeDelta::days(400);
    let summary = reconcile::run(&bank.world.system(), &bank.gateway, since).await;
    assert_eq!(summary.expect("compared").open, 0);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn four_eyes(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let run_id = bank.submitted().await;
    let refused = run::approve(&bank.world.finance(0), run_id)
        .await
        .expect_err("the drafter");
    assert!(matches!(refused, Error::Conflict(_)), "{refused}");
    assert!(
        run::approve(&bank.world.finance(1), run_id)
            .await
            .expect("the other")
    );
    let again = run::approve(&bank.world.finance(1), run_id)
        .await
        .expect_err("twice");
    assert!(matches!(again, Error::Conflict(_)), "{again}");
    assert_eq!(
        payout::Entity::find()
            .all(bank.world.test.db.reader())
            .await
            .expect("read")
            .len(),
        1
    );
}

/// However Stripe fails, the money is transferred once and the books say so.
#[rstest]
#[case::too_many("status_429")]
#[case::server_error("status_500")]
#[case::server_error_after("status_500_after")]
#[case::timeout_before("timeout_before")]
#[case::timeout_after("timeout_after")]
#[case::unreadable("garbage_200")]
#[case::cut_off("connection_reset")]
#[case::cut_off_after("connection_reset_after")]
#[tokio::test]
async fn unclear_answers_pay_once(
    #[case] fault: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.fault(fault).await;
    let first = bank.work(row.id).await;
    assert!(
        matches!(first, Next::Again(_)),
        "{fault} leaves it open: {first:?}"
    );
    assert_eq!(
        bank.bucket("in_payout").await,
        row.amount,
        "the money stays where it is"
    );
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    assert_eq!(bank.transfers().await.len(), 1, "{fault}");
    assert_eq!(bank.bucket("in_payout").await, 0);
    bank.world.assert_clean().await;
}

/// A worker that died in the middle of its call leaves the payout `sending`.
#[rstest]
#[case::before_the_call(false)]
#[case::after_the_call(true)]
#[tokio::test]
async fn a_dead_worker_is_followed_by_another(
    #[case] transferred: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    if transferred {
        bank.fault("timeout_after").await;
        bank.work(row.id).await;
    }
    payout::ActiveModel {
        id: Set(row.id),
        status: Set("sending".to_owned()),
        sent_at: Set(Some(bank.world.now)),
        ..Default::default()
    }
    .update(bank.world.test.db.reader())
    .await
    .expect("as a dead worker left it");
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_clear_refusal_gives_the_amount_back(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.control(
        &format!("accounts/{}/outcome", row.destination),
        json!({"outcome": "past_due"}),
    )
    .await;
    assert_eq!(bank.work(row.id).await, Next::Done);
    let failed = bank.payout().await;
    assert_eq!(failed.status, "failed");
    assert!(failed.failure.is_some());
    assert_eq!(
        (bank.bucket("payable").await, bank.bucket("in_payout").await),
        (row.amount, 0)
    );
    let lines = bank.world.commissions().await;
    assert!(
        lines
            .iter()
            .all(|c| c.state == "payable" && c.payout_id.is_none())
    );
    bank.world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_run_waits_for_balance_and_can_be_canceled(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    bank.control("balance", json!({"currency": "eur", "amount": 100}))
        .await;
    let run_id = bank.submitted().await;
    run::approve(&bank.world.finance(1), run_id)
        .await
        .expect("approved");
    let next = send::start_run(&bank.world.system(), &bank.gateway, run_id)
        .await
        .expect("looked");
    assert!(matches!(next, Next::Again(_)));
    let view = list::run(&bank.world.finance(0), run_id)
        .await
        .expect("shown");
    assert_eq!(view.status.as_str(), "waiting_for_balance");
    assert!(
        view.timeline.iter().any(|l| l.summary.contains("short by")),
        "it says so"
    );
    run::cancel(&bank.world.finance(0), run_id, "Next month instead")
        .await
        .expect("canceled");
    assert_eq!(
        (
            bank.bucket("in_payout").await,
            bank.payout().await.status.as_str()
        ),
        (0, "failed")
    );
    assert!(bank.bucket("payable").await > 0);
    assert!(bank.transfers().await.is_empty());
    bank.world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_transfer_taken_back_is_payable_again_once(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.work(row.id).await;
    let transfer = bank.payout().await.transfer_id.expect("a transfer");
    let reverse = |amount: i64| {
        bank.client
            .post(format!("{}/v1/transfers/{transfer}/reversals", bank.base))
            .bearer_auth("sk_test_payouts")
            .form(&[("amount", amount.to_string())])
            .send()
    };
    assert!(reverse(1_000).await.expect("answers").status().is_success());
    let ctx = bank.world.system();
    for _ in 0..3 {
        sync::transfer(&ctx, &bank.gateway, &transfer)
            .await
            .expect("synced");
    }
    assert_eq!(bank.bucket("payable").await, 1_000);
    assert!(
        reverse(row.amount - 1_000)
            .await
            .expect("answers")
            .status()
            .is_success()
    );
    sync::transfer(&ctx, &bank.gateway, &transfer)
        .await
        .expect("synced");
    assert_eq!(bank.bucket("payable").await, row.amount);
    assert_eq!(bank.payout().await.status, "reversed");
    bank.world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn who_is_left_out_reads_why(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let db = bank.world.test.db.reader();
    let account = payout_account::Entity::find()
        .one(db)
        .await
        .expect("read")
        .expect("one");
    payout_account::ActiveModel {
        id: Set(account.id),
        state: Set("restricted".to_owned()),
        ..Default::default()
    }
    .update(db)
    .await
    .expect("restricted");
    let drafter: Context = bank.world.finance(0);
    let new = run::NewRun {
        program_id: bank.world.program,
        cutoff_at: bank.world.now,
        note: String::new(),
    };
    let run_id = run::draft(&drafter, new.clone()).await.expect("drafted");
    let item = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run_id))
        .one(db)
        .await
        .expect("read")
        .expect("one");
    assert!(!item.included);
    assert_eq!(item.reason.as_deref(), Some("Payout account is restricted"));
    let empty = run::submit(&drafter, run_id)
        .await
        .expect_err("nobody to pay");
    assert!(matches!(empty, Error::Conflict(_)), "{empty}");
    let late = run::NewRun {
        cutoff_at: bank.world.now + TimeDelta::days(1),
        ..new
    };
    assert!(matches!(
        run::draft(&drafter, late).await,
        Err(Error::Invalid(_))
    ));
}

/// Two runs of the same balances: whoever is approved second pays nobody twice.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn two_runs_cannot_pay_the_same_money(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let (one, other) = (bank.submitted().await, bank.submitted().await);
    let (first, second) = tokio::join!(
        async { run::approve(&bank.world.finance(1), one).await },
        async { run::approve(&bank.world.finance(1), other).await },
    );
    assert_eq!(
        usize::from(first.is_ok()) + usize::from(second.is_ok()),
        1,
        "{first:?} {second:?}"
    );
    let payouts = payout::Entity::find()
        .all(bank.world.test.db.reader())
        .await
        .expect("read");
    assert_eq!(payouts.len(), 1);
    bank.world.assert_clean().await;
}
