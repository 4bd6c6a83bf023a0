//! Which account a customer at Stripe belongs to, by everything that is said about it.
//!
//! It is decided by the set of what was said, never by what was said first: news arrive in any order.

use std::collections::BTreeSet;

crate::text_enum! {
    /// What a customer was matched by.
    pub enum MatchedBy {
        /// Metadata on an object of Stripe's, which only the vendor's key can write.
        Metadata = "metadata" => "Metadata",
        /// The customer was named when a deal was won.
        Linked = "linked" => "Linked",
        /// A reference at the checkout that Portico has signed.
        ClientReference = "client_reference" => "Reference",
        /// The domain of the e-mail address.
        Domain = "domain" => "Mail domain",
        /// A person said so.
        Hand = "hand" => "By hand",
    }
}

impl MatchedBy {
    /// Whether a person decided it: what else is said changes nothing then.
    pub const fn is_a_persons(self) -> bool {
        matches!(self, Self::Linked | Self::Hand)
    }
}

/// Accounts (`account.id`) that are named, by what names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// The metadata of the customer itself.
    pub own_metadata: Option<i64>,
    /// The metadata of its subscriptions, invoices and checkouts.
    pub metadata: BTreeSet<i64>,
    /// References with Portico's signature.
    pub signed: BTreeSet<i64>,
    /// References without: a buyer can type them.
    pub unsigned: BTreeSet<i64>,
    /// The account that has the domain of the e-mail address.
    pub domain: Option<i64>,
}

/// Where a customer belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// To this account.
    To(i64, MatchedBy),
    /// A person has to decide between what is said.
    Ask,
    /// Nothing is known.
    Nowhere,
}

/// Decides it. The vendor's own word holds, of the customer before that of what it buys; two words of
/// the same weight that differ are a question. A reference that Portico signed counts unless the
/// mail domain is another company's. One that anybody can type decides nothing: it may agree with the
/// domain, everything else is a question.
pub fn belongs(hints: &Hints) -> Belongs {
    if let Some(account) = hints.own_metadata {
        return Belongs::To(account, MatchedBy::Metadata);
    }
    let mut metadata = hints.metadata.iter();
    match (metadata.next(), metadata.next()) {
        (Some(only), None) => return Belongs::To(*only, MatchedBy::Metadata),
        (Some(_), Some(_)) => return Belongs::Ask,
        _ => {}
    }
    let (named, signed) = match hints.signed.is_empty() {
        true => (&hints.unsigned, false),
        false => (&hints.signed, true),
    };
    let mut accounts = named.iter();
    match (accounts.next(), accounts.next(), hints.domain) {
        (None, ..) => match hints.domain {
            Some(account) => Belongs::To(account, MatchedBy::Domain),
            None => Belongs::Nowhere,
        },
        (Some(only), None, Some(account)) if *only == account => {
            let by = if signed {
                MatchedBy::ClientReference
            } else {
                MatchedBy::Domain
            };
            Belongs::To(account, by)
        }
        (Some(only), None, None) if signed => Belongs::To(*only, MatchedBy::ClientReference),
        _ => Belongs::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn hints(own: Option<i64>, sets: [&str; 3], domain: Option<i64>) -> Hints {
        let ids = |text: &str| {
            text.split_whitespace()
                .map(|id| id.parse().unwrap())
                .collect()
        };
        let [metadata, signed, unsigned] = sets.map(ids);
        Hints {
            own_metadata: own,
            metadata,
            signed,
            unsigned,
            domain,
        }
    }

    use Belongs::{Ask, Nowhere, To};
    use MatchedBy::{ClientReference, Domain, Metadata};

    #[rstest]
    #[case::nothing(None, ["", "", ""], None, Nowhere)]
    #[case::domain(None, ["", "", ""], Some(1), To(1, Domain))]
    #[case::metadata_over_domain(None, ["2", "", ""], Some(1), To(2, Metadata))]
    #[case::customer_over_subscription(Some(3), ["2", "", ""], Some(1), To(3, Metadata))]
    #[case::two_subscriptions_differ(None, ["2 3", "", ""], Some(1), Ask)]
    #[case::signed_alone(None, ["", "2", ""], None, To(2, ClientReference))]
    #[case::signed_fits(None, ["", "1", ""], Some(1), To(1, ClientReference))]
    #[case::signed_against_the_domain(None, ["", "2", ""], Some(1), Ask)]
    #[case::signed_twice(None, ["", "2 3", ""], None, Ask)]
    #[case::typed_alone(None, ["", "", "2"], None, Ask)]
    #[case::typed_fits(None, ["", "", "1"], Some(1), To(1, Domain))]
    #[case::typed_against_the_domain(None, ["", "", "2"], Some(1), Ask)]
    #[case::typed_beside_signed(None, ["", "1", "2"], Some(1), To(1, ClientReference))]
    #[case::metadata_over_typed(None, ["2", "", "3"], Some(1), To(2, Metadata))]
    fn what_counts(
        #[case] own: Option<i64>,
        #[case] sets: [&str; 3],
        #[case] domain: Option<i64>,
        #[case] expected: Belongs,
    ) {
        assert_eq!(belongs(&hints(own, sets, domain)), expected);
    }
}
