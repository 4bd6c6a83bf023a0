//! Fractions, shares and days, the plain way.

use chrono::{DateTime, Datelike, Days, TimeZone, Utc};
use chrono_tz::Europe::Berlin;

/// `amount × num ÷ den`, a half to the even one.
pub(super) fn times(amount: i64, num: i64, den: i64) -> i64 {
    round(i128::from(amount) * i128::from(num), den.into())
}

/// A fraction as a whole number, a half to the even one.
pub(super) fn round(num: i128, den: i128) -> i64 {
    let (num, den) = if den < 0 { (-num, -den) } else { (num, den) };
    let (floor, rest) = (num.div_euclid(den), num.rem_euclid(den) * 2);
    let up = rest > den || (rest == den && floor % 2 != 0);
    i64::try_from(floor + i128::from(up)).expect("small")
}

/// Hands out `amount` by basis points.
pub(super) fn shares(amount: i64, credits: &[(usize, i64)]) -> Vec<(usize, i64)> {
    let parts: Vec<i64> = credits.iter().map(|c| c.1).collect();
    let given = credits.iter().zip(parts_of(amount, &parts, 10_000));
    given
        .map(|(c, part)| (c.0, part))
        .filter(|p| p.1 != 0)
        .collect()
}

/// Parts of a whole of `amount`: whole units first, then one each to the largest rests, of which one
/// is what nobody gets.
pub(super) fn parts_of(amount: i64, parts: &[i64], whole: i64) -> Vec<i64> {
    let size = i128::from(amount.abs());
    let mut all: Vec<i128> = parts.iter().map(|part| i128::from(*part)).collect();
    let rest = i128::from(whole) - all.iter().sum::<i128>();
    all.push(rest.max(0));
    let sum: i128 = all.iter().sum();
    let mut units: Vec<i128> = all.iter().map(|part| size * part / sum).collect();
    while units.iter().sum::<i128>() < size {
        let rest = |i: usize| size * all[i] - units[i] * sum;
        let best = (0..all.len()).fold(0, |best, i| if rest(i) > rest(best) { i } else { best });
        units[best] += 1;
    }
    units.pop();
    let signed = |unit: i128| amount.signum() * i64::try_from(unit).expect("small");
    units.into_iter().map(signed).collect()
}

fn local(at: i64) -> DateTime<chrono_tz::Tz> {
    DateTime::from_timestamp(at, 0)
        .expect("a time")
        .with_timezone(&Berlin)
}

pub(super) fn quarter(at: i64) -> (i32, u32) {
    (local(at).year(), local(at).month0() / 3)
}

pub(super) fn hold_until(paid_at: i64) -> DateTime<Utc> {
    let later = local(paid_at).naive_local() + Days::new(30);
    // A time that the clock skips is as long after the gap.
    let earliest = |t| Berlin.from_local_datetime(&t).earliest();
    let hour = chrono::TimeDelta::hours(1);
    earliest(later)
        .unwrap_or_else(|| earliest(later - hour).expect("a time") + hour)
        .to_utc()
}
