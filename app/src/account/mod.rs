//! The signed-in person's own things: name and zone, password, notices.

use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::{
    identity::{self, Profile},
    notice,
};

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/preferences", Access::SignedIn, preferences)
        .post("/preferences", Access::SignedIn, update)
        .get("/preferences/password", Access::SignedIn, password_form)
        .post("/preferences/password", Access::SignedIn, password)
        .get("/notices", Access::SignedIn, notices)
        .post("/notices/read", Access::SignedIn, read_all)
        .post("/notices/{id}", Access::SignedIn, open)
}

/// How numbers and dates can be written.
const LOCALES: &[(&str, &str)] = &[
    ("en", "English, 1,234.50"),
    ("en-GB", "English (United Kingdom)"),
    ("en-US", "English (United States)"),
    ("de", "German, 1.234,50"),
    ("de-CH", "German (Switzerland), 1’234.50"),
    ("fr", "French, 1 234,50"),
    ("es", "Spanish, 1.234,50"),
    ("it", "Italian, 1.234,50"),
    ("nl", "Dutch, 1.234,50"),
    ("ja", "Japanese, 1,234.50"),
];

/// Zones people are in most; the one somebody has is always among them.
const ZONES: &[&str] = &[
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Madrid",
    "Europe/Zurich",
    "Europe/Warsaw",
    "Europe/Athens",
    "Europe/Istanbul",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Mexico_City",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Pacific/Auckland",
];

fn tabs() -> AnyView {
    let items = vec![
        Tab::new("About you", "/preferences"),
        Tab::new("Password", "/preferences/password"),
    ];
    view! { <Tabs items=items label="Preferences"/> }.into_any()
}

async fn preferences(page: Page) -> PageResult {
    let me = identity::profile(&page.ctx).await?;
    let head = Head::new("Preferences").text(me.email.clone());
    Ok(page.render(head, move || {
        let mut zones: Vec<String> = ZONES.iter().map(|z| (*z).to_owned()).collect();
        if !zones.contains(&me.time_zone) {
            zones.push(me.time_zone.clone());
        }
        let zones = Choice::list(zones.into_iter().map(|z| (z.clone(), z.replace('_', " "))));
        let mut locales = Choice::list(LOCALES.iter().copied());
        if !LOCALES.iter().any(|(l, _)| *l == me.locale) {
            locales.push(Choice::new(me.locale.clone(), me.locale.clone()));
        }
        view! {
            {tabs()}
            <Panel title="About you">
                <PostForm action="/preferences">
                    <TextField name="name" label="Name" value=me.name required=true max=120 autocomplete="name"/>
                    <SelectField name="locale" label="Numbers and dates" options=locales value=me.locale required=true/>
                    <SelectField name="time_zone" label="Time zone" options=zones value=me.time_zone required=true/>
                    <Submit label="Save"/>
                </PostForm>
            </Panel>
        }
    }))
}

async fn update(page: Page, form: Form<Profile>) -> PageResult {
    let done = identity::update_profile(&page.ctx, &form.value).await;
    page.answer(done, "/preferences", "Saved.", &form.pairs)
        .await
}

async fn password_form(page: Page) -> PageResult {
    Ok(page.render(Head::new("Password"), move || {
        view! {
            {tabs()}
            <Panel title="Change the password" text="This signs you out everywhere else.">
                <PostForm action="/preferences/password">
                    <TextField name="current_password" label="Current password" kind="password" required=true autocomplete="current-password"/>
                    <TextField name="new_password" label="New password" kind="password" hint="At least 10 characters." required=true autocomplete="new-password"/>
                    <Submit label="Change the password"/>
                </PostForm>
            </Panel>
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Passwords {
    current_password: String,
    new_password: String,
}

async fn password(page: Page, form: Form<Passwords>) -> PageResult {
    let here = "/preferences/password";
    let session = page.session.id().map(|id| id.to_string());
    match identity::change_password(
        &page.ctx,
        &form.current_password,
        &form.new_password,
        session.as_deref(),
    )
    .await
    {
        Ok(()) => page.done(here, "Your password is changed.").await,
        Err(error) => page.refused(here, error, &form.pairs).await,
    }
}

async fn notices(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = notice::list(&page.ctx, list.offset(), list.per).await?;
    let unread = rows.iter().any(|n| n.read_at.is_none());
    Ok(page.render(Head::new("Notices"), move || {
        let all =
            unread.then(|| view! { <PostButton action="/notices/read" label="Mark all as read"/> });
        let table = Table::new(rows, total, &list)
            .caption("Notices")
            .col("Notice", |n: &entity::notice::Model| {
                let text = n.text.clone();
                if n.read_at.is_some() {
                    text.into_any()
                } else {
                    view! { <strong>{text}</strong> }.into_any()
                }
            })
            .col("When", |n| view! { <Ago at=n.created_at/> })
            .menu(|n| view! { <PostButton action=format!("/notices/{}", n.id) label="Open"/> })
            .empty(Empty::text(
                "Nothing new",
                "Decisions, questions and whatever else waits for you appear here.",
            ))
            .view();
        view! { {all} {table} }
    }))
}

async fn open(page: Page, Path(id): Path<i64>) -> PageResult {
    let link = notice::open(&page.ctx, id).await?;
    Ok(page.redirect(&link))
}

async fn read_all(page: Page) -> PageResult {
    notice::read_all(&page.ctx).await?;
    Ok(page.redirect("/notices"))
}
