//! What finance works with: what is owed, what is paid, and whether the books agree.

mod adjustments;
mod commissions;
mod holds;
mod home;
mod invoices;
mod ledger;
mod payouts;
mod question;
mod reconciliation;
mod run;
mod run_items;
mod run_notes;
mod run_step;
mod runs;
mod statements;

use crate::{page::Page, routes::Routes, ui::ListQuery};
use domain::partner::StaffRole;

/// Every address of this area.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(home::routes())
        .merge(commissions::routes())
        .merge(adjustments::routes())
        .merge(runs::routes())
        .merge(run::routes())
        .merge(payouts::routes())
        .merge(question::routes())
        .merge(reconciliation::routes())
        .merge(ledger::routes())
        .merge(statements::routes())
        .merge(invoices::routes())
        .merge(holds::routes())
}

/// Whether the person may change what finance decides; auditors only read.
pub(crate) fn may_change(page: &Page) -> bool {
    page.ctx.staff(StaffRole::Finance).is_ok()
}

/// Whether the person reads what belongs to `role`: who has it, admins and auditors.
pub(crate) fn reads(page: &Page, role: StaffRole) -> bool {
    page.ctx.staff(role).is_ok()
        || page
            .ctx
            .any_staff()
            .is_ok_and(|(_, own)| own == StaffRole::Auditor)
}

/// One page of rows that are already all there.
pub(crate) fn cut<T>(rows: Vec<T>, list: &ListQuery) -> Vec<T> {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    rows.into_iter()
        .skip(number(list.offset()))
        .take(number(list.per))
        .collect()
}
