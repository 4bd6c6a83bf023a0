//! Every commission line, and what finance can do about it.

use crate::{
    commission::{self, Around},
    page::{Form, Head, Page, PageResult, numbered},
    routes::{Access, Routes},
    statement::month_words,
    ui::*,
};
use axum::extract::Path;
use domain::partner::StaffRole;
use leptos::prelude::*;
use service::commission::{self as lines, Bulk, CommissionLine, Explained};

pub(super) const HERE: &str = "/finance/commissions";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Finance, index)
        .get("/finance/commissions.csv", Access::Finance, csv)
        .post("/finance/commissions/act", Access::Finance, act)
        .get("/finance/commissions/{id}", Access::Finance, show)
        .post(
            "/finance/commissions/{id}/approve",
            Access::Finance,
            approve,
        )
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let found = lines::lines(&page.ctx, &commission::query(&list)).await?;
    let head = Head::new("Commissions").text("Everything partners earned and gave back.");
    let can = super::may_change(&page);
    Ok(page.render(head, move || {
        let one = |name: &str, words: Option<String>| {
            list.filter(name).map(|v| vec![(v.to_owned(), words.unwrap_or_else(|| v.to_owned()))])
        };
        let partner = one("partner", found.rows.first().map(|l| l.partner.clone()));
        let customer = one("customer", found.rows.first().and_then(|l| l.customer.clone()));
        let payout = one("payout", None);
        let back = list.href(HERE);
        let mut table = Table::new(found.rows, found.total, &list)
            .caption("Commissions")
            .col("What", |l: &CommissionLine| commission::brief(&l.kind, &l.rule_name, l.note.as_deref()))
            .col("Partner", |l| l.partner.clone())
            .sorted("earned", "Date", |l| view! { <Day at=l.earned_at/> })
            .sorted("customer", "Customer", |l| l.customer.clone())
            .col("Invoice", |l| l.invoice.clone())
            .aside()
            .num("Basis", |l| (l.basis != 0).then(|| view! { <Money minor=l.basis currency=l.currency.clone()/> }))
            .aside()
            .num("Rate", |l| l.rate_bp.map(|bp| view! { <Percent bp/> }))
            .aside()
            .sorted_num("amount", "Amount", |l| view! { <Money minor=l.amount currency=l.currency.clone()/> })
            .col("State", |l| commission::state(&l.state))
            .sorted("hold", "Payable from", |l| view! { <Day at=l.hold_until/> })
            .aside()
            .href(|l| format!("{HERE}/{}", l.id))
            .search("Customer, partner, rule, invoice or Stripe id")
            .filter("state", "State", commission::states())
            .filter("kind", "Kind", commission::kinds())
            .filter("month", "Month", months(&list))
            .views(vec![
                Tab::new("All", HERE),
                Tab::new("On hold", format!("{HERE}?state=pending")),
                Tab::new("Payable", format!("{HERE}?state=payable")),
                Tab::new("Review hold", format!("{HERE}?state=held")),
                Tab::new("In payout", format!("{HERE}?state=in_payout")),
                Tab::new("Taken back", format!("{HERE}?kind=reversal")),
            ])
            .csv("/finance/commissions.csv")
            .empty(Empty::text("No commissions yet", "They appear when attributed customers pay their invoices."));
        for (name, label, options) in
            [("partner", "Partner", partner), ("customer", "Customer", customer), ("payout", "Payout", payout)]
        {
            if let Some(options) = options {
                table = table.filter(name, label, options);
            }
        }
        if let Some(currency) = one("currency", None) {
            table = table.filter("currency", "Currency", currency);
        }
        if can {
            table = table.bulk("/finance/commissions/act", |l| l.id.to_string(), view! {
                <Hidden name="back" value=back/>
                <TextField name="reason" label="Reason (shown to the partner)" required=true max=500/>
                <button type="submit" class="button" name="act" value="hold">"Hold"</button>
                <button type="submit" class="button" name="act" value="release">"Release"</button>
                <button type="submit" class="button danger-quiet" name="act" value="cancel">"Cancel the lines"</button>
            });
        }
        view! {
            {commission::totals(found.totals)}
            {table.view()}
        }
    }))
}

/// The months of the last two years, for the filter.
fn months(list: &ListQuery) -> Vec<(String, String)> {
    use chrono::Datelike;
    let now = ui().now;
    let mut options: Vec<(String, String)> = (0..24_i32)
        .map(|back| {
            let month = now.year() * 12 + now.month0() as i32 - back;
            let value = format!(
                "{:04}-{:02}",
                month.div_euclid(12),
                month.rem_euclid(12) + 1
            );
            (value.clone(), month_words(&value))
        })
        .collect();
    if let Some(month) = list
        .filter("month")
        .filter(|m| !options.iter().any(|(v, _)| v == m))
    {
        options.push((month.to_owned(), month_words(month)));
    }
    options
}

async fn csv(page: Page) -> PageResult {
    commission::export(&page, commission::query(&page.list()), "commissions.csv").await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Act {
    ids: Vec<String>,
    act: String,
    reason: String,
    back: String,
}

async fn act(page: Page, form: Form<Act>) -> PageResult {
    // Back to the list or the line it came from, and nowhere else.
    let back = if form.back.starts_with(HERE) {
        form.back.clone()
    } else {
        HERE.to_owned()
    };
    let ids: Vec<i64> = form.ids.iter().filter_map(|id| id.parse().ok()).collect();
    if ids.is_empty() {
        return page
            .toast(&back, Tone::Warn, "Choose at least one line first.")
            .await;
    }
    let (result, done) = match form.act.as_str() {
        "hold" => (lines::hold(&page.ctx, &ids, &form.reason).await, "held"),
        "release" => (
            lines::release(&page.ctx, &ids, &form.reason).await,
            "released",
        ),
        "cancel" => (
            lines::cancel(&page.ctx, &ids, &form.reason).await,
            "canceled",
        ),
        _ => {
            return page
                .toast(&back, Tone::Warn, "Choose what to do with the lines.")
                .await;
        }
    };
    match result {
        Ok(bulk) => {
            let (tone, text) = outcome(&bulk, done);
            page.toast(&back, tone, text).await
        }
        Err(error) => page.refused(&back, error, &form.pairs).await,
    }
}

/// What became of an action on several lines, in words.
fn outcome(bulk: &Bulk, done: &str) -> (Tone, String) {
    let count = |n: usize| {
        if n == 1 {
            "1 line".to_owned()
        } else {
            format!("{n} lines")
        }
    };
    let mut text = match bulk.done.len() {
        0 => String::new(),
        n => format!("{} {done}.", count(n)),
    };
    let Some((_, why)) = bulk.refused.first() else {
        return match bulk.done.len() {
            0 => (
                Tone::Warn,
                "None of these lines is there any more.".to_owned(),
            ),
            _ => (Tone::Good, text),
        };
    };
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(&format!(
        "{} left as it was: {why}",
        count(bulk.refused.len())
    ));
    (Tone::Warn, text)
}

/// Who asked for an adjustment that a second person has to approve, while it waits.
fn waits_for_second(row: &entity::commission::Model) -> Option<i64> {
    let needs = row
        .explain
        .get("needs_second")
        .and_then(serde_json::Value::as_bool);
    (row.state == "held" && needs == Some(true))
        .then(|| {
            row.explain
                .get("asked_by")
                .and_then(serde_json::Value::as_i64)
        })
        .flatten()
}

async fn show(page: Page, Path(key): Path<String>) -> PageResult {
    let (id, json) = numbered(&key)?;
    let line = lines::explain(&page.ctx, id).await?;
    if json {
        return Ok(page.json(&line.answer()));
    }
    let state = line.line.state.clone();
    let who = Reader {
        me: page.ctx.actor.person_id(),
        can: super::may_change(&page),
        manager: super::reads(&page, StaffRole::Manager),
    };
    let head = Head::new(commission::words(&line.line))
        .text(line.partner.clone())
        .crumb("Commissions", HERE)
        .status_as(commission::state_label(&state), tone_of(&state));
    Ok(page.render(head, move || body(id, line, who)))
}

/// Who looks: links lead only where the person is let in.
#[derive(Clone, Copy)]
struct Reader {
    me: Option<i64>,
    can: bool,
    manager: bool,
}

fn body(id: i64, line: Explained, who: Reader) -> AnyView {
    let Reader { me, can, manager } = who;
    let around = Around::from(&line);
    let rows = commission::explain(&line.line, &around);
    let others = commission::passed_over(&line.line);
    let row = line.line;
    let asked = waits_for_second(&row);
    let second = asked.map(|asked| {
        let own = Some(asked) == me;
        let words = if own {
            "You asked for this adjustment. Another person of finance has to approve it."
        } else {
            "Check the reason and the amount, then approve it or cancel it."
        };
        let why = row.explain.get("second_reason").and_then(serde_json::Value::as_str);
        let why = why.map(|why| view! { <p>{format!("Why: {why}")}</p> });
        let approve = (can && !own).then(|| {
            let action = format!("{HERE}/{id}/approve");
            view! { <div class="buttons"><PostButton action=action label="Approve" primary=true/></div> }
        });
        view! { <Notice tone=Tone::Info title="Waits for a second person"><p>{words}</p>{why}{approve}</Notice> }
    });
    let actions = can.then(|| actions(&row, asked.is_some()));
    let reversals = (!line.reversals.is_empty()).then(|| {
        let none = std::collections::HashMap::new();
        view! { <Panel title="Taken back">{commission::lines(line.reversals, none, HERE)}</Panel> }
    });
    let partner = format!("/manager/partners/{}", row.partner_id);
    let original = line.original.map(|o| {
        view! { <Fact label="Takes back from"><a href=format!("{HERE}/{}", o.id)>{commission::words(&o)}</a></Fact> }
    });
    let payout = line.payout.map(|p| {
        view! { <Fact label="Payout"><a href=format!("/finance/payouts/{}", p.id)>{format!("Payout {}", p.id)}</a></Fact> }
    });
    let customer = line.customer.map(|name| {
        let href = format!("{HERE}?customer={}", row.account_id.unwrap_or_default());
        view! { <Fact label="Customer"><a href=href>{name}</a></Fact> }
    });
    let invoice = line.invoice.map(|i| {
        let words = i.number.unwrap_or_else(|| i.stripe_id.clone());
        view! { <Fact label="Invoice"><a href=format!("/finance/invoices/{}", i.id)>{words}</a></Fact> }
    });
    let described = line
        .invoice_line
        .map(|l| view! { <Fact label="For">{l.description}</Fact> });
    let plan = line.plan.map(|(name, version)| {
        view! { <Fact label="Plan">{format!("{name}, version {version}")}</Fact> }
    });
    let deal = row.deal_id.filter(|_| manager).map(|id| {
        view! { <Fact label="Deal"><a href=format!("/manager/deals/{id}")>"The registered deal"</a></Fact> }
    });
    let journal = format!("/finance/ledger?q=commission:{id}:");
    let events = crate::apply::standing::events(line.timeline);
    view! {
        {second}
        <Record>
            <RecordMain>
                <Panel title="How it was worked out" text="The partner sees the same.">
                    <Explain rows/>
                    {others}
                </Panel>
                {reversals}
                <Panel title="What happened"><Timeline events/></Panel>
            </RecordMain>
            <RecordSide>
                {actions}
                <Panel title="Facts">
                    <Facts>
                        <Fact label="Partner"><a href=partner>{line.partner}</a></Fact>
                        <Fact label="Amount"><Money minor=row.amount currency=row.currency.clone()/></Fact>
                        {customer}
                        {invoice}
                        {described}
                        {deal}
                        {plan}
                        {original}
                        {payout}
                        <Fact label="Month">{month_words(&row.month)}</Fact>
                        <Fact label="Booked"><Moment at=row.created_at/></Fact>
                        <Fact label="Reference"><code>{row.reference}</code></Fact>
                        <Fact label="Journal"><a href=journal>"Bookings of this line"</a></Fact>
                        <Fact label="For programs"><a href=format!("{HERE}/{id}.json")>"The same as JSON"</a></Fact>
                    </Facts>
                </Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

/// What finance can do with one line in its state.
fn actions(row: &entity::commission::Model, waits: bool) -> AnyView {
    let dialog = |act: &'static str,
                  label: &'static str,
                  title: &'static str,
                  text: &'static str,
                  danger: bool| {
        let (ids, back) = (row.id.to_string(), format!("{HERE}/{}", row.id));
        view! {
            <Confirm id=act label=label title=title text=text danger=danger>
                <PostForm action="/finance/commissions/act" name=act>
                    <Hidden name="ids" value=ids/>
                    <Hidden name="back" value=back/>
                    <Hidden name="act" value=act/>
                    <TextArea name="reason" label="Why? The partner reads it" rows=2 required=true max=500/>
                    <Submit label=label danger=danger/>
                </PostForm>
            </Confirm>
        }
        .into_any()
    };
    let hold = || {
        dialog(
            "hold",
            "Hold",
            "Hold this line?",
            "It is not paid until somebody releases it.",
            false,
        )
    };
    let release = || {
        dialog(
            "release",
            "Release",
            "Release this line?",
            "It goes on from where it was stopped.",
            false,
        )
    };
    let cancel = || {
        dialog(
            "cancel",
            "Cancel the line",
            "Cancel this line?",
            "It is taken back for good, with what was reversed of it.",
            true,
        )
    };
    let buttons = match row.state.as_str() {
        "pending" | "payable" if row.reverses_id.is_none() => vec![hold(), cancel()],
        "held" if waits => vec![cancel()],
        "held" => vec![release(), cancel()],
        _ => return ().into_any(),
    };
    view! { <Panel title="Act"><div class="buttons">{buttons}</div></Panel> }.into_any()
}

async fn approve(page: Page, Path(id): Path<i64>) -> PageResult {
    let here = format!("{HERE}/{id}");
    let done = lines::approve(&page.ctx, id).await;
    page.answer(done, &here, "Approved. It is payable now.", &[])
        .await
}
