//! One currency table: the portal counts as Stripe does.

use domain::money::Currency;

/// Currencies that Stripe's list still names and ISO's does not: XCG and STN took their place. Nobody
/// can be paid in them.
const UNKNOWN: [&str; 2] = ["ang", "std"];

/// The sandbox keeps a table of its own because it is another server: they must not differ.
#[test]
fn the_portal_counts_minor_units_as_stripe_does() {
    let mut unknown = Vec::new();
    for code in stripe_sandbox::money::known() {
        match code.parse::<Currency>() {
            Ok(currency) => assert_eq!(
                currency.exponent(),
                stripe_sandbox::money::digits(code),
                "{code}"
            ),
            Err(_) => unknown.push(code),
        }
    }
    assert_eq!(unknown, UNKNOWN);
}
