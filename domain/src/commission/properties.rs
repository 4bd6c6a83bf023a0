//! Properties of the engine that hold for any amounts.

use proptest::prelude::*;

use super::*;
use crate::money::MoneyError;

fn any_plan() -> impl Strategy<Value = PlanRules> {
    prop_oneof![
        Just(referral()),
        Just(reseller()),
        Just(agency()),
        Just(capped()),
        Just(bracketed(Currency::EUR)),
        (any::<i64>(), any::<i64>()).prop_map(|(rate, bonus)| {
            let mut plan = agency();
            plan.rules[0].amount = Amount::Percent { rate: Bp(rate) };
            plan.rules[0].bonus_points = Bp(bonus);
            plan
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_amounts_give_an_answer_or_overflow(
        plan in any_plan(),
        net: i64,
        volume: i64,
        customer: i64,
        partner: i64,
        rank: i32,
        deal: bool,
        start in -100_000_i64..100_000,
        length in -1_000_i64..100_000,
    ) {
        let facts = Facts {
            tier: Some(TierAt { rank, name: "T".into() }),
            registered_deal: deal,
            volume: [(Period::Quarter, volume)].into(),
            used: [(
                "agency".to_owned(),
                CapUse { customer, customer_own: customer, partner, all: 0 },
            )]
            .into(),
            service: Some(ServicePeriod { start: at(start), end: at(start) + Span::days(length) }),
            ..facts(net)
        };
        match evaluate(&plan, &facts) {
            Ok(outcome) => {
                let json = serde_json::to_string(&outcome).unwrap();
                prop_assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcome);
            }
            Err(error) => prop_assert_eq!(error, MoneyError::Overflow),
        }
    }

    #[test]
    fn caps_hold_and_are_monotone(lines in prop::collection::vec(-5_000_i64..20_000, 1..20)) {
        let plan = capped();
        let mut small = CapUse::default();
        let mut free = 0_i64;
        for net in lines {
            let mut facts = facts(net);
            facts.used = [("agency".to_owned(), small)].into();
            let with = evaluate(&plan, &facts).unwrap().amount().map_or(0, |a| a.minor);
            let without = evaluate(&agency(), &facts).unwrap().amount().map_or(0, |a| a.minor);
            prop_assert!(with <= without);
            // A larger line never earns less under the same caps.
            facts.net.minor += 1_000;
            let larger = evaluate(&plan, &facts).unwrap().amount().map_or(0, |a| a.minor);
            prop_assert!(larger >= with);
            small.customer += with;
            small.partner += with;
            free += without;
            prop_assert!(small.customer <= 1_000 && small.partner <= 600);
        }
        prop_assert!(small.customer <= free.max(600));
    }

    /// Whoever shares the credit shares the cap: together never more than it, and nobody takes
    /// another's part by coming first.
    #[test]
    fn a_customers_cap_is_shared_like_the_credit(
        lines in prop::collection::vec(0_i64..9_000, 1..12),
        shares in prop::collection::vec(1_u64..10_000, 1..5),
        limit in 1_i64..2_000,
    ) {
        let mut plan = agency();
        plan.rules[0].caps.per_customer = amounts(limit, Currency::EUR);
        let shares = Shares::new(shares, 0);
        let parts = shares.split(limit).unwrap();
        let mut own = vec![0_i64; parts.len()];
        for line in lines {
            for (place, net) in shares.split(line).unwrap().into_iter().enumerate() {
                let used = CapUse {
                    customer: own.iter().sum(),
                    customer_own: own[place],
                    ..CapUse::default()
                };
                let facts = Facts {
                    credit: shares.part(place),
                    used: [("agency".to_owned(), used)].into(),
                    ..facts(net)
                };
                own[place] += evaluate(&plan, &facts).unwrap().amount().map_or(0, |a| a.minor);
                prop_assert!(own[place] <= parts[place]);
            }
        }
        prop_assert!(own.iter().sum::<i64>() <= limit);
    }

    #[test]
    fn brackets_do_not_depend_on_how_volume_is_cut(
        cuts in prop::collection::vec(1_i64..3_000, 1..12),
    ) {
        // In steps of 10 000 units every slice is a whole number of minor units.
        let plan = bracketed(Currency::EUR);
        let mut before = 0;
        let mut sum = 0;
        for cut in &cuts {
            let net = cut * 10_000;
            let facts = Facts { volume: [(Period::Quarter, before)].into(), ..facts(net) };
            sum += earned(&plan, &facts).amount.minor;
            before += net;
        }
        prop_assert_eq!(sum, earned(&plan, &facts(before)).amount.minor);
        let back = Facts { volume: [(Period::Quarter, before)].into(), ..facts(-before) };
        prop_assert_eq!(earned(&plan, &back).amount.minor, -sum);
    }

    #[test]
    fn reversals_never_drift(
        paid in 1_i64..=i64::MAX,
        rate in 0_i64..=10_000,
        refunds in prop::collection::vec(any::<u32>(), 1..15),
        seed: u64,
    ) {
        let commission = Bp(rate).of(paid).unwrap();
        // A random partition of the whole line into refunds.
        let weights: Vec<u64> = refunds.iter().map(|w| u64::from(*w) + 1).collect();
        let mut parts = crate::money::split_largest_remainder(paid, &weights).unwrap();
        let turn = (seed % parts.len() as u64) as usize;
        parts.rotate_left(turn);
        let (mut returned, mut reversed) = (0_i64, 0_i64);
        for part in parts {
            returned += part;
            let due = reversal_due(paid, returned, commission, reversed).unwrap();
            prop_assert!(due >= 0);
            reversed += due;
            prop_assert!(reversed <= commission);
            // The same event again takes nothing.
            prop_assert_eq!(reversal_due(paid, returned, commission, reversed), Ok(0));
        }
        prop_assert_eq!(returned, paid);
        prop_assert_eq!(reversed, commission);
    }

    #[test]
    fn reversals_of_any_numbers_do_not_panic(a: i64, b: i64, c: i64, d: i64) {
        let _ = reversal_due(a, b, c, d);
    }

    #[test]
    fn shared_credit_is_the_whole(
        amount: i64,
        shares in prop::collection::vec(0..=u64::MAX, 1..6),
        whole: u64,
    ) {
        prop_assume!(whole > 0 || shares.iter().any(|s| *s > 0));
        let all = Shares::new(shares.iter().copied(), whole);
        let parts = all.split(amount).unwrap();
        for (place, part) in parts.iter().enumerate() {
            prop_assert_eq!(all.part(place).of(amount), Ok(*part));
        }
        // Who is credited with more than the whole shares the whole. Nobody is off by a unit.
        let given = shares.iter().fold(0u64, |sum, s| sum.saturating_add(*s));
        let rest = whole.saturating_sub(given);
        let weights = shares.iter().copied().chain([rest]);
        let total: u128 = weights.map(u128::from).sum();
        for (part, share) in parts.iter().zip(&shares) {
            let floor = u128::from(amount.unsigned_abs()) * u128::from(*share) / total;
            let size = u128::from(part.unsigned_abs());
            prop_assert!(size == floor || size == floor + 1);
            prop_assert!(*part == 0 || part.signum() == amount.signum());
        }
        if rest == 0 {
            let sum: i128 = parts.iter().map(|p| i128::from(*p)).sum();
            prop_assert_eq!(sum, i128::from(amount));
        }
    }
}
