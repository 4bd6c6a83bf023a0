use super::*;
use crate::money::{Currency, Money};
use crate::transition::testing::assert_closed;
use proptest::prelude::*;
use rstest::rstest;

const SOUND: Standing = Standing {
    active: true,
    owned: true,
    held: false,
    signed: true,
    account: PayoutAccountState::Ready,
    account_waits: false,
    country_paid: true,
};

fn candidate(minor: i64) -> Candidate {
    Candidate {
        balance: Money::new(minor, Currency::EUR),
        minimum_minor: 5_000,
        standing: SOUND,
        open_payout: false,
    }
}

fn with(standing: Standing) -> Candidate {
    Candidate {
        standing,
        ..candidate(9_000)
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
#[case(Candidate { open_payout: true, ..candidate(9_000) }, LeftOut::OpenPayout)]
fn left_out_by_its_amount(#[case] candidate: Candidate, #[case] reason: LeftOut) {
    assert_eq!(include_or_reason(&candidate), Inclusion::LeftOut { reason });
}

/// What stands against a partner stands against it at every step: when the run is counted, when it
/// is frozen, and when a payout is about to be sent.
#[rstest]
#[case(Standing { active: false, ..SOUND }, LeftOut::PartnerInactive)]
#[case(Standing { owned: false, ..SOUND }, LeftOut::NoOwner)]
#[case(Standing { held: true, ..SOUND }, LeftOut::Held)]
#[case(Standing { signed: false, ..SOUND }, LeftOut::NotSigned)]
#[case(Standing { country_paid: false, ..SOUND }, LeftOut::CountryNotPaid)]
#[case(Standing { account_waits: true, ..SOUND }, LeftOut::NewAccount)]
#[case(Standing { account: PayoutAccountState::None, ..SOUND }, LeftOut::NoAccount)]
#[case(Standing { account: PayoutAccountState::Closed, ..SOUND }, LeftOut::NoAccount)]
#[case(Standing { account: PayoutAccountState::Restricted, ..SOUND }, LeftOut::AccountRestricted)]
#[case(Standing { account: PayoutAccountState::UnderReview, ..SOUND }, LeftOut::AccountIncomplete)]
fn left_out_at_every_step(#[case] standing: Standing, #[case] reason: LeftOut) {
    let counted = include_or_reason(&with(standing));
    assert_eq!(counted, Inclusion::LeftOut { reason });
    let freezing = Freezing {
        standing,
        excluded: false,
        open_payout: false,
        as_submitted: true,
    };
    assert_eq!(freezing.refusal(), Some(reason));
    let claim = Claim {
        standing,
        excluded: false,
        same_account: true,
    };
    assert_eq!(claim.refusal(), Some(reason));
}

#[test]
fn what_was_approved_leaves_only_as_approved() {
    let freezing = Freezing {
        standing: SOUND,
        excluded: false,
        open_payout: false,
        as_submitted: true,
    };
    assert_eq!(freezing.refusal(), None);
    for (freezing, reason) in [
        (
            Freezing {
                as_submitted: false,
                ..freezing
            },
            LeftOut::Changed,
        ),
        (
            Freezing {
                open_payout: true,
                ..freezing
            },
            LeftOut::OpenPayout,
        ),
        (
            Freezing {
                excluded: true,
                ..freezing
            },
            LeftOut::Excluded,
        ),
    ] {
        assert_eq!(freezing.refusal(), Some(reason));
    }
    let claim = Claim {
        standing: SOUND,
        excluded: false,
        same_account: true,
    };
    assert_eq!(claim.refusal(), None);
    for (claim, reason) in [
        (
            Claim {
                same_account: false,
                ..claim
            },
            LeftOut::AccountReplaced,
        ),
        (
            Claim {
                excluded: true,
                ..claim
            },
            LeftOut::Excluded,
        ),
    ] {
        assert_eq!(claim.refusal(), Some(reason));
    }
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
        composed: &[
            (1, Did::Drafted),
            (2, Did::Submitted),
            (5, Did::Excluded),
            (6, Did::PutBack),
            (7, Did::Counted),
        ],
        approvers: &[],
    };
    for hand in [1, 2, 5, 6, 7] {
        let why = approve(&hands, hand, 100, None).expect_err("a hand");
        assert!(why.starts_with("You "), "{why}");
    }
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
