//! Partner organisations, the people in them, the vendor's staff, and onboarding.

use crate::transition::{Machine, Transition, Who, step};

crate::text_enum! {
    /// Whether a partner takes part.
    pub enum PartnerStatus {
        /// Takes part.
        Active = "active" => "Active",
        /// Paused; may come back.
        Deactivated = "deactivated" => "Deactivated",
        /// Shut out with a reason.
        Banned = "banned" => "Banned",
    }
}

const STAFF: &[Who] = &[Who::Staff];

const PARTNER_TABLE: &[Transition<PartnerStatus>] = &[
    step(
        PartnerStatus::Active,
        PartnerStatus::Deactivated,
        "Deactivate",
        STAFF,
    ),
    step(PartnerStatus::Active, PartnerStatus::Banned, "Ban", STAFF),
    step(
        PartnerStatus::Deactivated,
        PartnerStatus::Active,
        "Reactivate",
        STAFF,
    ),
    step(
        PartnerStatus::Deactivated,
        PartnerStatus::Banned,
        "Ban",
        STAFF,
    ),
    step(
        PartnerStatus::Banned,
        PartnerStatus::Deactivated,
        "Lift the ban",
        STAFF,
    ),
];

impl PartnerStatus {
    /// The allowed transitions. A lifted ban leads to "deactivated", so that coming back is a
    /// second decision.
    pub const MACHINE: Machine<PartnerStatus> = Machine {
        subject: "partner",
        table: PARTNER_TABLE,
    };
}

crate::text_enum! {
    /// What a person may do for a partner organisation.
    pub enum MemberRole {
        /// Everything for it.
        Owner = "owner" => "Owner",
        /// Deals and courses; earnings unless the owner switched that off.
        Member = "member" => "Member",
    }
}

crate::text_enum! {
    /// What a person does for the vendor.
    pub enum StaffRole {
        /// Reviews applications and deals, looks after partners, writes courses.
        Manager = "manager" => "Partner manager",
        /// Ledger, holds, adjustments, payout runs, statements, reconciliation.
        Finance = "finance" => "Finance",
        /// Programs, plans, tiers, staff, integrations.
        Admin = "admin" => "Administrator",
        /// Reads everything, changes nothing.
        Auditor = "auditor" => "Auditor",
    }
}

crate::text_enum! {
    /// Whom a program is for.
    pub enum ProgramKind {
        /// Partner organisations.
        Partner = "partner" => "Partner program",
        /// Customers who recommend.
        Customer = "customer" => "Customer referrals",
        /// The vendor's employees.
        Employee = "employee" => "Employee referrals",
    }
}

crate::text_enum! {
    /// What a new partner does after approval, in the order in which it helps.
    pub enum OnboardingStep {
        /// Company profile complete.
        Profile = "profile" => "Complete your profile",
        /// Colleagues invited.
        Members = "members" => "Invite your colleagues",
        /// Current terms signed.
        Agreement = "agreement" => "Sign the agreement",
        /// A required course passed.
        Certification = "certification" => "Get certified",
        /// A payout account that can receive.
        PayoutAccount = "payout_account" => "Connect your payout account",
        /// The first deal registered.
        FirstDeal = "first_deal" => "Register your first deal",
    }
}

impl OnboardingStep {
    /// Why the step is worth doing, for the checklist.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Profile => "Managers and customers see who you are.",
            Self::Members => "Colleagues register deals and take courses themselves.",
            Self::Agreement => "Commission can only be paid under a signed agreement.",
            Self::Certification => "Certified partners register deals and reach higher tiers.",
            Self::PayoutAccount => "Without it, earnings wait in your balance.",
            Self::FirstDeal => "A registered deal is protected for you.",
        }
    }

    /// True when the checklist is complete without it.
    pub const fn is_optional(self) -> bool {
        matches!(self, Self::Members)
    }
}

/// Progress through the checklist: steps done and the next one to offer.
pub fn onboarding_progress(
    done: impl Fn(OnboardingStep) -> bool,
) -> (usize, Option<OnboardingStep>) {
    let count = OnboardingStep::ALL.iter().filter(|s| done(**s)).count();
    let open = || OnboardingStep::ALL.iter().copied().filter(|s| !done(*s));
    (
        count,
        open().find(|s| !s.is_optional()).or_else(|| open().next()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_closed() {
        crate::transition::testing::assert_closed(PartnerStatus::MACHINE, &[PartnerStatus::Active]);
    }

    #[test]
    fn the_checklist_offers_what_counts_first() {
        assert_eq!(
            onboarding_progress(|_| false),
            (0, Some(OnboardingStep::Profile))
        );
        let (n, next) = onboarding_progress(|s| s == OnboardingStep::Profile);
        assert_eq!((n, next), (1, Some(OnboardingStep::Agreement)));
        let (n, next) = onboarding_progress(|s| s != OnboardingStep::Members);
        assert_eq!((n, next), (5, Some(OnboardingStep::Members)));
        assert_eq!(onboarding_progress(|_| true), (6, None));
    }
}
