//! Partners whose payouts are on hold, and single lines that are held.

use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use leptos::prelude::*;
use service::{
    FieldErrors, commission,
    commission::{CommissionLine, LineQuery},
    partner::{self, ListView},
    payout::{browse, run},
};

const HERE: &str = "/finance/holds";
const PARTNERS: &str = "/finance/holds/partners";
/// Partners that are shown beside the lines; the rest is behind a link.
const FIRST: u64 = 10;

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Finance, index)
        .post(HERE, Access::Finance, hold)
        .get("/finance/holds.csv", Access::Finance, export)
        .get(PARTNERS, Access::Finance, partners)
        .post("/finance/holds/release", Access::Finance, release)
}

/// Held lines, as the address asks for them.
fn query(list: &ListQuery) -> LineQuery {
    LineQuery {
        states: vec!["held".to_owned()],
        ..crate::commission::query(list)
    }
}

async fn export(page: Page) -> PageResult {
    crate::commission::export(&page, query(&page.list()), "held-commissions.csv").await
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (partners, total) = browse::held_partners(&page.ctx, &list.q, 0, FIRST).await?;
    let all = ListQuery {
        q: list.q.clone(),
        ..ListQuery::default()
    };
    let all = (total > FIRST).then(|| (all.href(PARTNERS), total));
    let lines = commission::lines(&page.ctx, &query(&list)).await?;
    let can = super::may_change(&page);
    let choices = if can {
        choices(&page).await?
    } else {
        Vec::new()
    };
    let head = Head::new("Holds")
        .text("What is stopped until somebody decides: all payouts of a partner, or single lines.");
    Ok(page.render(head, move || {
        let form = can.then(|| view! {
            <Panel title="Put a partner on hold">
                <PostForm action=HERE>
                    <SelectField name="partner" label="Partner" options=choices required=true/>
                    <TextArea name="reason" label="Why? The partner reads it" rows=2 required=true max=500/>
                    <Submit label="Hold its payouts"/>
                </PostForm>
            </Panel>
        });
        let held = Table::new(lines.rows, lines.total, &list)
            .caption("Lines on review hold")
            .col("What", |l: &CommissionLine| crate::commission::brief(&l.kind, &l.rule_name, l.note.as_deref()))
            .col("Partner", |l| l.partner.clone())
            .col("Why", |l| l.note.clone())
            .sorted_num("amount", "Amount", |l| view! { <Money minor=l.amount currency=l.currency.clone()/> })
            .sorted("earned", "Earned", |l| view! { <Day at=l.earned_at/> })
            .href(|l| format!("/finance/commissions/{}", l.id))
            .search("Partner, customer, invoice or reason")
            .filter("kind", "Kind", crate::commission::kinds())
            .csv("/finance/holds.csv")
            .empty(Empty::text("No line is on review hold", "Reviews and disputes hold single lines; they appear here."))
            .view();
        let partners = on_hold(Table::plain(partners), can.then_some(HERE));
        let all = move || {
            all.map(|(href, total)| {
                view! { <ButtonLink href=href label=format!("All {}", count_text(total as i64))/> }
            })
        };
        view! {
            <Panel title="Partners" actions=all>{partners}</Panel>
            {form}
            <Panel title="Lines">{held}</Panel>
        }
    }))
}

/// Every partner on hold, page by page.
async fn partners(page: Page) -> PageResult {
    let list = page.list();
    let (partners, total) =
        browse::held_partners(&page.ctx, &list.q, list.offset(), list.per).await?;
    let can = super::may_change(&page);
    let head = Head::new("Partners on hold")
        .text("All payouts of these partners are stopped until somebody decides.")
        .crumb("Holds", HERE);
    Ok(page.render(head, move || {
        let table = Table::new(partners, total, &list).search("Partner or reason");
        on_hold(table, can.then_some(PARTNERS))
    }))
}

/// Partners on hold; where a hold may be lifted, with the page to which that leads back.
fn on_hold(table: Table<entity::partner::Model>, back: Option<&'static str>) -> AnyView {
    let table = table
        .caption("Partners on hold")
        .col("Partner", |p: &entity::partner::Model| p.name.clone())
        .col("Reason", |p| p.payouts_held_reason.clone())
        .href(|p| format!("/manager/partners/{}", p.id))
        .empty(Empty::text(
            "No partner is on hold",
            "A hold keeps a partner out of every payout run, with a reason it reads.",
        ));
    let Some(back) = back else {
        return table.view();
    };
    let fields = move |p: &entity::partner::Model| {
        vec![
            ("partner", p.id.to_string()),
            ("listed", (back == PARTNERS).to_string()),
        ]
    };
    table
        .menu(move |p| {
            view! { <PostButton action="/finance/holds/release" label="Lift the hold" fields=fields(p) quiet=true/> }
        })
        .view()
}

/// Every active partner, for a field to choose from.
pub(super) async fn choices(page: &Page) -> service::Result<Vec<Choice>> {
    let view = ListView {
        limit: 10_000,
        ..ListView::default()
    };
    let (partners, _) = partner::list(&page.ctx, &view).await?;
    Ok(Choice::list(
        partners.into_iter().map(|p| (p.id.to_string(), p.name)),
    ))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Hold {
    partner: String,
    reason: String,
    /// Lifted on the page of all partners on hold.
    listed: bool,
}

async fn hold(page: Page, form: Form<Hold>) -> PageResult {
    let Ok(id) = form.partner.parse::<i64>() else {
        let errors = FieldErrors::new().with("partner", "Choose a partner.");
        return page.invalid(HERE, errors, &form.pairs).await;
    };
    let done = run::hold_partner(&page.ctx, id, Some(&form.reason)).await;
    page.answer(
        done,
        HERE,
        "Its payouts are on hold until somebody lifts it.",
        &form.pairs,
    )
    .await
}

async fn release(page: Page, form: Form<Hold>) -> PageResult {
    let id = form.partner.parse().unwrap_or_default();
    let done = run::hold_partner(&page.ctx, id, None).await;
    let back = if form.listed { PARTNERS } else { HERE };
    page.answer(done, back, "The hold is lifted.", &form.pairs)
        .await
}
