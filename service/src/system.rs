//! The installation itself: what it says of its own health, and what was noted about it last.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use entity::{person, setting, webhook_event};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryOrder,
    Statement,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::{self, Letter};

/// Where the last sign of life of a worker is noted, of whichever process.
const BEAT: &str = "last:beat";
/// Where the last audit's result is noted.
const AUDIT: &str = "last:audit";
/// Where the last refused webhook is noted.
const REFUSED: &str = "last:webhook_refused";

/// When something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// When.
    pub at: DateTime<Utc>,
}

/// What `portico audit` found last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// When.
    pub at: DateTime<Utc>,
    /// Ledger transactions that were read.
    pub transactions: u64,
    /// Differences that were found.
    pub differences: u64,
}

/// A webhook that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// When.
    pub at: DateTime<Utc>,
    /// Why, such as a wrong signature.
    pub reason: String,
}

async fn note(ctx: &Context, key: &str, value: &impl Serialize) -> Result<()> {
    let tx = ctx.begin().await?;
    setting::Entity::insert(setting::ActiveModel {
        id: Set(key.to_owned()),
        value: Set(serde_json::to_string(value)?),
    })
    .on_conflict(
        OnConflict::column(setting::Column::Id)
            .update_column(setting::Column::Value)
            .to_owned(),
    )
    .exec_without_returning(&*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Notes that something has happened; says whether it is the first time.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn first_time(tx: &impl ConnectionTrait, key: &str) -> Result<bool> {
    let added = setting::Entity::insert(setting::ActiveModel {
        id: Set(key.to_owned()),
        value: Set(String::new()),
    })
    .on_conflict(
        OnConflict::column(setting::Column::Id)
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    Ok(added > 0)
}

async fn noted<T: DeserializeOwned>(ctx: &Context, key: &str) -> Result<Option<T>> {
    let row = setting::Entity::find_by_id(key).one(ctx.reader()).await?;
    // What an older version has noted in another form is not known.
    Ok(row.and_then(|row| serde_json::from_str(&row.value).ok()))
}

/// Notes that a worker is alive.
///
/// # Errors
/// When the database refuses.
pub async fn note_beat(ctx: &Context) -> Result<()> {
    note(ctx, BEAT, &Beat { at: ctx.now() }).await
}

/// Notes what an audit has found.
///
/// # Errors
/// When the database refuses.
pub async fn note_audit(ctx: &Context, report: &crate::ledger::Report) -> Result<()> {
    let audited = Audited {
        at: ctx.now(),
        transactions: report.transactions,
        differences: report.differences,
    };
    note(ctx, AUDIT, &audited).await
}

/// Notes that a webhook was not taken.
///
/// # Errors
/// When the database refuses.
pub async fn note_refused(ctx: &Context, reason: &str) -> Result<()> {
    let refused = Refused {
        at: ctx.now(),
        reason: reason.chars().take(300).collect(),
    };
    note(ctx, REFUSED, &refused).await
}

/// How long the queues are and how old what waits in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct Queues {
    /// Jobs that wait, due or not.
    pub jobs: i64,
    /// Jobs that should have been done.
    pub due_jobs: i64,
    /// Since when the oldest of them should have.
    pub oldest_job: Option<DateTime<Utc>>,
    /// Jobs that were given up.
    pub dead_jobs: i64,
    /// Events from Stripe that wait.
    pub events: i64,
    /// When the oldest of them came.
    pub oldest_event: Option<DateTime<Utc>>,
    /// Events that could not be handled.
    pub failed_events: i64,
    /// Mails that are still to be sent.
    pub mails: i64,
    /// When the oldest of them was written.
    pub oldest_mail: Option<DateTime<Utc>>,
}

/// How the installation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// `SQLite` or `PostgreSQL`.
    pub database: &'static str,
    /// The database server's or library's own version.
    pub database_version: String,
    /// Its size in bytes.
    pub size: i64,
    /// The schema's steps that were made.
    pub steps: Vec<String>,
    /// The queues.
    pub queues: Queues,
    /// The last sign of life of a worker.
    pub beat: Option<DateTime<Utc>>,
    /// The last audit.
    pub audit: Option<Audited>,
}

#[derive(FromQueryResult)]
struct Text {
    value: String,
}

#[derive(FromQueryResult)]
struct Number {
    value: i64,
}

async fn text(ctx: &Context, sql: &str) -> Result<Vec<String>> {
    let statement = Statement::from_string(ctx.db.backend(), sql);
    let rows = Text::find_by_statement(statement).all(ctx.reader()).await?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

/// How the installation stands, for admins and auditors.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor, [`Error::Forbidden`] for other staff.
pub async fn health(ctx: &Context) -> Result<Health> {
    ctx.admin_reads()?;
    let db = ctx.reader();
    let postgres = ctx.db.backend() == DbBackend::Postgres;
    let (version, size) = if postgres {
        (
            "SELECT current_setting('server_version') AS value",
            "SELECT pg_database_size(current_database()) AS value",
        )
    } else {
        (
            "SELECT sqlite_version() AS value",
            "SELECT page_count * page_size AS value FROM pragma_page_count, pragma_page_size",
        )
    };
    let size = Number::find_by_statement(Statement::from_string(ctx.db.backend(), size))
        .one(db)
        .await?;
    let mut steps = text(ctx, "SELECT version AS value FROM seaql_migrations").await?;
    steps.sort();
    Ok(Health {
        database: if postgres { "PostgreSQL" } else { "SQLite" },
        database_version: text(ctx, version).await?.pop().unwrap_or_default(),
        size: size.map_or(0, |row| row.value),
        steps,
        queues: queues(ctx, db).await?,
        beat: noted::<Beat>(ctx, BEAT).await?.map(|beat| beat.at),
        audit: noted(ctx, AUDIT).await?,
    })
}

async fn queues(ctx: &Context, db: &impl ConnectionTrait) -> Result<Queues> {
    let count = |table: &str, condition: &str, name: &str| {
        format!("(SELECT CAST(count(*) AS BIGINT) FROM {table} WHERE {condition}) AS {name}")
    };
    let oldest = |table: &str, column: &str, condition: &str, name: &str| {
        format!("(SELECT min({column}) FROM {table} WHERE {condition}) AS {name}")
    };
    let due = "status = 'waiting' AND run_at <= $1";
    let sql = [
        count("job", "status = 'waiting'", "jobs"),
        count("job", due, "due_jobs"),
        oldest("job", "run_at", due, "oldest_job"),
        count("job", "status = 'dead'", "dead_jobs"),
        count("webhook_event", crate::inbox::WAITING, "events"),
        oldest(
            "webhook_event",
            "received_at",
            crate::inbox::WAITING,
            "oldest_event",
        ),
        count("webhook_event", "status = 'failed'", "failed_events"),
        count("mail", crate::mail::WAITING, "mails"),
        oldest("mail", "created_at", crate::mail::WAITING, "oldest_mail"),
    ];
    let statement = Statement::from_sql_and_values(
        ctx.db.backend(),
        format!("SELECT {}", sql.join(", ")),
        [sea_orm::Value::from(ctx.now())],
    );
    let found = Queues::find_by_statement(statement).one(db).await?;
    Ok(found.unwrap_or_default())
}

/// What is known of the way from Stripe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FromStripe {
    /// The last event that was taken: its type and when it came.
    pub last: Option<(String, DateTime<Utc>)>,
    /// The last one that was refused.
    pub refused: Option<Refused>,
}

/// What is known of the way from Stripe, for admins and auditors.
///
/// # Errors
/// As for [`health`].
pub async fn from_stripe(ctx: &Context) -> Result<FromStripe> {
    ctx.admin_reads()?;
    let last = webhook_event::Entity::find()
        .order_by_desc(webhook_event::Column::Id)
        .one(ctx.reader())
        .await?;
    Ok(FromStripe {
        last: last.map(|event| (event.r#type, event.received_at)),
        refused: noted(ctx, REFUSED).await?,
    })
}

/// Writes a mail to the admin who asks for it, on the way that every mail takes. Gives the address.
///
/// # Errors
/// [`Error::Forbidden`] for all but admins.
pub async fn send_test_mail(ctx: &Context) -> Result<String> {
    let person_id = ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let person = person::Entity::find_by_id(person_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let letter = Letter::new("A test mail from the partner portal")
        .text("You asked for this mail on the page “Integrations”. That it is here says that mail leaves the portal and reaches you.")
        .link("Integrations", "/admin/integrations");
    mail::send(ctx, &*tx, &person, letter).await?;
    Entry::new(
        "mail.test",
        "person",
        person.id,
        format!("Test mail to {} asked for.", person.email),
    )
    .internal()
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(person.email)
}
