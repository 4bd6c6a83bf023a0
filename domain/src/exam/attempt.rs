//! Attempts: limits, waits and the clock.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::clock::due_words;
use crate::transition::{Machine, Transition, Who, step};

crate::text_enum! {
    /// Where an attempt stands.
    pub enum AttemptStatus {
        /// Being answered; survives a closed browser.
        Open = "open" => "In progress",
        /// Handed in and passed.
        Passed = "passed" => "Passed",
        /// Handed in and not passed.
        Failed = "failed" => "Not passed",
        /// Time ran out; what was answered was graded and did not suffice.
        Expired = "expired" => "Time ran out",
    }
}

const ATTEMPT_TABLE: &[Transition<AttemptStatus>] = &[
    step(
        AttemptStatus::Open,
        AttemptStatus::Passed,
        "Pass",
        &[Who::Partner, Who::System],
    ),
    step(
        AttemptStatus::Open,
        AttemptStatus::Failed,
        "Fail",
        &[Who::Partner, Who::System],
    ),
    step(
        AttemptStatus::Open,
        AttemptStatus::Expired,
        "Expire",
        &[Who::System],
    ),
];

impl AttemptStatus {
    /// The allowed transitions. Only an open attempt changes, and only once.
    pub const MACHINE: Machine<AttemptStatus> = Machine {
        subject: "exam attempt",
        table: ATTEMPT_TABLE,
    };
}

/// How an exam is taken. Part of a course version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExamRules {
    /// Questions drawn per attempt.
    pub questions: u32,
    /// Percent of them that have to be right, 1 to 100.
    pub pass_mark: u32,
    /// Minutes from start to end; `None` for no limit.
    pub time_limit_minutes: Option<u32>,
    /// Attempts per person and course version; `None` for no limit.
    pub max_attempts: Option<u32>,
    /// Hours from the end of one attempt to the next.
    pub wait_hours: u32,
}

impl Default for ExamRules {
    /// 10 questions, 75 %, 30 minutes, no limit of attempts, 12 hours between them.
    fn default() -> Self {
        Self {
            questions: 10,
            pass_mark: 75,
            time_limit_minutes: Some(30),
            max_attempts: None,
            wait_hours: 12,
        }
    }
}

impl ExamRules {
    /// The instant at which an attempt started at `start` ends; `None` without a limit.
    pub fn ends_at(&self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let minutes = self.time_limit_minutes?;
        start.checked_add_signed(Duration::minutes(i64::from(minutes)))
    }

    /// Right answers that pass when `asked` questions are asked.
    pub fn needed(&self, asked: u32) -> u32 {
        let needed = (u64::from(asked) * u64::from(self.pass_mark)).div_ceil(100);
        u32::try_from(needed)
            .unwrap_or(u32::MAX)
            .max(u32::from(asked > 0 && self.pass_mark > 0))
    }
}

/// Why an attempt cannot start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartRefusal {
    /// One is open already; it is to be continued.
    AlreadyOpen,
    /// No attempts are left.
    NoneLeft,
    /// The wait since the last one is not over.
    Wait {
        /// The first instant at which it is possible.
        until: DateTime<Utc>,
    },
}

impl StartRefusal {
    /// The sentence a person reads at `now`.
    pub fn sentence(&self, now: DateTime<Utc>) -> String {
        match self {
            Self::AlreadyOpen => "You have an open attempt. Continue it.".into(),
            Self::NoneLeft => "You have used all attempts. Ask your partner manager.".into(),
            Self::Wait { until } => {
                format!("You can try again soon: {}.", due_words(*until, now))
            }
        }
    }
}

/// Whether a person may start an attempt. `last_ended` is the end of the latest attempt that did
/// not pass.
///
/// # Errors
/// Why not.
pub fn may_start(
    rules: &ExamRules,
    attempts: u32,
    has_open: bool,
    last_ended: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StartRefusal> {
    if has_open {
        return Err(StartRefusal::AlreadyOpen);
    }
    if rules.max_attempts.is_some_and(|max| attempts >= max) {
        return Err(StartRefusal::NoneLeft);
    }
    let until = last_ended
        .and_then(|end| end.checked_add_signed(Duration::hours(i64::from(rules.wait_hours))));
    match until {
        Some(until) if now < until => Err(StartRefusal::Wait { until }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use rstest::rstest;

    #[test]
    fn the_table_is_closed() {
        crate::transition::testing::assert_closed(AttemptStatus::MACHINE, &[AttemptStatus::Open]);
    }

    #[rstest]
    #[case(10, 75, 8)]
    #[case(4, 75, 3)]
    #[case(3, 100, 3)]
    #[case(0, 75, 0)]
    #[case(7, 1, 1)]
    fn right_answers_needed(#[case] asked: u32, #[case] pass_mark: u32, #[case] needed: u32) {
        assert_eq!(
            ExamRules {
                pass_mark,
                ..ExamRules::default()
            }
            .needed(asked),
            needed
        );
    }

    #[test]
    fn starting() {
        let rules = ExamRules {
            max_attempts: Some(3),
            ..ExamRules::default()
        };
        let now = Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap();
        assert_eq!(may_start(&rules, 0, false, None, now), Ok(()));
        assert_eq!(
            may_start(&rules, 1, true, None, now),
            Err(StartRefusal::AlreadyOpen)
        );
        assert_eq!(
            may_start(&rules, 3, false, None, now),
            Err(StartRefusal::NoneLeft)
        );
        let refusal = may_start(&rules, 1, false, Some(now - Duration::hours(9)), now).unwrap_err();
        assert_eq!(refusal.sentence(now), "You can try again soon: 3 h left.");
        assert!(may_start(&rules, 1, false, Some(now - Duration::hours(12)), now).is_ok());
        assert_eq!(rules.ends_at(now), Some(now + Duration::minutes(30)));
    }
}
