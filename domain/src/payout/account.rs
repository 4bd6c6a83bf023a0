//! The partner's payout account: Stripe's capability and requirements in words.

use serde::{Deserialize, Serialize};

crate::text_enum! {
    /// Whether a connected account can receive transfers.
    pub enum PayoutAccountState {
        /// None connected.
        None = "none" => "Not connected",
        /// The partner still has to give something.
        Incomplete = "incomplete" => "Waiting for you",
        /// Stripe is checking what was given.
        UnderReview = "under_review" => "Being checked by Stripe",
        /// It can receive.
        Ready = "ready" => "Ready",
        /// Stripe has stopped it.
        Restricted = "restricted" => "Restricted",
        /// Closed for good.
        Closed = "closed" => "Closed",
    }
}

/// One thing Stripe still needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// Stripe's name of it, such as `identity.individual.date_of_birth`.
    pub what: String,
    /// `user` or `stripe`.
    pub awaiting: String,
    /// `currently_due`, `past_due` or `eventually_due`.
    pub deadline: String,
}

impl PayoutAccountState {
    /// The state of an account from what Stripe says of it. `transfers` is the status of the
    /// capability `recipient.stripe_balance.stripe_transfers`: only `active` can receive, coming
    /// back from onboarding proves nothing (docs.stripe.com/api/v2/core/accounts).
    pub fn from_stripe(
        transfers: Option<&str>,
        requirements: &[Requirement],
        closed: bool,
    ) -> Self {
        let user_owes = requirements
            .iter()
            .any(|r| r.awaiting == "user" && r.deadline != "eventually_due");
        match transfers {
            _ if closed => Self::Closed,
            Some("active") => Self::Ready,
            _ if user_owes => Self::Incomplete,
            Some("restricted" | "unsupported") => {
                // Restricted with nothing asked of the partner: Stripe is checking, or has said no.
                let waits = requirements.iter().any(|r| r.awaiting == "stripe");
                if waits {
                    Self::UnderReview
                } else {
                    Self::Restricted
                }
            }
            Some("pending") => Self::UnderReview,
            _ => Self::Incomplete,
        }
    }

    /// What the partner should know and do.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::None => "Connect a payout account so that your earnings can be paid.",
            Self::Incomplete => "Stripe needs more from you before it can pay. Continue there.",
            Self::UnderReview => {
                "Stripe is checking your details. You do not have to do anything now."
            }
            Self::Ready => "Ready: payouts arrive in this account.",
            Self::Restricted => {
                "Stripe has restricted this account. Open the Stripe dashboard to see why."
            }
            Self::Closed => "This account is closed. Connect another one to be paid.",
        }
    }
}

impl Requirement {
    /// What is needed, from whom and by when: `Date of birth, from you, now`.
    pub fn sentence(&self) -> String {
        let from = if self.awaiting == "stripe" {
            "from Stripe"
        } else {
            "from you"
        };
        let when = match self.deadline.as_str() {
            "past_due" => "overdue",
            "eventually_due" => "later",
            _ => "now",
        };
        format!("{}, {from}, {when}", self.words())
    }

    /// Stripe's name of the requirement in words.
    pub fn words(&self) -> String {
        const KNOWN: &[(&str, &str)] = &[
            ("date_of_birth", "Date of birth"),
            ("id_number", "Identification number"),
            ("tax_id", "Tax number"),
            ("address", "Address"),
            ("documents", "A document that proves it"),
            ("verification", "A document that proves it"),
            ("terms_of_service", "Acceptance of Stripe’s terms"),
            ("tos_acceptance", "Acceptance of Stripe’s terms"),
            ("bank_account", "Bank account"),
            ("external_account", "Bank account"),
            ("payout_method", "Bank account"),
            ("outbound_destination", "Bank account"),
            ("business_profile", "What your business does"),
            ("representative", "A person who represents the company"),
            ("owners", "The owners of the company"),
            ("directors", "The directors of the company"),
            ("given_name", "First name"),
            ("first_name", "First name"),
            ("surname", "Last name"),
            ("last_name", "Last name"),
            ("registered_name", "Registered name of the company"),
            ("email", "E-mail address"),
            ("phone", "Telephone number"),
        ];
        if let Some((_, words)) = KNOWN.iter().find(|(key, _)| self.what.contains(key)) {
            return (*words).to_owned();
        }
        let last = self.what.rsplit(['.', '[']).next().unwrap_or_default();
        let words = last.trim_end_matches(']').replace('_', " ");
        let mut letters = words.chars();
        match letters.next() {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => "Further details".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn needs(awaiting: &str, deadline: &str) -> Vec<Requirement> {
        vec![Requirement {
            what: "identity.individual.date_of_birth".into(),
            awaiting: awaiting.into(),
            deadline: deadline.into(),
        }]
    }

    #[rstest]
    #[case(Some("active"), vec![], false, PayoutAccountState::Ready)]
    #[case(Some("active"), vec![], true, PayoutAccountState::Closed)]
    #[case(
        Some("active"),
        needs("user", "eventually_due"),
        false,
        PayoutAccountState::Ready
    )]
    #[case(
        Some("restricted"),
        needs("user", "currently_due"),
        false,
        PayoutAccountState::Incomplete
    )]
    #[case(
        Some("restricted"),
        needs("stripe", "currently_due"),
        false,
        PayoutAccountState::UnderReview
    )]
    #[case(Some("restricted"), vec![], false, PayoutAccountState::Restricted)]
    #[case(Some("pending"), vec![], false, PayoutAccountState::UnderReview)]
    #[case(None, vec![], false, PayoutAccountState::Incomplete)]
    fn states(
        #[case] transfers: Option<&str>,
        #[case] requirements: Vec<Requirement>,
        #[case] closed: bool,
        #[case] state: PayoutAccountState,
    ) {
        assert_eq!(
            PayoutAccountState::from_stripe(transfers, &requirements, closed),
            state
        );
    }

    #[test]
    fn requirements_read_as_words() {
        assert_eq!(
            needs("user", "past_due")[0].sentence(),
            "Date of birth, from you, overdue"
        );
        let odd = Requirement {
            what: "configuration.recipient.favourite_colour".into(),
            awaiting: "user".into(),
            deadline: "currently_due".into(),
        };
        assert_eq!(odd.sentence(), "Favourite colour, from you, now");
    }
}
