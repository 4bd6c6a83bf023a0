//! Four eyes: who composed a run does not approve it.

crate::text_enum! {
    /// What makes a person a hand of a run. Looking at it does not, nor does sending it back.
    pub enum Did {
        /// Drafted it.
        Drafted = "drafted" => "drafted this run",
        /// Counted it anew.
        Counted = "counted" => "counted this run anew",
        /// Took a partner out.
        Excluded = "excluded" => "left a partner out of this run",
        /// Put a partner back in.
        PutBack = "put_back" => "put a partner back into this run",
        /// Submitted it.
        Submitted = "submitted" => "submitted this run",
    }
}

/// Who has had a hand in a run, by `person.id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hands<'a> {
    /// Whoever composed it, with the first thing each did. They stay hands when it is sent back.
    pub composed: &'a [(i64, Did)],
    /// Who has approved it so far.
    pub approvers: &'a [i64],
}

/// Four eyes: `approver` must have had no hand in the run. Gives back whether the run is then
/// fully approved. A total above `second_above_minor` needs two different approvers.
///
/// # Errors
/// A sentence that says why this person cannot approve.
pub fn approve(
    hands: &Hands<'_>,
    approver: i64,
    total_minor: i64,
    second_above_minor: Option<i64>,
) -> Result<bool, String> {
    if let Some((_, did)) = hands.composed.iter().find(|(who, _)| *who == approver) {
        let did = did.label();
        return Err(format!(
            "You {did}. Somebody else in finance has to approve it."
        ));
    }
    if hands.approvers.contains(&approver) {
        return Err(
            "You have already approved this run. A second person has to approve it too.".to_owned(),
        );
    }
    let needed = match second_above_minor {
        Some(limit) if total_minor > limit => 2,
        _ => 1,
    };
    Ok(hands.approvers.len() + 1 >= needed)
}
