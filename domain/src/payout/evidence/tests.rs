use rstest::rstest;

use super::*;
use crate::money::Currency;

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse::<Currency>().expect("a currency"))
}

const GROUP: &str = "portico-a1b2-payout-7";

fn frozen() -> Frozen<'static> {
    Frozen {
        id: 7,
        amount: eur(424_388),
        destination: "acct_partner",
        group: GROUP,
        key: Some("key-7"),
        installation: Some("a1b2"),
    }
}

fn listed(id: &str) -> Listed {
    Listed {
        id: id.to_owned(),
        amount: eur(424_388),
        reversed: 0,
        destination: Some("acct_partner".to_owned()),
        group: Some(GROUP.to_owned()),
        payout: Some("7".to_owned()),
        key: Some("key-7".to_owned()),
        installation: Some("a1b2".to_owned()),
    }
}

#[test]
fn one_that_fits_in_everything_is_the_payouts() {
    let mut taken_back = listed("tr_1");
    taken_back.reversed = 424_388;
    let all = [
        Listed {
            group: Some("somebody-elses".to_owned()),
            ..listed("tr_0")
        },
        taken_back,
    ];
    assert_eq!(weigh(&frozen(), &all), Evidence::Paid { at: 1 });
    assert_eq!(weigh(&frozen(), &all[..1]), Evidence::NotThere);
}

/// Each fact alone is enough to refuse belief.
#[rstest]
#[case::amount(Listed { amount: eur(100), ..listed("tr_old") }, "€1.00")]
#[case::currency(
    Listed { amount: Money::new(424_388, "USD".parse().expect("a currency")), ..listed("tr_old") },
    "amount"
)]
#[case::destination(Listed { destination: Some("acct_other".to_owned()), ..listed("tr_old") }, "acct_other")]
#[case::no_destination(Listed { destination: None, ..listed("tr_old") }, "account none")]
#[case::payout(Listed { payout: Some("8".to_owned()), ..listed("tr_old") }, "payout 8")]
#[case::no_payout(Listed { payout: None, ..listed("tr_old") }, "payout none")]
#[case::another_life(Listed { key: Some("key-of-the-lost".to_owned()), ..listed("tr_old") }, "key")]
#[case::installation(Listed { installation: Some("ffff".to_owned()), ..listed("tr_old") }, "ffff")]
fn what_does_not_fit_is_never_believed(#[case] strange: Listed, #[case] said: &str) {
    let alone = weigh(&frozen(), std::slice::from_ref(&strange));
    let Evidence::Contradiction { why } = alone else {
        panic!("believed: {alone:?}");
    };
    assert!(why.contains("tr_old") && why.contains(said), "{why}");
    // Nor is the right one while it stands beside it.
    let beside = weigh(&frozen(), &[listed("tr_1"), strange]);
    assert!(
        matches!(beside, Evidence::Contradiction { .. }),
        "{beside:?}"
    );
}

#[test]
fn two_that_fit_are_a_question() {
    let two = weigh(&frozen(), &[listed("tr_1"), listed("tr_2")]);
    assert!(
        matches!(&two, Evidence::Contradiction { why } if why.contains("tr_1, tr_2")),
        "{two:?}"
    );
}

#[test]
fn what_was_sent_before_is_known_by_amount_account_and_payout() {
    let old = Frozen {
        group: "portico-payout-7",
        key: None,
        installation: None,
        ..frozen()
    };
    let sent = Listed {
        group: Some(legacy_group(7)),
        key: None,
        installation: None,
        ..listed("tr_1")
    };
    assert_eq!(
        weigh(&old, std::slice::from_ref(&sent)),
        Evidence::Paid { at: 0 }
    );
    let other = Listed {
        payout: None,
        ..sent
    };
    assert!(matches!(
        weigh(&old, &[other]),
        Evidence::Contradiction { .. }
    ));
}

#[rstest]
#[case::own(listed("tr"), Some(7))]
#[case::group_alone(Listed { payout: None, installation: None, ..listed("tr") }, Some(7))]
#[case::metadata_alone(Listed { group: None, ..listed("tr") }, Some(7))]
#[case::another_installation(
    Listed { group: Some("portico-ffff-payout-7".to_owned()), installation: Some("ffff".to_owned()), ..listed("tr") },
    None
)]
#[case::before(
    Listed { group: Some("portico-payout-7".to_owned()), installation: None, key: None, ..listed("tr") },
    Some(7)
)]
#[case::typed_by_somebody(
    Listed { group: Some("portico-payout-7".to_owned()), installation: None, key: None, payout: None, ..listed("tr") },
    None
)]
#[case::nothing(
    Listed { group: None, installation: None, key: None, payout: None, ..listed("tr") },
    None
)]
fn a_transfer_says_whose_it_is(#[case] transfer: Listed, #[case] payout: Option<i64>) {
    assert_eq!(claims("a1b2", &transfer), payout);
}
