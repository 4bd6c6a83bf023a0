//! What one answer leaves for the next page of the same person: field errors with the values that
//! were typed, and toasts. It travels in the session, never in the address.

use serde::{Deserialize, Serialize};

/// The colour and icon of a message or a status; always beside words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    /// No judgement.
    #[default]
    Neutral,
    /// Something in progress or worth knowing.
    Info,
    /// Done, good.
    Good,
    /// Needs attention soon.
    Warn,
    /// Failed or overdue.
    Bad,
}

impl Tone {
    /// Class name in the style sheets.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Info => "info",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// Name in the icon file.
    #[must_use]
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Neutral => "dot",
            Self::Info => "info",
            Self::Good => "check",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A short message shown once on the next page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toast {
    /// Colour and icon.
    pub tone: Tone,
    /// One or two sentences.
    pub text: String,
    /// A way back, where there is one.
    pub undo: Option<Undo>,
}

/// A form with one button that takes the change back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// Where the form posts to.
    pub action: String,
    /// Hidden fields.
    pub fields: Vec<(String, String)>,
}

/// Everything kept for the next page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// (field, sentence); an empty field name stands for the whole form.
    pub errors: Vec<(String, String)>,
    /// What was typed, in the order of the form; repeated names are repeated here.
    pub values: Vec<(String, String)>,
    /// Messages.
    pub toasts: Vec<Toast>,
}

impl Flash {
    /// Session key.
    pub const KEY: &'static str = "flash";

    /// Nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.values.is_empty() && self.toasts.is_empty()
    }

    /// The error at a field of the form `form` (`""` on pages with a single form).
    #[must_use]
    pub fn error(&self, form: &str, field: &str) -> Option<&str> {
        if !self.is_for(form) {
            return None;
        }
        find(&self.errors, field)
    }

    /// What was typed into a field of the form `form`.
    #[must_use]
    pub fn value(&self, form: &str, field: &str) -> Option<&str> {
        if !self.is_for(form) {
            return None;
        }
        find(&self.values, field)
    }

    /// All values of a field that may be repeated; `None` when nothing was sent back at all.
    #[must_use]
    pub fn all(&self, form: &str, field: &str) -> Option<Vec<&str>> {
        if self.values.is_empty() || !self.is_for(form) {
            return None;
        }
        Some(
            self.values
                .iter()
                .filter(|(name, _)| name == field)
                .map(|(_, value)| value.as_str())
                .collect(),
        )
    }

    /// Whether the values were typed into this form: the hidden field `_form` names it.
    #[must_use]
    pub fn is_for(&self, form: &str) -> bool {
        find(&self.values, "_form").unwrap_or("") == form
    }

    /// Secrets are never kept, not even for one page.
    #[must_use]
    pub fn without_secrets(pairs: &[(String, String)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .filter(|(name, _)| !name.contains("password") && !name.contains("token"))
            .cloned()
            .collect()
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}
