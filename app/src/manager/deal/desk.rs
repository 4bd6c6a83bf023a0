//! The conflict desk: companies that several partners have registered, side by side.

use crate::{
    page::{Head, Page, PageResult},
    partner::deal::parts,
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::deal::{self, Contest, Contested, DealRow};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/manager/conflicts", Access::Manager, list)
        .get("/manager/conflicts/{account}", Access::Manager, show)
}

async fn list(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = deal::contests(&page.ctx, &list.q, list.offset(), list.per).await?;
    let head = Head::new("Conflicts").text("Companies that more than one partner has registered.");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Conflicts")
            .col("Company", |c: &Contested| c.name.clone())
            .num("Partners", |c| count_text(c.partners))
            .num("Registrations", |c| count_text(c.deals))
            .aside()
            .num("To decide", |c| count_text(c.open))
            .num("Protected or won", |c| count_text(c.held))
            .num("Waiting", |c| count_text(c.waiting))
            .col("Newest", |c| c.newest_at.map(|at| view! { <Ago at=at/> }))
            .aside()
            .href(|c| format!("/manager/conflicts/{}", c.account_id))
            .search("Company")
            .empty(Empty::text(
                "No conflicts",
                "A company appears here when a second partner registers it.",
            ))
            .view()
    }))
}

async fn show(page: Page, Path(account): Path<i64>) -> PageResult {
    let contest = deal::contest(&page.ctx, account).await?;
    let head = Head::new(&contest.account.name)
        .crumb("Conflicts", "/manager/conflicts")
        .text(contest.domains.join(", "));
    Ok(page.render(head, move || view(contest)))
}

fn view(contest: Contest) -> AnyView {
    let id = contest.account.id;
    let columns = contest
        .sides
        .into_iter()
        .map(|(row, tier)| side(row, tier))
        .collect_view();
    let waiting = contest
        .waiting
        .iter()
        .map(|(deal, partner)| {
            view! { <li><a href=format!("/manager/deals/{deal}")>{partner.clone()}</a></li> }
        })
        .collect_view();
    let waiting = (!contest.waiting.is_empty())
        .then(|| view! { <Panel title="Waiting in line"><ol>{waiting}</ol></Panel> });
    let billed = (contest.customers > 0).then(|| {
        view! { <Notice tone=Tone::Warn title="This company is a customer already."/> }
    });
    let house = contest.account.house.then(|| {
        view! { <Notice tone=Tone::Warn title="The vendor’s own team works on this company."/> }
    });
    view! {
        {billed}
        {house}
        <Grid>{columns}</Grid>
        <Panel title="Protection" text="Who holds which product line, and who held it.">
            {parts::guarded(contest.guarded, true)}
        </Panel>
        {waiting}
        <p><a href=format!("/manager/accounts/{id}")>"Open the account"</a></p>
    }
    .into_any()
}

fn side(row: DealRow, tier: String) -> AnyView {
    let href = format!("/manager/deals/{}", row.id);
    let title = format!("{} · {tier}", row.partner);
    let clock = parts::clock(&row);
    let value = parts::value(row.value, &row.currency);
    view! {
        <Panel title=title actions=move || view! { <ButtonLink href=href label="Open"/> }>
            <Facts>
                <Fact label="Status"><Status of=row.status.as_str() label=row.status.label()/></Fact>
                {row.submitted_at.map(|at| view! { <Fact label="Sent"><Moment at=at/></Fact> })}
                <Fact label="Products">{row.lines.join(", ")}</Fact>
                {value.map(|v| view! { <Fact label="First year">{v}</Fact> })}
                <Fact label="Stage">{row.stage.label()}</Fact>
                {row.expected_close.map(|d| view! { <Fact label="Expected close">{ui().locale.date(d)}</Fact> })}
                <Fact label="Clock">{clock}</Fact>
                <Fact label="Reviewer">{row.reviewer}</Fact>
            </Facts>
        </Panel>
    }
    .into_any()
}
