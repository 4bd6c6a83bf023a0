//! A program's own questions on its application form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{FieldErrors, Result};

/// How a question is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// One line.
    #[default]
    Text,
    /// Several lines.
    LongText,
    /// One of the options.
    Choice,
}

/// A question the program asks beside the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Stays the same when the words change; the field is named `answer_{id}`.
    pub id: String,
    /// The question.
    pub label: String,
    /// A sentence that helps to answer.
    #[serde(default)]
    pub hint: String,
    /// How it is answered.
    #[serde(default)]
    pub kind: QuestionKind,
    /// What can be chosen.
    #[serde(default)]
    pub options: Vec<String>,
    /// Must be answered.
    #[serde(default)]
    pub required: bool,
}

impl Question {
    /// The name of its form field.
    pub fn field(&self) -> String {
        format!("answer_{}", self.id)
    }
}

/// Reads a program's questions as they are kept.
///
/// # Errors
/// [`crate::Error::Internal`] when they are of another form.
pub fn questions(kept: &serde_json::Value) -> Result<Vec<Question>> {
    if kept.is_null() {
        return Ok(Vec::new());
    }
    Ok(serde_json::from_value(kept.clone())?)
}

/// Notes what is wrong with the answers; `answers` is by question id.
pub(crate) fn check(
    questions: &[Question],
    answers: &BTreeMap<String, String>,
    errors: &mut FieldErrors,
) {
    for question in questions {
        let answer = answers.get(&question.id).map_or("", |a| a.trim());
        if answer.is_empty() {
            if question.required {
                errors.add(&question.field(), "Please answer this question.");
            }
        } else if question.kind == QuestionKind::Choice
            && !question.options.iter().any(|o| o == answer)
        {
            errors.add(&question.field(), "Please choose one of the answers.");
        } else if answer.chars().count() > 4_000 {
            errors.add(&question.field(), "Use at most 4,000 characters.");
        }
    }
}
