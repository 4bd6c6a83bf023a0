//! Slowing down guessing. The counts are rows, so that a restart or a second process forgets
//! nothing. An attempt is counted before the password is looked at and given back when it was right:
//! a hundred attempts sent at once are a hundred attempts.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Statement,
    sea_query::Expr,
};

use crate::context::Context;
use crate::error::{Error, Result};

/// How often something may be tried.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Tries before the first wait.
    pub free: i64,
    /// The first wait in seconds; each further try doubles it.
    pub first_wait: i64,
    /// The longest wait in seconds.
    pub longest_wait: i64,
    /// Seconds after the first try at which the count starts anew.
    pub window: i64,
}

/// Wrong passwords for one address.
pub const SIGN_IN_EMAIL: Limit = Limit {
    free: 5,
    first_wait: 30,
    longest_wait: 3_600,
    window: 86_400,
};
/// Wrong passwords from one network address, which may be a whole office.
pub const SIGN_IN_IP: Limit = Limit {
    free: 100,
    first_wait: 30,
    longest_wait: 3_600,
    window: 3_600,
};
/// Mails that anybody can cause to one address.
pub const MAIL_EMAIL: Limit = Limit {
    free: 5,
    first_wait: 300,
    longest_wait: 3_600,
    window: 3_600,
};
/// Mails that one network address can cause.
pub const MAIL_IP: Limit = Limit {
    free: 100,
    first_wait: 60,
    longest_wait: 3_600,
    window: 3_600,
};

#[derive(FromQueryResult)]
struct Counted {
    failures: i64,
    locked_until: Option<DateTime<Utc>>,
}

/// Counts a try under each key, or refuses it when one of them is locked.
///
/// # Errors
/// [`Error::TooMany`] with the wait.
pub async fn count(ctx: &Context, keys: &[(&str, Limit)]) -> Result<()> {
    let now = ctx.now();
    let tx = ctx.begin().await?;
    for (key, limit) in keys {
        let statement = Statement::from_sql_and_values(
            ctx.db.backend(),
            "INSERT INTO login_throttle (id, failures, window_started_at) VALUES ($1, 1, $2) \
             ON CONFLICT (id) DO UPDATE SET \
               failures = CASE WHEN login_throttle.window_started_at <= $3 THEN 1 ELSE login_throttle.failures + 1 END, \
               window_started_at = CASE WHEN login_throttle.window_started_at <= $3 THEN excluded.window_started_at ELSE login_throttle.window_started_at END \
             RETURNING failures, locked_until",
            [
                (*key).into(),
                now.into(),
                (now - TimeDelta::seconds(limit.window)).into(),
            ],
        );
        let Some(counted) = Counted::find_by_statement(statement).one(&*tx).await? else {
            return Err(Error::internal("the throttle row was not returned"));
        };
        if let Some(until) = counted.locked_until.filter(|until| *until > now) {
            // Dropping the transaction takes the count back: waiting does not make it longer.
            return Err(too_many(until - now));
        }
        if counted.failures >= limit.free {
            let doublings = (counted.failures - limit.free).clamp(0, 20);
            let wait = (limit.first_wait << doublings).min(limit.longest_wait);
            entity::login_throttle::Entity::update_many()
                .col_expr(
                    entity::login_throttle::Column::LockedUntil,
                    Expr::value(now + TimeDelta::seconds(wait)),
                )
                .filter(entity::login_throttle::Column::Id.eq(*key))
                .exec(&*tx)
                .await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Forgets the tries under a key: it was the right person.
///
/// # Errors
/// When the database refuses.
pub async fn forget(tx: &impl ConnectionTrait, key: &str) -> Result<()> {
    entity::login_throttle::Entity::delete_by_id(key.to_owned())
        .exec(tx)
        .await?;
    Ok(())
}

/// Gives one try back. Not all of them: with one known password the others could be guessed forever.
///
/// # Errors
/// When the database refuses.
pub async fn give_back(tx: &impl ConnectionTrait, key: &str) -> Result<()> {
    use entity::login_throttle::Column;
    entity::login_throttle::Entity::update_many()
        .col_expr(
            Column::Failures,
            sea_orm::ExprTrait::sub(Expr::col(Column::Failures), 1),
        )
        .col_expr(Column::LockedUntil, Expr::value(None::<DateTime<Utc>>))
        .filter(Column::Id.eq(key))
        .filter(Column::Failures.gt(0))
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes what no longer matters: counts whose window is long over, and links that ended a month
/// ago; says how many there were. For the worker, once a day.
///
/// # Errors
/// When the database refuses.
pub async fn forget_stale(ctx: &Context) -> Result<u64> {
    let now = ctx.now();
    let tx = ctx.begin().await?;
    let counts = entity::login_throttle::Entity::delete_many()
        .filter(entity::login_throttle::Column::WindowStartedAt.lt(now - TimeDelta::days(2)))
        .exec(&*tx)
        .await?;
    let links = entity::token::Entity::delete_many()
        .filter(entity::token::Column::ExpiresAt.lt(now - TimeDelta::days(30)))
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(counts.rows_affected + links.rows_affected)
}

/// The key of a network address. A whole IPv6 /64 is one customer of a provider.
pub fn ip_key(prefix: &str, ip: &str) -> String {
    match ip.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let s = v6.segments();
            format!("{prefix}:{:x}:{:x}:{:x}:{:x}::", s[0], s[1], s[2], s[3])
        }
        Ok(IpAddr::V6(v6)) => format!("{prefix}:{}", v6.to_canonical()),
        _ => format!("{prefix}:{}", ip.chars().take(64).collect::<String>()),
    }
}

fn too_many(wait: TimeDelta) -> Error {
    let seconds = wait.num_seconds().max(1);
    let words = match seconds {
        1..=89 => format!("{seconds} seconds"),
        _ => format!("{} minutes", (seconds + 59) / 60),
    };
    Error::TooMany {
        message: format!(
            "That was tried too often. Please wait {words} and try again, or set a new password."
        ),
        retry_after: seconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ipv6_network_is_one_key() {
        assert_eq!(
            ip_key("ip", "2001:db8:1:2:3:4:5:6"),
            ip_key("ip", "2001:db8:1:2::9")
        );
        assert_ne!(
            ip_key("ip", "2001:db8:1:2::9"),
            ip_key("ip", "2001:db8:1:3::9")
        );
        assert_eq!(ip_key("ip", "::ffff:192.0.2.7"), ip_key("ip", "192.0.2.7"));
    }
}
