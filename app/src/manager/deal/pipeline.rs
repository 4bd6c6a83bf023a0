//! The pipeline: what waits for a decision or is protected, by sales stage.

use crate::{
    page::{Head, Page, PageResult},
    partner::deal::parts,
    routes::{Access, Routes},
    ui::chart::{self, Unit},
    ui::*,
};
use domain::deal::SalesStage;
use leptos::prelude::*;
use service::deal::{self, StageSum};

pub(super) fn routes() -> Routes {
    Routes::new().get("/manager/pipeline", Access::Manager, show)
}

async fn show(page: Page) -> PageResult {
    let sums = deal::pipeline(&page.ctx).await?;
    let board = deal::board(&page.ctx).await?;
    let head = Head::new("Pipeline").text(
        "Registrations that wait for a decision or are protected, by the partners’ sales stage.",
    );
    Ok(page.render(head, move || {
        if sums.is_empty() {
            return Empty::text("Nothing in the pipeline", "Registrations stand here from the day they are sent until they are won or lost.")
                .action("See all deals", "/manager/deals?status=all")
                .view();
        }
        let total: i64 = sums.iter().map(|s| s.deals).sum();
        let figures = currencies(&sums)
            .into_iter()
            .map(|c| {
                let value = in_currency(&sums, &c).iter().copied().fold(0_i64, i64::saturating_add);
                view! {
                    <Figure label=format!("Estimated first year, {c}")><Money minor=value currency=c.clone()/></Figure>
                }
            })
            .collect_view();
        view! {
            <Figures>
                <Figure label="Open registrations" href="/manager/deals?status=all">{count_text(total)}</Figure>
                {figures}
            </Figures>
            <Grid>{charts(&sums)}</Grid>
            {parts::board(board, "/manager/deals", false)}
        }
        .into_any()
    }))
}

/// The currencies, the one with the most registrations first.
fn currencies(sums: &[StageSum]) -> Vec<String> {
    let mut counts: Vec<(String, i64)> = Vec::new();
    for sum in sums {
        match counts.iter_mut().find(|(c, _)| *c == sum.currency) {
            Some((_, n)) => *n += sum.deals,
            None => counts.push((sum.currency.clone(), sum.deals)),
        }
    }
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts.into_iter().map(|(c, _)| c).collect()
}

/// The values of one currency in the stages' order.
fn in_currency(sums: &[StageSum], currency: &str) -> Vec<i64> {
    let mut values = vec![0; SalesStage::ALL.len()];
    for sum in sums.iter().filter(|s| s.currency == currency) {
        values[sum.stage.position()] = sum.value;
    }
    values
}

fn charts(sums: &[StageSum]) -> AnyView {
    let labels: Vec<String> = SalesStage::ALL
        .iter()
        .map(|s| s.label().to_owned())
        .collect();
    let mut counts = vec![0_i64; SalesStage::ALL.len()];
    for sum in sums {
        counts[sum.stage.position()] += sum.deals;
    }
    let number = chart::bars("Registrations", &Unit::Count, &labels, counts);
    let number = view! {
        <Panel>{number}</Panel>
    };
    // Currencies are never added up; those with a handful of registrations are in the table behind
    // the list, not in a chart of their own.
    let money = currencies(sums)
        .into_iter()
        .take(3)
        .map(|c| {
            let values = in_currency(sums, &c);
            let title = format!("Estimated first year, {c}");
            let bars = chart::bars(&title, &Unit::money(&c), &labels, values);
            view! { <Panel>{bars}</Panel> }
        })
        .collect_view();
    view! { {number} {money} }.into_any()
}
