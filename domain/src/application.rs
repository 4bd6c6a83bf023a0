//! Applying to a program: status, partner types, re-application and hints for the reviewer.

pub mod mail_hint;

use chrono::{DateTime, Duration, Utc};

use crate::transition::{Machine, Transition, Who, step};
pub use mail_hint::MailHint;

crate::text_enum! {
    /// Where an application stands; the applicant sees it at all times.
    pub enum ApplicationStatus {
        /// Kept, not sent.
        Draft = "draft" => "Draft",
        /// Sent; waits for a reviewer.
        Submitted = "submitted" => "Submitted",
        /// A reviewer has opened it.
        InReview = "in_review" => "In review",
        /// The reviewer has asked the applicant something.
        InformationRequested = "information_requested" => "Information requested",
        /// Approved: the applicant is a partner.
        Approved = "approved" => "Approved",
        /// Refused with a reason.
        Rejected = "rejected" => "Rejected",
        /// Taken back by the applicant.
        Withdrawn = "withdrawn" => "Withdrawn",
    }
}

use ApplicationStatus as A;
const PARTNER: &[Who] = &[Who::Partner];
const STAFF: &[Who] = &[Who::Staff];

const APPLICATION_TABLE: &[Transition<ApplicationStatus>] = &[
    step(A::Draft, A::Submitted, "Submit", PARTNER),
    step(A::Submitted, A::InReview, "Start review", STAFF),
    step(
        A::InReview,
        A::InformationRequested,
        "Ask for information",
        STAFF,
    ),
    step(
        A::InformationRequested,
        A::InReview,
        "Answer",
        &[Who::Partner, Who::Staff],
    ),
    step(A::InReview, A::Approved, "Approve", STAFF),
    step(A::InReview, A::Rejected, "Reject", STAFF),
    step(A::Draft, A::Withdrawn, "Withdraw", PARTNER),
    step(A::Submitted, A::Withdrawn, "Withdraw", PARTNER),
    step(A::InReview, A::Withdrawn, "Withdraw", PARTNER),
    step(A::InformationRequested, A::Withdrawn, "Withdraw", PARTNER),
];

impl ApplicationStatus {
    /// The allowed transitions.
    pub const MACHINE: Machine<ApplicationStatus> = Machine {
        subject: "application",
        table: APPLICATION_TABLE,
    };

    /// True while a reviewer owes an answer.
    pub const fn awaits_review(self) -> bool {
        matches!(self, Self::Submitted | Self::InReview)
    }

    /// True while the applicant may still change the fields.
    pub const fn is_editable(self) -> bool {
        matches!(self, Self::Draft | Self::InformationRequested)
    }

    /// True while the application is neither decided nor withdrawn.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Approved | Self::Rejected | Self::Withdrawn)
    }
}

crate::text_enum! {
    /// What kind of business a partner is.
    pub enum PartnerType {
        /// Works for its customers on the product.
        Agency = "agency" => "Agency",
        /// Sells the product on.
        Reseller = "reseller" => "Reseller",
        /// Connects the product with other systems.
        Integrator = "integrator" => "Integrator",
        /// Advises.
        Consultant = "consultant" => "Consultant",
        /// Makes a product that works with ours.
        Technology = "technology" => "Technology partner",
    }
}

crate::text_enum! {
    /// How many people work at a company.
    pub enum CompanySize {
        /// One person.
        Solo = "solo" => "Just me",
        /// 2 to 10.
        Small = "2_10" => "2–10 people",
        /// 11 to 50.
        Medium = "11_50" => "11–50 people",
        /// 51 to 200.
        Large = "51_200" => "51–200 people",
        /// 201 to 1000.
        VeryLarge = "201_1000" => "201–1,000 people",
        /// More than 1000.
        Enterprise = "over_1000" => "More than 1,000 people",
    }
}

crate::text_enum! {
    /// Why an application is rejected.
    pub enum RejectReason {
        /// The business does not fit the program.
        NotAFit = "not_a_fit" => "Not a fit for the program",
        /// The country is not served.
        Country = "country" => "Country not served",
        /// What was stated could not be confirmed.
        NotVerified = "not_verified" => "Could not be verified",
        /// The company already has an account.
        AlreadyPartner = "already_partner" => "Already a partner",
        /// Anything else; the note says what.
        Other = "other" => "Other",
    }
}

/// Whether somebody rejected at `rejected_at` may apply again after `wait_days`.
///
/// # Errors
/// The first instant at which it is possible.
pub fn may_reapply(
    rejected_at: DateTime<Utc>,
    wait_days: u32,
    now: DateTime<Utc>,
) -> Result<(), DateTime<Utc>> {
    let from = rejected_at
        .checked_add_signed(Duration::days(i64::from(wait_days)))
        .unwrap_or(DateTime::<Utc>::MAX_UTC);
    if now >= from { Ok(()) } else { Err(from) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn the_table_is_closed() {
        crate::transition::testing::assert_closed(ApplicationStatus::MACHINE, &[A::Draft]);
    }

    #[test]
    fn reapplication_waits_to_the_instant() {
        let at = Utc.with_ymd_and_hms(2026, 2, 1, 9, 0, 0).unwrap();
        let free = at + Duration::days(30);
        assert_eq!(may_reapply(at, 30, free - Duration::seconds(1)), Err(free));
        assert_eq!(may_reapply(at, 30, free), Ok(()));
        assert_eq!(may_reapply(at, 0, at), Ok(()));
    }
}
