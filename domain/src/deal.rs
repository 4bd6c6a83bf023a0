//! Deal registration: status, sales stage, protection, conflicts, automatic approval.

pub mod conflict;
#[cfg(feature = "server")]
pub mod protection;

use serde::{Deserialize, Serialize};

use crate::transition::{Machine, Transition, Who, step};
pub use conflict::{Conflict, ConflictKind};
#[cfg(feature = "server")]
pub use protection::{Protection, ProtectionPolicy};

crate::text_enum! {
    /// The vendor's view of a registration; the partner's sales stage is apart from it.
    pub enum DealStatus {
        /// Being written by the partner; nobody else sees it.
        Draft = "draft" => "Draft",
        /// Sent; waits for a reviewer.
        Submitted = "submitted" => "Submitted",
        /// A reviewer has opened it.
        InReview = "in_review" => "In review",
        /// The reviewer has asked the partner something.
        InformationRequested = "information_requested" => "Information requested",
        /// Approved; the account is protected for this partner.
        Approved = "approved" => "Approved",
        /// Refused with a reason.
        Rejected = "rejected" => "Rejected",
        /// Another partner's protected registration covers it; it may wait in line.
        Duplicate = "duplicate" => "Duplicate",
        /// The customer bought; linked to a Stripe customer.
        Won = "won" => "Won",
        /// The customer did not buy.
        Lost = "lost" => "Lost",
        /// Protection ran out.
        Expired = "expired" => "Expired",
        /// Taken back by the partner.
        Withdrawn = "withdrawn" => "Withdrawn",
        /// Taken away by the vendor with a reason.
        Revoked = "revoked" => "Revoked",
    }
}

use DealStatus as D;
const PARTNER: &[Who] = &[Who::Partner];
const STAFF: &[Who] = &[Who::Staff];
const SYSTEM: &[Who] = &[Who::System];

const DEAL_TABLE: &[Transition<DealStatus>] = &[
    step(D::Draft, D::Submitted, "Submit", PARTNER),
    step(
        D::Submitted,
        D::InReview,
        "Start review",
        &[Who::Staff, Who::System],
    ),
    step(
        D::InReview,
        D::InformationRequested,
        "Ask for information",
        STAFF,
    ),
    step(
        D::InformationRequested,
        D::InReview,
        "Answer",
        &[Who::Partner, Who::Staff],
    ),
    step(
        D::InReview,
        D::Approved,
        "Approve",
        &[Who::Staff, Who::System],
    ),
    step(
        D::InReview,
        D::Rejected,
        "Reject",
        &[Who::Staff, Who::System],
    ),
    step(
        D::InReview,
        D::Duplicate,
        "Mark as duplicate",
        &[Who::Staff, Who::System],
    ),
    step(
        D::Approved,
        D::Won,
        "Mark as won",
        &[Who::Partner, Who::Staff, Who::System],
    ),
    step(
        D::Approved,
        D::Lost,
        "Mark as lost",
        &[Who::Partner, Who::Staff],
    ),
    step(D::Won, D::Lost, "Mark as lost", STAFF),
    step(D::Approved, D::Expired, "Expire", SYSTEM),
    step(D::Approved, D::Withdrawn, "Withdraw", PARTNER),
    step(D::Approved, D::Revoked, "Revoke", STAFF),
];

impl DealStatus {
    /// The allowed transitions. A system decision (automatic approval, a found duplicate) passes
    /// through "in review" like everybody's, so the timeline always reads the same.
    pub const MACHINE: Machine<DealStatus> = Machine {
        subject: "deal registration",
        table: DEAL_TABLE,
    };

    /// True while a reviewer owes an answer: the review clock runs.
    pub const fn awaits_review(self) -> bool {
        matches!(self, Self::Submitted | Self::InReview)
    }

    /// True while the registration holds its account and product lines against other partners.
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Approved | Self::Won)
    }

    /// True when money that arrived while the registration was protected wins it although it is over
    /// by the time somebody is told of the money. Only billing does that: a payment is a fact, and
    /// whether its news came before or after the calendar is not.
    pub const fn is_won_by_earlier_payment(self) -> bool {
        matches!(
            self,
            Self::Approved | Self::Expired | Self::Withdrawn | Self::Revoked | Self::Lost
        )
    }

    /// True while the partner may still change the fields.
    pub const fn is_editable(self) -> bool {
        matches!(self, Self::Draft | Self::InformationRequested)
    }

    /// True when neither side is expected to do anything more. A won registration is, although the
    /// vendor may still find that the customer did not buy.
    pub fn is_closed(self) -> bool {
        self == Self::Won || Self::MACHINE.is_final(self)
    }
}

crate::text_enum! {
    /// The partner's own progress with the customer. Says nothing about the registration.
    pub enum SalesStage {
        /// First contact.
        Prospecting = "prospecting" => "Prospecting",
        /// Need, budget and decision maker are known.
        Qualified = "qualified" => "Qualified",
        /// An offer is with the customer.
        Proposal = "proposal" => "Proposal",
        /// Terms are being agreed.
        Negotiation = "negotiation" => "Negotiation",
        /// Agreed by word; the signature is missing.
        VerbalCommit = "verbal_commit" => "Verbal commitment",
    }
}

impl SalesStage {
    /// The place in the pipeline, 0 first.
    pub const fn position(self) -> usize {
        self as usize
    }
}

crate::text_enum! {
    /// Why a reviewer rejects a registration.
    pub enum RejectReason {
        /// Already buys from the vendor.
        ExistingCustomer = "existing_customer" => "Already a customer",
        /// The vendor's own sales team works on it.
        HouseAccount = "house_account" => "Already worked on by the vendor",
        /// Not enough evidence of a real opportunity.
        NotEnoughDetail = "not_enough_detail" => "Not enough detail",
        /// The product does not fit the need.
        NotAFit = "not_a_fit" => "Not a fit",
        /// Outside the countries or lines the partner may sell.
        OutOfScope = "out_of_scope" => "Outside the agreement",
        /// The partner or its own people are the customer.
        SelfReferral = "self_referral" => "Own company",
        /// Anything else; the note says what.
        Other = "other" => "Other",
    }
}

/// When a program approves registrations without a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoApproval {
    /// Lowest tier rank that is trusted with it.
    pub min_tier_rank: i32,
    /// Largest estimated value in minor units of the program's currency.
    pub max_value_minor: i64,
}

/// What a registration brings to the automatic decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoFacts<'a> {
    /// The partner's tier rank, `None` before it has one.
    pub tier_rank: Option<i32>,
    /// Estimated value in minor units of the program's currency; `None` when it is in another.
    pub value_minor: Option<i64>,
    /// What was found about the account.
    pub conflicts: &'a [Conflict],
}

/// Decides whether a registration is approved at once.
///
/// # Errors
/// The sentence that goes on the timeline: why a person looks at it.
pub fn auto_approve(rule: Option<&AutoApproval>, facts: &AutoFacts<'_>) -> Result<(), String> {
    let Some(rule) = rule else {
        return Err("This program has every registration reviewed by a person.".into());
    };
    if let Some(conflict) = facts.conflicts.first() {
        return Err(format!("A person looks at it: {}", conflict.sentence()));
    }
    match facts.tier_rank {
        Some(rank) if rank >= rule.min_tier_rank => {}
        _ => return Err("The partner’s tier is below the one that is approved at once.".into()),
    }
    match facts.value_minor {
        Some(value) if value <= rule.max_value_minor => Ok(()),
        Some(_) => Err("The estimated value is above what is approved at once.".into()),
        None => Err("The estimated value is not in the program’s currency.".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_table_is_closed() {
        crate::transition::testing::assert_closed(DealStatus::MACHINE, &[D::Draft]);
    }

    #[test]
    fn a_refusal_says_what_is_possible() {
        let refusal = DealStatus::MACHINE.check(D::Submitted, D::Won).unwrap_err();
        assert_eq!(
            refusal.sentence,
            "This deal registration is “Submitted” and cannot become “Won”; from here it can \
             become “In review”."
        );
        let refusal = DealStatus::MACHINE.check(D::Lost, D::Won).unwrap_err();
        assert!(refusal.sentence.contains("which is final"));
        let refusal = DealStatus::MACHINE.check_by(D::InReview, D::Approved, Who::Partner);
        assert_eq!(
            refusal.unwrap_err().sentence,
            "Only a reviewer or the system can change this deal registration from “In review” to \
             “Approved”."
        );
    }

    #[rstest]
    #[case(D::Submitted, true)]
    #[case(D::InReview, true)]
    #[case(D::InformationRequested, false)]
    #[case(D::Approved, false)]
    fn the_review_clock_stops_while_the_partner_answers(#[case] s: DealStatus, #[case] runs: bool) {
        assert_eq!(s.awaits_review(), runs);
    }

    #[rstest]
    #[case(Some(3), Some(100), true)]
    #[case(Some(3), Some(101), false)]
    #[case(Some(2), Some(1), false)]
    #[case(None, Some(1), false)]
    #[case(Some(3), None, false)]
    fn automatic_approval(
        #[case] tier_rank: Option<i32>,
        #[case] value_minor: Option<i64>,
        #[case] approved: bool,
    ) {
        let rule = AutoApproval {
            min_tier_rank: 3,
            max_value_minor: 100,
        };
        let facts = AutoFacts {
            tier_rank,
            value_minor,
            conflicts: &[],
        };
        assert_eq!(auto_approve(Some(&rule), &facts).is_ok(), approved);
        assert!(auto_approve(None, &facts).is_err());
        let conflicts = [Conflict::new(ConflictKind::SimilarName, "Acme")];
        let facts = AutoFacts {
            conflicts: &conflicts,
            ..facts
        };
        assert!(auto_approve(Some(&rule), &facts).is_err());
    }
}
