use super::*;
use chrono::TimeZone;
use proptest::prelude::*;
use rstest::rstest;

fn tiers() -> Vec<Tier> {
    let tier = |rank, name: &str, revenue: i64, won_deals, certified| Tier {
        rank,
        name: name.into(),
        requirements: Requirements {
            revenue_minor: revenue * 100,
            won_deals,
            certified,
            ..Requirements::default()
        },
    };
    vec![
        tier(1, "Registered", 0, 0, 0),
        tier(2, "Silver", 10_000, 2, 1),
        tier(3, "Gold", 50_000, 5, 2),
    ]
}

fn has(revenue: i64, won_deals: i64, certified: i64) -> Metrics {
    Metrics {
        revenue_minor: revenue * 100,
        won_deals,
        certified,
        customers: 0,
    }
}

#[rstest]
#[case(has(0, 0, 0), 1)]
#[case(has(10_000, 2, 1), 2)]
#[case(has(9_999, 2, 1), 1)]
#[case(has(90_000, 9, 1), 2)]
#[case(has(50_000, 5, 2), 3)]
fn everything_has_to_be_met(#[case] metrics: Metrics, #[case] rank: i32) {
    assert_eq!(deserved(&tiers(), &metrics).unwrap().rank, rank);
}

#[test]
fn up_at_once_down_after_notice_and_grace() {
    let now = Utc.with_ymd_and_hms(2026, 4, 1, 0, 0, 0).unwrap();
    let look =
        |current, metrics, notice, now| review(&tiers(), current, &metrics, false, notice, 30, now);
    assert_eq!(look(1, has(50_000, 5, 2), None, now), Review::Up { to: 3 });
    assert_eq!(look(3, has(50_000, 5, 2), Some(now), now), Review::Stay);
    let effective_at = now + Duration::days(30);
    assert_eq!(
        look(3, has(0, 0, 0), None, now),
        Review::Notice {
            to: 1,
            effective_at
        }
    );
    let waiting = look(
        3,
        has(0, 0, 0),
        Some(effective_at),
        effective_at - Duration::seconds(1),
    );
    assert_eq!(waiting, Review::Waiting { effective_at });
    let down = look(3, has(10_000, 2, 1), Some(effective_at), effective_at);
    assert_eq!(down, Review::Down { to: 2 });
    assert_eq!(
        review(&[], 1, &has(0, 0, 0), false, None, 30, now),
        Review::Stay
    );
}

#[test]
fn the_dashboard_says_what_is_missing() {
    let text = explain(&tiers(), 1, &has(8_000, 1, 0), Currency::EUR);
    assert_eq!(
        text,
        "You are Registered. Silver needs €2,000.00 more revenue, 1 more won deal and 1 more \
         certified person."
    );
    let text = explain(&tiers(), 3, &has(50_000, 3, 2), Currency::EUR);
    assert_eq!(
        text,
        "You are Gold. To keep it you need 2 more won deals. It is the highest tier."
    );
    let text = explain(&tiers(), 2, &has(50_000, 5, 2), Currency::EUR);
    assert_eq!(text, "You are Silver. You meet everything for Gold.");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn more_is_never_a_lower_tier(a: i64, b: i64, c: i64, more in 0_i64..i64::MAX) {
        let metrics = Metrics { revenue_minor: a, won_deals: b, certified: c, customers: 0 };
        let grown = Metrics { revenue_minor: a.saturating_add(more), ..metrics };
        let tiers = tiers();
        let rank = |m: &Metrics| deserved(&tiers, m).unwrap().rank;
        prop_assert!(rank(&grown) >= rank(&metrics));
        for tier in &tiers {
            for progress in tier.progress(&metrics) {
                prop_assert!((0..=100).contains(&progress.percent()));
                prop_assert_eq!(progress.percent() == 100, progress.missing() == 0);
            }
        }
        let _ = explain(&tiers, 2, &metrics, Currency::EUR);
    }
}

#[test]
fn revenue_in_other_currencies_leaves_a_step_down_to_a_person() {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let at = |current, metrics: Metrics, notice| {
        review(&tiers(), current, &metrics, true, notice, 30, now)
    };
    for notice in [None, Some(now), Some(now + Duration::days(9))] {
        assert!(matches!(
            at(3, has(0, 0, 0), notice),
            Review::Decide { to: 1 }
        ));
    }
    // Up is as ever: what is counted is enough.
    assert_eq!(at(1, has(0, 0, 0), None), Review::Stay);
    let most = has(1_000_000, 1_000, 1_000);
    assert!(matches!(at(1, most, None), Review::Up { .. }));
}
