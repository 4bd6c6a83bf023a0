//! Commission: what paid invoices earn, what goes back, and what finance does about it.

mod accrue;
mod adjust;
pub(crate) mod below_zero;
mod book;
pub(crate) mod bookings;
mod cancel;
mod day;
pub(crate) mod deal;
mod explain;
mod finance;
pub(crate) mod history;
mod list;
pub mod month;
mod nothing;
pub(crate) mod settle;
pub(crate) mod take_back;

pub(crate) use accrue::accrue;
pub use adjust::{AdjustForm, Adjusted, ByHand, adjust, adjust_noted, approve, reject, write_off};
pub use cancel::cancel;
pub use explain::{Explained, explain};
pub(crate) use finance::hold_lines;
pub use finance::{Bulk, hold, mature, release};
pub(crate) use list::scope;
pub use list::{CommissionLine, LinePage, LineQuery, Total, lines};
pub use month::month_effect;
pub(crate) use nothing::{Nothing, NothingKind};
pub use settle::cause_words;
