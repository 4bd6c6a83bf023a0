//! Deal protection: how long an account is kept for the partner who registered it.

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::calendar::{local_date, start_of_day};

/// How a program protects registrations. Part of a versioned policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectionPolicy {
    /// Length from approval, in calendar days of the program's zone.
    pub days: u32,
    /// Length of one extension, in calendar days of the program's zone.
    pub extension_days: u32,
    /// How many extensions a registration may get.
    pub max_extensions: u32,
    /// Days before the expiry on which the partner is reminded, largest first.
    pub reminder_days: Vec<u32>,
}

impl Default for ProtectionPolicy {
    /// 90 days, two extensions of 30 days, reminders 30, 14 and 3 days before.
    fn default() -> Self {
        Self {
            days: 90,
            extension_days: 30,
            max_extensions: 2,
            reminder_days: vec![30, 14, 3],
        }
    }
}

/// The protection of one registration at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// When it began: the approval.
    pub starts_at: DateTime<Utc>,
    /// The first instant at which it is over.
    pub expires_at: DateTime<Utc>,
    /// Extensions granted so far.
    pub extensions: u32,
}

impl Protection {
    /// Protection from approval at `now` to the end of its last day in `zone`; a reviewer may set
    /// another expiry.
    ///
    /// # Errors
    /// A sentence when the expiry is not after `now`.
    pub fn start(
        policy: &ProtectionPolicy,
        now: DateTime<Utc>,
        expires_at: Option<DateTime<Utc>>,
        zone: Tz,
    ) -> Result<Self, String> {
        let expires_at = match expires_at {
            Some(at) => at,
            None => end_of_day_after(local_date(now, zone), policy.days, zone)?,
        };
        if expires_at <= now {
            return Err("Protection has to end after today. Choose a later date.".into());
        }
        Ok(Self {
            starts_at: now,
            expires_at,
            extensions: 0,
        })
    }

    /// True from the start until just before the expiry.
    pub fn covers(&self, at: DateTime<Utc>) -> bool {
        self.starts_at <= at && at < self.expires_at
    }

    /// One extension from the present last day, to the end of another one.
    ///
    /// # Errors
    /// A sentence when protection is over, the limit is reached, or there is no evidence.
    pub fn extend(
        &self,
        policy: &ProtectionPolicy,
        now: DateTime<Utc>,
        evidence: &str,
        zone: Tz,
    ) -> Result<Self, String> {
        if now >= self.expires_at {
            return Err("Protection is already over; register the deal again.".into());
        }
        if self.extensions >= policy.max_extensions {
            return Err(match policy.max_extensions {
                0 => "This program does not extend protection.".into(),
                1 => "Protection has already been extended once, which is the limit.".into(),
                n => format!("Protection has already been extended {n} times, which is the limit."),
            });
        }
        if evidence.trim().is_empty() {
            return Err(
                "Say what has happened with the customer lately: a meeting, an offer, a trial."
                    .into(),
            );
        }
        let last = local_date(self.expires_at - Duration::nanoseconds(1), zone);
        Ok(Self {
            expires_at: end_of_day_after(last, policy.extension_days, zone)?,
            extensions: self.extensions + 1,
            ..*self
        })
    }

    /// The reminder that is due at `now`: the smallest of the policy's days that has been reached
    /// and was not sent yet. `sent` holds the days already reminded of. Several missed at once
    /// give one reminder, and what lies before the approval gives none.
    pub fn reminder_due(
        &self,
        policy: &ProtectionPolicy,
        now: DateTime<Utc>,
        sent: &[u32],
    ) -> Option<u32> {
        if !self.covers(now) {
            return None;
        }
        let left = self.expires_at - now;
        let whole = self.expires_at - self.starts_at;
        let reached = policy
            .reminder_days
            .iter()
            .copied()
            .filter(|days| {
                let before = Duration::days(i64::from(*days));
                left <= before && before < whole
            })
            .min()?;
        let reminded = sent.iter().any(|days| *days <= reached);
        (!reminded).then_some(reached)
    }
}

/// The end of the day that is so many calendar days after another one.
fn end_of_day_after(day: NaiveDate, days: u32, zone: Tz) -> Result<DateTime<Utc>, String> {
    day.checked_add_days(Days::new(u64::from(days) + 1))
        .map(|next| start_of_day(next, zone))
        .ok_or_else(|| "That date is too far in the future.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn day(n: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).unwrap() + Duration::days(n)
    }

    const ZONE: Tz = chrono_tz::UTC;

    fn started(expires_at: Option<DateTime<Utc>>) -> Result<Protection, String> {
        Protection::start(&ProtectionPolicy::default(), day(0), expires_at, ZONE)
    }

    #[test]
    fn it_lasts_its_last_day_and_not_an_instant_longer() {
        let p = started(None).unwrap();
        let end = Utc.with_ymd_and_hms(2026, 4, 2, 0, 0, 0).unwrap();
        assert_eq!(p.expires_at, end, "until 1 April");
        assert!(p.covers(day(0)) && p.covers(end - Duration::nanoseconds(1)));
        assert!(!p.covers(end));
        assert!(started(Some(day(0))).is_err());
    }

    /// Late in the evening, and over the day on which the clocks change.
    #[test]
    fn days_are_those_of_the_zone() {
        let zone = chrono_tz::Europe::Berlin;
        let policy = ProtectionPolicy::default();
        let at = Utc.with_ymd_and_hms(2027, 1, 10, 22, 30, 0).unwrap();
        let p = Protection::start(&policy, at, None, zone).unwrap();
        let end_of = |month, day| Utc.with_ymd_and_hms(2027, month, day, 22, 0, 0).unwrap();
        assert_eq!(p.expires_at, end_of(4, 10));
        let p = Protection {
            expires_at: Utc.with_ymd_and_hms(2027, 3, 15, 23, 0, 0).unwrap(),
            ..p
        };
        assert_eq!(
            p.extend(&policy, at, "a demo", zone).unwrap().expires_at,
            end_of(4, 14)
        );
    }

    #[test]
    fn extensions_are_limited_and_need_evidence() {
        let policy = ProtectionPolicy::default();
        let p = started(None).unwrap();
        assert!(
            p.extend(&policy, day(1), "  ", ZONE)
                .unwrap_err()
                .starts_with("Say what")
        );
        let p = p.extend(&policy, day(1), "demo held", ZONE).unwrap();
        let p = p.extend(&policy, day(95), "offer sent", ZONE).unwrap();
        let end = Utc.with_ymd_and_hms(2026, 6, 1, 0, 0, 0).unwrap();
        assert_eq!(p.expires_at, end, "until 31 May");
        assert!(
            p.extend(&policy, day(100), "x", ZONE)
                .unwrap_err()
                .contains("2 times")
        );
        assert!(
            p.extend(&policy, end, "x", ZONE)
                .unwrap_err()
                .contains("already over")
        );
    }

    #[test]
    fn each_reminder_is_due_once() {
        let policy = ProtectionPolicy::default();
        let p = started(None).unwrap();
        assert_eq!(p.reminder_due(&policy, day(60), &[]), None);
        assert_eq!(p.reminder_due(&policy, day(61), &[]), Some(30));
        assert_eq!(p.reminder_due(&policy, day(62), &[30]), None);
        assert_eq!(p.reminder_due(&policy, day(77), &[30]), Some(14));
        assert_eq!(p.reminder_due(&policy, day(88), &[]), Some(3));
        assert_eq!(p.reminder_due(&policy, day(88), &[3]), None);
        assert_eq!(p.reminder_due(&policy, day(91), &[]), None);
    }

    /// Whoever is approved for twenty days reads the end in the approval.
    #[test]
    fn nobody_is_reminded_of_what_was_just_said() {
        let policy = ProtectionPolicy::default();
        let p = started(Some(day(20))).unwrap();
        assert_eq!(p.reminder_due(&policy, day(0), &[]), None);
        assert_eq!(p.reminder_due(&policy, day(6), &[]), Some(14));
    }
}
