//! What can stand in the way of a registration, in words.

use serde::{Deserialize, Serialize};

crate::text_enum! {
    /// What was found about the account before a person looks.
    pub enum ConflictKind {
        /// Another partner has a protected registration for the account and a common line.
        Duplicate = "duplicate" => "Duplicate",
        /// The account already buys from the vendor.
        ExistingCustomer = "existing_customer" => "Existing customer",
        /// The vendor's own team works on the account.
        HouseAccount = "house_account" => "House account",
        /// The customer is the partner itself, or a member's own domain.
        SelfReferral = "self_referral" => "Self-referral",
        /// Another account has a similar name; only a hint.
        SimilarName = "similar_name" => "Similar name",
    }
}

crate::text_enum! {
    /// What a finding does to the registration.
    pub enum Severity {
        /// It is refused at once.
        Refuses = "refuses" => "Refused",
        /// A person decides.
        Stops = "stops" => "Conflict",
        /// Shown to the reviewer, nothing more.
        Hint = "hint" => "Hint",
    }
}

impl ConflictKind {
    /// What this kind does to the registration.
    pub const fn severity(self) -> Severity {
        match self {
            Self::SelfReferral => Severity::Refuses,
            Self::Duplicate | Self::ExistingCustomer | Self::HouseAccount => Severity::Stops,
            Self::SimilarName => Severity::Hint,
        }
    }
}

/// One finding about a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What it is.
    pub kind: ConflictKind,
    /// The account or domain it is about, as staff see it. Never shown to another partner when it
    /// would name somebody else's deal.
    pub about: String,
}

impl Conflict {
    /// Names a finding about an account or domain.
    pub fn new(kind: ConflictKind, about: impl Into<String>) -> Self {
        Self {
            kind,
            about: about.into(),
        }
    }

    /// The sentence staff read.
    pub fn sentence(&self) -> String {
        let about = &self.about;
        match self.kind {
            ConflictKind::Duplicate => {
                format!(
                    "{about} is already protected for another partner on a common product line."
                )
            }
            ConflictKind::ExistingCustomer => format!("{about} is already a customer."),
            ConflictKind::HouseAccount => {
                format!("The vendor’s own team is already working on {about}.")
            }
            ConflictKind::SelfReferral => {
                format!("{about} belongs to the partner itself, and a partner cannot refer itself.")
            }
            ConflictKind::SimilarName => {
                format!("The name is similar to {about}; check that it is not the same company.")
            }
        }
    }

    /// The sentence the registering partner reads: it names no other partner and no other deal.
    pub fn sentence_for_partner(&self) -> &'static str {
        match self.kind {
            ConflictKind::Duplicate => {
                "This company is already registered for one of these product lines. You can join \
                 the waiting list and are told if it becomes free."
            }
            ConflictKind::ExistingCustomer => {
                "This company is already a customer. A manager looks at what you add and decides."
            }
            ConflictKind::HouseAccount => {
                "Our own team is already talking to this company. A manager looks at it and decides."
            }
            ConflictKind::SelfReferral => {
                "This is your own company or a colleague’s. Register a deal with another company."
            }
            ConflictKind::SimilarName => {
                "A company with a similar name is known to us; a manager checks that it is another."
            }
        }
    }
}
