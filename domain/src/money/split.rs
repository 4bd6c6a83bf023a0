//! Splitting an amount so that every unit is handed out.

use super::MoneyError;

/// Splits `amount` in proportion to `weights` by the largest remainder: the parts differ from the
/// exact shares by less than one unit and add up to `amount`. Ties go to the earlier weight.
///
/// # Errors
/// When there is no weight above zero.
pub fn split_largest_remainder(amount: i64, weights: &[u64]) -> Result<Vec<i64>, MoneyError> {
    let total: u128 = weights.iter().map(|w| u128::from(*w)).sum();
    if total == 0 {
        return Err(MoneyError::DivisionByZero);
    }
    let size = u128::from(amount.unsigned_abs());
    // 63 + 64 bits fit 128.
    let mut parts: Vec<u128> = weights
        .iter()
        .map(|w| size * u128::from(*w) / total)
        .collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    // A stable sort keeps the earlier weight first among equals.
    order.sort_by_key(|i| std::cmp::Reverse(size * u128::from(weights[*i]) % total));
    let left = size - parts.iter().sum::<u128>();
    for i in order
        .into_iter()
        .take(usize::try_from(left).unwrap_or(usize::MAX))
    {
        parts[i] += 1;
    }
    parts
        .into_iter()
        .map(|part| {
            let part = i128::try_from(part).map_err(|_| MoneyError::Overflow)?;
            let signed = if amount < 0 { -part } else { part };
            i64::try_from(signed).map_err(|_| MoneyError::Overflow)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(100, &[1, 1, 1], &[34, 33, 33])]
    #[case(-100, &[1, 1, 1], &[-34, -33, -33])]
    #[case(1, &[50, 50], &[1, 0])]
    #[case(7, &[0, 3], &[0, 7])]
    #[case(1000, &[5000, 3000, 2000], &[500, 300, 200])]
    #[case(i64::MIN, &[1], &[i64::MIN])]
    #[case(i64::MIN, &[1, 1], &[i64::MIN / 2, i64::MIN / 2])]
    fn known(#[case] amount: i64, #[case] weights: &[u64], #[case] parts: &[i64]) {
        assert_eq!(split_largest_remainder(amount, weights).unwrap(), parts);
    }

    #[test]
    fn nobody_to_split_over() {
        assert!(split_largest_remainder(1, &[]).is_err());
        assert!(split_largest_remainder(1, &[0, 0]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn every_unit_is_handed_out(
            amount: i64,
            weights in prop::collection::vec(any::<u64>(), 1..12),
        ) {
            prop_assume!(weights.iter().any(|w| *w > 0));
            let parts = split_largest_remainder(amount, &weights).unwrap();
            prop_assert_eq!(parts.len(), weights.len());
            let sum: i128 = parts.iter().map(|p| i128::from(*p)).sum();
            prop_assert_eq!(sum, i128::from(amount));
            let total: u128 = weights.iter().map(|w| u128::from(*w)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!(part.signum() * amount.signum() >= 0);
                let floor = u128::from(amount.unsigned_abs()) * u128::from(*weight) / total;
                let got = u128::from(part.unsigned_abs());
                prop_assert!(got == floor || got == floor + 1);
            }
        }
    }
}
