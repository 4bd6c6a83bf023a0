//! Mail about registrations, plain and short. Nothing in here names another partner.

use crate::mail::Letter;

/// Where the partner finds the registration.
fn deal(id: i64) -> String {
    format!("/partner/deals/{id}")
}

/// What somebody wrote, set apart from what the portal says.
fn quote(text: &str) -> String {
    text.trim()
        .lines()
        .map(|line| format!("> {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A paragraph with somebody's words, where there are any.
fn with_words(letter: Letter, words: &str) -> Letter {
    if words.trim().is_empty() {
        letter
    } else {
        letter.text(quote(words))
    }
}

/// The registration is approved.
pub(super) fn approved(company: &str, until: &str, words: &str, id: i64) -> Letter {
    let letter = Letter::new(format!("{company} is protected for you")).text(format!(
        "Your registration of {company} is approved. It is kept for you until {until}."
    ));
    with_words(letter, words).link("See the deal", &deal(id))
}

/// The registration is refused.
pub(super) fn rejected(company: &str, words: &str, id: i64) -> Letter {
    Letter::new(format!("Your registration of {company}"))
        .text(format!(
            "We could not approve your registration of {company}:"
        ))
        .text(quote(words))
        .link("See the deal", &deal(id))
}

/// The company is registered already.
pub(super) fn duplicate(company: &str, words: &str, id: i64) -> Letter {
    Letter::new(format!("{company} is already registered"))
        .text(words)
        .link("Join the waiting list", &deal(id))
}

/// The reviewer wants to know something.
pub(super) fn question(company: &str, words: &str, id: i64) -> Letter {
    Letter::new(format!("A question about your registration of {company}"))
        .text("Before we can decide, we would like to know:")
        .text(quote(words))
        .link("Answer", &deal(id))
}

/// Protection ends soon.
pub(super) fn reminder(company: &str, until: &str, id: i64) -> Letter {
    Letter::new(format!("{company} is protected until {until}"))
        .text(format!(
            "The protection of {company} ends on {until}. If the customer is still deciding, ask \
             for an extension and say what has happened lately."
        ))
        .link("See the deal", &deal(id))
}

/// Protection has ended.
pub(super) fn expired(company: &str, id: i64) -> Letter {
    Letter::new(format!("The protection of {company} has ended"))
        .text(format!(
            "The protection of {company} has run out. If the customer is still deciding, register \
             it again."
        ))
        .link("See the deal", &deal(id))
}

/// The vendor has taken the protection away.
pub(super) fn revoked(company: &str, words: &str, id: i64) -> Letter {
    Letter::new(format!("The protection of {company} was revoked"))
        .text(format!("We have ended the protection of {company}:"))
        .text(quote(words))
        .link("See the deal", &deal(id))
}

/// More time was given.
pub(super) fn extended(company: &str, until: &str, id: i64) -> Letter {
    Letter::new(format!("{company} is protected until {until}"))
        .text(format!(
            "Your request is granted: {company} is kept for you until {until}."
        ))
        .link("See the deal", &deal(id))
}

/// No more time was given.
pub(super) fn not_extended(company: &str, words: &str, id: i64) -> Letter {
    Letter::new(format!("No extension for {company}"))
        .text(format!("We could not extend the protection of {company}:"))
        .text(quote(words))
        .link("See the deal", &deal(id))
}

/// The company is free, and it is this partner's turn.
pub(super) fn offered(company: &str, until: &str, id: i64) -> Letter {
    Letter::new(format!("{company} is free now"))
        .text(format!(
            "You are next on the waiting list for {company}, and it is free now. Register it until \
             {until}; after that the next in line is asked."
        ))
        .link("Register it", &deal(id))
}

/// A review is late.
pub(super) fn late(company: &str, partner: &str, id: i64) -> Letter {
    Letter::new(format!("Late: the registration of {company}"))
        .text(format!(
            "{partner} registered {company} and has waited longer than the program promises."
        ))
        .link("Review it", &format!("/manager/deals/{id}"))
}
