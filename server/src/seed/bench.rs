//! A large, plain program to measure with: every partner has customers, every invoice earns.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use entity::{account, account_domain, attribution, member, partner, person, webhook_event};
use sea_orm::ActiveValue::Set;
use service::{Clock, Context, Result, commission, inbox};
use stripe_gateway::Gateway;

use super::billing::{Line, Paid, customer as stripe_customer, event};
use super::{PASSWORD, Stage, insert, is_empty, program};

/// Customers of each partner.
const CUSTOMERS: u32 = 20;
/// Events told at once.
const BATCH: u32 = 2_000;

/// Loads `partners` partners and `invoices` paid invoices through the webhook inbox into an empty
/// database. Each invoice makes one commission line and, once its hold is over, four postings.
///
/// # Errors
/// When the database refuses.
pub async fn bench(
    ctx: &Context,
    gateway: &dyn Gateway,
    partners: u32,
    invoices: u32,
) -> Result<String> {
    if !is_empty(ctx).await? {
        return Ok("The database has a program already and was left as it is.".to_owned());
    }
    use rand_chacha::rand_core::SeedableRng;
    let today = ctx.now();
    // Payments are told in whole seconds, and the first must not come before the plan.
    let start = (today - TimeDelta::days(500)).trunc_subsecs(0);
    let dice = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let stage = Stage {
        ctx,
        gateway,
        sandbox: None,
        dice,
        progress: super::Progress::new(),
        today,
        start,
    };
    let hash = service::identity::password::hash(PASSWORD).await?;
    let program = program::make(&stage, &hash).await?;
    for n in 0..partners {
        one(&stage, &program, n, &hash).await?;
    }
    let mut told = 0;
    while told < invoices {
        let count = BATCH.min(invoices - told);
        // Spread over the year and a half, so that months, holds and tiers are as in real life.
        let at = start
            + TimeDelta::seconds(
                (today - start).num_seconds() * i64::from(told) / i64::from(invoices.max(1)),
            );
        tell(&stage, partners, told, count, at).await?;
        told += count;
        eprint!("\r{told} of {invoices} invoices");
    }
    eprintln!();
    while commission::mature(&stage.at(today)).await? > 0 {}
    Ok(format!(
        "Loaded {partners} partners and {invoices} invoices."
    ))
}

async fn one(stage: &Stage<'_>, program: &program::Made, n: u32, hash: &str) -> Result<()> {
    let tx = stage.ctx.db.begin().await?;
    let db = &*tx;
    let domain = format!("partner{n}.example");
    let owner = insert::one(
        db,
        person::ActiveModel {
            // Partner 0 is the one that is measured.
            email: Set(if n == 0 {
                super::names::OWNER.to_owned()
            } else {
                format!("owner@{domain}")
            }),
            name: Set(format!("Owner {n}")),
            password_hash: Set(Some(hash.to_owned())),
            locale: Set("en".to_owned()),
            time_zone: Set("UTC".to_owned()),
            email_verified_at: Set(Some(stage.start)),
            created_at: Set(stage.start),
            ..Default::default()
        },
    )
    .await?;
    let partner = insert::one(
        db,
        partner::ActiveModel {
            program_id: Set(program.program.id),
            name: Set(format!("Partner {n}")),
            legal_name: Set(format!("Partner {n} GmbH")),
            website: Set(format!("https://{domain}")),
            domain: Set(domain),
            country: Set("DE".to_owned()),
            currency: Set("EUR".to_owned()),
            partner_type: Set("reseller".to_owned()),
            size: Set("11-50".to_owned()),
            status: Set("active".to_owned()),
            tier_id: Set(program.tiers[n as usize % program.tiers.len()].id),
            tier_since: Set(stage.start),
            plan_id: Set(program.plans[0].id),
            manager_id: Set(Some(program.manager.id)),
            members_see_earnings: Set(true),
            profile: Set(String::new()),
            created_at: Set(stage.start),
            ..Default::default()
        },
    )
    .await?;
    let row = member::ActiveModel {
        partner_id: Set(partner.id),
        person_id: Set(owner.id),
        role: Set("owner".to_owned()),
        joined_at: Set(stage.start),
        ..Default::default()
    };
    insert::one(db, row).await?;
    for c in 0..CUSTOMERS {
        let domain = format!("customer{n}-{c}.example");
        let account = insert::one(
            db,
            account::ActiveModel {
                name: Set(format!("Customer {n}-{c}")),
                normalised_name: Set(format!("customer {n} {c}")),
                country: Set(Some("DE".to_owned())),
                house: Set(false),
                created_at: Set(stage.start),
                ..Default::default()
            },
        )
        .await?;
        let row = account_domain::ActiveModel {
            id: Set(domain),
            account_id: Set(account.id),
        };
        insert::one(db, row).await?;
        let row = attribution::ActiveModel {
            program_id: Set(program.program.id),
            account_id: Set(account.id),
            partner_id: Set(partner.id),
            part: Set("sourced".to_owned()),
            share_bp: Set(10_000),
            reason: Set("Made up to measure with.".to_owned()),
            starts_at: Set(stage.start),
            created_at: Set(stage.start),
            ..Default::default()
        };
        insert::one(db, row).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The events about invoices `from .. from + count`.
async fn tell(
    stage: &Stage<'_>,
    partners: u32,
    from: u32,
    count: u32,
    at: DateTime<Utc>,
) -> Result<()> {
    let ctx = Context {
        clock: Clock::at(at),
        ..stage.ctx.clone()
    };
    let mut rows = Vec::new();
    for n in from..from + count {
        let partner = n % partners.max(1);
        let customer = n / partners.max(1) % CUSTOMERS;
        let id = format!("cus_bench{partner}x{customer}");
        if n / partners.max(1) < CUSTOMERS {
            let object = stripe_customer(
                &id,
                &format!("Customer {partner}-{customer}"),
                &format!("customer{partner}-{customer}.example"),
                "DE",
                at,
            );
            let made = event(&format!("{id}_made"), "customer.created", at, object);
            rows.push(row(
                &made.to_string(),
                &format!("evt_{id}_made"),
                "customer.created",
                at,
            ));
        }
        let name = format!("bench{n}");
        let paid = Paid {
            id: &name,
            number: &format!("B-{n}"),
            customer: &id,
            subscription: &format!("sub_bench{partner}x{customer}"),
            currency: "eur",
            lines: vec![Line {
                product: "prod_lumen_desk",
                code: "desk",
                description: "Lumen Desk, 10 seats".to_owned(),
                amount: 10_000 + i64::from(n % 97) * 100,
                discount: 0,
                tax: 0,
            }],
            months: 1,
            at,
        };
        let body = event(&name, "invoice.paid", at, paid.object()).to_string();
        rows.push(row(&body, &format!("evt_{name}"), "invoice.paid", at));
    }
    insert::many(ctx.reader(), rows).await?;
    while inbox::process_batch(&ctx, stage.gateway, 1_000)
        .await?
        .total()
        > 0
    {}
    Ok(())
}

fn row(body: &str, id: &str, kind: &str, at: DateTime<Utc>) -> webhook_event::ActiveModel {
    webhook_event::ActiveModel {
        event_id: Set(id.to_owned()),
        r#type: Set(kind.to_owned()),
        payload: Set(body.to_owned()),
        livemode: Set(false),
        happened_at: Set(at),
        received_at: Set(at),
        status: Set("received".to_owned()),
        attempts: Set(0),
        ..Default::default()
    }
}
