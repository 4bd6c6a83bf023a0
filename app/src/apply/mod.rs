//! Applying: the form, where it stands, questions and answers.

pub(crate) mod form;
pub(crate) mod standing;

use crate::{
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::partner::PartnerStatus;
use leptos::prelude::*;
use service::{
    application::{self, Mine},
    identity,
};

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/apply/{slug}", Access::Public, begin_form)
        .post("/apply/{slug}", Access::SignedIn, begin)
        .get("/application", Access::SignedIn, list)
        .merge(standing::routes())
        .merge(form::routes())
}

/// Leads to where this person applies: signing up, the application that is open, or its beginning.
async fn begin_form(page: Page, Path(slug): Path<String>) -> PageResult {
    let offer = application::offer(&page.ctx, &slug).await?;
    if page.user.is_none() {
        return Ok(page.redirect(&format!("/sign-up?next=/apply/{slug}")));
    }
    let open = application::mine(&page.ctx).await?;
    if let Some(open) = open
        .iter()
        .find(|a| a.status.is_open() && a.program == offer.program.name)
    {
        return Ok(page.redirect(&format!("/application/{}", open.id)));
    }
    let head = Head::new(format!("Apply to {}", offer.program.name))
        .crumb(offer.program.name.clone(), format!("/programs/{slug}"));
    let hours = offer.policy.application_review_hours;
    Ok(page.render(head, move || {
        view! {
            <Panel title="What to expect">
                <Stepper
                    steps=vec![
                        Step::new("You apply", "About ten minutes; a draft is kept"),
                        Step::new("A person reviews it", format!("Within {hours} business hours")),
                        Step::new("You begin", "Agreement, certification, first deal"),
                    ]
                    current=0
                />
                <PostButton action=format!("/apply/{slug}") label="Begin the application" primary=true/>
            </Panel>
        }
    }))
}

async fn begin(page: Page, Path(slug): Path<String>) -> PageResult {
    match application::start(&page.ctx, &slug).await {
        Ok(id) => Ok(page.redirect(&format!("/application/{id}"))),
        Err(error) => page.refused("/application", error, &[]).await,
    }
}

/// One application is shown at once; with none or several there is a choice.
async fn list(page: Page) -> PageResult {
    let mine = application::mine(&page.ctx).await?;
    if let Some(open) = mine.iter().find(|a| a.status.is_open()) {
        return Ok(page.redirect(&format!("/application/{}", open.id)));
    }
    let programs = application::open_programs(&page.ctx).await?;
    // Somebody whose organisation is paused or banned lands here and is told why.
    let paused: Vec<_> = identity::memberships(&page.ctx)
        .await?
        .into_iter()
        .filter(|m| m.status != PartnerStatus::Active)
        .collect();
    Ok(page.render(Head::new("My application"), move || {
        let earlier = (!mine.is_empty()).then(|| {
            let table = Table::plain(mine)
                .caption("Your applications")
                .col("Program", |a: &Mine| a.program.clone())
                .col("Status", |a| view! { <Status of=a.status.as_str()/> })
                .col("Begun", |a| view! { <Day at=a.created_at/> })
                .href(|a| format!("/application/{}", a.id))
                .view();
            view! { <Panel title="Earlier">{table}</Panel> }
        });
        let offers = programs
            .into_iter()
            .map(|p| {
                view! {
                    <Panel title=p.name.clone() text=format!("By {}", p.vendor_name)>
                        <div class="buttons">
                            <PostButton action=format!("/apply/{}", p.slug) label="Begin the application" primary=true/>
                            <ButtonLink href=format!("/programs/{}", p.slug) label="About the program"/>
                        </div>
                    </Panel>
                }
            })
            .collect_view();
        let paused = paused
            .into_iter()
            .map(|m| {
                let title = format!("{} is {}.", m.name, m.status.label().to_lowercase());
                view! { <Notice tone=Tone::Warn title=title>{m.reason}</Notice> }
            })
            .collect_view();
        view! { {paused} {offers} {earlier} }
    }))
}
