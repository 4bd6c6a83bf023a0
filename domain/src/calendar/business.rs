//! Deadlines in business hours: Monday to Friday, 09:00 to 17:00 in the program's zone.

use chrono::{DateTime, Datelike, Days, Duration, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;

use super::instant;

const OPENS: u32 = 9;
const CLOSES: u32 = 17;
/// Hours in one business day.
const DAY_HOURS: u32 = CLOSES - OPENS;

/// The instant at which `hours` business hours have passed since `start`. Time outside business
/// hours does not count; a deadline falls on the end of a day rather than the start of the next.
/// A review time of 48 h is six business days of eight hours.
pub fn add_business_hours(start: DateTime<Utc>, hours: u32, zone: Tz) -> DateTime<Utc> {
    let hour = |h: u32| NaiveTime::from_hms_opt(h, 0, 0).unwrap_or(NaiveTime::MIN);
    let mut day = start.with_timezone(&zone).date_naive();
    let mut left = Duration::hours(i64::from(hours));
    let whole_weeks = hours.saturating_sub(2 * DAY_HOURS) / (5 * DAY_HOURS);
    let mut from = start;
    // Whole weeks at once, so that a very long deadline does not cost a loop per day.
    if whole_weeks > 0 {
        let Some(jump) = day.checked_add_days(Days::new(u64::from(whole_weeks) * 7)) else {
            return DateTime::<Utc>::MAX_UTC;
        };
        let time = start.with_timezone(&zone).time();
        day = jump;
        from = instant(day.and_time(time), zone);
        left -= Duration::hours(i64::from(whole_weeks * 5 * DAY_HOURS));
    }
    loop {
        if !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            let opens = instant(day.and_time(hour(OPENS)), zone).max(from);
            let closes = instant(day.and_time(hour(CLOSES)), zone);
            let open = (closes - opens).max(Duration::zero());
            if left <= open && opens <= closes {
                return opens + left;
            }
            left -= open;
        }
        match day.succ_opt() {
            Some(next) => day = next,
            None => return DateTime::<Utc>::MAX_UTC,
        }
    }
}
