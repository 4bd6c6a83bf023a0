//! One's own certificates, and those that count for the organisation.

use super::HERE;
use crate::{
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use leptos::prelude::*;
use service::learning::{self, CertificateView};

pub(super) fn routes() -> Routes {
    Routes::new().get("/partner/learning/certificates", Access::Partner, list)
}

async fn list(page: Page) -> PageResult {
    let (partner_id, ..) = page.ctx.partner()?;
    let own = learning::own(&page.ctx).await?;
    let all = learning::of_partner(&page.ctx, partner_id).await?;
    let head = Head::new("Certificates")
        .text("A certificate is yours; it counts for your organisation while you are a member.")
        .crumb("Learning", HERE);
    Ok(page.render(head, move || {
        let own = table(own, false)
            .caption("Your certificates")
            .empty(
                Empty::text(
                    "No certificate yet",
                    "Pass a course’s exam, and its certificate is here.",
                )
                .action("See the courses", HERE),
            )
            .view();
        let all = table(all, true)
            .caption("Certificates of your organisation")
            .empty(Empty::text(
                "Nobody is certified yet",
                "One certified person is enough to register deals.",
            ))
            .view();
        view! {
            <Panel title="Yours">{own}</Panel>
            <Panel title="In your organisation">{all}</Panel>
        }
    }))
}

fn table(rows: Vec<CertificateView>, people: bool) -> Table<CertificateView> {
    let mut table = Table::plain(rows);
    if people {
        table = table.col("Person", |c: &CertificateView| c.person.clone());
    }
    table
        .col("Course", |c: &CertificateView| c.course.clone())
        .col("Number", |c| {
            let href = format!("/certificates/{}", c.row.number);
            view! { <a href=href>{c.row.number.clone()}</a> }
        })
        .aside()
        .col(
            "Status",
            |c| view! { <Status of=c.status.as_str() label=c.status.label()/> },
        )
        .col("Issued", |c| view! { <Day at=c.row.issued_at/> })
        .col("Valid until", |c| view! { <Day at=c.row.expires_at/> })
        .menu(|c| {
            let href = format!("/certificates/{}/pdf", c.row.number);
            c.row
                .revoked_at
                .is_none()
                .then(|| view! { <a href=href download="">"PDF"</a> })
        })
}
