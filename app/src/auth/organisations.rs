//! Choosing the organisation to act for.

use crate::{
    page::{Form, Head, Page, PageError, PageResult},
    routes::{Access, Routes},
    session,
    ui::*,
};
use domain::partner::PartnerStatus;
use leptos::prelude::*;
use service::identity::{self, Membership};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/organisations", Access::SignedIn, list)
        .post("/organisations", Access::SignedIn, choose)
}

async fn list(page: Page) -> PageResult {
    let memberships = identity::memberships(&page.ctx).await?;
    let head = Head::new("Your organisations").text("Choose the one you work for now.");
    Ok(page.render(head, move || {
        Table::plain(memberships)
            .caption("Your organisations")
            .col("Organisation", |m: &Membership| m.name.clone())
            .col("You are", |m| m.role.label())
            .col("Status", |m| {
                let reason = m.reason.clone();
                view! { <Status of=m.status.as_str()/> {reason.map(|r| view! { <p class="muted">{r}</p> })} }
            })
            .menu(|m| {
                let fields = vec![("partner_id", m.partner_id.to_string())];
                (m.status == PartnerStatus::Active)
                    .then(|| view! { <PostButton action="/organisations" label="Work for it" fields=fields/> })
            })
            .empty(Empty::text("No organisation yet", "You belong to one once your application is approved or you accept an invitation.").action("See your application", "/application"))
            .view()
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Choose {
    partner_id: String,
}

async fn choose(page: Page, form: Form<Choose>) -> PageResult {
    let id = form.partner_id.parse().map_err(|_| PageError::NotFound)?;
    identity::switch(&page.ctx, id).await?;
    session::act_for(&page.session, id).await?;
    Ok(page.redirect("/partner"))
}
