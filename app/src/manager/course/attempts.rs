//! Attempts and the certificates they earned.

use super::writes;
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::exam::AttemptStatus;
use leptos::prelude::*;
use service::learning::{self, AttemptLine};

const HERE: &str = "/manager/attempts";

pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Staff, list)
        .get("/manager/certificates/{number}", Access::Staff, certificate)
        .post(
            "/manager/certificates/{number}/revoke",
            Access::Manager,
            revoke,
        )
}

async fn list(page: Page) -> PageResult {
    let list = page.list();
    let course = list.filter("course").and_then(|c| c.parse().ok());
    let (rows, total) = learning::attempts(&page.ctx, course, list.offset(), list.per).await?;
    let courses = learning::list(&page.ctx).await?;
    let now = page.now();
    Ok(page.render(
        Head::new("Attempts").text("Who took which exam, and how it went."),
        move || {
            Table::new(rows, total, &list)
                .caption("Attempts")
                .col("Person", |a: &AttemptLine| a.person.clone())
                .col("Partner", |a| a.partner.clone())
                .col("Course", |a| a.course.clone())
                .num("Attempt", |a| a.attempt.number)
                .aside()
                .col("Result", |a| {
                    let status = &a.attempt.status;
                    let label = status
                        .parse::<AttemptStatus>()
                        .map_or_else(|_| status.clone(), |s| s.label().to_owned());
                    view! { <Status of=status.clone() label=label/> }
                })
                .num("Score", |a| {
                    a.attempt.score_percent.map(|s| format!("{s}%"))
                })
                .col("Started", |a| view! { <Moment at=a.attempt.started_at/> })
                .col("Certificate", move |a| {
                    a.certificate.as_ref().map(|c| {
                        let status = learning::status_of(c, now);
                        let href = format!("/manager/certificates/{}", c.number);
                        view! { <a href=href><Status of=status.as_str() label=status.label()/></a> }
                    })
                })
                .aside()
                .filter(
                    "course",
                    "Course",
                    courses
                        .into_iter()
                        .map(|c| (c.course.id.to_string(), c.title)),
                )
                .empty(Empty::text(
                    "No attempts yet",
                    "They are listed here when partners take an exam.",
                ))
                .view()
        },
    ))
}

fn href(number: &str) -> String {
    format!("/manager/certificates/{number}")
}

async fn certificate(page: Page, Path(number): Path<String>) -> PageResult {
    let found = learning::verify(&page.ctx, &number).await?;
    let head = Head::new(&found.person)
        .text(&found.course)
        .crumb("Attempts", HERE)
        .status_as(found.status.label(), tone_of(found.status.as_str()));
    let revocable = writes(&page) && found.row.revoked_at.is_none();
    Ok(page.render(head, move || {
        let row = found.row;
        let revoked = row.revoked_at.map(|at| {
            let reason = row.revoked_reason.clone().unwrap_or_default();
            view! {
                <Fact label="Revoked"><Day at=at/></Fact>
                <Fact label="Reason">{reason}</Fact>
            }
        });
        let public = format!("/certificates/{}", row.number);
        let action = format!("{}/revoke", href(&row.number));
        let revoke = revocable.then(move || {
            view! {
                <Confirm id="revoke" label="Revoke" title="Revoke this certificate?" text="It stops counting at once, and its holder is told why." danger=true>
                    <PostForm action=action name="revoke">
                        <TextArea name="reason" label="Why?" required=true/>
                        <Submit label="Revoke" danger=true/>
                    </PostForm>
                </Confirm>
            }
        });
        view! {
            <Panel title="Certificate">
                <Facts>
                    <Fact label="Number"><a href=public>{row.number}</a></Fact>
                    <Fact label="Issued"><Day at=row.issued_at/></Fact>
                    <Fact label="Valid until"><Day at=row.expires_at/></Fact>
                    <Fact label="Counts until"><Day at=row.grace_until/></Fact>
                    {revoked}
                </Facts>
                {revoke}
            </Panel>
        }
    }))
}

#[derive(serde::Deserialize)]
struct Revoke {
    #[serde(default)]
    reason: String,
}

async fn revoke(page: Page, Path(number): Path<String>, form: Form<Revoke>) -> PageResult {
    let found = learning::verify(&page.ctx, &number).await?;
    let here = href(&found.row.number);
    let done = learning::revoke(&page.ctx, found.row.id, &form.reason).await;
    page.answer(
        done,
        &here,
        "Revoked. Its holder has been told.",
        &form.pairs,
    )
    .await
}
