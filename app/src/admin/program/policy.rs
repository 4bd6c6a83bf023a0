//! A program's policy in versions: what counts, what counted, and a new one.

use super::{Seen, below, head, href, made, standing, tabs};
use crate::{
    admin::{may_change, plan::program_day},
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use entity::{policy_version::Model as Policy, program::Model as Program, tier::Model as Tier};
use leptos::prelude::*;
use service::program::{self, HOLDS, PolicyFields, SETTINGS, Value};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/programs/{id}/policies", Access::Admin, index)
        .post("/admin/programs/{id}/policies", Access::Admin, create)
        .get("/admin/programs/{id}/policies/new", Access::Admin, new)
        .get(
            "/admin/programs/{id}/policies/{version}",
            Access::Admin,
            show,
        )
        .post(
            "/admin/programs/{id}/policies/{version}/withdraw",
            Access::Admin,
            withdraw,
        )
}

fn at(id: i64) -> String {
    format!("{}/policies", href(id))
}

/// A version's values in words.
fn words(version: &Policy, tiers: &[Tier], currency: &str) -> Vec<(&'static str, String)> {
    let tier = |rank: i64| {
        let found = tiers.iter().find(|t| t.rank == rank);
        found.map_or_else(|| format!("tier {rank}"), |t| t.name.clone())
    };
    program::values(version, tier)
        .into_iter()
        .map(|(label, value)| {
            let text = match value {
                Value::Number(n, "of the month") => format!("Day {n} of the month"),
                Value::Number(n, unit) => format!("{} {unit}", count_text(n)),
                Value::Money(minor) => money_text(minor, currency),
                Value::Text(text) => text,
            };
            (label, text)
        })
        .collect()
}

/// (name, before, after) for every value.
fn differences(
    before: &Policy,
    after: &Policy,
    tiers: &[Tier],
    currency: &str,
) -> Vec<(String, String, String)> {
    words(before, tiers, currency)
        .into_iter()
        .zip(words(after, tiers, currency))
        .map(|((label, before), (_, after))| (label.to_owned(), before, after))
        .collect()
}

async fn index(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let versions = program::policies(&page.ctx, id).await?;
    let tiers = program::tiers(page.ctx.reader(), id).await?;
    let zone = program::zone(&program);
    let now = page.now();
    let mut head = head(&program);
    if may_change(&page) {
        head = head.primary("New version", format!("{}/new", at(id)));
    }
    Ok(page.render(head, move || {
        let tabs = tabs(&program);
        let current = versions.iter().find(|v| v.effective_from <= now).cloned();
        let counts = current.map(|v| {
            let facts = words(&v, &tiers, &program.currency)
                .into_iter()
                .map(|(label, value)| view! { <Fact label=label>{value}</Fact> })
                .collect_view();
            let title = format!("What counts: version {}", v.version);
            view! { <Panel title=title><Facts>{facts}</Facts></Panel> }
        });
        let rows: Vec<(Policy, Option<chrono::DateTime<chrono::Utc>>)> = versions
            .iter()
            .enumerate()
            .map(|(i, v)| {
                let newer = i.checked_sub(1).and_then(|n| versions.get(n));
                (v.clone(), newer.map(|n| n.effective_from))
            })
            .collect();
        let list = Table::plain(rows)
            .caption("Versions of the policy")
            .col("Version", |(v, _): &(Policy, _)| format!("Version {}", v.version))
            .col("Standing", move |(v, newer)| standing(v.effective_from, *newer, now))
            .col("Counts from", move |(v, _)| program_day(v.effective_from, zone))
            .href(move |(v, _)| format!("{}/{}", at(id), v.version))
            .view();
        view! {
            {tabs}
            {counts}
            <Panel title="Versions" text="A change counts for what happens after its day; every record keeps the version it was judged by.">{list}</Panel>
        }
    }))
}

async fn show(page: Page, Path((id, version)): Path<(i64, i64)>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let versions = program::policies(&page.ctx, id).await?;
    let tiers = program::tiers(page.ctx.reader(), id).await?;
    let place = versions.iter().position(|v| v.version == version);
    let place = place.ok_or(crate::page::PageError::NotFound)?;
    let this = versions[place].clone();
    let before = versions.get(place + 1).cloned();
    let can = may_change(&page) && place == 0 && this.effective_from > page.now();
    let zone = program::zone(&program);
    let title = format!("Policy, version {version}");
    let head = below(title, &program, "Policy", "policies");
    Ok(page.render(head, move || {
        let from = program_day(this.effective_from, zone);
        let facts = words(&this, &tiers, &program.currency)
            .into_iter()
            .map(|(label, value)| view! { <Fact label=label>{value}</Fact> })
            .collect_view();
        let diff = before.map(|b| {
            let title = format!("What differs from version {}", b.version);
            let fields = differences(&b, &this, &tiers, &program.currency);
            view! { <Panel title=title><Diff fields/></Panel> }
        });
        let withdraw = can.then(|| {
            let action = format!("{}/{version}/withdraw", at(id));
            view! {
                <Confirm id="withdraw" label="Withdraw" title="Withdraw this version?" text="It never counts then. What counts today goes on." danger=true>
                    <PostForm action=action name="withdraw"><Submit label="Withdraw" danger=true/></PostForm>
                </Confirm>
            }
        });
        view! {
            <Record>
                <RecordMain>{diff}<Panel title="All values"><Facts>{facts}</Facts></Panel></RecordMain>
                <RecordSide><Panel title="Facts"><Facts><Fact label="Counts from">{from}</Fact></Facts>{withdraw}</Panel></RecordSide>
            </Record>
        }
    }))
}

async fn new(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let versions = program::policies(&page.ctx, id).await?;
    let tiers = program::tiers(page.ctx.reader(), id).await?;
    let last = versions
        .into_iter()
        .next()
        .ok_or(crate::page::PageError::NotFound)?;
    let zone = program::zone(&program);
    let today = domain::calendar::local_date(page.now(), zone).to_string();
    let head: Head = below("New version of the policy", &program, "Policy", "policies")
        .text(format!("Begins as a copy of version {}.", last.version));
    Ok(page.render(head, move || form(&program, &last, &tiers, today)))
}

fn form(program: &Program, last: &Policy, tiers: &[Tier], today: String) -> AnyView {
    let currency = program.currency.clone();
    let action = at(program.id);
    let cancel = action.clone();
    let seen = last.version.to_string();
    let numbers = SETTINGS
        .iter()
        .map(|s| {
            let value = s.of(last).to_string();
            let label = format!("{}, {}", s.label, s.unit);
            if s.key == "hold_days" {
                let options = Choice::list(HOLDS.map(|d| (d.to_string(), format!("{d} days"))));
                return view! { <SelectField name=s.key label=s.label options=options value=value hint=s.hint required=true/> }.into_any();
            }
            view! { <TextField name=s.key label=label kind="number" value=value hint=s.hint required=true/> }.into_any()
        })
        .collect::<Vec<_>>();
    let tiers = Choice::list(tiers.iter().map(|t| (t.rank.to_string(), t.name.clone())));
    let tier = last
        .auto_approve_min_tier
        .map(|rank| rank.to_string())
        .unwrap_or_default();
    let countries = program::countries(last).join(", ");
    let (minimum, second) = (last.payout_minimum, last.second_approval_above);
    let below = money_or_nothing(last.auto_approve_below, &currency);
    let (c1, c2) = (currency.clone(), currency.clone());
    let minimums = program::limit::typed(&last.payout_minimums);
    let seconds = program::limit::typed(&last.second_approvals);
    let others = "Such as 60 USD; 5000 JPY. A currency that is not named has the same number of units: 50 EUR stand beside 50 USD and 50 JPY, not 5000 JPY.";
    let all = "Such as 27000 USD; 4000000 JPY. In a currency that is not named, a second person approves every amount.";
    let hint = "Today means at once. Later days begin at midnight in the program’s zone.";
    view! {
        <PostForm action=action>
            <FormErrors/>
            <Hidden name="seen" value=seen/>
            <DateField name="effective_date" label="Counts from" hint=hint required=true min=today/>
            <div class="fields">{numbers}</div>
            <div class="fields">
                <MoneyField name="payout_minimum" label="Payout minimum" currency=c1 minor=minimum hint="Less than this stays in the balance until the next month." required=true/>
                <TextField name="payout_minimums" label="Payout minimum in other currencies" value=minimums hint=others/>
                <MoneyField name="second_approval_above" label="Second approval above" currency=c2 minor=second hint="Payout runs and adjustments above it need one more person. The day’s runs and bookings of the same people, and for the same partner, add up. A higher limit counts only after the time that new roles wait; a lower one at once." required=true/>
                <TextField name="second_approvals" label="Second approval in other currencies" value=seconds hint=all/>
                <TextField name="auto_approve_below" label=format!("Approve deals at once below, {currency}") value=below hint="Deals of less are approved without a person; empty: a person always looks."/>
                <SelectField name="auto_approve_min_tier" label="Only from tier" options=tiers value=tier/>
            </div>
            <TextField name="countries" label="Countries partners may come from" value=countries hint="Two-letter codes with commas, such as DE, AT, CH; empty allows all."/>
            <Submit label="Make the new version" cancel=cancel/>
        </PostForm>
    }
    .into_any()
}

fn money_or_nothing(minor: Option<i64>, currency: &str) -> String {
    minor
        .map(|minor| crate::ui::format::money_input(minor, currency))
        .unwrap_or_default()
}

async fn create(page: Page, Path(id): Path<i64>, form: Form<Seen>) -> PageResult {
    let fields = PolicyFields::from_pairs(&form.pairs);
    match program::new_policy(&page.ctx, id, form.version(), &fields).await {
        Ok(from) => page.done(&at(id), made(from, page.now())).await,
        Err(e) => {
            page.refused(&format!("{}/new", at(id)), e, &form.pairs)
                .await
        }
    }
}

async fn withdraw(page: Page, Path((id, version)): Path<(i64, i64)>) -> PageResult {
    let done = program::withdraw_policy(&page.ctx, id, version).await;
    page.answer(done, &at(id), "Withdrawn. It never counts.", &[])
        .await
}
