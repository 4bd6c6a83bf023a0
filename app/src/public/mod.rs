//! What everybody may read: the programs, what they pay, whom they are for.

mod certificate;

use crate::{
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::application::{self, Offer, Point, TierOffer};

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/", Access::Public, start)
        .get("/programs/{slug}", Access::Public, show)
        .get("/programs/{slug}/terms", Access::Public, terms)
        .merge(certificate::routes())
}

/// With one program its page is the start page; with several there is a choice.
async fn start(page: Page) -> PageResult {
    let programs = application::open_programs(&page.ctx).await?;
    if let [only] = programs.as_slice() {
        let offer = application::offer(&page.ctx, &only.slug).await?;
        return render(&page, offer).await;
    }
    let head = Head::new(page.state.site.name.clone())
        .text("Choose the program you are interested in.")
        .public();
    Ok(page.render(head, move || {
        Table::plain(programs)
            .caption("Programs")
            .col("Program", |p: &entity::program::Model| p.name.clone())
            .col("By", |p| p.vendor_name.clone())
            .href(|p| format!("/programs/{}", p.slug))
            .empty(
                Empty::text(
                    "No program takes applications",
                    "Come back later, or sign in if you are a partner.",
                )
                .action("Sign in", "/sign-in"),
            )
            .view()
    }))
}

async fn show(page: Page, Path(slug): Path<String>) -> PageResult {
    let offer = application::offer(&page.ctx, &slug).await?;
    render(&page, offer).await
}

async fn render(page: &Page, offer: Offer) -> PageResult {
    let mine = match page.user {
        Some(_) => application::mine(&page.ctx).await?,
        None => Vec::new(),
    };
    let applied = mine
        .iter()
        .any(|a| a.status.is_open() && a.program_id == offer.program.id);
    let Offer {
        program,
        pitch,
        tiers,
        rules,
        policy,
        ..
    } = offer;
    let headline = if pitch.headline.is_empty() {
        program.name.clone()
    } else {
        pitch.headline
    };
    let mut head = Head::new(headline).text(pitch.summary).public();
    if program.open_to_applications {
        let label = if applied {
            "See your application"
        } else {
            "Apply"
        };
        head = head.primary(label, format!("/apply/{}", program.slug));
    }
    let terms = format!("/programs/{}/terms", program.slug);
    Ok(page.render(head, move || {
        let currency = program.currency.clone();
        let steps = pitch.steps.into_iter().map(|p| Step::new(p.title, p.text)).collect::<Vec<_>>();
        let asks = currency.clone();
        let ladder = tiers.into_iter().map(|t| ladder(t, &asks)).collect::<Vec<_>>();
        let rules = rules.into_iter().map(|r| view! { <li>{r}</li> }).collect_view();
        let points = |points: Vec<Point>| {
            points
                .into_iter()
                .map(|p| view! { <Fact label=p.title>{p.text}</Fact> })
                .collect_view()
        };
        let questions = pitch
            .questions
            .into_iter()
            .map(|q| view! { <details><summary>{q.title}</summary><p>{q.text}</p></details> })
            .collect_view();
        let steps_shown = (!steps.is_empty())
            .then(|| view! { <Panel title="How it works"><Stepper steps=steps current=usize::MAX/></Panel> });
        let good = (!pitch.good_customers.is_empty()).then(|| {
            let facts = points(pitch.good_customers);
            view! { <Panel title="Good customers"><Facts>{facts}</Facts></Panel> }
        });
        let asked = (!questions.is_empty())
            .then(|| view! { <Panel title="Questions and answers">{questions}</Panel> });
        view! {
            {steps_shown}
            <Panel title="Tiers and rates">
                <TierLadder tiers=ladder/>
                <ul>{rules}</ul>
            </Panel>
            <Panel title="What you can rely on">
                <Facts>
                    <Fact label="A registered deal is protected for">{format!("{} days", policy.protection_days)}</Fact>
                    <Fact label="Commission is payable">{format!("{} days after the customer has paid", policy.hold_days)}</Fact>
                    <Fact label="Payouts">{format!("Each month, on day {}, from ", policy.payout_day)}<Money minor=policy.payout_minimum currency=currency/>" on"</Fact>
                    <Fact label="Your application is answered within">{format!("{} business hours", policy.application_review_hours)}</Fact>
                    <Fact label="Terms"><a href=terms>"Read the terms"</a></Fact>
                </Facts>
            </Panel>
            {good}
            {asked}
        }
    }))
}

/// A tier with what it earns and asks.
pub(crate) fn ladder(offer: TierOffer, currency: &str) -> Tier {
    let t = offer.tier;
    let mut needs = Vec::new();
    if t.min_revenue > 0 {
        needs.push(format!(
            "{} revenue in twelve months",
            money_text(t.min_revenue, currency)
        ));
    }
    for (count, one, many) in [
        (t.min_customers, "active customer", "active customers"),
        (t.min_won_deals, "won deal", "won deals"),
        (t.min_certified, "certified person", "certified people"),
    ] {
        match count {
            0 => {}
            1 => needs.push(format!("1 {one}")),
            n => needs.push(format!("{n} {many}")),
        }
    }
    if needs.is_empty() {
        needs.push("Open to every partner".to_owned());
    }
    if !t.benefits.is_empty() {
        needs.push(t.benefits);
    }
    let earns = offer
        .rate_bp
        .map_or_else(String::new, |bp| format!("up to {}", percent_text(bp)));
    Tier {
        name: t.name,
        earns,
        needs,
    }
}

async fn terms(page: Page, Path(slug): Path<String>) -> PageResult {
    let offer = application::offer(&page.ctx, &slug).await?;
    let version = format!("Version {}", offer.terms.version);
    let head = Head::new("Terms")
        .text(version)
        .crumb(offer.program.name, format!("/programs/{slug}"))
        .public();
    let html = service::markdown::to_html(&offer.terms.body);
    Ok(page.render(
        head,
        move || view! { <div class="prose" inner_html=html></div> },
    ))
}
