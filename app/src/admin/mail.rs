//! Mail that was written, and whether it is gone.

use super::{part, query};
use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::desk::{self, MailLine, MailStanding};

const HERE: &str = "/admin/mail";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Admin, index)
        .get("/admin/mail.csv", Access::Admin, export)
        .get("/admin/mail/{id}", Access::Admin, show)
}

const STATUSES: [(&str, &str); 3] = [
    ("waiting", "Waiting"),
    ("sent", "Sent"),
    ("given_up", "Given up"),
];

fn words(standing: MailStanding) -> (&'static str, Tone) {
    match standing {
        MailStanding::Waiting => ("Waiting", Tone::Info),
        MailStanding::Sent => ("Sent", Tone::Good),
        MailStanding::GivenUp { .. } => ("Given up", Tone::Bad),
    }
}

fn status(line: &MailLine) -> AnyView {
    let (label, tone) = words(line.standing);
    view! { <Status of="" label=label tone=tone/> }.into_any()
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = desk::mails(&page.ctx, &query(&list)).await?;
    let head = Head::new("Mail log").text("Every mail the portal has written.");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Mail")
            .col("Subject", |m: &MailLine| m.mail.subject.clone())
            .col("To", |m| m.mail.to_address.clone())
            .col("Status", status)
            .sorted(
                "written",
                "Written",
                |m| view! { <Ago at=m.mail.created_at/> },
            )
            .col("Sent", |m| m.mail.sent_at.map(|at| view! { <Moment at/> }))
            .aside()
            .href(|m| format!("{HERE}/{}", m.mail.id))
            .search("Address or subject")
            .filter("status", "Status", STATUSES)
            .csv("/admin/mail.csv")
            .empty(Empty::text(
                "No mail yet",
                "Mail appears here as soon as it is written.",
            ))
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let asked = query(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        whole.take(desk::mails(&page.ctx, &part(&asked, offset, limit)).await?)?;
    }
    let rows = whole.rows;
    let mut file = Csv::new(&["Subject", "To", "Status", "Written", "Sent"]);
    for MailLine { mail: m, standing } in rows {
        file.row([
            m.subject,
            m.to_address,
            words(standing).0.to_owned(),
            csv::moment(m.created_at),
            csv::moment_or_none(m.sent_at),
        ]);
    }
    Ok(page.csv("mail.csv", file.finish()))
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let MailLine { mail, standing } = desk::mail(&page.ctx, id).await?;
    let sent = standing == MailStanding::Sent;
    let (word, tone) = words(standing);
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
        let job = match standing {
            MailStanding::GivenUp { job_id } => Some(view! {
                <Notice tone=Tone::Bad title="It could not be sent">
                    <a href=format!("/admin/jobs/{job_id}")>"See what went wrong and try again"</a>
                </Notice>
            }),
            _ => None,
        };
        let gone = mail.sent_at.map(|at| view! { <Fact label="Sent"><Moment at/></Fact> });
        view! {
            {job}
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
