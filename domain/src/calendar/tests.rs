use super::*;
use chrono::Duration;
use proptest::prelude::*;
use rstest::rstest;

const BERLIN: Tz = chrono_tz::Europe::Berlin;
const NEW_YORK: Tz = chrono_tz::America::New_York;
const APIA: Tz = chrono_tz::Pacific::Apia;
const LORD_HOWE: Tz = chrono_tz::Australia::Lord_Howe;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn local(text: &str, zone: Tz) -> DateTime<Utc> {
    instant(
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap(),
        zone,
    )
}

#[rstest]
#[case("2026-01-31 10:00", 1, "2026-02-28 10:00")]
#[case("2028-01-31 10:00", 1, "2028-02-29 10:00")]
#[case("2026-01-31 10:00", 2, "2026-03-31 10:00")]
#[case("2028-02-29 10:00", 12, "2029-02-28 10:00")]
#[case("2028-02-29 10:00", 48, "2032-02-29 10:00")]
#[case("2026-03-01 12:00", 1, "2026-04-01 12:00")]
#[case("2026-12-31 23:30", 2, "2027-02-28 23:30")]
fn months_by_date(#[case] start: &str, #[case] months: u32, #[case] end: &str) {
    assert_eq!(
        add_months(local(start, BERLIN), months, BERLIN),
        Some(local(end, BERLIN))
    );
}

#[test]
fn the_zone_decides_the_date() {
    // Half past midnight on 1 March in Berlin is still February in UTC and New York.
    let at = utc("2026-02-28T23:30:00Z");
    assert_eq!(month_of(at, BERLIN), "2026-03");
    assert_eq!(month_of(at, NEW_YORK), "2026-02");
    assert_eq!(quarter_of(at, BERLIN), "2026-Q1");
    assert_eq!(add_months(at, 1, BERLIN), Some(utc("2026-03-31T22:30:00Z")));
}

#[test]
fn clock_changes() {
    // 02:30 on 29 March 2026 does not exist in Berlin.
    assert_eq!(
        local("2026-03-29 02:30", BERLIN),
        utc("2026-03-29T01:30:00Z")
    );
    // 02:30 on 25 October 2026 is there twice; the first is summer time.
    assert_eq!(
        local("2026-10-25 02:30", BERLIN),
        utc("2026-10-25T00:30:00Z")
    );
    let before = local("2026-03-28 12:00", BERLIN);
    assert_eq!(
        add_days(before, 1, BERLIN).unwrap() - before,
        Duration::hours(23)
    );
    // Samoa had no 30 December 2011.
    assert_eq!(
        local("2011-12-30 12:00", APIA),
        local("2011-12-31 12:00", APIA)
    );
}

#[rstest]
#[case(Period::Month, "2026-05-01 00:00", "2026-06-01 00:00")]
#[case(Period::Quarter, "2026-04-01 00:00", "2026-07-01 00:00")]
#[case(Period::Year, "2026-01-01 00:00", "2027-01-01 00:00")]
fn periods(#[case] period: Period, #[case] from: &str, #[case] to: &str) {
    let at = local("2026-05-17 08:00", BERLIN);
    assert_eq!(
        period_of(at, period, BERLIN),
        (local(from, BERLIN), local(to, BERLIN))
    );
}

// 2026-06-05 is a Friday.
#[rstest]
#[case("2026-06-03 09:00", 8, "2026-06-03 17:00")]
#[case("2026-06-03 10:00", 8, "2026-06-04 10:00")]
#[case("2026-06-05 16:00", 2, "2026-06-08 10:00")]
#[case("2026-06-06 12:00", 1, "2026-06-08 10:00")]
#[case("2026-06-03 20:00", 0, "2026-06-04 09:00")]
#[case("2026-06-03 06:00", 8, "2026-06-03 17:00")]
#[case("2026-06-01 09:00", 48, "2026-06-08 17:00")]
#[case("2026-06-05 18:00", 48, "2026-06-15 17:00")]
#[case("2026-03-27 16:00", 2, "2026-03-30 10:00")]
#[case("2026-06-01 10:00", 400, "2026-08-10 10:00")]
fn business_hours(#[case] start: &str, #[case] hours: u32, #[case] due: &str) {
    assert_eq!(
        add_business_hours(local(start, BERLIN), hours, BERLIN),
        local(due, BERLIN)
    );
}

#[test]
fn customer_ages() {
    let first = local("2026-01-31 10:00", BERLIN);
    let age = |text| customer_age(first, local(text, BERLIN), BERLIN);
    assert_eq!(age("2026-02-28 09:59").months, 0);
    assert_eq!(age("2026-02-28 10:00").months, 1);
    assert_eq!(age("2026-03-30 10:00").months, 1);
    assert_eq!(age("2026-03-31 10:00").months, 2);
    assert_eq!(age("2025-03-31 10:00").months, 0);
    assert_eq!(
        age("2026-03-31 10:00").first_year_ends_at,
        local("2027-01-31 10:00", BERLIN)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn months_between_undoes_add_months(
        seconds in 0_i64..4_000_000_000,
        months in 0_u32..600,
        later in 0_i64..2_000_000,
        zone in prop::sample::select(vec![BERLIN, NEW_YORK, APIA, LORD_HOWE]),
    ) {
        let start = DateTime::from_timestamp(seconds, 0).unwrap();
        let end = add_months(start, months, zone).unwrap();
        if months > 0 {
            prop_assert!(months_between(start, end, zone) >= months);
            let just_before = months_between(start, end - Duration::seconds(1), zone);
            prop_assert!(just_before < months || add_months(start, just_before, zone).unwrap() < end);
        }
        let at = end + Duration::seconds(later);
        let n = months_between(start, at, zone);
        prop_assert!(at <= start || add_months(start, n, zone).unwrap() <= at);
    }

    #[test]
    fn a_deadline_is_inside_business_hours_and_never_earlier(
        seconds in 0_i64..4_000_000_000,
        hours in 0_u32..500,
        zone in prop::sample::select(vec![BERLIN, NEW_YORK, LORD_HOWE]),
    ) {
        let start = DateTime::from_timestamp(seconds, 0).unwrap();
        let due = add_business_hours(start, hours, zone);
        prop_assert!(due >= start + Duration::hours(i64::from(hours)));
        let local = due.with_timezone(&zone);
        prop_assert!(local.weekday().number_from_monday() <= 5);
        let time = local.time();
        let hour = |h| chrono::NaiveTime::from_hms_opt(h, 0, 0).unwrap();
        prop_assert!((hour(9)..=hour(17)).contains(&time), "{local}");
        prop_assert!(add_business_hours(start, hours + 1, zone) > due);
    }
}

#[test]
fn a_very_long_deadline_ends() {
    let start = utc("2026-01-01T00:00:00Z");
    assert!(add_business_hours(start, u32::MAX, BERLIN) > start);
    assert!(add_months(start, u32::MAX, BERLIN).is_none());
    assert!(zone("Mars/Olympus").is_err());
    assert_eq!(zone("Europe/Berlin"), Ok(BERLIN));
}
