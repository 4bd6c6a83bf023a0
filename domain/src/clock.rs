//! Clocks in front of people: how long is left, how long overdue, how old.

use chrono::{DateTime, Duration, Utc};

crate::text_enum! {
    /// How urgent a due time is; a page colours by it.
    pub enum Urgency {
        /// Plenty of time.
        Calm = "calm" => "On time",
        /// Less than a quarter of the time is left.
        Soon = "soon" => "Due soon",
        /// The time is over.
        Overdue = "overdue" => "Overdue",
    }
}

/// What is left until a due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLeft {
    /// When it is due.
    pub due: DateTime<Utc>,
    /// What is left; negative when overdue.
    pub left: Duration,
    /// How urgent it is.
    pub urgency: Urgency,
}

impl TimeLeft {
    /// The clock of something that began at `start` and is due at `due`, read at `now`.
    pub fn new(start: DateTime<Utc>, due: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let left = due - now;
        let urgency = if left <= Duration::zero() {
            Urgency::Overdue
        } else if left < (due - start) / 4 {
            Urgency::Soon
        } else {
            Urgency::Calm
        };
        Self { due, left, urgency }
    }

    /// `3 h left`, `2 d overdue`.
    pub fn words(&self) -> String {
        due_words(self.due, self.due - self.left)
    }
}

/// `3 h left`, `45 min left`, `2 d overdue`: the time from `now` to `due`, in one unit.
pub fn due_words(due: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let left = due - now;
    if left <= Duration::zero() {
        match span_words(-left).as_str() {
            "less than a minute" => "due now".to_owned(),
            span => format!("{span} overdue"),
        }
    } else {
        format!("{} left", span_words(left))
    }
}

/// `3 h ago`, `just now`: how long before `now` it was.
pub fn age_words(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match span_words(now - at).as_str() {
        "less than a minute" => "just now".to_owned(),
        span => format!("{span} ago"),
    }
}

fn span_words(span: Duration) -> String {
    let minutes = span.num_minutes();
    match minutes {
        ..1 => "less than a minute".to_owned(),
        1..60 => format!("{minutes} min"),
        // Hours up to two days: "36 h" says more than "1 d".
        60..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use rstest::rstest;

    #[rstest]
    #[case(180, "3 h left")]
    #[case(59, "59 min left")]
    #[case(2_160, "36 h left")]
    #[case(2_880, "2 d left")]
    #[case(0, "due now")]
    #[case(-61, "1 h overdue")]
    #[case(-2_900, "2 d overdue")]
    fn wording(#[case] minutes: i64, #[case] words: &str) {
        let now = Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap();
        assert_eq!(due_words(now + Duration::minutes(minutes), now), words);
    }

    #[test]
    fn urgency_turns_at_a_quarter() {
        let start = Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap();
        let due = start + Duration::hours(48);
        let at = |h| TimeLeft::new(start, due, start + Duration::hours(h)).urgency;
        assert_eq!(at(0), Urgency::Calm);
        assert_eq!(at(36), Urgency::Calm);
        assert_eq!(at(37), Urgency::Soon);
        assert_eq!(at(48), Urgency::Overdue);
        assert_eq!(TimeLeft::new(start, due, start).words(), "2 d left");
    }

    #[test]
    fn ages() {
        let now = Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap();
        assert_eq!(age_words(now, now), "just now");
        assert_eq!(age_words(now - Duration::hours(5), now), "5 h ago");
    }
}
