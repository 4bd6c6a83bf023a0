//! State machines as data: one table of allowed transitions that pages, services and tests read.

use crate::text_enum::TextEnum;

crate::text_enum! {
    /// Who may cause a transition.
    pub enum Who {
        /// The partner, customer or applicant the record is about.
        Partner = "partner" => "the partner",
        /// Staff of the vendor with the right for it.
        Staff = "staff" => "a reviewer",
        /// Finance staff.
        Finance = "finance" => "finance",
        /// A clock, a worker or a message from Stripe.
        System = "system" => "the system",
    }
}

/// One allowed step from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition<S> {
    /// The state before.
    pub from: S,
    /// The state after.
    pub to: S,
    /// What a person would call it, a verb for a button: `"Approve"`.
    pub action: &'static str,
    /// Who may do it.
    pub by: &'static [Who],
}

/// Writes a [`Transition`] in a table.
pub const fn step<S>(from: S, to: S, action: &'static str, by: &'static [Who]) -> Transition<S> {
    Transition {
        from,
        to,
        action,
        by,
    }
}

/// A step that is not in the table, or not for this actor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Refusal {
    /// Why not, and what is possible, for a person.
    pub sentence: String,
}

/// The allowed transitions of one kind of record.
#[derive(Debug, Clone, Copy)]
pub struct Machine<S: 'static> {
    /// What the record is called in sentences: `"deal registration"`.
    pub subject: &'static str,
    /// The table.
    pub table: &'static [Transition<S>],
}

impl<S: TextEnum> Machine<S> {
    /// Allows the step when it is in the table.
    ///
    /// # Errors
    /// A sentence that says why not and what is possible instead.
    pub fn check(&self, from: S, to: S) -> Result<(), Refusal> {
        if self.table.iter().any(|t| t.from == from && t.to == to) {
            return Ok(());
        }
        Err(self.refuse(from, to))
    }

    /// Allows the step when it is in the table and `who` may do it.
    ///
    /// # Errors
    /// A sentence that says why not, and who could.
    pub fn check_by(&self, from: S, to: S, who: Who) -> Result<(), Refusal> {
        self.check(from, to)?;
        let steps = || self.table.iter().filter(|t| t.from == from && t.to == to);
        if steps().any(|t| t.by.contains(&who)) {
            return Ok(());
        }
        let others: Vec<&str> = steps()
            .flat_map(|t| t.by.iter().map(|w| w.label()))
            .collect();
        Err(Refusal {
            sentence: format!(
                "Only {} can change this {} from “{}” to “{}”.",
                list(&others, "or"),
                self.subject,
                from.words(),
                to.words(),
            ),
        })
    }

    /// The steps that `who` can take from `from`, in the order of the table: a page's buttons.
    pub fn next(&self, from: S, who: Who) -> impl Iterator<Item = &'static Transition<S>> {
        self.table
            .iter()
            .filter(move |t| t.from == from && t.by.contains(&who))
    }

    /// True when nothing leads out of `state`.
    pub fn is_final(&self, state: S) -> bool {
        !self.table.iter().any(|t| t.from == state)
    }

    fn refuse(&self, from: S, to: S) -> Refusal {
        let possible: Vec<String> = self
            .table
            .iter()
            .filter(|t| t.from == from)
            .map(|t| format!("“{}”", t.to.words()))
            .collect();
        let sentence = if from == to {
            format!("This {} is already “{}”.", self.subject, from.words())
        } else if possible.is_empty() {
            format!(
                "This {} is “{}”, which is final; it cannot become “{}”.",
                self.subject,
                from.words(),
                to.words()
            )
        } else {
            let possible: Vec<&str> = possible.iter().map(String::as_str).collect();
            format!(
                "This {} is “{}” and cannot become “{}”; from here it can become {}.",
                self.subject,
                from.words(),
                to.words(),
                list(&possible, "or")
            )
        };
        Refusal { sentence }
    }
}

/// Allows the step when it is in `table`. See [`Machine::check`].
///
/// # Errors
/// A sentence that says why not and what is possible instead.
pub fn check<S: TextEnum>(table: &'static [Transition<S>], from: S, to: S) -> Result<(), Refusal> {
    Machine {
        subject: "record",
        table,
    }
    .check(from, to)
}

/// Joins words as a sentence does: `a, b or c`. Repeated words appear once.
pub fn list(words: &[&str], last: &str) -> String {
    let mut unique: Vec<&str> = Vec::new();
    for word in words {
        if !unique.contains(word) {
            unique.push(word);
        }
    }
    match unique.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., tail] => format!("{} {last} {tail}", head.join(", ")),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Holds a machine against the rules every machine keeps.
    pub(crate) fn assert_closed<S: TextEnum + std::fmt::Debug>(machine: Machine<S>, start: &[S]) {
        let mut reached: Vec<S> = start.to_vec();
        let mut grew = true;
        while grew {
            grew = false;
            for t in machine.table {
                if reached.contains(&t.from) && !reached.contains(&t.to) {
                    reached.push(t.to);
                    grew = true;
                }
            }
        }
        for state in S::VALUES {
            assert!(
                reached.contains(state),
                "{state:?} of {} is unreachable",
                machine.subject
            );
        }
        for (i, t) in machine.table.iter().enumerate() {
            assert!(t.from != t.to, "{t:?} goes nowhere");
            assert!(
                !t.by.is_empty() && !t.action.is_empty(),
                "{t:?} lacks an actor or action"
            );
            let twin = machine.table[..i]
                .iter()
                .any(|u| u.from == t.from && u.to == t.to);
            assert!(!twin, "{t:?} is listed twice");
        }
        for from in S::VALUES {
            for to in S::VALUES {
                let listed = machine.table.iter().any(|t| t.from == *from && t.to == *to);
                match machine.check(*from, *to) {
                    Ok(()) => assert!(listed),
                    Err(refusal) => {
                        assert!(!listed);
                        assert!(refusal.sentence.ends_with('.'), "{}", refusal.sentence);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_like_a_sentence() {
        assert_eq!(list(&["a"], "or"), "a");
        assert_eq!(list(&["a", "b", "a"], "or"), "a or b");
        assert_eq!(list(&["a", "b", "c"], "and"), "a, b and c");
        assert_eq!(list(&[], "and"), "");
    }
}
