//! Whether the database has the schema this binary was built for.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Statement};
use service::Db;

/// How the database's schema stands to this binary's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// The same.
    Current,
    /// These steps are missing.
    Older(Vec<String>),
    /// A newer Portico has migrated it; these steps are unknown here.
    Newer(Vec<String>),
}

/// The steps of this binary's schema.
pub fn steps() -> Vec<String> {
    let steps = Migrator::migrations();
    steps.iter().map(|m| m.name().to_owned()).collect()
}

/// Compares, without writing anything.
///
/// # Errors
/// When the database does not answer.
pub async fn state(db: &Db) -> Result<Schema, sea_orm::DbErr> {
    let ours = steps();
    let theirs = applied(db).await?;
    let unknown: Vec<String> = theirs
        .iter()
        .filter(|t| !ours.contains(t))
        .cloned()
        .collect();
    let missing: Vec<String> = ours.into_iter().filter(|o| !theirs.contains(o)).collect();
    Ok(match (missing.is_empty(), unknown.is_empty()) {
        (_, false) => Schema::Newer(unknown),
        (false, true) => Schema::Older(missing),
        (true, true) => Schema::Current,
    })
}

async fn applied(db: &Db) -> Result<Vec<String>, sea_orm::DbErr> {
    let query = Statement::from_string(db.backend(), "SELECT version FROM seaql_migrations");
    match db.reader().query_all_raw(query).await {
        Ok(rows) => rows.iter().map(|row| row.try_get("", "version")).collect(),
        Err(error) => {
            // A database without the table is an empty one; one that does not answer is not.
            db.reader().ping().await?;
            tracing::debug!(%error, "no table of migrations");
            Ok(Vec::new())
        }
    }
}

/// Brings the database to this binary's schema and says which steps were made. Afterwards these
/// connections are closed and others opened: SQLite's may know the tables as they were.
///
/// # Errors
/// When a step fails; it is undone then, and the ones before it stay.
pub async fn migrate(db: &Db) -> Result<Vec<String>, sea_orm::DbErr> {
    let missing = match state(db).await? {
        Schema::Older(missing) => missing,
        Schema::Current | Schema::Newer(_) => Vec::new(),
    };
    if !missing.is_empty() {
        Migrator::up(db.reader(), None).await?;
    }
    Ok(missing)
}
