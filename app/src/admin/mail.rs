//! Mail that was written, and whether it is gone.

use super::{query, whole};
use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use entity::mail::Model;
use leptos::prelude::*;
use service::desk;

const HERE: &str = "/admin/mail";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Admin, index)
        .get("/admin/mail.csv", Access::Admin, export)
        .get("/admin/mail/{id}", Access::Admin, show)
}

fn status(mail: &Model) -> AnyView {
    match mail.sent_at {
        Some(_) => view! { <Status of="sent"/> }.into_any(),
        None => view! { <Status of="waiting"/> }.into_any(),
    }
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = desk::mails(&page.ctx, &query(&list)).await?;
    let head = Head::new("Mail log").text("Every mail the portal has written.");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Mail")
            .col("Subject", |m: &Model| m.subject.clone())
            .col("To", |m| m.to_address.clone())
            .col("Status", status)
            .sorted("written", "Written", |m| view! { <Ago at=m.created_at/> })
            .col("Sent", |m| m.sent_at.map(|at| view! { <Moment at/> }))
            .href(|m| format!("{HERE}/{}", m.id))
            .search("Address or subject")
            .filter(
                "status",
                "Status",
                [("waiting", "Waiting"), ("sent", "Sent")],
            )
            .csv("/admin/mail.csv")
            .empty(Empty::text(
                "No mail yet",
                "Mail appears here as soon as it is written.",
            ))
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let (rows, _) = desk::mails(&page.ctx, &whole(&page.list())).await?;
    let mut file = Csv::new(&["Subject", "To", "Written", "Sent"]);
    for m in rows {
        file.row([
            m.subject,
            m.to_address,
            csv::moment(m.created_at),
            csv::moment_or_none(m.sent_at),
        ]);
    }
    Ok(page.csv("mail.csv", file.finish()))
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let mail = desk::mail(&page.ctx, id).await?;
    let sent = mail.sent_at.is_some();
    let (word, tone) = if sent {
        ("Sent", Tone::Good)
    } else {
        ("Waiting", Tone::Warn)
    };
    let head = Head::new(mail.subject.clone())
        .text(mail.to_address.clone())
        .crumb("Mail log", HERE)
        .status_as(word, tone);
    let body = service::mail::with_address(&mail.body, &page.state.site.base_url);
    Ok(page.render(head, move || {
        let body = if sent {
            view! { <pre class="code">{body}</pre> }.into_any()
        } else {
            view! { <p class="muted">"Its text is shown once it is sent: until then it may hold one-time links."</p> }.into_any()
        };
        let gone = mail.sent_at.map(|at| view! { <Fact label="Sent"><Moment at/></Fact> });
        view! {
            <Record>
                <RecordMain><Panel title="Text">{body}</Panel></RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="To">{mail.to_address}</Fact>
                            <Fact label="Written"><Moment at=mail.created_at/></Fact>
                            {gone}
                        </Facts>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}
