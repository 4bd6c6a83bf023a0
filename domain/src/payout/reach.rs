//! Where Stripe pays connected accounts, as far as that is known beforehand. What Stripe says of an
//! account or a transfer counts more.

/// The list, with where it is from and of when.
const COUNTRIES: &str = include_str!("../../data/stripe-payout-countries.txt");

/// Whether Stripe pays accounts in a country (ISO 3166-1, two letters) without a special arrangement.
pub fn stripe_pays(country: &str) -> bool {
    COUNTRIES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .any(|one| one == country)
}

/// Of when the list is, as `2026-11-30`.
pub fn as_of() -> &'static str {
    COUNTRIES
        .split_once("As of: ")
        .and_then(|(_, rest)| rest.split_once('.'))
        .map_or("", |(date, _)| date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read() {
        assert!(stripe_pays("DE") && stripe_pays("US") && stripe_pays("CH"));
        assert!(!stripe_pays("SV") && !stripe_pays("IR") && !stripe_pays(""));
        assert_eq!(as_of().len(), 10);
        let known = |code: &str| crate::validate::country_name(code).is_some();
        let codes = COUNTRIES.lines().filter(|line| !line.starts_with('#'));
        for code in codes.flat_map(str::split_whitespace) {
            assert!(known(code), "{code}");
        }
    }
}
