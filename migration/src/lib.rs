//! The schema, one file per step, for SQLite and PostgreSQL.
//!
//! Each step is one SQL text under `sql/` that both databases run. The few words in which they
//! differ are written as `@id`, `@time`, `@json`, `@blob`, `@bool` and `@append_only(table)`, and
//! [`dialect::render`] puts each database's own in their place. Foreign keys and checks stand inside
//! `CREATE TABLE`, because SQLite cannot add them later. A step runs in one transaction: it is done
//! whole or not at all. Steps that have landed are never edited; a change is a new step.

mod dialect;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// One step: a name that is recorded in the database, and its SQL.
struct Step {
    name: &'static str,
    sql: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let sql = dialect::render(self.sql, connection.get_database_backend());
        connection.execute_unprepared(&sql).await?;
        Ok(())
    }

    /// Steps are not undone: the ledger is append-only, and going back is restoring a backup.
    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(
            "schema steps cannot be undone; restore a backup instead".to_owned(),
        ))
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

macro_rules! steps {
    ($($name:literal),* $(,)?) => {
        vec![$(Box::new(Step {
            name: $name,
            sql: include_str!(concat!("../sql/", $name, ".sql")),
        })),*]
    };
}

/// Brings a database to the newest schema: `Migrator::up(&connection, None)`.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        steps![
            "0001_people",
            "0002_program",
            "0003_partner",
            "0004_learning",
            "0005_deal",
            "0006_billing",
            "0007_commission",
            "0008_payout",
            "0009_work",
            "0010_customer_seen",
            "0010_invitation",
            "0011_finance_lists",
            "0012_admin",
            "0013_deal_reward",
            "0014_plan_assignment",
            "0015_limits_by_currency",
            "0016_rule_month",
            "0017_booking_indexes",
            "0018_early_leaving",
            "0019_rule_totals",
            "0020_covers",
            "0020_homes",
            "0021_first_payment",
            "0022_fewer_indexes",
            "0023_seen",
            "0024_shelves",
            "0025_run_approval",
            "0026_limits_and_roles",
            "0027_sending",
            "0028_webhooks",
            "0029_attribution",
            "0030_figures",
            "0031_claims",
            "0032_offers",
            "0033_sent_forms",
        ]
    }
}
