//! Other thresholds tried out: which partners would move, before anything is changed.

use super::{below, href};
use crate::{
    manager::tiers::words,
    page::{Form, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use entity::tier::Model as Tier;
use leptos::prelude::*;
use service::program::{self, TierFields};
use service::tier::{self, Moved, WhatIf};
use std::collections::HashMap;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/programs/{id}/what-if", Access::Admin, show)
        .post("/admin/programs/{id}/what-if", Access::Admin, send)
}

fn at(id: i64) -> String {
    format!("{}/what-if", href(id))
}

const MEASURES: [&str; 4] = [
    "min_revenue",
    "min_customers",
    "min_won_deals",
    "min_certified",
];

/// The thresholds of a form or an address: `min_revenue_7` is of the tier with the id 7.
fn typed(pairs: &[(String, String)], tiers: &[Tier], currency: &str) -> HashMap<i64, TierFields> {
    let mut found = HashMap::new();
    for tier in tiers {
        let value = |measure: &str| {
            let name = format!("{measure}_{}", tier.id);
            let pair = pairs.iter().find(|(n, _)| *n == name);
            pair.map(|(_, v)| v.clone())
        };
        let usual = TierFields::of(tier, currency);
        let named = MEASURES.iter().any(|m| value(m).is_some());
        if named {
            let fields = TierFields {
                min_revenue: value("min_revenue").unwrap_or(usual.min_revenue),
                min_customers: value("min_customers").unwrap_or(usual.min_customers),
                min_won_deals: value("min_won_deals").unwrap_or(usual.min_won_deals),
                min_certified: value("min_certified").unwrap_or(usual.min_certified),
                ..usual
            };
            found.insert(tier.id, fields);
        }
    }
    found
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let tiers = program::tiers(page.ctx.reader(), id).await?;
    let pairs = query_pairs(&page.query);
    let asked = typed(&pairs, &tiers, &program.currency);
    let found = match asked.is_empty() {
        true => None,
        false => Some(tier::what_if(&page.ctx, id, &asked).await?),
    };
    let head = below("What if?", &program, "Tiers", "tiers").text(
        "Try other thresholds and see whom the next review would move. Nothing is changed here.",
    );
    Ok(page.render(head, move || {
        let fields = tiers
            .iter()
            .map(|t| {
                let f = asked
                    .get(&t.id)
                    .cloned()
                    .unwrap_or_else(|| TierFields::of(t, &program.currency));
                fieldset(t, f, &program.currency)
            })
            .collect_view();
        let result = found.map(result);
        view! {
            {result}
            <Panel title="Thresholds" text="Revenue counts what was paid in the program’s own currency; Portico converts no currencies.">
                <PostForm action=at(id)>
                    <FormErrors/>
                    {fields}
                    <Submit label="See who would move" cancel=format!("{}/tiers", href(id))/>
                </PostForm>
            </Panel>
        }
    }))
}

fn fieldset(tier: &Tier, f: TierFields, currency: &str) -> AnyView {
    let name = |measure: &str| format!("{measure}_{}", tier.id);
    let revenue = format!("Revenue of twelve months, {currency}");
    let title = tier.name.clone();
    let [n1, n2, n3, n4] = MEASURES.map(name);
    view! {
        <fieldset class="group">
            <legend>{title}</legend>
            <div class="fields">
                <TextField name=n1 label=revenue value=f.min_revenue required=true/>
                <TextField name=n2 label="Active customers" kind="number" value=f.min_customers required=true/>
                <TextField name=n3 label="Won deals of twelve months" kind="number" value=f.min_won_deals required=true/>
                <TextField name=n4 label="Certified people" kind="number" value=f.min_certified required=true/>
            </div>
        </fieldset>
    }
    .into_any()
}

fn result(found: WhatIf) -> AnyView {
    let sentence = match (found.moved.len(), found.partners) {
        (0, all) => format!("None of {all} partners would be treated differently."),
        (1, all) => format!("1 of {all} partners would be treated differently."),
        (n, all) => format!("{n} of {all} partners would be treated differently."),
    };
    let table = Table::plain(found.moved)
        .caption("Partners that would be treated differently")
        .col("Partner", |m: &Moved| m.candidate.partner.clone())
        .col("Tier", |m| m.candidate.tier.clone())
        .col("As it is", |m| words(&m.as_it_is))
        .col("Then", |m| words(&m.candidate.outcome))
        .col("Missing then", |m| m.candidate.missing.clone())
        .num("Revenue of 12 months", |m| {
            let (minor, code) = (
                m.candidate.metrics.revenue_minor,
                m.candidate.currency.code(),
            );
            view! { <Money minor=minor currency=code/> }
        })
        .aside()
        .href(|m| format!("/manager/partners/{}", m.candidate.partner_id))
        .empty(Empty::text(
            "Nobody moves",
            "The next review does the same with every partner.",
        ))
        .view();
    view! { <Panel title="What the next review would do" text=sentence>{table}</Panel> }.into_any()
}

/// The fields have the tiers' ids in their names, so only the pairs are read.
#[derive(serde::Deserialize)]
struct Typed {}

async fn send(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let tiers = program::tiers(page.ctx.reader(), id).await?;
    let asked = typed(&form.pairs, &tiers, &program.currency);
    if let Err(error) = tier::what_if(&page.ctx, id, &asked).await {
        return page.refused(&at(id), error, &form.pairs).await;
    }
    // What is tried stands in the address, so that it can be kept and sent to a colleague.
    let mut to = at(id);
    let named = |name: &str| MEASURES.iter().any(|m| name.starts_with(m));
    for (place, (name, value)) in form.pairs.iter().filter(|(n, _)| named(n)).enumerate() {
        to.push(if place == 0 { '?' } else { '&' });
        encode(&mut to, name);
        to.push('=');
        encode(&mut to, value);
    }
    Ok(page.redirect(&to))
}
