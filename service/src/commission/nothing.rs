//! Why something earns nothing.

use std::collections::BTreeSet;
use std::fmt;

/// What kind of reason it is; what can be done follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NothingKind {
    /// The customer belongs to no account.
    Unmatched,
    /// It does not say which product it is for, and that decides who is credited.
    UnknownProduct,
    /// Tax, discount and credit left nothing.
    NothingLeft,
    /// Nobody is credited.
    NotCredited,
    /// The partner does not take part.
    Inactive,
    /// No version of the plan counted on that day.
    NoPlan,
    /// The plan's rules say so.
    Rules,
    /// Finance took it back.
    Canceled,
    /// It would earn by what became known since.
    NotBooked,
}

impl NothingKind {
    /// What to do, for staff or for the partner.
    pub(crate) const fn next(self, staff: bool) -> &'static str {
        match (self, staff) {
            (Self::Unmatched, true) => {
                "Match the customer to an account; what its paid invoices have earned is booked at \
                 once."
            }
            (Self::UnknownProduct, true) => {
                "Say on the invoice’s page which product line it is for, and link the product at \
                 Stripe with a product line so that the next invoice says so by itself."
            }
            (Self::UnknownProduct, false) => "Nothing has to be done: the vendor looks into it.",
            (Self::NothingLeft, _) => {
                "Nothing has to be done: commission is earned on what was paid."
            }
            (Self::NotCredited, true) => {
                "Credit a partner on the account’s page; its invoices that earned nothing are \
                 looked at again at once."
            }
            (Self::Unmatched | Self::NotCredited, false) => {
                "If you brought this customer, tell your manager, who can credit you."
            }
            (Self::Inactive, true) => {
                "Reactivate the partner; what was missed meanwhile finance can book by hand."
            }
            (Self::Inactive, false) => "Ask your manager how you can take part again.",
            (Self::NoPlan, true) => {
                "The plan’s page says from when its versions count; what was missed finance can \
                 book by hand."
            }
            (Self::NoPlan, false) => "Ask your manager which plan should have counted.",
            (Self::Rules, true) => {
                "The plan decides this. If it is to be paid all the same, finance can book a bonus."
            }
            (Self::Rules, false) => {
                "Your plan decides this; the page “Tier” says what it pays. Ask your manager if you \
                 think it is wrong."
            }
            (Self::Canceled, true) => "Open the line to see who canceled it and why.",
            (Self::Canceled, false) => "Open the line under “Earnings” to see why.",
            (Self::NotBooked, true) => {
                "Match the customer again by hand; that has its invoices looked at."
            }
            (Self::NotBooked, false) => "Ask your manager to have it looked at again.",
        }
    }
}

/// One reason why something earns nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nothing {
    pub(crate) kind: NothingKind,
    /// The partner it is about, by id and name; none where it is about everybody.
    pub(crate) partner: Option<(i64, String)>,
    pub(crate) sentence: String,
}

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.partner {
            Some((_, name)) => write!(f, "{name}: {}", self.sentence),
            None => f.write_str(&self.sentence),
        }
    }
}

/// Every reason, each once.
pub(crate) type Reasons = BTreeSet<Nothing>;

/// The reasons as one text.
pub(crate) fn text(reasons: &Reasons) -> String {
    let sentences: BTreeSet<String> = reasons.iter().map(ToString::to_string).collect();
    sentences.into_iter().collect::<Vec<_>>().join(" ")
}
