//! The pieces pages are made of, each once.
//!
//! Pieces read the reader's locale, the time and what was typed before from [`Ui`], which
//! [`crate::page::Page::render`] provides, so a page only passes its own data.
//!
//! | piece | use |
//! |---|---|
//! | [`Money`], [`Percent`], [`Day`], [`Moment`], [`Ago`], [`Clock`], [`Status`] | values in a sentence or a cell |
//! | [`Panel`], [`Record`], [`RecordMain`], [`RecordSide`], [`Grid`], [`Facts`], [`Fact`] | the frame of a page |
//! | [`Figures`], [`Figure`] | numbers that answer the page's question |
//! | [`Table`], [`ListQuery`] | every list: its state is in the address |
//! | [`Tabs`], [`Chips`], [`Notice`], [`Empty`], [`Confirm`], [`ButtonLink`], [`PostButton`] | ways on |
//! | [`PostForm`], [`TextField`], [`SelectField`], … | forms that keep what was typed and name the field in error |
//! | [`Timeline`], [`Comments`], [`Diff`], [`Explain`] | what happened and why |
//! | [`Stepper`], [`Checklist`], [`TierLadder`], [`Meter`] | how far somebody is |
//! | [`chart`] | bars, stacked bars, line, donut, spark line |
//!
//! ```ignore
//! view! {
//!     <Figures>
//!         <Figure label="Payable" href="/partner/payouts"><Money minor=12_300 currency="EUR"/></Figure>
//!     </Figures>
//!     {Table::new(deals, total, &list)
//!         .sorted("customer", "Customer", |d: &Deal| d.customer.clone())
//!         .num("Value", |d| view! { <Money minor=d.value currency=d.currency.clone()/> })
//!         .col("Status", |d| view! { <Status of=d.status.clone()/> })
//!         .href(|d| format!("/partner/deals/{}", d.id))
//!         .search("Customer or domain")
//!         .filter("status", "Status", &[("approved", "Approved"), ("won", "Won")])
//!         .csv("/partner/deals.csv")
//!         .empty(Empty::text("No deals yet", "Register the first one to protect it.").action("Register a deal", "/partner/deals/new"))
//!         .view()}
//! }
//! ```

pub mod chart;
mod choice;
mod explain;
pub mod field;
mod form;
pub mod format;
mod layout;
mod list;
mod progress;
mod table;
mod text;
mod timeline;

pub use self::{
    choice::{
        CheckField, ChecksField, Choice, CountryField, RadioField, SelectField, country_name,
    },
    explain::{Diff, Explain, ExplainRow},
    field::{DateField, FileField, Hidden, MoneyField, TextArea, TextField},
    form::{Confirm, FormErrors, FormName, PostButton, PostForm, Submit},
    format::{Locale, money_words},
    layout::{
        ButtonLink, Chip, Chips, Empty, Fact, Facts, Figure, Figures, Grid, Icon, Notice, Panel,
        Record, RecordMain, RecordSide, Tab, Tabs,
    },
    list::{ListQuery, encode, pairs as query_pairs},
    progress::{Checklist, ChecklistItem, Meter, Step, Stepper, Tier, TierLadder},
    table::Table,
    text::{
        Ago, Clock, Day, Moment, Money, Percent, Status, count_text, day_text, label_of,
        moment_text, money_text, percent_text, tone_of,
    },
    timeline::{Comment, Comments, Event, Timeline},
};
pub use crate::flash::Tone;

use crate::flash::Flash;
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use std::sync::Arc;

/// What every piece may need to know about the reader and the request.
#[derive(Clone, Debug, Default)]
pub struct Ui {
    /// How numbers and dates are written.
    pub locale: Locale,
    /// Now, by the portal's clock (which the demonstration can move).
    pub now: DateTime<Utc>,
    /// Errors and values from the last form.
    pub flash: Flash,
    /// Path of this page.
    pub path: String,
    /// Raw query of this page, without `?`.
    pub query: String,
}

/// The reader and request of the page being rendered; neutral values outside a page.
#[must_use]
pub fn ui() -> Arc<Ui> {
    use_context::<Arc<Ui>>().unwrap_or_default()
}
