//! Where the partner stands among the tiers, and the way up.

use crate::{
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use domain::money::{Bp, Currency};
use domain::plan::{Amount, PlanRules};
use domain::tier::{Measure, Progress};
use leptos::prelude::*;
use service::{
    application::TierOffer,
    program,
    tier::{self, Change, Outlook, Standing},
};

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new().get("/partner/tier", Access::Partner, show)
}

async fn show(page: Page) -> PageResult {
    let db = page.ctx.reader();
    let owner = service::partner::of(&page.ctx, db).await?;
    let Outlook {
        standing,
        falls,
        uncounted,
    } = tier::outlook(&page.ctx, owner.id).await?;
    let history = tier::history(&page.ctx, owner.id).await?;
    let tiers = program::tiers(db, owner.program_id).await?;
    let plan = program::plan_version_at(db, owner.plan_id, page.now()).await?;
    let record = service::partner::own(&page.ctx).await?;
    let now = page.now();
    let sees = page.user.as_ref().is_some_and(|u| u.sees_earnings);
    let rules: Option<PlanRules> = plan.and_then(|v| serde_json::from_value(v.rules).ok());
    let head = Head::new("Tier");
    // The explanation counts what was earned by.
    let head = match sees {
        true => head.text(standing.explanation.clone()),
        false => head,
    };
    Ok(page.render(head, move || {
        let current = tiers.iter().position(|t| t.id == owner.tier_id);
        let code = standing.currency.code();
        let names: Vec<(i32, String)> = tiers
            .iter()
            .map(|t| (i32::try_from(t.rank).unwrap_or(i32::MAX), t.name.clone()))
            .collect();
        let sentences = rules.as_ref().map(|rules| {
            let name = |rank: i32| {
                names.iter().find(|(r, _)| *r == rank).map_or_else(|| format!("tier {rank}"), |(_, n)| n.clone())
            };
            let items = rules.describe(name).into_iter().map(|s| view! { <li>{s}</li> }).collect_view();
            let coming = record.plan_moves.iter().filter(|m| m.at > now).map(|m| {
                let words = format!("the plan “{}” counts: {}", m.to, m.reason);
                view! { <p>"From " <Day at=m.at/> " " {words}</p> }
            }).collect_view();
            let title = format!("Your plan: {}", record.plan);
            view! { <Panel title=title><ul>{items}</ul>{coming}</Panel> }
        });
        let rates: Vec<Option<i64>> = names
            .iter()
            .map(|(rank, _)| Some(best_rate(rules.as_ref()?, *rank)?.0))
            .collect();
        // A rate that is the same everywhere is no reason to climb.
        let differ = rates.windows(2).any(|pair| pair[0] != pair[1]);
        let steps = tiers
            .into_iter()
            .zip(rates)
            .map(|(tier, rate)| {
                let rate_bp = rate.filter(|_| differ);
                crate::public::ladder(TierOffer { tier, rate_bp }, code)
            })
            .collect::<Vec<_>>();
        let ladder = match current {
            Some(current) => view! { <TierLadder tiers=steps current=current/> }.into_any(),
            None => view! { <TierLadder tiers=steps/> }.into_any(),
        };
        let notice = standing.notice_until.map(|at| {
            let name = standing.name.clone();
            let fall = falls.map(|fall| {
                let less = fall.would_earn_less.filter(|m| sees && m.minor > 0).map(|m| view! {
                    " There, the revenue of your last 12 months would have earned "
                    <strong><Money minor=m.minor currency=m.currency.code()/></strong> " less."
                });
                view! { " Then it is " {fall.to} "." {less} }
            });
            view! {
                <Notice tone=Tone::Warn title="Your tier is at risk">
                    "You keep " {name} " until " <Day at/> "." {fall} " Meet its requirements again before then and nothing changes."
                </Notice>
            }
        });
        let others = (sees && !uncounted.is_empty()).then(|| {
            let sums = uncounted.iter().map(|m| {
                view! { <div><Money minor=m.minor currency=m.currency.code()/></div> }
            }).collect_view();
            view! { <Fact label="Not counted, in other currencies">{sums}</Fact> }
        });
        let mut counts = format!("Tiers count revenue in {code} only; no currency is converted.");
        if sees && !uncounted.is_empty() {
            counts.push_str(" Because part of yours is in others, you are not moved down without your partner manager looking at it.");
        }
        let changes = changes(history, sees);
        let way = distance(&standing, sees);
        let Standing { name, since, metrics, .. } = standing;
        let revenue = sees.then(|| {
            view! { <Fact label="Revenue in the last 12 months"><Money minor=metrics.revenue_minor currency=code/></Fact> }
        });
        view! {
            {notice}
            <Record>
                <RecordMain>
                    <Panel title="The tiers">{ladder}</Panel>
                    {sentences}
                    <Panel title="What happened">{changes}</Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Your way up">{way}</Panel>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Tier">{name}</Fact>
                            <Fact label="Since"><Day at=since/></Fact>
                            {revenue}
                            {others}
                            <Fact label="Active customers">{count_text(metrics.customers)}</Fact>
                            <Fact label="Deals won in the last 12 months">{count_text(metrics.won_deals)}</Fact>
                            <Fact label="Certified people">{count_text(metrics.certified)}</Fact>
                        </Facts>
                        <p class="muted">{counts}</p>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

/// The best rate of a rule for every invoice at a tier.
fn best_rate(rules: &PlanRules, rank: i32) -> Option<Bp> {
    rules
        .rules
        .iter()
        .filter_map(|rule| {
            let rate = match &rule.amount {
                Amount::ByTier { rates } => *rates.range(..=rank).next_back()?.1,
                Amount::Percent { rate } => *rate,
                _ => return None,
            };
            rate.checked_add(rule.bonus_points).ok()
        })
        .max()
}

/// How far the next tier is and what it would pay; also for the partner's home. Who does not see what
/// the organisation earns does not see its revenue either.
pub(super) fn distance(standing: &Standing, sees: bool) -> AnyView {
    let Some(next) = &standing.next else {
        return view! { <p>{format!("{} is the highest tier.", standing.name)}</p> }.into_any();
    };
    let meters = next
        .progress
        .iter()
        .filter(|p| sees || p.measure != Measure::Revenue)
        .map(|p| meter(p, standing.currency))
        .collect_view();
    let missing = if next.missing.is_empty() {
        format!(
            "You meet everything for {}; the next review moves you up.",
            next.name
        )
    } else if !sees {
        format!(
            "Not everything for {} is met yet. What is missing in revenue is the owners’ to see.",
            next.name
        )
    } else {
        format!("{} needs {}.", next.name, next.missing)
    };
    let more = next.would_earn_more.filter(|m| sees && m.minor > 0).map(|m| {
        view! {
            <p>
                "At " {next.name.clone()} ", the revenue of your last 12 months would have earned "
                <strong><Money minor=m.minor currency=m.currency.code()/></strong> " more."
            </p>
        }
    });
    view! { <p>{missing}</p> {meters} {more} }.into_any()
}

fn meter(p: &Progress, currency: Currency) -> AnyView {
    let words = |n: i64| match p.measure {
        Measure::Revenue => money_text(n, currency.code()),
        _ => count_text(n),
    };
    let label = format!(
        "{}: {} of {}",
        p.measure.label(),
        words(p.have),
        words(p.need)
    );
    view! { <Meter value=p.have max=p.need label=label/> }.into_any()
}

fn changes(history: Vec<Change>, sees: bool) -> AnyView {
    let events = history
        .into_iter()
        .map(|c| {
            let (tone, what) = match (c.row.kind.as_str(), &c.from) {
                ("notice", _) => (
                    Tone::Warn,
                    format!("· Will move to {} unless you recover", c.to),
                ),
                ("demotion", _) => (Tone::Bad, format!("· Moved down to {}", c.to)),
                ("promotion", _) => (Tone::Good, format!("· Moved up to {}", c.to)),
                (_, Some(from)) if *from != c.to => {
                    (Tone::Info, format!("· Moved from {from} to {}", c.to))
                }
                _ => (Tone::Neutral, format!("· {}", c.to)),
            };
            Event {
                at: c.row.created_at,
                who: String::new(),
                what,
                detail: if sees {
                    c.row.explanation
                } else {
                    String::new()
                },
                tone,
                internal: false,
            }
        })
        .collect();
    view! { <Timeline events=events/> }.into_any()
}
