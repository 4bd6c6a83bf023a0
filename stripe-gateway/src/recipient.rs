//! Connected accounts that receive transfers (Accounts v2), in the portal's words.

use chrono::{DateTime, Utc};
use domain::money::Currency;
use serde_json::Value;

use crate::billing::open_enum;
use crate::read::{BadObject, Node};

open_enum! {
    /// Whether transfers to the account are possible.
    CapabilityStatus {
        /// They are.
        Active = "active",
        /// Stripe is checking.
        Pending = "pending",
        /// Something is missing; see the requirements.
        Restricted = "restricted",
        /// Not possible for this account or country.
        Unsupported = "unsupported",
    }
}

open_enum! {
    /// The legal form of whoever owns the account.
    EntityType {
        /// A company.
        Company = "company",
        /// A public body.
        GovernmentEntity = "government_entity",
        /// One person.
        Individual = "individual",
        /// A charity or the like.
        NonProfit = "non_profit",
    }
}

open_enum! {
    /// Who has to act next.
    AwaitingFrom {
        /// The partner.
        User = "user",
        /// Stripe.
        Stripe = "stripe",
    }
}

open_enum! {
    /// How pressing a requirement is.
    Deadline {
        /// Needed now.
        CurrentlyDue = "currently_due",
        /// Needed some day.
        EventuallyDue = "eventually_due",
        /// Overdue: something is already switched off.
        PastDue = "past_due",
    }
}

/// One thing Stripe still wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// In words, such as “date of birth of the representative”.
    pub what: String,
    /// Stripe's own name for it, such as `representative.date_of_birth`.
    pub code: String,
    /// Why what was given was not good enough, in Stripe's words.
    pub problems: Vec<String>,
    /// Who has to act.
    pub awaiting: AwaitingFrom,
    /// How pressing it is.
    pub deadline: Deadline,
    /// By when, where Stripe says so.
    pub due: Option<DateTime<Utc>>,
}

/// A connected account as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientAccount {
    /// `acct_…`.
    pub id: String,
    /// The name given to it.
    pub display_name: Option<String>,
    /// Where Stripe writes to.
    pub email: Option<String>,
    /// Whether money can be sent to it; only [`CapabilityStatus::Active`] means yes.
    pub transfers_status: CapabilityStatus,
    /// Why it is not active, in Stripe's codes.
    pub status_details: Vec<String>,
    /// Whether the account can pay out to its bank, where Stripe says so.
    pub payouts_status: Option<CapabilityStatus>,
    /// What Stripe still wants, in its order.
    pub requirements: Vec<Requirement>,
    /// The most pressing of them.
    pub minimum_deadline: Option<Deadline>,
    /// By when the most pressing one is due.
    pub minimum_deadline_at: Option<DateTime<Utc>>,
    /// Whether the account is closed for good.
    pub closed: bool,
    /// ISO 3166-1 alpha-2, in capitals.
    pub country: Option<String>,
    /// The legal form.
    pub entity_type: Option<EntityType>,
    /// What it is paid out in, unless it has several bank accounts.
    pub currency: Option<Currency>,
    /// When it was made.
    pub created: Option<DateTime<Utc>>,
}

impl RecipientAccount {
    /// Whether a transfer to it can be made.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.closed && self.transfers_status == CapabilityStatus::Active
    }

    /// Whether the partner, and not Stripe, has to do something now.
    #[must_use]
    pub fn needs_partner(&self) -> bool {
        self.requirements.iter().any(|requirement| {
            requirement.awaiting == AwaitingFrom::User
                && requirement.deadline != Deadline::EventuallyDue
        })
    }

    /// Reads a `v2.core.account`.
    ///
    /// # Errors
    /// When it has no id or a field of the wrong kind.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let account = Node::typed(value, "v2.core.account")?;
        let capabilities = account
            .child("configuration")
            .and_then(|node| node.child("recipient"))
            .and_then(|node| node.child("capabilities"))
            .and_then(|node| node.child("stripe_balance"));
        let transfers = capabilities
            .as_ref()
            .and_then(|node| node.child("stripe_transfers"));
        let status_details = match &transfers {
            None => Vec::new(),
            Some(node) => node
                .items("status_details")?
                .iter()
                .filter_map(|detail| detail.opt_text("code"))
                .collect(),
        };
        let requirements = account.child("requirements");
        let summary = requirements
            .as_ref()
            .and_then(|node| node.child("summary"))
            .and_then(|node| node.child("minimum_deadline"));
        let identity = account.child("identity");
        Ok(Self {
            id: account.text("id")?,
            display_name: account.opt_text("display_name"),
            email: account.opt_text("contact_email"),
            // An account whose capability was never asked for cannot be paid either.
            transfers_status: transfers
                .and_then(|node| node.opt_text("status"))
                .map_or(CapabilityStatus::Restricted, |status| {
                    status.as_str().into()
                }),
            status_details,
            payouts_status: capabilities
                .and_then(|node| node.child("payouts"))
                .and_then(|node| node.opt_text("status"))
                .map(|status| status.as_str().into()),
            requirements: match &requirements {
                None => Vec::new(),
                Some(node) => node
                    .items("entries")?
                    .iter()
                    .map(requirement)
                    .collect::<Result<_, _>>()?,
            },
            minimum_deadline: summary
                .as_ref()
                .and_then(|node| node.opt_text("status"))
                .map(|status| status.as_str().into()),
            minimum_deadline_at: match &summary {
                None => None,
                Some(node) => node.opt_time("time")?,
            },
            closed: account.flag("closed"),
            country: identity
                .as_ref()
                .and_then(|node| node.opt_text("country"))
                .map(|country| country.to_ascii_uppercase()),
            entity_type: identity
                .as_ref()
                .and_then(|node| node.opt_text("entity_type"))
                .map(|kind| kind.as_str().into()),
            currency: match account.child("defaults") {
                None => None,
                Some(node) => node.opt_currency("currency")?,
            },
            created: account.opt_time("created")?,
        })
    }
}

fn requirement(entry: &Node<'_>) -> Result<Requirement, BadObject> {
    let code = entry.text("description")?;
    let deadline = entry.child("minimum_deadline");
    Ok(Requirement {
        what: in_words(&code),
        problems: entry
            .items("errors")?
            .iter()
            .filter_map(|error| {
                error
                    .opt_text("description")
                    .or_else(|| error.opt_text("code"))
            })
            .collect(),
        awaiting: entry
            .opt_text("awaiting_action_from")
            .map_or(AwaitingFrom::User, |from| from.as_str().into()),
        deadline: deadline
            .as_ref()
            .and_then(|node| node.opt_text("status"))
            .map_or(Deadline::CurrentlyDue, |status| status.as_str().into()),
        due: match &deadline {
            None => None,
            Some(node) => node.opt_time("time")?,
        },
        code,
    })
}

/// Stripe's dotted path as words. What it asks for most has its own; the rest reads from the end to
/// the beginning, so that a new requirement is still understood.
fn in_words(code: &str) -> String {
    const KNOWN: &[(&str, &str)] = &[
        ("external_account", "Bank account to be paid into"),
        (
            "default_outbound_destination",
            "Bank account to be paid into",
        ),
        ("outbound_destination", "Bank account to be paid into"),
        ("terms_of_service", "Acceptance of Stripe's terms"),
        ("tos_acceptance", "Acceptance of Stripe's terms"),
        ("id_numbers", "Tax or registration number"),
        ("id_number", "Tax or registration number"),
        ("date_of_birth", "Date of birth"),
        ("primary_verification", "Identity document"),
        ("proof_of_liveness", "Proof of identity in person"),
        ("given_name", "First name"),
        ("surname", "Last name"),
        ("registered_name", "Registered name of the company"),
        ("doing_business_as", "Trading name"),
        ("address", "Address"),
        ("email", "E-mail address"),
        ("phone", "Phone number"),
        ("contact_email", "E-mail address of the account"),
        ("entity_type", "Kind of company"),
        ("url", "Website"),
        ("mcc", "Industry"),
    ];
    let parts: Vec<&str> = code.split('.').collect();
    let whose = if parts.iter().any(|part| part.starts_with("representative")) {
        " of the representative"
    } else if parts
        .iter()
        .any(|part| part.starts_with("owner") || part.starts_with("person"))
    {
        " of an owner or director"
    } else if parts.contains(&"business_details") && !code.contains("registered_name") {
        " of the company"
    } else {
        ""
    };
    let known = parts.iter().rev().find_map(|part| {
        KNOWN
            .iter()
            .find(|(name, _)| name == part)
            .map(|(_, words)| *words)
    });
    match known {
        Some(words) => format!("{words}{whose}"),
        None => {
            let last = parts.last().copied().unwrap_or(code).replace('_', " ");
            let mut letters = last.chars();
            match letters.next() {
                Some(first) => format!("{}{}{whose}", first.to_uppercase(), letters.as_str()),
                None => "Something Stripe does not name".to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn requirements_read_as_words() {
        assert_eq!(
            in_words("representative.date_of_birth"),
            "Date of birth of the representative"
        );
        assert_eq!(in_words("external_account"), "Bank account to be paid into");
        assert_eq!(
            in_words("identity.business_details.id_numbers.de_tax_id"),
            "Tax or registration number of the company"
        );
        assert_eq!(
            in_words("identity.something_quite_new"),
            "Something quite new"
        );
        assert_eq!(
            in_words("identity.attestations.terms_of_service.account.date"),
            "Acceptance of Stripe's terms"
        );
    }
}
