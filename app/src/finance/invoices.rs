//! Invoices: those nobody is credited for, and why any of them earned what it did.

use crate::{
    commission, csv,
    csv::Csv,
    page::{Form, Head, Page, PageResult},
    partner::invoices::reasons,
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::partner::StaffRole;
use leptos::prelude::*;
use service::billing::{
    self, MatchForm, ProductForm, Proposal,
    invoice::{self, InvoiceLine, InvoiceQuery, InvoiceView},
};

const HERE: &str = "/finance/invoices";

/// Addresses. Managers know the customers best, so they are let in here as well.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Staff, index)
        .get("/finance/invoices/unmatched", Access::Staff, unmatched)
        .get("/finance/invoices.csv", Access::Staff, export)
        .get("/finance/invoices/{id}", Access::Staff, show)
        .post("/finance/invoices/{id}/match", Access::Staff, propose)
        .post("/finance/invoices/{id}/confirm", Access::Staff, confirm)
        .post("/finance/invoices/{id}/decline", Access::Staff, decline)
        .post("/finance/invoices/{id}/product", Access::Manager, product)
}

const OUTCOMES: [(&str, &str); 6] = [
    ("unmatched", "Unmatched"),
    ("asked", "Asked whose customer"),
    ("earned", "Earned"),
    ("nothing", "Earned nothing"),
    ("open", "Not paid or in work"),
    ("all", "All invoices"),
];

fn words(outcome: &str) -> String {
    OUTCOMES
        .iter()
        .find(|(k, _)| *k == outcome)
        .map_or_else(|| label_of(outcome), |(_, l)| (*l).to_owned())
}

fn query(list: &ListQuery) -> InvoiceQuery {
    let outcome = match list.filter("outcome") {
        Some("all") => None,
        Some(other) => Some(other.to_owned()),
        // A search looks everywhere; without one the page shows what waits.
        None if !list.q.is_empty() => None,
        None => Some("unmatched".to_owned()),
    };
    InvoiceQuery {
        q: list.q.clone(),
        outcome,
        sort: list.sort_or(&["net", "customer", "issued"], "").to_owned(),
        ascending: !list.sort.is_empty() && !list.desc,
        offset: list.offset(),
        limit: list.per,
    }
}

async fn unmatched(page: Page) -> PageResult {
    Ok(page.redirect(HERE))
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = invoice::list(&page.ctx, &query(&list)).await?;
    let head = Head::new("Invoices")
        .text("Open one to see why it earned what it did. Unmatched are paid invoices whose customer belongs to no account yet.");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Invoices")
            .col("Invoice", |(i, _): &InvoiceLine| {
                i.number.clone().unwrap_or_else(|| i.stripe_id.clone())
            })
            .sorted("customer", "Customer", |(_, c)| name(c))
            .col("E-mail", |(_, c)| c.email.clone())
            .aside()
            .sorted_num(
                "net",
                "Net",
                |(i, _)| view! { <Money minor=i.net currency=i.currency.clone()/> },
            )
            .sorted("issued", "Issued", |(i, _)| view! { <Day at=i.issued_at/> })
            .col("Paid", |(i, _)| i.paid_at.map(|at| view! { <Day at/> }))
            .aside()
            .col("Outcome", |(i, _)| outcome(&i.outcome))
            .col("Why", |(i, _)| {
                i.outcome_reason
                    .clone()
                    .filter(|_| i.outcome == "unmatched")
            })
            .aside()
            .href(|(i, _)| format!("{HERE}/{}", i.id))
            .search("Customer, e-mail, invoice or Stripe id")
            .filter("outcome", "Outcome", OUTCOMES)
            .views(vec![
                Tab::new("Unmatched", HERE),
                Tab::new("Asked whose customer", format!("{HERE}?outcome=asked")),
                Tab::new("Earned nothing", format!("{HERE}?outcome=nothing")),
                Tab::new("Earned", format!("{HERE}?outcome=earned")),
                Tab::new("All", format!("{HERE}?outcome=all")),
            ])
            .csv("/finance/invoices.csv")
            .empty(
                Empty::text(
                    "No unmatched invoices",
                    "Every paid invoice belongs to an account.",
                )
                .action("All invoices", "/finance/invoices?outcome=all"),
            )
            .view()
    }))
}

fn name(c: &entity::customer::Model) -> String {
    if c.name.is_empty() {
        c.stripe_id.clone()
    } else {
        c.name.clone()
    }
}

fn outcome(value: &str) -> AnyView {
    let tone = match value {
        "earned" => Tone::Good,
        "unmatched" => Tone::Warn,
        _ => Tone::Neutral,
    };
    view! { <Status of=value.to_owned() label=words(value) tone=tone/> }.into_any()
}

async fn export(page: Page) -> PageResult {
    let asked = query(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = InvoiceQuery {
            offset,
            limit,
            ..asked.clone()
        };
        whole.take(invoice::list(&page.ctx, &part).await?)?;
    }
    let rows = whole.rows;
    let mut file = Csv::new(&[
        "Invoice",
        "Stripe id",
        "Customer",
        "Customer id",
        "E-mail",
        "Net",
        "Total",
        "Returned",
        "Currency",
        "Status",
        "Issued",
        "Paid",
        "Outcome",
        "Why nothing",
    ]);
    for (i, c) in &rows {
        file.row([
            i.number.clone().unwrap_or_default(),
            i.stripe_id.clone(),
            c.name.clone(),
            c.stripe_id.clone(),
            c.email.clone(),
            csv::amount(i.net, &i.currency),
            csv::amount(i.total, &i.currency),
            csv::amount(i.returned, &i.currency),
            i.currency.clone(),
            i.status.clone(),
            csv::moment(i.issued_at),
            csv::moment_or_none(i.paid_at),
            i.outcome.clone(),
            i.outcome_reason.clone().unwrap_or_default(),
        ]);
    }
    Ok(page.csv("invoices.csv", file.finish()))
}

async fn show(page: Page, Path(key): Path<String>) -> PageResult {
    // A number printed on an invoice may end in anything, so it is looked for first as it stands.
    let (found, json) = match (
        invoice::show(&page.ctx, &key).await,
        key.strip_suffix(".json"),
    ) {
        (Err(service::Error::NotFound), Some(bare)) => {
            (invoice::show(&page.ctx, bare).await?, true)
        }
        (found, _) => (found?, false),
    };
    if json {
        return Ok(page.json(&found.answer()));
    }
    let proposal = billing::proposal(&page.ctx, found.customer.id).await?;
    let may_not = match &proposal {
        Some(p) => {
            let me = page.ctx.person()?;
            service::identity::why_not(&page.ctx, page.ctx.reader(), me, &[p.by.0]).await?
        }
        None => None,
    };
    let title = found
        .invoice
        .number
        .clone()
        .unwrap_or_else(|| found.invoice.stripe_id.clone());
    let head = Head::new(format!("Invoice {title}"))
        .text(name(&found.customer))
        .crumb("Invoices", HERE)
        .status_as(
            words(&found.invoice.outcome),
            match found.invoice.outcome.as_str() {
                "earned" => Tone::Good,
                "unmatched" => Tone::Warn,
                _ => Tone::Neutral,
            },
        );
    let who = Reader {
        me: page.ctx.actor.person_id(),
        can: page.ctx.staff(StaffRole::Manager).is_ok() || super::may_change(&page),
        manager: super::reads(&page, StaffRole::Manager),
        finance: super::reads(&page, StaffRole::Finance),
    };
    Ok(page.render(head, move || body(found, proposal, may_not, who)))
}

/// Who looks at an invoice.
#[derive(Clone, Copy)]
struct Reader {
    me: Option<i64>,
    can: bool,
    manager: bool,
    finance: bool,
}

/// A match that waits for a second person, with what this one can do about it.
fn proposed(id: i64, proposal: Proposal, may_not: Option<String>, who: Reader) -> AnyView {
    let own = who.me == Some(proposal.by.0);
    let words = format!(
        "{} proposes that this customer belongs to {}: {}",
        proposal.by.1, proposal.account.1, proposal.reason
    );
    let next = match (own, may_not) {
        (true, _) => Some("Another manager or somebody in finance has to confirm it.".to_owned()),
        (false, Some(why)) if who.can => Some(why),
        _ => None,
    };
    let confirm = (who.can && next.is_none()).then(|| {
        let action = format!("{HERE}/{id}/confirm");
        view! {
            <PostForm action=action name="confirm">
                <Hidden name="proposal" value=proposal.id.to_string()/>
                <Submit label="Confirm the match"/>
            </PostForm>
        }
    });
    let decline = who.can.then(|| {
        let action = format!("{HERE}/{id}/decline");
        let label = if own { "Take it back" } else { "Decline" };
        view! {
            <Confirm id="decline" label=label title="Decline this match?" text="Nothing is booked; another account can be proposed.">
                <PostForm action=action name="decline">
                    <Hidden name="proposal" value=proposal.id.to_string()/>
                    <TextArea name="reason" label="Why?" rows=2 required=true max=500/>
                    <Submit label=label/>
                </PostForm>
            </Confirm>
        }
    });
    view! {
        <Notice tone=Tone::Info title="Waits for a second person">
            <p>{words}</p>
            {next.map(|next| view! { <p>{next}</p> })}
            <div class="buttons">{confirm}{decline}</div>
        </Notice>
    }
    .into_any()
}

/// The form that says which account the customer belongs to.
fn matching(id: i64, matched: bool) -> AnyView {
    let label = if matched {
        "Another account"
    } else {
        "Account"
    };
    view! {
        <Panel title="Match it by hand" text="Says which account the customer belongs to. Another manager or somebody in finance confirms it; then what its paid invoices have earned is booked.">
            <PostForm action=format!("{HERE}/{}/match", id)>
                <TextField name="account" label=label hint="The company’s domain, such as company.com, or the account’s number." required=true max=200/>
                <TextArea name="reason" label="How do you know?" rows=2 required=true max=500/>
                <Submit label="Propose the match"/>
            </PostForm>
        </Panel>
    }
    .into_any()
}

/// The form that says which product the invoice is for.
fn product_panel(id: i64, products: Vec<(i64, String)>) -> AnyView {
    let options = Choice::list(
        products
            .into_iter()
            .map(|(id, name)| (id.to_string(), name)),
    );
    view! {
        <Panel title="Which product is it for?" text="The invoice does not say so, and it decides who is credited. What it has earned is booked at once.">
            <PostForm action=format!("{HERE}/{}/product", id)>
                <SelectField name="product_line" label="Product line" options=options required=true/>
                <TextArea name="reason" label="How do you know?" rows=2 required=true max=500/>
                <Submit label="Say so"/>
            </PostForm>
        </Panel>
    }
    .into_any()
}

fn body(
    found: InvoiceView,
    proposal: Option<Proposal>,
    may_not: Option<String>,
    who: Reader,
) -> AnyView {
    let Reader {
        can,
        manager,
        finance,
        ..
    } = who;
    let InvoiceView {
        invoice: i,
        customer,
        account,
        lines,
        returns,
        commissions,
        whys,
        products,
    } = found;
    let why = reasons(whys);
    let json = format!("{HERE}/{}.json", i.id);
    let waits = proposal.is_some();
    let proposal = proposal.map(|p| proposed(i.id, p, may_not, who));
    let open = i.outcome != "earned" || customer.question.is_some();
    let matching = (can && !waits && open).then(|| matching(i.id, account.is_some()));
    let product = (can && !products.is_empty()).then(|| product_panel(i.id, products));
    let code = i.currency.clone();
    let billed = {
        let code = code.clone();
        let (c2, c3, c4) = (code.clone(), code.clone(), code.clone());
        Table::plain(lines)
            .caption("Lines of the invoice")
            .col("Line", |l: &entity::invoice_line::Model| {
                l.description.clone()
            })
            .num(
                "Billed",
                move |l| view! { <Money minor=l.amount currency=code.clone()/> },
            )
            .num("Discount", move |l| {
                (l.discount != 0).then(|| view! { <Money minor=l.discount currency=c2.clone()/> })
            })
            .num(
                "Net",
                move |l| view! { <Money minor=l.net currency=c3.clone()/> },
            )
            .num("Gone back", move |l| {
                (l.returned != 0).then(|| view! { <Money minor=l.returned currency=c4.clone()/> })
            })
            .view()
    };
    let returned = (!returns.is_empty()).then(|| {
        let code = code.clone();
        let table = Table::plain(returns)
            .caption("What went back")
            .col("What", |r: &entity::invoice_return::Model| {
                label_of(&r.kind)
            })
            .col(
                "At Stripe",
                |r| view! { <code>{r.stripe_id.clone()}</code> },
            )
            .col("When", |r| view! { <Day at=r.happened_at/> })
            .col("Counts", |r| match r.status.as_str() {
                "open" => "not decided yet",
                "void" => "no, it was annulled or failed",
                _ => "yes",
            })
            .num(
                "Amount",
                move |r| view! { <Money minor=r.amount currency=code.clone()/> },
            )
            .view();
        view! { <Panel title="What went back">{table}</Panel> }
    });
    let earned = Table::plain(commissions)
        .caption("Commissions")
        .col("What", |(c, _): &(entity::commission::Model, String)| {
            commission::words(c)
        })
        .col("Partner", |(_, p)| p.clone())
        .num(
            "Amount",
            |(c, _)| view! { <Money minor=c.amount currency=c.currency.clone()/> },
        )
        .col("State", |(c, _)| commission::state(&c.state))
        .empty(Empty::text(
            "No commission",
            "This invoice has earned nothing for anybody.",
        ));
    let earned = if finance {
        earned
            .href(|(c, _)| format!("/finance/commissions/{}", c.id))
            .view()
    } else {
        earned.view()
    };
    let account = account.map(|a| {
        let name = if manager {
            view! { <a href=format!("/manager/accounts/{}", a.id)>{a.name}</a> }.into_any()
        } else {
            a.name.into_any()
        };
        view! { <Fact label="Account">{name}</Fact> }
    });
    let question = customer
        .question
        .clone()
        .map(|q| view! { <Notice tone=Tone::Warn title="Whose customer is it?">{q}</Notice> });
    let how = customer
        .match_reason
        .clone()
        .map(|r| view! { <Fact label="Matched because">{r}</Fact> });
    let disputed = i
        .disputed
        .then(|| view! { <Fact label="Dispute"><Status of="disputed"/></Fact> });
    let money = |label: &'static str, minor: i64| {
        let code = code.clone();
        view! { <Fact label=label><Money minor currency=code/></Fact> }
    };
    let (net, total, back) = (
        money("Net", i.net),
        money("Total with tax", i.total),
        money("Gone back", i.returned),
    );
    let balance =
        (i.from_balance != 0).then(|| money("Paid by the customer’s balance", i.from_balance));
    let unearning =
        (i.unearning != 0).then(|| money("Earns nothing, for it is no money", i.unearning));
    let who = name(&customer);
    view! {
        {question}
        {why}
        <Record>
            <RecordMain>
                {proposal}
                {product}
                {matching}
                <Panel title="What it earned">{earned}</Panel>
                <Panel title="What was billed">{billed}</Panel>
                {returned}
            </RecordMain>
            <RecordSide>
                <Panel title="Facts">
                    <Facts>
                        <Fact label="Customer">{who}</Fact>
                        <Fact label="E-mail">{customer.email}</Fact>
                        {account}
                        {how}
                        {net}
                        {total}
                        {balance}
                        {unearning}
                        {back}
                        {disputed}
                        <Fact label="State at Stripe">{label_of(&i.status)}</Fact>
                        <Fact label="Issued"><Day at=i.issued_at/></Fact>
                        <Fact label="Paid">{i.paid_at.map(|at| view! { <Moment at/> })}</Fact>
                        <Fact label="Invoice at Stripe"><code>{i.stripe_id}</code></Fact>
                        <Fact label="Customer at Stripe"><code>{customer.stripe_id}</code></Fact>
                        <Fact label="For programs"><a href=json>"The same as JSON"</a></Fact>
                    </Facts>
                </Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Match {
    account: String,
    reason: String,
}

async fn propose(page: Page, Path(id): Path<i64>, form: Form<Match>) -> PageResult {
    let here = format!("{HERE}/{id}");
    let found = invoice::show(&page.ctx, &id.to_string()).await?;
    let typed = MatchForm {
        account: form.account.clone(),
        reason: form.reason.clone(),
    };
    let done = billing::propose_match(&page.ctx, found.customer.id, &typed).await;
    let sentence = "Proposed. Another person has to confirm it; they have been told.";
    page.answer(done.map(|_| ()), &here, sentence, &form.pairs)
        .await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Decision {
    proposal: i64,
    reason: String,
}

async fn confirm(page: Page, Path(id): Path<i64>, form: Form<Decision>) -> PageResult {
    let here = format!("{HERE}/{id}");
    match billing::confirm_match(&page.ctx, form.proposal).await {
        Ok(0) => page.toast(&here, Tone::Info, "Matched. No invoice of this customer earns anything so far; the reason stands here.").await,
        Ok(1) => page.done(&here, "Matched. 1 invoice has earned commission.").await,
        Ok(n) => page.done(&here, format!("Matched. {n} invoices have earned commission.")).await,
        Err(error) => page.refused(&here, error, &form.pairs).await,
    }
}

async fn decline(page: Page, Path(id): Path<i64>, form: Form<Decision>) -> PageResult {
    let here = format!("{HERE}/{id}");
    let done = billing::decline_match(&page.ctx, form.proposal, &form.reason).await;
    page.answer(done, &here, "Declined. Nothing was booked.", &form.pairs)
        .await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Product {
    product_line: String,
    reason: String,
}

async fn product(page: Page, Path(id): Path<i64>, form: Form<Product>) -> PageResult {
    let here = format!("{HERE}/{id}");
    let typed = ProductForm {
        product_line: form.product_line.clone(),
        reason: form.reason.clone(),
    };
    match billing::say_product(&page.ctx, id, &typed).await {
        Ok(true) => {
            page.done(&here, "Kept. The invoice has earned commission.")
                .await
        }
        Ok(false) => {
            let words = "Kept. It earns nothing all the same; the reason stands here.";
            page.toast(&here, Tone::Info, words).await
        }
        Err(error) => page.refused(&here, error, &form.pairs).await,
    }
}
