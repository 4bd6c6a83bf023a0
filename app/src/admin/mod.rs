//! The machine room: what an administrator looks at, and auditors read.

mod audit;
mod domains;
mod health;
mod home;
mod integrations;
mod jobs;
mod mail;
mod plan;
mod program;
mod staff;
mod webhooks;

use crate::{page::Page, routes::Routes, ui::*};
use domain::partner::StaffRole;
use leptos::prelude::*;
use service::desk::DeskQuery;

/// Every address of this area.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(home::routes())
        .merge(program::routes())
        .merge(plan::routes())
        .merge(staff::routes())
        .merge(domains::routes())
        .merge(integrations::routes())
        .merge(health::routes())
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

/// A part of the same for a file: everything that is narrowed, so many rows from one on.
fn part(asked: &DeskQuery, offset: u64, limit: u64) -> DeskQuery {
    DeskQuery {
        offset,
        limit,
        ..asked.clone()
    }
}

/// Which program a new record is for; nothing to choose where there is one.
fn program_field(programs: Vec<entity::program::Model>) -> AnyView {
    if let [only] = programs.as_slice() {
        let id = only.id.to_string();
        return view! { <Hidden name="program_id" value=id/> }.into_any();
    }
    let options = Choice::list(programs.into_iter().map(|p| (p.id.to_string(), p.name)));
    view! { <SelectField name="program_id" label="Program" options=options required=true/> }
        .into_any()
}
