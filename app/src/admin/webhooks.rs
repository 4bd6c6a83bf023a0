//! Events from Stripe as they came, and what became of each.

use super::{may_change, part, query};
use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use entity::webhook_event::Model;
use leptos::prelude::*;
use service::desk;
use stripe_gateway::webhook::Envelope;

const HERE: &str = "/admin/webhooks";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Admin, index)
        .get("/admin/webhooks.csv", Access::Admin, export)
        .get("/admin/webhooks/{id}", Access::Admin, show)
        .post("/admin/webhooks/{id}/retry", Access::Admin, retry)
}

const STATUSES: [(&str, &str); 5] = [
    ("received", "Waiting"),
    ("kept", "Kept"),
    ("processed", "Handled"),
    ("ignored", "Ignored"),
    ("failed", "Failed"),
];

fn words(status: &str) -> String {
    STATUSES
        .iter()
        .find(|(k, _)| *k == status)
        .map_or_else(|| label_of(status), |(_, l)| (*l).to_owned())
}

/// Where an event stands: one that waits for something at Stripe is kept.
fn standing(event: &Model) -> &str {
    match event.status.as_str() {
        "received" if event.waits_for.is_some() => "kept",
        status => status,
    }
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = desk::webhooks(&page.ctx, &query(&list)).await?;
    let head = Head::new("Webhook inbox")
        .text("Every event from Stripe, stored once as it came and worked off afterwards.");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Events from Stripe")
            .col("Event", |e: &Model| e.r#type.clone())
            .col("Id", |e| view! { <code>{e.event_id.clone()}</code> })
            .aside()
            .col(
                "Status",
                |e| view! { <Status of=e.status.clone() label=words(standing(e))/> },
            )
            .num("Tries", |e| count_text(e.attempts))
            .aside()
            .col("Happened", |e| view! { <Moment at=e.happened_at/> })
            .sorted(
                "received",
                "Received",
                |e| view! { <Ago at=e.received_at/> },
            )
            .aside()
            .col("Why", |e| e.error.clone())
            .href(|e| format!("{HERE}/{}", e.id))
            .search("Type, id or error")
            .filter("status", "Status", STATUSES)
            .views(vec![
                Tab::new("All", HERE),
                Tab::new("Failed", format!("{HERE}?status=failed")),
                Tab::new("Waiting", format!("{HERE}?status=received")),
                Tab::new("Kept", format!("{HERE}?status=kept")),
                Tab::new("Ignored", format!("{HERE}?status=ignored")),
            ])
            .csv("/admin/webhooks.csv")
            .empty(Empty::text(
                "No events yet",
                "They arrive as soon as Stripe’s webhook leads to /webhooks/stripe of this portal.",
            ))
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let asked = query(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        whole.take(desk::webhooks(&page.ctx, &part(&asked, offset, limit)).await?)?;
    }
    let rows = whole.rows;
    let mut file = Csv::new(&[
        "Event", "Type", "Status", "Tries", "Happened", "Received", "Handled", "Error",
    ]);
    for e in rows {
        file.row([
            e.event_id.clone(),
            e.r#type.clone(),
            standing(&e).to_owned(),
            e.attempts.to_string(),
            csv::moment(e.happened_at),
            csv::moment(e.received_at),
            csv::moment_or_none(e.processed_at),
            e.error.unwrap_or_default(),
        ]);
    }
    Ok(page.csv("webhooks.csv", file.finish()))
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let event = desk::webhook(&page.ctx, id).await?;
    let timeline = service::event::timeline(page.ctx.reader(), "webhook_event", id, true).await?;
    let head = Head::new(event.r#type.clone())
        .text(event.event_id.clone())
        .crumb("Webhook inbox", HERE)
        .status_as(words(standing(&event)), tone_of(&event.status));
    let can = may_change(&page) && matches!(standing(&event), "failed" | "kept");
    Ok(page.render(head, move || {
        let wrong = event.error.clone().map(|why| {
            let retry = can.then(|| view! { <PostButton action=format!("{HERE}/{id}/retry") label="Handle it again" primary=true/> });
            let (tone, title) = match standing(&event) {
                "kept" => (Tone::Info, "What it waits for"),
                "ignored" => (Tone::Info, "Why it is ignored"),
                _ => (Tone::Warn, "What went wrong"),
            };
            view! { <Notice tone title><p>{why}</p>{retry}</Notice> }
        });
        let account = Envelope::parse(event.payload.as_bytes())
            .ok()
            .and_then(|envelope| envelope.account);
        let account = account.map(|id| view! { <Fact label="Account"><code>{id}</code></Fact> });
        let body = serde_json::from_str::<serde_json::Value>(&event.payload)
            .and_then(|value| serde_json::to_string_pretty(&value))
            .unwrap_or(event.payload);
        let handled = event.processed_at.map(|at| {
            let label = match event.status.as_str() {
                "failed" => "Failed",
                "ignored" => "Ignored",
                _ => "Handled",
            };
            view! { <Fact label=label><Moment at/></Fact> }
        });
        let next = event.next_attempt_at.map(|at| view! { <Fact label="Next try"><Moment at/></Fact> });
        let events = crate::apply::standing::events(timeline);
        let mode = if event.livemode { "Live" } else { "Test" };
        view! {
            {wrong}
            <Record>
                <RecordMain>
                    <Panel title="As it came"><pre class="code">{body}</pre></Panel>
                    <Panel title="What happened"><Timeline events/></Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Happened"><Moment at=event.happened_at/></Fact>
                            <Fact label="Received"><Moment at=event.received_at/></Fact>
                            {handled}
                            {next}
                            <Fact label="Tries">{count_text(event.attempts)}</Fact>
                            <Fact label="Mode">{mode}</Fact>
                            {account}
                        </Facts>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

async fn retry(page: Page, Path(id): Path<i64>) -> PageResult {
    let here = format!("{HERE}/{id}");
    let done = desk::retry_webhook(&page.ctx, id).await;
    page.answer(done, &here, "It is handled again now.", &[])
        .await
}
