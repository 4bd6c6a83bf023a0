//! Deal protection: how long an account is kept for the partner who registered it.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// How a program protects registrations. Part of a versioned policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectionPolicy {
    /// Length from approval, in days.
    pub days: u32,
    /// Length of one extension, in days.
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
    /// Protection from approval at `now`; a reviewer may set another expiry.
    ///
    /// # Errors
    /// A sentence when the expiry is not after `now`.
    pub fn start(
        policy: &ProtectionPolicy,
        now: DateTime<Utc>,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<Self, String> {
        let expires_at = match expires_at {
            Some(at) => at,
            None => later(now, policy.days)?,
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

    /// One extension from the present expiry.
    ///
    /// # Errors
    /// A sentence when protection is over, the limit is reached, or there is no evidence.
    pub fn extend(
        &self,
        policy: &ProtectionPolicy,
        now: DateTime<Utc>,
        evidence: &str,
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
        Ok(Self {
            expires_at: later(self.expires_at, policy.extension_days)?,
            extensions: self.extensions + 1,
            ..*self
        })
    }

    /// The reminder that is due at `now`: the smallest of the policy's days that has been reached
    /// and was not sent yet. `sent` holds the days already reminded of. Several missed at once
    /// give one reminder.
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
        let reached = policy
            .reminder_days
            .iter()
            .copied()
            .filter(|days| left <= Duration::days(i64::from(*days)))
            .min()?;
        let reminded = sent.iter().any(|days| *days <= reached);
        (!reminded).then_some(reached)
    }
}

fn later(from: DateTime<Utc>, days: u32) -> Result<DateTime<Utc>, String> {
    from.checked_add_signed(Duration::days(i64::from(days)))
        .ok_or_else(|| "That date is too far in the future.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn day(n: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).unwrap() + Duration::days(n)
    }

    #[test]
    fn it_lasts_its_days_and_not_an_instant_longer() {
        let p = Protection::start(&ProtectionPolicy::default(), day(0), None).unwrap();
        assert_eq!(p.expires_at, day(90));
        assert!(p.covers(day(0)) && p.covers(day(90) - Duration::nanoseconds(1)));
        assert!(!p.covers(day(90)));
        assert!(Protection::start(&ProtectionPolicy::default(), day(0), Some(day(0))).is_err());
    }

    #[test]
    fn extensions_are_limited_and_need_evidence() {
        let policy = ProtectionPolicy::default();
        let p = Protection::start(&policy, day(0), None).unwrap();
        assert!(
            p.extend(&policy, day(1), "  ")
                .unwrap_err()
                .starts_with("Say what")
        );
        let p = p.extend(&policy, day(1), "demo held").unwrap();
        let p = p.extend(&policy, day(95), "offer sent").unwrap();
        assert_eq!(p.expires_at, day(150));
        assert!(
            p.extend(&policy, day(100), "x")
                .unwrap_err()
                .contains("2 times")
        );
        assert!(
            p.extend(&policy, day(150), "x")
                .unwrap_err()
                .contains("already over")
        );
    }

    #[test]
    fn each_reminder_is_due_once() {
        let policy = ProtectionPolicy::default();
        let p = Protection::start(&policy, day(0), None).unwrap();
        assert_eq!(p.reminder_due(&policy, day(59), &[]), None);
        assert_eq!(p.reminder_due(&policy, day(60), &[]), Some(30));
        assert_eq!(p.reminder_due(&policy, day(61), &[30]), None);
        assert_eq!(p.reminder_due(&policy, day(76), &[30]), Some(14));
        assert_eq!(p.reminder_due(&policy, day(88), &[]), Some(3));
        assert_eq!(p.reminder_due(&policy, day(88), &[3]), None);
        assert_eq!(p.reminder_due(&policy, day(90), &[]), None);
    }
}
