//! A program's terms in versions.

use super::{Seen, below, head, href, made, standing, tabs};
use crate::{
    admin::{may_change, plan::program_day},
    page::{Form, Page, PageError, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use entity::terms_version::Model as Terms;
use leptos::prelude::*;
use service::program::{self, TermsFields};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/programs/{id}/terms", Access::Admin, index)
        .post("/admin/programs/{id}/terms", Access::Admin, create)
        .get("/admin/programs/{id}/terms/new", Access::Admin, new)
        .get("/admin/programs/{id}/terms/{version}", Access::Admin, show)
}

fn at(id: i64) -> String {
    format!("{}/terms", href(id))
}

async fn index(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let versions = program::all_terms(&page.ctx, id).await?;
    let (zone, now) = (program::zone(&program), page.now());
    let mut head = head(&program);
    if may_change(&page) {
        head = head.primary("New version", format!("{}/new", at(id)));
    }
    Ok(page.render(head, move || {
        let tabs = tabs(&program);
        let rows: Vec<(Terms, Option<chrono::DateTime<chrono::Utc>>)> = versions
            .iter()
            .enumerate()
            .map(|(i, v)| {
                let newer = i.checked_sub(1).and_then(|n| versions.get(n));
                (v.clone(), newer.map(|n| n.effective_from))
            })
            .collect();
        let list = Table::plain(rows)
            .caption("Versions of the terms")
            .col("Version", |(v, _): &(Terms, _)| format!("Version {}", v.version))
            .col("Standing", move |(v, newer)| standing(v.effective_from, *newer, now))
            .col("Counts from", move |(v, _)| program_day(v.effective_from, zone))
            .href(move |(v, _)| format!("{}/{}", at(id), v.version))
            .view();
        view! {
            {tabs}
            <Panel title="Versions" text="Partners sign the version that counts on that day. A new one asks them to sign again.">{list}</Panel>
        }
    }))
}

async fn show(page: Page, Path((id, version)): Path<(i64, i64)>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let versions = program::all_terms(&page.ctx, id).await?;
    let place = versions.iter().position(|v| v.version == version);
    let place = place.ok_or(PageError::NotFound)?;
    let this = versions[place].clone();
    let before = versions.get(place + 1).cloned();
    let zone = program::zone(&program);
    let title = format!("Terms, version {version}");
    let head = below(title, &program, "Terms", "terms");
    Ok(page.render(head, move || {
        let from = program_day(this.effective_from, zone);
        let html = service::markdown::to_html(&this.body);
        let diff = before.map(|b| {
            let title = format!("What differs from version {}", b.version);
            let fields = program::text_differences(&b.body, &this.body)
                .into_iter()
                .map(|(line, before, after)| (format!("Line {line}"), before, after))
                .collect::<Vec<_>>();
            view! { <Panel title=title><Diff fields/></Panel> }
        });
        view! {
            <Record>
                <RecordMain>{diff}<Panel title="Text"><div class="prose" inner_html=html></div></Panel></RecordMain>
                <RecordSide><Panel title="Facts"><Facts><Fact label="Counts from">{from}</Fact></Facts></Panel></RecordSide>
            </Record>
        }
    }))
}

async fn new(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let versions = program::all_terms(&page.ctx, id).await?;
    let last = versions.into_iter().next().ok_or(PageError::NotFound)?;
    let zone = program::zone(&program);
    let today = domain::calendar::local_date(page.now(), zone).to_string();
    let head = below("New version of the terms", &program, "Terms", "terms")
        .text(format!("Begins as a copy of version {}.", last.version));
    Ok(page.render(head, move || {
        let (action, cancel) = (at(id), at(id));
        view! {
            <PostForm action=action class="wide">
                <FormErrors/>
                <Hidden name="seen" value=last.version.to_string()/>
                <DateField name="effective_date" label="Count from" hint="Today means at once. Later days begin at midnight in the program’s zone." required=true min=today/>
                <TextArea name="body" label="Text" value=last.body hint="Markdown: # heading, **bold**, - list, [words](https://address)." rows=24 required=true/>
                <Submit label="Make the new version" cancel=cancel/>
            </PostForm>
        }
    }))
}

async fn create(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let fields = TermsFields {
        effective_date: form.effective_date.clone(),
        body: form.body.clone(),
    };
    let seen = Seen {
        seen: form.seen.clone(),
    };
    match program::new_terms(&page.ctx, id, seen.version(), &fields).await {
        Ok(from) => page.done(&at(id), made(from, page.now())).await,
        Err(e) => {
            page.refused(&format!("{}/new", at(id)), e, &form.pairs)
                .await
        }
    }
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    seen: String,
    effective_date: String,
    body: String,
}
