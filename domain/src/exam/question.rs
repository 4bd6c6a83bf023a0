//! Questions and their grading.

use serde::{Deserialize, Serialize};

use super::draw::Drawn;

crate::text_enum! {
    /// How a question is answered.
    pub enum QuestionKind {
        /// One option is right.
        Single = "single" => "One answer",
        /// Some options are right; exactly those have to be chosen.
        Multiple = "multiple" => "Several answers",
        /// A statement is true or false.
        TrueFalse = "true_false" => "True or false",
        /// The options have to be put in order.
        Ordering = "ordering" => "Put in order",
    }
}

/// A question of the pool with its right answer. Never sent to a browser: see
/// [`Shown`](super::Shown).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question's id.
    pub id: i64,
    /// How it is answered.
    pub kind: QuestionKind,
    /// What is asked, Markdown.
    pub prompt: String,
    /// The options. For true or false: the first is "true", the second "false".
    pub options: Vec<String>,
    /// Right answer as positions in `options`: one for single and true/false, any number for
    /// multiple, all in the right order for ordering.
    pub answer: Vec<u16>,
    /// Why, shown after the attempt.
    pub explanation: String,
}

impl Question {
    /// Checks that the question can be asked and answered.
    ///
    /// # Errors
    /// `(field, sentence)` for each problem.
    pub fn validate(&self) -> Result<(), Vec<(&'static str, &'static str)>> {
        let mut problems = Vec::new();
        let count = self.options.len();
        let mut sorted = self.answer.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if self.prompt.trim().is_empty() {
            problems.push(("prompt", "Write the question."));
        }
        if self.options.iter().any(|o| o.trim().is_empty()) {
            problems.push(("options", "An option is empty; fill it in or remove it."));
        }
        match self.kind {
            QuestionKind::TrueFalse if count != 2 => {
                problems.push(("options", "True or false has exactly two options."));
            }
            _ if count < 2 => problems.push(("options", "Give at least two options.")),
            _ if count > 20 => problems.push(("options", "Give at most 20 options.")),
            _ => {}
        }
        if sorted.len() != self.answer.len() || sorted.iter().any(|a| usize::from(*a) >= count) {
            problems.push((
                "answer",
                "The answer names an option that is not there, or one twice.",
            ));
        }
        match self.kind {
            QuestionKind::Single | QuestionKind::TrueFalse if self.answer.len() != 1 => {
                problems.push(("answer", "Mark exactly one option as right."));
            }
            QuestionKind::Multiple if self.answer.is_empty() => {
                problems.push(("answer", "Mark at least one option as right."));
            }
            QuestionKind::Ordering if self.answer.len() != count => {
                problems.push(("answer", "Put all options in order."));
            }
            _ => {}
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// True when `response`, as positions in `options`, is right. All or nothing; the order counts
    /// for ordering only, and an option named twice is wrong.
    pub fn is_right(&self, response: &[u16]) -> bool {
        if self.kind == QuestionKind::Ordering {
            return response == self.answer;
        }
        let (mut given, mut wanted) = (response.to_vec(), self.answer.clone());
        given.sort_unstable();
        wanted.sort_unstable();
        given == wanted
    }
}

/// What a person learns about one question after the attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The question.
    pub question_id: i64,
    /// Whether the answer was right.
    pub right: bool,
    /// The options chosen, as positions in the question's options; empty when not answered.
    pub given: Vec<u16>,
    /// The right answer.
    pub answer: Vec<u16>,
    /// Why.
    pub explanation: String,
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grade {
    /// Questions answered rightly.
    pub right: u32,
    /// Questions asked.
    pub asked: u32,
    /// Whether the pass mark was reached.
    pub passed: bool,
    /// One per question, in the order in which they were asked.
    pub feedback: Vec<Feedback>,
}

impl Grade {
    /// The score in whole percent, rounded down: 74.9 % is shown as 74 %, never as the pass mark.
    pub fn percent(&self) -> u32 {
        let percent = (u64::from(self.right) * 100).checked_div(u64::from(self.asked));
        // At most 100, because `right` is at most `asked`.
        percent.map_or(0, |percent| u32::try_from(percent).unwrap_or(100))
    }
}

/// Grades an attempt. `response` gives the options chosen for a question as *shown* positions;
/// `pass_mark` is in percent. A question that is missing from `pool`, or a position that was not
/// shown, counts as wrong. An exam without questions is not passed.
pub fn grade(
    pool: &[Question],
    drawn: &[Drawn],
    response: impl Fn(i64) -> Vec<u16>,
    pass_mark: u32,
) -> Grade {
    let feedback: Vec<Feedback> = drawn
        .iter()
        .map(|drawn| {
            let shown = response(drawn.question_id);
            let given: Option<Vec<u16>> = shown
                .iter()
                .map(|position| drawn.options.get(usize::from(*position)).copied())
                .collect();
            let question = pool.iter().find(|q| q.id == drawn.question_id);
            Feedback {
                question_id: drawn.question_id,
                right: question.is_some_and(|q| given.as_deref().is_some_and(|g| q.is_right(g))),
                given: given.unwrap_or_default(),
                answer: question.map(|q| q.answer.clone()).unwrap_or_default(),
                explanation: question.map(|q| q.explanation.clone()).unwrap_or_default(),
            }
        })
        .collect();
    let right = feedback.iter().filter(|f| f.right).count() as u64;
    let asked = feedback.len() as u64;
    Grade {
        // Exams have far fewer than 2^32 questions.
        right: u32::try_from(right).unwrap_or(u32::MAX),
        asked: u32::try_from(asked).unwrap_or(u32::MAX),
        passed: asked > 0 && right * 100 >= asked * u64::from(pass_mark),
        feedback,
    }
}
