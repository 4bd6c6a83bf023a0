//! Calendar arithmetic in a program's time zone: months, quarters, business hours.
//!
//! People mean calendar dates: "31 January plus one month" is the last day of February, and a day
//! with a clock change is still one day. Instants are stored in UTC and turned into the zone here.

mod business;

use chrono::{
    DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, TimeZone, Utc,
};
use chrono_tz::Tz;

pub use business::add_business_hours;

use crate::commission::CustomerAge;
use crate::plan::Period;
use crate::text_enum::UnknownValue;

/// Reads an IANA zone such as `Europe/Berlin`.
///
/// # Errors
/// When there is no such zone.
pub fn zone(name: &str) -> Result<Tz, UnknownValue> {
    name.parse()
        .map_err(|_| UnknownValue::new("time zone", name))
}

/// A wall-clock time as an instant. A time that the clock skips is moved forward by the gap; a time
/// it shows twice is the first of the two.
pub fn instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => {
            // The offset of an hour before carries the wall clock over the gap; all gaps of the
            // last fifty years but one (a whole day in Samoa, 2011) are shorter than a day.
            (1..=48)
                .find_map(|hours| {
                    let earlier = local.checked_sub_signed(chrono::Duration::hours(hours))?;
                    let at = zone.from_local_datetime(&earlier).earliest()?;
                    Some(at.to_utc() + chrono::Duration::hours(hours))
                })
                .unwrap_or_else(|| local.and_utc())
        }
    }
}

/// The same wall-clock time `months` calendar months later; a day the month does not have becomes
/// its last. `None` past the end of the calendar.
pub fn add_months(at: DateTime<Utc>, months: u32, zone: Tz) -> Option<DateTime<Utc>> {
    let local = at.with_timezone(&zone).naive_local();
    Some(instant(
        local.checked_add_months(Months::new(months))?,
        zone,
    ))
}

/// The same wall-clock time `days` calendar days later.
pub fn add_days(at: DateTime<Utc>, days: u32, zone: Tz) -> Option<DateTime<Utc>> {
    let local = at.with_timezone(&zone).naive_local();
    Some(instant(
        local.checked_add_days(Days::new(u64::from(days)))?,
        zone,
    ))
}

/// Whole calendar months from `start` to `at`: the largest `n` for which [`add_months`] of `n` is
/// not after `at`. Zero when `at` is earlier.
pub fn months_between(start: DateTime<Utc>, at: DateTime<Utc>, zone: Tz) -> u32 {
    if at <= start {
        return 0;
    }
    let (a, b) = (
        start.with_timezone(&zone).date_naive(),
        at.with_timezone(&zone).date_naive(),
    );
    let apart = (b.year() - a.year()) * 12 + b.month() as i32 - a.month() as i32;
    // The difference of month numbers, or one less when the day has not come yet.
    let mut months = u32::try_from(apart).unwrap_or(0);
    while months > 0 && add_months(start, months, zone).is_none_or(|reached| reached > at) {
        months -= 1;
    }
    months
}

/// How long a customer has been paying, for the commission engine.
pub fn customer_age(first_payment_at: DateTime<Utc>, at: DateTime<Utc>, zone: Tz) -> CustomerAge {
    CustomerAge {
        first_payment_at,
        months: months_between(first_payment_at, at, zone),
        first_year_ends_at: add_months(first_payment_at, 12, zone)
            .unwrap_or(DateTime::<Utc>::MAX_UTC),
    }
}

/// The date that people in the zone see.
pub fn local_date(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The instant at which a date begins in the zone.
pub fn start_of_day(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    instant(date.and_time(chrono::NaiveTime::MIN), zone)
}

/// The first date of the calendar period a date lies in.
pub fn period_start(date: NaiveDate, period: Period) -> NaiveDate {
    let month = match period {
        Period::Month => date.month(),
        Period::Quarter => (date.month() - 1) / 3 * 3 + 1,
        Period::Year => 1,
    };
    NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date)
}

/// The calendar period an instant lies in: its first instant and the first one after it.
pub fn period_of(at: DateTime<Utc>, period: Period, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let first = period_start(local_date(at, zone), period);
    let months = match period {
        Period::Month => 1,
        Period::Quarter => 3,
        Period::Year => 12,
    };
    let next = first
        .checked_add_months(Months::new(months))
        .unwrap_or(NaiveDate::MAX);
    (start_of_day(first, zone), start_of_day(next, zone))
}

/// The month an instant lies in, as `2026-03`: the key of statements and charts.
pub fn month_of(at: DateTime<Utc>, zone: Tz) -> String {
    local_date(at, zone).format("%Y-%m").to_string()
}

/// The quarter an instant lies in, as `2026-Q1`.
pub fn quarter_of(at: DateTime<Utc>, zone: Tz) -> String {
    let date = local_date(at, zone);
    format!("{}-Q{}", date.year(), (date.month() - 1) / 3 + 1)
}

#[cfg(test)]
#[path = "calendar/tests.rs"]
mod tests;
