//! What stands above a page's content.

use crate::flash::Tone;
use leptos::prelude::*;

/// The frame around a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The application with its rail for people who are signed in, else [`Layout::Public`].
    #[default]
    App,
    /// Public pages: no rail.
    Public,
    /// One narrow column, for signing in and the like.
    Focus,
}

type Actions = Box<dyn FnOnce() -> AnyView>;

/// Title, way back, status and actions of a page.
#[derive(Default)]
pub struct Head {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) crumbs: Vec<(String, String)>,
    pub(crate) primary: Option<(String, String)>,
    pub(crate) actions: Option<Actions>,
    pub(crate) status: Option<(String, Option<(String, Tone)>)>,
    pub(crate) layout: Layout,
    pub(crate) to_the_second: bool,
}

impl Head {
    /// A page with this title.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// One line below the title.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// A step on the way to this page, outermost first.
    #[must_use]
    pub fn crumb(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push((label.into(), href.into()));
        self
    }

    /// The page's one main action, a link.
    #[must_use]
    pub fn primary(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.primary = Some((label.into(), href.into()));
        self
    }

    /// Other actions: buttons and forms, left of the main one.
    #[must_use]
    pub fn actions<V: IntoView + 'static>(mut self, actions: impl FnOnce() -> V + 'static) -> Self {
        self.actions = Some(Box::new(move || actions().into_any()));
        self
    }

    /// The record's status beside the title, by its stored value.
    #[must_use]
    pub fn status(mut self, value: impl Into<String>) -> Self {
        self.status = Some((value.into(), None));
        self
    }

    /// The record's status beside the title in other words.
    #[must_use]
    pub fn status_as(mut self, label: impl Into<String>, tone: Tone) -> Self {
        self.status = Some((String::new(), Some((label.into(), tone))));
        self
    }

    /// No rail, also for people who are signed in.
    #[must_use]
    pub const fn public(mut self) -> Self {
        self.layout = Layout::Public;
        self
    }

    /// The page shows a time that runs out and has to be right to the second, so an answer that is
    /// some seconds old is never given again (see [`super::Keepable`]).
    #[must_use]
    pub const fn to_the_second(mut self) -> Self {
        self.to_the_second = true;
        self
    }

    /// One narrow column.
    #[must_use]
    pub const fn focus(mut self) -> Self {
        self.layout = Layout::Focus;
        self
    }
}
