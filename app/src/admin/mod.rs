//! The machine room: what an administrator looks at, and auditors read.

mod audit;
mod home;
mod jobs;
mod mail;
mod webhooks;

use crate::{page::Page, routes::Routes, ui::ListQuery};
use domain::partner::StaffRole;
use service::desk::DeskQuery;

/// Every address of this area.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(home::routes())
        .merge(jobs::routes())
        .merge(webhooks::routes())
        .merge(mail::routes())
        .merge(audit::routes())
}

/// Whether the person may change something here; auditors only read.
fn may_change(page: &Page) -> bool {
    page.ctx.staff(StaffRole::Admin).is_ok()
}

fn query(list: &ListQuery) -> DeskQuery {
    DeskQuery {
        q: list.q.clone(),
        status: list.filter("status").map(str::to_owned),
        ascending: !list.sort.is_empty() && !list.desc,
        offset: list.offset(),
        limit: list.per,
    }
}

/// The same for a file: everything that is narrowed, from its first row.
fn whole(list: &ListQuery) -> DeskQuery {
    DeskQuery {
        offset: 0,
        limit: 10_000,
        ..query(list)
    }
}
