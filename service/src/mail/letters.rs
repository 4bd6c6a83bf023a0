//! What the portal writes to people: each mail once, plain and short.

use chrono::{DateTime, Utc};
use domain::partner::{MemberRole, StaffRole};
use entity::terms_version;

use super::Letter;

/// To somebody who was taken out of an organisation by its owner.
pub fn removed(partner: &str) -> Letter {
    Letter::new(format!("You are no longer a member of {partner}"))
        .text(format!(
            "An owner of {partner} has removed you from the organisation. You see nothing of it any \
             more; what you did for it stays there. Your own account is as it was."
        ))
        .text("If that was a mistake, ask an owner of the organisation to invite you again.")
        .link("Your organisations", "/organisations")
}

/// To somebody whose removal was undone.
pub fn taken_back(partner: &str) -> Letter {
    Letter::new(format!("You are a member of {partner} again"))
        .text(format!(
            "An owner of {partner} has taken your removal back. Everything is as it was before."
        ))
        .link("Your organisations", "/organisations")
}

/// To the owners of an organisation: the copy of what one of them has signed.
pub fn signed(
    partner: &str,
    name: &str,
    at: DateTime<Utc>,
    terms: &terms_version::Model,
) -> Letter {
    Letter::new(format!(
        "Your copy of the agreement, version {}",
        terms.version
    ))
    .text(format!(
        "{name} signed version {} of the agreement for {partner} on {}. This is your copy.",
        terms.version,
        at.format("%-d %B %Y, %H:%M UTC")
    ))
    .text("If that was none of you, tell your partner manager at once.")
    .link("Agreement", "/partner/organisation/agreement")
    .text(terms.body.clone())
}

/// To the owners of an organisation that somebody left.
pub fn left(name: &str, partner: &str) -> Letter {
    Letter::new("A colleague has left your organisation")
        .text(format!(
            "{name} has left {partner} and sees nothing of it any more. What they did for it \
             stays with you."
        ))
        .link("Members", "/partner/organisation/members")
}

/// Confirms that the person reads mail at the address.
pub fn confirm_address(secret: &str) -> Letter {
    Letter::new("Please confirm your e-mail address")
        .text("Thank you for signing up. One click confirms that this address is yours:")
        .link("Confirm the address", &format!("/confirm?token={secret}"))
        .text("The link works once, for three days. If you did not sign up, ignore this mail and nothing happens.")
}

/// Somebody signed up with an address that has an account.
pub fn already_registered() -> Letter {
    Letter::new("You already have an account")
        .text("Somebody, probably you, signed up with this address. You already have an account.")
        .link("Sign in", "/sign-in")
        .link("Set a new password", "/forgot-password")
        .text("If that was not you, ignore this mail; nothing was changed.")
}

/// Sets a new password.
pub fn reset_password(secret: &str) -> Letter {
    Letter::new("Set a new password")
        .text("You asked for a new password. It is set here:")
        .link("Set a new password", &format!("/reset-password?token={secret}"))
        .text("The link works once, for two hours. If you did not ask for it, ignore this mail; your password stays as it is.")
}

/// Tells that the password is another one now.
pub fn password_changed() -> Letter {
    Letter::new("Your password was changed")
        .text("Your password was changed just now, and you were signed out everywhere else.")
        .text("If that was not you, set a new one at once and tell us.")
        .link("Set a new password", "/forgot-password")
}

/// A new colleague at the vendor.
pub fn staff_welcome(secret: &str, role: StaffRole) -> Letter {
    Letter::new("Your account on the partner portal")
        .text(format!("An account was made for you; your role is {}. Choose a password to begin:", role.label().to_lowercase()))
        .link("Choose a password", &format!("/reset-password?token={secret}"))
        .text("The link works once, for two hours. Later, use “Forgot your password?” on the sign-in page.")
}

/// Invites somebody into a partner organisation.
pub fn invitation(secret: &str, inviter: &str, partner: &str, role: MemberRole) -> Letter {
    Letter::new(format!("{inviter} invites you to {partner}"))
        .text(format!(
            "{inviter} invites you to work for {partner} on the partner portal, as {}.",
            role.label().to_lowercase()
        ))
        .link(
            "Accept the invitation",
            &format!("/invitation?token={secret}"),
        )
        .text("The link works for seven days. If you do not know who this is, ignore this mail.")
}

/// The application has arrived.
pub fn application_received(program: &str, hours: i64, id: i64) -> Letter {
    Letter::new(format!("Your application to {program} has arrived"))
        .text(format!(
            "Thank you. A person reads it and answers within {hours} business hours."
        ))
        .link("See where it stands", &format!("/application/{id}"))
}

/// The reviewer wants to know something.
pub fn application_question(program: &str, question: &str, id: i64) -> Letter {
    Letter::new(format!("A question about your application to {program}"))
        .text("Before we can decide, we would like to know:")
        .text(quote(question))
        .link("Answer", &format!("/application/{id}"))
}

/// The applicant is a partner now.
pub fn application_approved(program: &str, partner: &str, tier: &str, note: &str) -> Letter {
    let letter = Letter::new(format!("Welcome to {program}"))
        .text(format!("{partner} is now a partner, in the tier {tier}."));
    let letter = if note.is_empty() {
        letter
    } else {
        letter.text(quote(note))
    };
    letter
        .text("A short list shows what to do first: profile, colleagues, agreement, certification, payout account.")
        .link("Begin", "/partner")
}

/// The application was refused.
pub fn application_rejected(program: &str, reason: &str, again: Option<&str>) -> Letter {
    let letter = Letter::new(format!("Your application to {program}"))
        .text("Thank you for applying. We have decided not to accept the application:")
        .text(quote(reason));
    match again {
        Some(day) => letter.text(format!("You may apply again from {day}.")),
        None => letter.text("You may apply again at any time."),
    }
}

/// The organisation's standing has changed.
pub fn partner_status(partner: &str, now: &str, reason: &str) -> Letter {
    let letter = Letter::new(format!("{partner} is now {now}")).text(format!(
        "The standing of {partner} on the partner portal has changed to “{now}”."
    ));
    if reason.is_empty() {
        letter
    } else {
        letter.text(quote(reason))
    }
}

/// What somebody wrote, set apart from what the portal says.
fn quote(text: &str) -> String {
    text.trim()
        .lines()
        .map(|line| format!("> {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
