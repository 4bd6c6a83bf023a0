//! Sessions in the database.
//!
//! A page that only reads costs one query and no write. Sessions end [`IDLE`] after their last use;
//! moving that end is written at most once in [`TOUCH`]. The row has the person, so that a new
//! password ends every session of that person. Times are the machine's: moving the demonstration's
//! clock signs nobody out.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use entity::session;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use service::Db;
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore, cookie::SameSite};

/// A session that was not used for so long has ended.
const IDLE: TimeDelta = TimeDelta::days(14);
/// How much of that may pass before a use is written down.
const TOUCH: TimeDelta = TimeDelta::hours(1);
/// How long a browser keeps the cookie: longer than the session, which the server ends.
const COOKIE: time::Duration = time::Duration::days(60);

/// The layer that gives each request its session. It touches the database only for handlers that
/// look into the session.
pub fn layer(db: &Db, https: bool) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions::new(db))
        // The prefix makes browsers refuse it from plain http, sibling hosts and other paths.
        .with_name(if https { "__Host-portico" } else { "portico" })
        .with_secure(https)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(COOKIE))
}

/// tower-sessions' store over the table `session`.
#[derive(Clone, Debug)]
pub struct Sessions {
    db: Db,
}

impl Sessions {
    /// The store over a database.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }

    fn touch(&self, key: String) {
        let db = self.db.clone();
        tokio::spawn(async move {
            let write = async {
                let tx = db.begin().await?;
                session::Entity::update_many()
                    .col_expr(session::Column::ExpiresAt, Expr::value(Utc::now() + IDLE))
                    .filter(session::Column::Id.eq(key))
                    .exec(&*tx)
                    .await?;
                tx.commit().await
            };
            if let Err(error) = write.await {
                tracing::warn!(%error, "a session could not be extended");
            }
        });
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let tx = self.db.begin().await.map_err(backend)?;
        // 128 random bits: that two sessions get the same is not a case to handle, and the primary
        // key refuses the second.
        session::Entity::insert(session::ActiveModel {
            id: Set(record.id.to_string()),
            person_id: Set(person(record)),
            data: Set(encode(record)?),
            expires_at: Set(Utc::now() + IDLE),
        })
        .exec_without_returning(&*tx)
        .await
        .map_err(backend)?;
        tx.commit().await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let tx = self.db.begin().await.map_err(backend)?;
        // Only an update: a session that was ended while this request ran stays ended.
        session::Entity::update_many()
            .col_expr(session::Column::PersonId, Expr::value(person(record)))
            .col_expr(session::Column::Data, Expr::value(encode(record)?))
            .col_expr(session::Column::ExpiresAt, Expr::value(Utc::now() + IDLE))
            .filter(session::Column::Id.eq(record.id.to_string()))
            .exec(&*tx)
            .await
            .map_err(backend)?;
        tx.commit().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = Utc::now();
        let row = session::Entity::find_by_id(id.to_string())
            .one(self.db.reader())
            .await
            .map_err(backend)?;
        let Some(row) = row.filter(|row| row.expires_at > now) else {
            return Ok(None);
        };
        if row.expires_at - now < IDLE - TOUCH {
            self.touch(row.id);
        }
        let data = serde_json::from_str(&row.data).map_err(|e| Error::Decode(e.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date: offset(row.expires_at),
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let tx = self.db.begin().await.map_err(backend)?;
        session::Entity::delete_by_id(id.to_string())
            .exec(&*tx)
            .await
            .map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}

/// Deletes the sessions that have ended and says how many there were.
///
/// # Errors
/// When the database refuses.
pub async fn purge(db: &Db) -> service::Result<u64> {
    let tx = db.begin().await?;
    let gone = session::Entity::delete_many()
        .filter(session::Column::ExpiresAt.lt(Utc::now()))
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(gone.rows_affected)
}

fn person(record: &Record) -> Option<i64> {
    record.data.get(app::session::PERSON)?.as_i64()
}

fn encode(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|e| Error::Encode(e.to_string()))
}

fn offset(at: DateTime<Utc>) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.timestamp()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}
