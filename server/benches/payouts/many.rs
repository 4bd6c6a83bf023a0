//! Partners that can all be paid: signed, with an account that is ready, and one line each.

use chrono::Utc;
use domain::ledger::{AccountCode, Bucket, Entry};
use domain::money::{Currency, Money};
use entity::{partner, person, policy_version};
use futures::{StreamExt, stream};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use service::ledger::{self, Links};
use service::{Clock, Context, Db};

/// Ids of what is made begin after this.
const AFTER: i64 = 1_000_000;
/// Minor units each is owed.
const OWED: i64 = 6_000;

/// What was made.
pub struct Made {
    pub program: i64,
    /// Two people of finance.
    pub finance: [i64; 2],
    /// The accounts at the sandbox.
    pub accounts: Vec<String>,
}

/// Makes `count` partners beside the one that is there.
pub async fn make(db: &Db, sandbox: &str, count: usize) -> Made {
    let accounts = accounts(sandbox, count).await;
    let model = partner::Entity::find()
        .one(db.reader())
        .await
        .expect("reads")
        .expect("a partner is there");
    let finance = finance(db).await;
    policy_version::Entity::update_many()
        .col_expr(
            policy_version::Column::SecondApprovalAbove,
            Expr::value(i64::MAX / 2),
        )
        .exec(db.reader())
        .await
        .expect("one approval is enough");
    rows(db, &model, finance[0], count).await;
    for (n, piece) in accounts.chunks(500).enumerate() {
        let values: Vec<String> = piece
            .iter()
            .enumerate()
            .map(|(i, account)| {
                let partner = AFTER + (n * 500 + i) as i64 + 1;
                format!("({partner}, '{account}')")
            })
            .collect();
        let sql = format!(
            "WITH a (partner, account) AS (VALUES {}) INSERT INTO payout_account (partner_id, \
             stripe_id, state, requirements, checked_at, created_at) SELECT a.partner, a.account, \
             'ready', {}, p.created_at, p.created_at FROM a JOIN partner p ON p.id = a.partner",
            values.join(", "),
            json_text(db, "[]"),
        );
        db.reader()
            .execute_unprepared(&sql)
            .await
            .expect("connected");
    }
    book(db, count).await;
    if db.backend() == DbBackend::Postgres {
        db.reader()
            .execute_unprepared("ANALYZE")
            .await
            .expect("analyzed");
    }
    Made {
        program: model.program_id,
        finance,
        accounts,
    }
}

fn json_text(db: &Db, text: &str) -> String {
    match db.backend() {
        DbBackend::Postgres => format!("CAST('{text}' AS JSONB)"),
        _ => format!("'{text}'"),
    }
}

/// Accounts that may receive, at a sandbox that has enough balance for all of them.
async fn accounts(sandbox: &str, count: usize) -> Vec<String> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let ask = |path: &'static str, body: serde_json::Value| {
        let request = client
            .post(format!("{sandbox}/_sandbox/{path}"))
            .json(&body);
        async move {
            let reply = request.send().await.expect("the sandbox answers");
            assert!(reply.status().is_success(), "{path}");
            reply.json::<serde_json::Value>().await.expect("JSON")
        }
    };
    let plenty = json!({"currency": "eur", "amount": 100_000_000_000_i64});
    ask("balance", plenty).await;
    stream::iter(0..count)
        .map(|n| {
            let body = json!({"id": format!("acct_bench{n}"), "contact_email": "p@bench.example",
                "country": "de", "outcome": "complete"});
            ask("accounts", body)
        })
        .buffered(16)
        .map(|made| made["id"].as_str().expect("an id").to_owned())
        .collect()
        .await
}

async fn finance(db: &Db) -> [i64; 2] {
    let all = person::Entity::find()
        .filter(person::Column::StaffRole.is_in(["finance", "admin"]))
        .order_by_asc(person::Column::Id)
        .all(db.reader())
        .await
        .expect("reads");
    match all.as_slice() {
        [one, other, ..] => [one.id, other.id],
        _ => panic!("the seeded program has two people who may approve"),
    }
}

/// Partners, signatures, lines and months.
async fn rows(db: &Db, model: &partner::Model, person: i64, count: usize) {
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    );
    let from = format!("FROM n, partner p WHERE p.id = {}", model.id);
    for sql in [
        format!(
            "INSERT INTO partner (id, program_id, name, legal_name, website, domain, country, \
             currency, partner_type, size, status, tier_id, tier_since, plan_id, \
             members_see_earnings, created_at) {numbers} SELECT {AFTER} + i, program_id, \
             'P' || i, 'P', 'https://p', 'p' || i || '.many.example', country, currency, \
             partner_type, size, status, tier_id, tier_since, plan_id, members_see_earnings, \
             created_at {from}"
        ),
        format!(
            "INSERT INTO agreement (partner_id, person_id, terms_version_id, signed_name, ip, \
             signed_at) {numbers} SELECT {AFTER} + i, {person}, t.id, 'Ida Falk', '192.0.2.1', \
             p.created_at FROM n, partner p JOIN terms_version t ON t.program_id = p.program_id \
             WHERE p.id = {}",
            model.id
        ),
        format!(
            "INSERT INTO commission (id, program_id, partner_id, kind, reference, basis, amount, \
             currency, state, hold_until, month, explain, note, earned_at, created_at) {numbers} \
             SELECT {AFTER} + i, program_id, {AFTER} + i, 'bonus', 'many:' || i, 0, {OWED}, 'EUR', \
             'payable', created_at, '2026-01', {}, 'made up', created_at, created_at {from}",
            json_text(db, "{}")
        ),
        format!(
            "INSERT INTO partner_month (partner_id, month, currency, earned, given_back, revenue) \
             {numbers} SELECT {AFTER} + i, '2026-01', 'EUR', {OWED}, 0, 0 FROM n"
        ),
    ] {
        db.reader().execute_unprepared(&sql).await.expect(&sql);
    }
}

/// What the lines come to, in the ledger.
async fn book(db: &Db, count: usize) {
    let ctx = Context::system(db, Clock::at(Utc::now()), "bench");
    let numbers: Vec<i64> = (1..=count as i64).collect();
    for piece in numbers.chunks(1_000) {
        let entries = piece.iter().map(|i| {
            let entry = Entry::transfer(
                format!("many:{i}"),
                AccountCode::ExpenseAdjustment,
                AccountCode::partner(AFTER + i, Bucket::Payable),
                Money::new(OWED, Currency::EUR),
            );
            let links = Links {
                kind: "adjustment",
                description: "Made up".to_owned(),
                commission_id: Some(AFTER + i),
                payout_id: None,
                effective_at: ctx.now(),
            };
            (entry.expect("balanced"), links)
        });
        let tx = ctx.begin().await.expect("begins");
        ledger::post_many(&ctx, &*tx, entries.collect())
            .await
            .expect("booked");
        tx.commit().await.expect("commits");
    }
}
