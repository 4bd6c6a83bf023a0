use super::*;
use crate::money::Currency;
use crate::transition::testing::assert_closed;
use proptest::prelude::*;
use rstest::rstest;

fn candidate(minor: i64) -> Candidate {
    Candidate {
        balance: Money::new(minor, Currency::EUR),
        minimum_minor: 5_000,
        account: PayoutAccountState::Ready,
        held: false,
        open_payout: false,
        active: true,
        account_waits: false,
    }
}

#[test]
fn the_tables_are_closed() {
    assert_closed(RunStatus::MACHINE, &[RunStatus::Draft]);
    assert_closed(PayoutStatus::MACHINE, &[PayoutStatus::Intended]);
}

#[test]
fn an_unknown_payout_is_failed_by_a_person_only() {
    let failed =
        |who| PayoutStatus::MACHINE.check_by(PayoutStatus::Unknown, PayoutStatus::Failed, who);
    assert!(failed(Who::System).is_err());
    assert!(failed(Who::Finance).is_ok());
    assert!(
        PayoutStatus::MACHINE
            .check(PayoutStatus::Paid, PayoutStatus::Failed)
            .is_err()
    );
    assert!(
        PayoutStatus::MACHINE
            .check(PayoutStatus::Failed, PayoutStatus::Sending)
            .is_err()
    );
}

#[rstest]
#[case(candidate(-1), LeftOut::NegativeBalance)]
#[case(candidate(0), LeftOut::Nothing)]
#[case(candidate(4_999), LeftOut::BelowMinimum)]
#[case(Candidate { active: false, ..candidate(9_000) }, LeftOut::PartnerInactive)]
#[case(Candidate { held: true, ..candidate(9_000) }, LeftOut::Held)]
#[case(Candidate { account_waits: true, ..candidate(9_000) }, LeftOut::NewAccount)]
#[case(Candidate { open_payout: true, ..candidate(9_000) }, LeftOut::OpenPayout)]
#[case(Candidate { account: PayoutAccountState::None, ..candidate(9_000) }, LeftOut::NoAccount)]
#[case(Candidate { account: PayoutAccountState::Restricted, ..candidate(9_000) },
    LeftOut::AccountRestricted)]
#[case(Candidate { account: PayoutAccountState::UnderReview, ..candidate(9_000) },
    LeftOut::AccountIncomplete)]
fn left_out(#[case] candidate: Candidate, #[case] reason: LeftOut) {
    assert_eq!(include_or_reason(&candidate), Inclusion::LeftOut { reason });
}

#[test]
fn included_with_what_can_be_moved() {
    let amount = Money::new(5_000, Currency::EUR);
    assert_eq!(
        include_or_reason(&candidate(5_000)),
        Inclusion::Included { amount }
    );
    let dinar = Candidate {
        balance: Money::new(12_345, Currency::KWD),
        ..candidate(0)
    };
    let amount = Money::new(12_340, Currency::KWD);
    assert_eq!(include_or_reason(&dinar), Inclusion::Included { amount });
}

#[test]
fn four_eyes() {
    let hands = Hands {
        creator: Some(1),
        submitter: Some(2),
        approvers: &[],
    };
    assert!(approve(&hands, 1, 100, None).is_err());
    assert!(approve(&hands, 2, 100, None).is_err());
    assert_eq!(approve(&hands, 3, 100, None), Ok(true));
    assert_eq!(approve(&hands, 3, 100, Some(100)), Ok(true));
    assert_eq!(approve(&hands, 3, 101, Some(100)), Ok(false));
    let hands = Hands {
        approvers: &[3],
        ..hands
    };
    assert!(approve(&hands, 3, 101, Some(100)).is_err());
    assert_eq!(approve(&hands, 4, 101, Some(100)), Ok(true));
}

#[rstest]
#[case("2026-01-10", 15, "2026-01-15")]
#[case("2026-01-15", 15, "2026-01-15")]
#[case("2026-01-16", 15, "2026-02-15")]
#[case("2026-02-10", 31, "2026-02-28")]
#[case("2028-02-10", 31, "2028-02-29")]
#[case("2026-12-31", 5, "2027-01-05")]
fn calendar(#[case] today: NaiveDate, #[case] day: u32, #[case] next: NaiveDate) {
    assert_eq!(next_payout_date(today, day), Some(next));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn a_run_never_pays_more_than_is_owed(
        minor: i64,
        minimum_minor: i64,
        code in prop::sample::select(vec!["EUR", "JPY", "KWD", "ISK"]),
    ) {
        let balance = Money::new(minor, code.parse().unwrap());
        let decided = include_or_reason(&Candidate { balance, minimum_minor, ..candidate(0) });
        if let Inclusion::Included { amount } = decided {
            prop_assert!(amount.minor > 0 && amount.minor <= minor && minor >= minimum_minor);
            prop_assert_eq!(amount.minor % amount.currency.transfer_step(), 0);
        }
    }
}
