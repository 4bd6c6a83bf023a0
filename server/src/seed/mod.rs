//! Made-up programs: one to look at, one to measure with.
//!
//! The demonstration is 18 months of a program's life, replayed through the portal itself: billing
//! goes through the webhook inbox, commissions mature by the clock, and payout runs are drafted,
//! approved by somebody else and sent to the sandbox. So its books balance for the reason that real
//! ones do. It is the same every time for the same day: every choice comes from one seeded
//! generator.

mod bench;
mod billing;
mod companies;
mod course;
mod customers;
mod deal_story;
mod deals;
mod hands;
mod insert;
mod invoices;
mod months;
mod names;
mod partners;
mod payouts;
mod program;
mod progress;
mod queue;
mod sandbox;

use chrono::{DateTime, Datelike, Days, Months, TimeZone, Utc};
use domain::partner::StaffRole;
use entity::person;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use service::{Actor, Clock, Context, Error, Result};
use stripe_gateway::Gateway;

use progress::Progress;

pub use bench::bench;
pub use sandbox::Sandbox;

/// The password of everybody in the demonstration.
pub const PASSWORD: &str = "portico-demo-2026";

/// Months of history.
const MONTHS: u32 = 18;

/// A person of the demonstration who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SignIn {
    /// What the person does, such as `partner_owner` or `finance`.
    pub role: &'static str,
    /// By name.
    pub name: String,
    /// Signs in with.
    pub email: String,
    /// And this.
    pub password: &'static str,
}

/// The people to sign in as: the address and what each is there for.
const PEOPLE: [(&str, &str); 8] = [
    ("partner_owner", names::OWNER),
    ("partner_member", names::MEMBER),
    ("applicant", names::APPLICANT),
    ("manager", "maya@lumendesk.example"),
    ("finance", "felix@lumendesk.example"),
    ("finance_second", "ines@lumendesk.example"),
    ("admin", "ada@lumendesk.example"),
    ("auditor", "noor@lumendesk.example"),
];

/// A sign-in for every role, as far as its person exists.
///
/// # Errors
/// When the database cannot be read.
pub async fn sign_ins(ctx: &Context) -> Result<Vec<SignIn>> {
    let people = person::Entity::find()
        .filter(person::Column::Email.is_in(PEOPLE.map(|(_, email)| email)))
        .order_by_asc(person::Column::Id)
        .all(ctx.reader())
        .await?;
    Ok(PEOPLE
        .iter()
        .filter_map(|(role, email)| {
            let person = people.iter().find(|p| p.email == *email)?;
            Some(SignIn {
                role,
                name: person.name.clone(),
                email: person.email.clone(),
                password: PASSWORD,
            })
        })
        .collect())
}

/// Whether the database has a program already.
async fn is_empty(ctx: &Context) -> Result<bool> {
    Ok(entity::program::Entity::find().count(ctx.reader()).await? == 0)
}

/// What chance decides about. Each has dice of its own: how often they are thrown for one can
/// depend on the day, and must change nothing for the others.
#[derive(Clone, Copy, Debug)]
enum About {
    Partner,
    Certificates,
    Brought,
    Deal,
    Unknown,
    Bills,
}

/// Everything the parts of a demonstration share.
struct Stage<'a> {
    ctx: &'a Context,
    gateway: &'a dyn Gateway,
    sandbox: Option<&'a Sandbox>,
    dice: ChaCha8Rng,
    progress: Progress,
    /// Midnight UTC of the day on which it is seeded.
    today: DateTime<Utc>,
    /// First day of the first month.
    start: DateTime<Utc>,
}

impl Stage<'_> {
    /// The portal's own context at an instant of the past.
    fn at(&self, at: DateTime<Utc>) -> Context {
        Context {
            clock: Clock::at(at),
            ..self.ctx.clone()
        }
    }

    /// One of the vendor's people at an instant of the past.
    fn staff(&self, person: &person::Model, at: DateTime<Utc>) -> Context {
        let role = person.staff_role.as_deref().and_then(|r| r.parse().ok());
        Context {
            actor: Actor::Staff {
                person_id: person.id,
                role: role.unwrap_or(StaffRole::Auditor),
            },
            ..self.at(at)
        }
    }

    /// Takes the dice for the `n`th of its kind.
    fn take_dice(&mut self, about: About, n: usize) {
        self.dice = ChaCha8Rng::seed_from_u64(20_260_501);
        self.dice.set_stream(((about as u64) << 32) | n as u64);
    }

    /// A number from `0` to `below - 1`.
    fn dice(&mut self, below: u32) -> u32 {
        use rand_chacha::rand_core::RngCore;
        // The bias of a remainder does not matter here.
        self.dice.next_u32() % below.max(1)
    }

    /// True in `percent` of all cases.
    fn chance(&mut self, percent: u32) -> bool {
        self.dice(100) < percent
    }

    /// One of several.
    fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.dice(u32::try_from(of.len()).unwrap_or(u32::MAX)) as usize]
    }

    /// First day of month `n` of the history, counted from 0.
    fn month(&self, n: u32) -> DateTime<Utc> {
        self.start
            .checked_add_months(Months::new(n))
            .unwrap_or(self.start)
    }
}

/// Days after an instant.
fn days(at: DateTime<Utc>, n: u64) -> DateTime<Utc> {
    at.checked_add_days(Days::new(n)).unwrap_or(at)
}

/// Loads the demonstration into an empty database; one that has a program is left as it is. With a
/// sandbox, the partners' payout accounts and past transfers are made there; without one, nobody is
/// connected or paid yet.
///
/// # Errors
/// When the database or the sandbox refuses; what is half loaded then is to be thrown away.
pub async fn demo(
    ctx: &Context,
    gateway: &dyn Gateway,
    sandbox: Option<&Sandbox>,
) -> Result<String> {
    if !is_empty(ctx).await? {
        return Ok("The database has a program already and was left as it is.".to_owned());
    }
    let today = Utc
        .with_ymd_and_hms(
            ctx.now().year(),
            ctx.now().month(),
            ctx.now().day(),
            0,
            0,
            0,
        )
        .single()
        .ok_or_else(|| Error::internal("today has no midnight"))?;
    let this_month = today.with_day(1).unwrap_or(today);
    let start = this_month
        .checked_sub_months(Months::new(MONTHS))
        .unwrap_or(this_month);
    let mut stage = Stage {
        ctx,
        gateway,
        sandbox,
        dice: ChaCha8Rng::seed_from_u64(20_260_501),
        progress: Progress::new(),
        today,
        start,
    };
    if let Some(sandbox) = sandbox {
        sandbox.quiet(true).await?;
    }
    let told = load(&mut stage).await;
    if let Some(sandbox) = sandbox {
        // Seeding took a while, and the context's clock stands still.
        sandbox
            .clock(Clock::demo(ctx.reader()).await?.now())
            .await?;
        sandbox.quiet(false).await?;
    }
    told
}

async fn load(stage: &mut Stage<'_>) -> Result<String> {
    let hash = service::identity::password::hash(PASSWORD).await?;
    let program = program::make(stage, &hash).await?;
    let course = course::make(stage, program.program.id).await?;
    stage.progress.step("partners and their people");
    let partners = partners::make(stage, &program, &course, &hash).await?;
    stage.progress.step("deals");
    let deals = deals::make(stage, &program, &partners).await?;
    let told = months::replay(stage, &program, &partners, &deals).await?;
    stage.progress.step("applications");
    let waiting = queue::make(stage, &program, &hash).await?;
    months::tidy(stage).await?;
    Ok(format!(
        "Loaded the demonstration: {} partners, {} deals, {} invoices, {} payouts in {} runs, {} \
         applications waiting.",
        partners.len(),
        deals.len(),
        told.invoices,
        told.payouts,
        told.runs,
        waiting
    ))
}
