//! Attribution: which touch of a customer counts, and what goes first.

mod belonging;

pub use belonging::{Belongs, Hints, MatchedBy, belongs};

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};

use crate::money::{Bp, split_largest_remainder};

crate::text_enum! {
    /// How a partner was connected with a customer, weakest first.
    pub enum TouchKind {
        /// Somebody followed the partner's link.
        Link = "link" => "Link",
        /// The customer used the partner's code.
        Code = "code" => "Code",
        /// The partner handed in a lead that was accepted.
        Lead = "lead" => "Lead",
        /// The partner registered the deal and it was approved.
        RegisteredDeal = "registered_deal" => "Registered deal",
    }
}

crate::text_enum! {
    /// How credit is given when several touches are left.
    pub enum TouchModel {
        /// All to the last.
        Last = "last" => "Last touch",
        /// All to the first.
        First = "first" => "First touch",
        /// The same to each.
        Linear = "linear" => "Shared equally",
        /// Half as much for each week further back.
        TimeDecay = "time_decay" => "Shared, later touches more",
    }
}

/// A moment that connects a partner with a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// Whose.
    pub partner_id: i64,
    /// How.
    pub kind: TouchKind,
    /// When.
    pub at: DateTime<Utc>,
}

/// A partner's share of the credit for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// Whose.
    pub partner_id: i64,
    /// How much; all shares are 100 % together.
    pub share: Bp,
}

/// True when a credit, or the protection that becomes one, counts for money that arrived at
/// `paid_at`. Stripe's times are whole seconds, so what began within the second of the payment
/// counts; what ended at that second does not. When somebody is told of the payment plays no part.
pub fn covers(
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    paid_at: DateTime<Utc>,
) -> bool {
    starts_at.trunc_subsecs(0) <= paid_at && ends_at.is_none_or(|end| paid_at < end)
}

/// True when a touch at `at` still counts at `signed_up_at`: on the last day of the window, not
/// after it, and never when it came later than the customer.
pub fn in_window(at: DateTime<Utc>, signed_up_at: DateTime<Utc>, window_days: u32) -> bool {
    let age = signed_up_at - at;
    age >= Duration::zero() && age <= Duration::days(i64::from(window_days))
}

/// Gives the credit for a customer. The strongest kind of touch goes first (registered deal, lead,
/// code, link), whatever the model; the model shares among touches of that kind. A registered deal
/// counts while it is protected, so the window does not apply to it. Also gives back the sentence
/// that explains the choice. Empty when no touch counts.
pub fn attribute(
    touches: &[Touch],
    signed_up_at: DateTime<Utc>,
    window_days: u32,
    model: TouchModel,
) -> (Vec<Credit>, String) {
    let mut counting: Vec<&Touch> = touches
        .iter()
        .filter(|t| match t.kind {
            TouchKind::RegisteredDeal => t.at <= signed_up_at,
            _ => in_window(t.at, signed_up_at, window_days),
        })
        .collect();
    let Some(kind) = counting.iter().map(|t| t.kind).max() else {
        return (
            Vec::new(),
            format!("No touch lies within the {window_days} days before."),
        );
    };
    let dropped = counting.iter().any(|t| t.kind != kind);
    counting.retain(|t| t.kind == kind);
    // The partner's id settles equal times, so that the answer never depends on the reading order.
    counting.sort_by_key(|t| (t.at, t.partner_id));
    let weights = weights(&counting, model);
    let shares =
        split_largest_remainder(Bp::WHOLE.0, &weights).unwrap_or_else(|_| vec![0; weights.len()]);
    let mut credits: Vec<Credit> = Vec::new();
    for (touch, share) in counting.iter().zip(shares) {
        match credits
            .iter_mut()
            .find(|c| c.partner_id == touch.partner_id)
        {
            Some(credit) => credit.share.0 += share,
            None => credits.push(Credit {
                partner_id: touch.partner_id,
                share: Bp(share),
            }),
        }
    }
    credits.retain(|credit| credit.share.0 > 0);
    let what = kind.label().to_lowercase();
    let first = if dropped {
        ", which goes before the other touches"
    } else {
        ""
    };
    let sentence = match counting.len() {
        1 => format!("By a {what}{first}."),
        n => format!(
            "By {n} touches of kind {what}{first}: {}.",
            model.label().to_lowercase()
        ),
    };
    (credits, sentence)
}

/// The weight of each touch, oldest first. At least one is above zero.
fn weights(touches: &[&Touch], model: TouchModel) -> Vec<u64> {
    let last = touches.len().saturating_sub(1);
    let newest = touches.last().map(|t| t.at);
    touches
        .iter()
        .enumerate()
        .map(|(i, touch)| match model {
            TouchModel::Last => u64::from(i == last),
            TouchModel::First => u64::from(i == 0),
            TouchModel::Linear => 1,
            TouchModel::TimeDecay => {
                let weeks = newest.map_or(0, |newest| (newest - touch.at).num_weeks());
                // 2^40 for the newest, so forty weeks back still weigh something.
                (1_u64 << 40) >> weeks.clamp(0, 40)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;
    use rstest::rstest;

    fn day(n: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap() + Duration::days(n)
    }

    fn touch(partner_id: i64, kind: TouchKind, at: i64) -> Touch {
        Touch {
            partner_id,
            kind,
            at: day(at),
        }
    }

    #[rstest]
    #[case::on_the_second_it_begins(10_500, None, 10_000, true)]
    #[case::a_second_before(11_000, None, 10_000, false)]
    #[case::on_the_second_it_ends(0, Some(10_000), 10_000, false)]
    #[case::within_the_second_before_the_end(0, Some(10_400), 10_000, true)]
    fn money_is_credited_by_when_it_arrived(
        #[case] starts: i64,
        #[case] ends: Option<i64>,
        #[case] paid: i64,
        #[case] covered: bool,
    ) {
        let at = |millis: i64| day(0) + Duration::milliseconds(millis);
        assert_eq!(covers(at(starts), ends.map(at), at(paid)), covered);
    }

    #[rstest]
    #[case(0, 90, true)]
    #[case(0, 91, false)]
    #[case(5, 4, false)]
    #[case(5, 5, true)]
    fn windows(#[case] at: i64, #[case] signed_up: i64, #[case] counts: bool) {
        assert_eq!(in_window(day(at), day(signed_up), 90), counts);
    }

    #[rstest]
    #[case(TouchModel::Last, &[(2, 10_000)])]
    #[case(TouchModel::First, &[(1, 10_000)])]
    #[case(TouchModel::Linear, &[(1, 6_667), (2, 3_333)])]
    #[case(TouchModel::TimeDecay, &[(1, 4_286), (2, 5_714)])]
    fn models(#[case] model: TouchModel, #[case] expected: &[(i64, i64)]) {
        let touches = [
            touch(1, TouchKind::Link, 0),
            touch(1, TouchKind::Link, 7),
            touch(2, TouchKind::Link, 14),
        ];
        let (credits, sentence) = attribute(&touches, day(20), 90, model);
        let got: Vec<(i64, i64)> = credits.iter().map(|c| (c.partner_id, c.share.0)).collect();
        assert_eq!(got, expected, "{sentence}");
    }

    #[test]
    fn the_stronger_kind_goes_first() {
        let touches = [
            touch(1, TouchKind::RegisteredDeal, -200),
            touch(2, TouchKind::Code, 10),
            touch(3, TouchKind::Link, 19),
        ];
        let (credits, sentence) = attribute(&touches, day(20), 90, TouchModel::Last);
        assert_eq!(
            credits,
            [Credit {
                partner_id: 1,
                share: Bp::WHOLE
            }]
        );
        assert_eq!(
            sentence,
            "By a registered deal, which goes before the other touches."
        );
        let (credits, _) = attribute(&touches[1..], day(20), 90, TouchModel::Last);
        assert_eq!(credits[0].partner_id, 2);
        let (credits, sentence) = attribute(&touches[1..], day(300), 90, TouchModel::Last);
        assert!(credits.is_empty() && sentence.contains("90 days"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn credit_is_whole_and_order_does_not_matter(
            raw in prop::collection::vec((1_i64..5, 0_usize..4, 0_i64..400), 0..12),
            model in prop::sample::select(TouchModel::ALL.to_vec()),
        ) {
            let mut touches: Vec<Touch> =
                raw.iter().map(|(p, k, at)| touch(*p, TouchKind::ALL[*k], *at)).collect();
            let (credits, sentence) = attribute(&touches, day(300), 90, model);
            let sum: i64 = credits.iter().map(|c| c.share.0).sum();
            prop_assert!(credits.is_empty() || sum == 10_000);
            touches.reverse();
            prop_assert_eq!(attribute(&touches, day(300), 90, model), (credits, sentence));
        }
    }
}
