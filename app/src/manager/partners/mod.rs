//! Partners as their managers see them.

mod record;

use crate::{
    csv::{self, Csv},
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use domain::application::PartnerType;
use domain::partner::PartnerStatus;
use leptos::prelude::*;
use service::partner::{self, ListView, PartnerRow};

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/manager/partners", Access::Staff, list)
        .get("/manager/partners.csv", Access::Staff, csv)
        .merge(record::routes())
}

fn view_of(list: &ListQuery) -> ListView {
    ListView {
        search: list.q.clone(),
        status: list.filter("status").and_then(|s| s.parse().ok()),
        tier_id: list.filter("tier").and_then(|t| t.parse().ok()),
        manager_id: list.filter("manager").and_then(|m| m.parse().ok()),
        country: list.filter("country").map(str::to_owned),
        partner_type: list.filter("type").map(str::to_owned),
        sort: list
            .sort_or(&["name", "tier", "country", "since", "quiet"], "name")
            .to_owned(),
        descending: list.desc,
        offset: list.offset(),
        limit: list.per,
    }
}

async fn list(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = partner::list(&page.ctx, &view_of(&list)).await?;
    let managers = partner::managers(&page.ctx).await?;
    let mut tiers = Vec::new();
    for program in service::program::all(page.ctx.reader()).await? {
        for tier in service::program::tiers(page.ctx.reader(), program.id).await? {
            tiers.push((tier.id.to_string(), tier.name));
        }
    }
    let me = page.ctx.actor.person_id().unwrap_or_default();
    Ok(page.render(Head::new("Partners"), move || {
        let managers = managers
            .into_iter()
            .map(|(id, name)| (id.to_string(), name))
            .chain(std::iter::once(("0".to_owned(), "Nobody".to_owned())));
        Table::new(rows, total, &list)
            .caption("Partners")
            .sorted("name", "Partner", |r: &PartnerRow| {
                view! { {r.name.clone()} <span class="muted">" " {r.domain.clone()}</span> }
            })
            .sorted("tier", "Tier", |r| r.tier.clone())
            .col("Status", |r| view! { <Status of=r.status.as_str()/> })
            .col("Type", |r| {
                r.partner_type
                    .parse::<PartnerType>()
                    .map_or_else(|_| r.partner_type.clone(), |t| t.label().to_owned())
            })
            .aside()
            .sorted("country", "Country", |r| {
                country_name(&r.country).to_owned()
            })
            .aside()
            .col("Looked after by", |r| r.manager.clone().unwrap_or_default())
            .aside()
            .num("Open deals", |r| r.open_deals)
            .num("Won deals", |r| r.won_deals)
            .sorted("quiet", "Last activity", |r| {
                r.last_activity.map(|at| view! { <Ago at=at/> })
            })
            .sorted("since", "Partner since", |r| view! { <Day at=r.since/> })
            .aside()
            .href(|r| format!("/manager/partners/{}", r.id))
            .search("Name or domain")
            .filter(
                "status",
                "Status",
                PartnerStatus::ALL.iter().map(|s| (s.as_str(), s.label())),
            )
            .filter("tier", "Tier", tiers)
            .filter(
                "type",
                "Type",
                PartnerType::ALL.iter().map(|t| (t.as_str(), t.label())),
            )
            .filter("manager", "Looked after by", managers)
            .views(vec![
                Tab::new("All", "/manager/partners"),
                Tab::new("Mine", format!("/manager/partners?manager={me}")),
                Tab::new("Unassigned", "/manager/partners?manager=0"),
            ])
            .csv("/manager/partners.csv")
            .empty(
                Empty::text(
                    "No partners yet",
                    "A partner is made when an application is approved.",
                )
                .action("See the applications", "/manager/applications"),
            )
            .view()
    }))
}

async fn csv(page: Page) -> PageResult {
    let asked = view_of(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = ListView {
            offset,
            limit,
            ..asked.clone()
        };
        whole.take(partner::list(&page.ctx, &part).await?)?;
    }
    let rows = whole.rows;
    let mut file = Csv::new(&[
        "id",
        "name",
        "domain",
        "country",
        "type",
        "tier",
        "status",
        "manager",
        "since",
        "open_deals",
        "won_deals",
    ]);
    for r in rows {
        file.row([
            r.id.to_string().as_str(),
            &r.name,
            &r.domain,
            &r.country,
            &r.partner_type,
            &r.tier,
            r.status.as_str(),
            r.manager.as_deref().unwrap_or_default(),
            &r.since.to_rfc3339(),
            &r.open_deals.to_string(),
            &r.won_deals.to_string(),
        ]);
    }
    Ok(page.csv("partners.csv", file.finish()))
}
