//! The partner's home: what did I earn, what is next, what must I do?

use super::{checklist, tier::distance};
use crate::{
    commission,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::{
        chart::{Series, Unit, stacked},
        *,
    },
};
use domain::deal::DealStatus as D;
use leptos::prelude::*;
use service::{
    deal::{self, DealList, DealRow},
    earnings::{self, Balance, Earnings, Month, NextPayout, Recent},
    learning, tier,
};

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new().get("/partner", Access::Partner, show)
}

/// Deals shown; the rest is behind a link.
const DEALS: u64 = 5;

async fn show(page: Page) -> PageResult {
    let (partner_id, ..) = page.ctx.partner()?;
    let sees = page.user.as_ref().is_some_and(|u| u.sees_earnings);
    let (earnings, standing) = if sees {
        let earnings = earnings::earnings(&page.ctx, partner_id).await?;
        let standing = earnings.standing.clone();
        (Some(earnings), standing)
    } else {
        (None, tier::standing(&page.ctx, partner_id).await?)
    };
    let steps = checklist::load(&page).await?;
    let open = DealList {
        statuses: vec![
            D::InformationRequested,
            D::Submitted,
            D::InReview,
            D::Approved,
        ],
        limit: DEALS,
        ..DealList::default()
    };
    let (deals, open_deals) = deal::list(&page.ctx, &open).await?;
    let certified = standing.metrics.certified;
    // A certified organisation may lack a certificate all the same, but then its deals page says so.
    let gate = match certified {
        0 => learning::missing_for_deals(page.ctx.reader(), partner_id, page.now()).await?,
        _ => None,
    };
    let name = page
        .user
        .as_ref()
        .map(|u| u.acting_as.clone())
        .unwrap_or_default();
    let head = Head::new("Home")
        .text(name)
        .primary("Register a deal", "/partner/deals/new");
    Ok(page.render(head, move || {
        let (figures, below, next) = match earnings {
            Some(e) => parts(e),
            None => (
                view! { <p class="muted">"The owner of your organisation keeps its earnings to the owners."</p> }.into_any(),
                ().into_any(),
                None,
            ),
        };
        let gate = gate.map(|missing| {
            view! {
                <Notice tone=Tone::Info title="A certificate is missing for registering deals">
                    "One of you has to pass " <a href=missing.link>{missing.title}</a> "."
                </Notice>
            }
        });
        let certified = match certified {
            0 => "Nobody is certified yet.".to_owned(),
            1 => "1 person is certified.".to_owned(),
            n => format!("{} people are certified.", count_text(n)),
        };
        let tier_title = format!("Tier: {}", standing.name);
        let todo = checklist::panel(&steps);
        view! {
            {gate}
            {figures}
            <Record>
                <RecordMain>
                    {below}
                    <Panel title="Open deals" actions=move || view! { <ButtonLink href="/partner/deals" label=format!("All deals ({})", count_text(i64::try_from(open_deals).unwrap_or(i64::MAX)))/> }>
                        {deal_rows(deals)}
                    </Panel>
                </RecordMain>
                <RecordSide>
                    {todo}
                    {next}
                    <Panel title=tier_title actions=|| view! { <ButtonLink href="/partner/tier" label="All tiers"/> }>
                        {distance(&standing, sees)}
                    </Panel>
                    <Panel title="Certification" actions=|| view! { <ButtonLink href="/partner/learning" label="Learning"/> }>
                        <p>{certified}</p>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

/// Figures, charts with the latest lines, and the next payout.
fn parts(earnings: Earnings) -> (AnyView, AnyView, Option<AnyView>) {
    let Earnings {
        balances,
        months,
        next_payout,
        recent,
        ..
    } = earnings;
    let figures = balances
        .iter()
        .map(|b| figures(b, &months))
        .collect_view()
        .into_any();
    let charts = balances
        .iter()
        .filter_map(|b| chart(b, &months))
        .collect_view();
    let below = view! {
        <Panel title="The last twelve months" actions=|| view! { <ButtonLink href="/partner/statements" label="Statements"/> }>
            {charts}
        </Panel>
        <Panel title="Latest earnings" actions=|| view! { <ButtonLink href="/partner/earnings" label="All earnings"/> }>
            {lines(recent)}
        </Panel>
    }
    .into_any();
    (figures, below, Some(payout(&next_payout)))
}

fn of<'a>(b: &Balance, months: &'a [Month]) -> impl Iterator<Item = &'a Month> + use<'a> {
    let currency = b.currency;
    months.iter().filter(move |m| m.currency == currency)
}

fn figures(b: &Balance, months: &[Month]) -> AnyView {
    let code = b.currency.code();
    let spark: Vec<i64> = of(b, months)
        .map(|m| m.earned.saturating_add(m.given_back))
        .collect();
    let year = spark.iter().copied().fold(0, i64::saturating_add);
    let (payable, pending, held_sum, in_payout) = (b.payable, b.pending, b.held, b.in_payout);
    let held = (b.held != 0).then(|| {
        view! { <Figure label="Review hold" href="/partner/earnings?state=held" note="stopped by a review or a dispute"><Money minor=held_sum currency=code/></Figure> }
    });
    let on_its_way = (b.in_payout != 0).then(|| {
        view! { <Figure label="In payout" href="/partner/payouts" note="on its way to you"><Money minor=in_payout currency=code/></Figure> }
    });
    let owed = if payable < 0 {
        "later earnings make up for it first"
    } else {
        "goes into the next payout"
    };
    view! {
        <Figures>
            <Figure label=format!("Earned in 12 months, {code}") href="/partner/earnings" spark=spark><Money minor=year currency=code/></Figure>
            <Figure label="Payable" href="/partner/earnings?state=payable" note=owed><Money minor=payable currency=code/></Figure>
            <Figure label="On hold" href="/partner/earnings?state=pending" note="payable after the hold"><Money minor=pending currency=code/></Figure>
            {held}
            {on_its_way}
        </Figures>
    }
    .into_any()
}

fn chart(b: &Balance, months: &[Month]) -> Option<AnyView> {
    let of: Vec<&Month> = of(b, months).collect();
    if of.iter().all(|m| m.earned == 0 && m.given_back == 0) {
        return None;
    }
    let labels: Vec<String> = of.iter().map(|m| short(&m.month)).collect();
    let code = b.currency.code();
    let series = [
        Series::new("Earned", of.iter().map(|m| m.earned).collect()),
        Series::new("Taken back", of.iter().map(|m| m.given_back).collect()),
    ];
    Some(stacked(
        &format!("Earned by month, {code}"),
        &Unit::money(code),
        &labels,
        &series,
    ))
}

/// `2026-03` as `Mar`.
fn short(month: &str) -> String {
    chrono::NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d")
        .map_or_else(|_| month.to_owned(), |day| day.format("%b").to_string())
}

fn lines(recent: Vec<Recent>) -> AnyView {
    Table::plain(recent)
        .caption("Latest earnings")
        .col("What", |l: &Recent| {
            commission::brief(&l.kind, &l.rule_name, None)
        })
        .col("Customer", |l| l.customer.clone())
        .col("Date", |l| view! { <Day at=l.earned_at/> })
        .num(
            "Amount",
            |l| view! { <Money minor=l.amount currency=l.currency.clone()/> },
        )
        .col("State", |l| commission::state(&l.state))
        .href(|l| format!("/partner/earnings/{}", l.id))
        .empty(
            Empty::text(
                "Nothing earned yet",
                "When a customer you brought pays an invoice, your commission appears here.",
            )
            .action("Register a deal", "/partner/deals/new"),
        )
        .view()
}

fn payout(next: &NextPayout) -> AnyView {
    let on = ui().locale.date(next.on);
    let amounts = next
        .estimates
        .iter()
        .map(|m| view! { <div class="figure-value"><Money minor=m.minor currency=m.currency.code()/></div> })
        .collect_view();
    let none = (next.estimates.is_empty()).then(|| view! { <p>"Nothing is payable yet."</p> });
    let stays = next
        .below_minimum
        .iter()
        .map(|m| {
            view! { <p class="muted"><Money minor=m.minor currency=m.currency.code()/> " stays until it reaches the minimum payout."</p> }
        })
        .collect_view();
    let account = (!next.account_ready).then(|| {
        view! {
            <Notice tone=Tone::Warn title="Your payout account is not ready">
                <a href="/partner/payout-account">"Go to your payout account"</a>
            </Notice>
        }
    });
    view! {
        <Panel title="Next payout" text=format!("Expected on {on}, from what is payable now.")>
            {amounts}
            {none}
            {stays}
            {account}
        </Panel>
    }
    .into_any()
}

fn deal_rows(deals: Vec<DealRow>) -> AnyView {
    Table::plain(deals)
        .caption("Open deals")
        .col("Customer", |d: &DealRow| {
            if d.customer.is_empty() {
                "Draft".to_owned()
            } else {
                d.customer.clone()
            }
        })
        .col(
            "Status",
            |d| view! { <Status of=d.status.as_str() label=d.status.label()/> },
        )
        .num("Value", |d| {
            d.value
                .map(|minor| view! { <Money minor currency=d.currency.clone()/> })
        })
        .col("Clock", |d| match (d.due_at, d.protected_until) {
            (Some(due), _) => view! { <Clock due=due what="Answer due"/> }.into_any(),
            (None, Some(due)) => {
                view! { <Clock due=due what="Protected" warn_hours=336/> }.into_any()
            }
            _ => ().into_any(),
        })
        .href(|d| format!("/partner/deals/{}", d.id))
        .empty(
            Empty::text("No open deals", "A registered deal is protected for you.")
                .action("Register a deal", "/partner/deals/new"),
        )
        .view()
}
