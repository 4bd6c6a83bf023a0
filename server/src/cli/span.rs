//! Spans of time as people type them.

use chrono::TimeDelta;

/// Reads `31d`, `12h`, `2w` or `90m`.
///
/// # Errors
/// A sentence that shows the form.
pub(crate) fn parse(text: &str) -> Result<TimeDelta, String> {
    let refuse = || format!("“{text}” is no span of time: write 31d, 12h, 2w or 90m");
    let unit = text.chars().last().ok_or_else(refuse)?;
    let count: i64 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| refuse())?;
    let span = match unit {
        'm' => TimeDelta::try_minutes(count),
        'h' => TimeDelta::try_hours(count),
        'd' => TimeDelta::try_days(count),
        'w' => TimeDelta::try_weeks(count),
        _ => None,
    };
    let span = span.ok_or_else(refuse)?;
    if span <= TimeDelta::zero() {
        return Err("the clock only goes forward: the span must be more than nothing".to_owned());
    }
    if span > TimeDelta::days(3_660) {
        return Err("ten years at most".to_owned());
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("31d", Some(31 * 24 * 60))]
    #[case("12h", Some(12 * 60))]
    #[case("2w", Some(2 * 7 * 24 * 60))]
    #[case("90m", Some(90))]
    #[case("0d", None)]
    #[case("-1d", None)]
    #[case("31", None)]
    #[case("d", None)]
    #[case("", None)]
    #[case("3é", None)]
    #[case("99999d", None)]
    #[case("9223372036854775807w", None)]
    fn spans(#[case] text: &str, #[case] minutes: Option<i64>) {
        assert_eq!(parse(text).ok().map(|span| span.num_minutes()), minutes);
    }
}
