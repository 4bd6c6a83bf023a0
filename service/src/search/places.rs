//! Pages and actions by role.

use domain::partner::StaffRole as S;

use super::Hit;
use crate::context::Actor;

/// Who may go there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Partner,
    Manager,
    Everybody,
}

/// Title, other words for it, path, who.
type Place = (&'static str, &'static str, &'static str, To);

/// The menu's own entries are found by the page; here is what is not in it.
const PLACES: &[Place] = &[
    (
        "Register a deal",
        "new opportunity lead customer",
        "/partner/deals/new",
        To::Partner,
    ),
    (
        "Sign the agreement",
        "terms contract",
        "/partner/organisation/agreement",
        To::Partner,
    ),
    (
        "Invite a colleague",
        "member team people",
        "/partner/organisation/members",
        To::Partner,
    ),
    (
        "Late applications",
        "queue due overdue review",
        "/manager/applications?sort=due",
        To::Manager,
    ),
    (
        "Partners nobody looks after",
        "unassigned manager",
        "/manager/partners?manager=0",
        To::Manager,
    ),
    (
        "Preferences: name, numbers, time zone",
        "account profile preferences",
        "/preferences",
        To::Everybody,
    ),
    (
        "Change the password",
        "account security",
        "/preferences/password",
        To::Everybody,
    ),
    ("Notices", "messages", "/notices", To::Everybody),
];

/// The places that fit, best first; with no text, the first few.
pub(super) fn find(actor: &Actor, text: &str) -> Vec<Hit> {
    let words: Vec<String> = text
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    PLACES
        .iter()
        .filter(|(.., to)| may(actor, *to))
        .filter(|(title, more, ..)| {
            let all = format!("{} {more}", title.to_lowercase());
            words.iter().all(|w| all.contains(w.as_str()))
        })
        .take(6)
        .map(|(title, _, path, _)| Hit::new("Page", *title, "", *path))
        .collect()
}

fn may(actor: &Actor, to: To) -> bool {
    match (to, actor) {
        (To::Everybody, _) => true,
        (To::Partner, Actor::Partner { .. }) => true,
        (To::Manager, Actor::Staff { role, .. }) => *role != S::Finance,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_finds_its_own_places() {
        let manager = Actor::Staff {
            person_id: 1,
            role: S::Manager,
        };
        assert!(
            find(&manager, "late applic")
                .iter()
                .any(|h| h.href.starts_with("/manager/applications"))
        );
        let finance = Actor::Staff {
            person_id: 1,
            role: S::Finance,
        };
        assert!(find(&finance, "applications").is_empty());
        let applicant = Actor::Person { person_id: 1 };
        assert_eq!(find(&applicant, "deal"), vec![]);
        assert_eq!(find(&applicant, "password").len(), 1);
    }
}
