//! What time it is.
//!
//! Nothing else in the service asks the machine. In the demonstration the clock can be moved
//! forward, so that holds, expiries and payout calendars can be seen without waiting; the offset is
//! a row in the database, because several processes share it.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, sea_query::OnConflict};

use crate::error::Result;

/// The name of the offset's row in `setting`.
const OFFSET: &str = "clock_offset_seconds";

/// The time of one use case: fixed when the request or job begins, so that everything it writes
/// carries the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock(DateTime<Utc>);

impl Clock {
    /// The machine's time, in whole microseconds, as both databases keep it.
    pub fn system() -> Self {
        Self::at(Utc::now())
    }

    /// A given instant.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(
            now.duration_trunc(TimeDelta::microseconds(1))
                .unwrap_or(now),
        )
    }

    /// The machine's time plus the demonstration's offset.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn demo(db: &impl ConnectionTrait) -> Result<Self> {
        Ok(Self::at(Utc::now() + offset(db).await?))
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// How far the demonstration's clock is ahead.
///
/// # Errors
/// When the database cannot be read.
pub async fn offset(db: &impl ConnectionTrait) -> Result<TimeDelta> {
    let row = entity::setting::Entity::find_by_id(OFFSET).one(db).await?;
    let seconds = row.and_then(|r| r.value.parse::<i64>().ok()).unwrap_or(0);
    Ok(TimeDelta::seconds(seconds))
}

/// Moves the demonstration's clock forward by `step` and returns the new offset.
///
/// # Errors
/// When the database cannot be written.
pub async fn advance(db: &impl ConnectionTrait, step: TimeDelta) -> Result<TimeDelta> {
    let total = offset(db).await? + step;
    entity::setting::Entity::insert(entity::setting::ActiveModel {
        id: Set(OFFSET.to_owned()),
        value: Set(total.num_seconds().to_string()),
    })
    .on_conflict(
        OnConflict::column(entity::setting::Column::Id)
            .update_column(entity::setting::Column::Value)
            .to_owned(),
    )
    .exec_without_returning(db)
    .await?;
    Ok(total)
}
