//! One account: who it is, who registered it, what is kept for whom, and who is credited.

use crate::{
    apply::standing::events,
    page::{Form, Head, Page, PageResult},
    partner::deal::parts,
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::account::{self, Credit, Credited, Record as AccountRecord};
use service::deal::DealRow;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/manager/accounts/{id}", Access::Manager, show)
        .post("/manager/accounts/{id}/rename", Access::Manager, rename)
        .post("/manager/accounts/{id}/house", Access::Manager, house)
        .post("/manager/accounts/{id}/domains", Access::Manager, link)
        .post(
            "/manager/accounts/{id}/domains/remove",
            Access::Manager,
            unlink,
        )
        .post("/manager/accounts/{id}/credits", Access::Manager, credit)
        .post(
            "/manager/accounts/{id}/credits/{credit}/end",
            Access::Manager,
            end,
        )
}

fn here(id: i64) -> String {
    format!("/manager/accounts/{id}")
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let record = account::record(&page.ctx, id).await?;
    let staff = page.ctx.staff(domain::partner::StaffRole::Manager).is_ok();
    let head = Head::new(&record.account.name)
        .crumb("Accounts", "/manager/accounts")
        .text(record.domains.join(", "));
    let head = match (record.account.house, record.customers.is_empty()) {
        (true, _) => head.status_as("House account", Tone::Warn),
        (_, false) => head.status_as("Customer", Tone::Good),
        _ => head,
    };
    Ok(page.render(head, move || view(record, staff)))
}

fn view(record: AccountRecord, staff: bool) -> AnyView {
    let id = record.account.id;
    let similar = record
        .similar
        .iter()
        .map(|(id, name)| view! { <li><a href=here(*id)>{name.clone()}</a></li> })
        .collect_view();
    let similar = (!record.similar.is_empty())
        .then(|| view! { <Panel title="Accounts with a similar name"><ul>{similar}</ul></Panel> });
    let customers = record
        .customers
        .iter()
        .map(|c| {
            let why = c.match_reason.clone().unwrap_or_default();
            let invoices = format!("/finance/invoices?q={}", c.stripe_id);
            view! {
                <li>
                    {c.name.clone()} " " <span class="code">{c.stripe_id.clone()}</span>
                    <span class="muted">" " {c.email.clone()} " " {why} " "</span>
                    <a href=invoices>"Its invoices"</a>
                </li>
            }
        })
        .collect_view();
    let customers = if record.customers.is_empty() {
        view! { <p class="muted">"Stripe has reported no customer of this company."</p> }.into_any()
    } else {
        view! { <ul>{customers}</ul> }.into_any()
    };
    let deals = deals(record.deals.clone());
    let credits = credits(&record, staff);
    let edit = staff.then(|| edit(&record));
    let protections = parts::guarded(record.protections.clone(), true);
    let events = events(record.timeline);
    view! {
        <Record>
            <RecordMain>
                {similar}
                <Panel title="Registrations">{deals}</Panel>
                <Panel title="Protection">{protections}</Panel>
                <Panel title="Credit" text="Who earns from what this company pays, for which share.">{credits}</Panel>
                <Panel title="Customers at Stripe">{customers}</Panel>
            </RecordMain>
            <RecordSide>
                <Panel title="Facts">
                    <Facts>
                        <Fact label="Domains">{record.domains.join(", ")}</Fact>
                        <Fact label="Country">{country_name(record.account.country.as_deref().unwrap_or_default()).to_owned()}</Fact>
                        <Fact label="Known since"><Day at=record.account.created_at/></Fact>
                        <Fact label="Conflicts"><a href=format!("/manager/conflicts/{id}")>"Side by side"</a></Fact>
                    </Facts>
                </Panel>
                {edit}
                <Panel title="What happened"><Timeline events=events/></Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

fn deals(rows: Vec<DealRow>) -> AnyView {
    if rows.is_empty() {
        return view! { <p class="muted">"No partner has registered this company."</p> }.into_any();
    }
    Table::plain(rows)
        .caption("Registrations")
        .col("Partner", |r: &DealRow| r.partner.clone())
        .col(
            "Status",
            |r| view! { <Status of=r.status.as_str() label=r.status.label()/> },
        )
        .col("Products", |r| r.lines.join(", "))
        .num("First year", |r| parts::value(r.value, &r.currency))
        .col("Sent", |r| r.submitted_at.map(|at| view! { <Ago at=at/> }))
        .col("Clock", parts::clock)
        .href(|r| format!("/manager/deals/{}", r.id))
        .view()
}

fn credits(record: &AccountRecord, staff: bool) -> AnyView {
    let id = record.account.id;
    let table = if record.credits.is_empty() {
        view! { <p class="muted">"Nobody is credited yet. A partner is when its registration is won."</p> }.into_any()
    } else {
        let table = Table::plain(record.credits.clone())
            .caption("Credit")
            .col("Partner", |c: &Credited| view! { <a href=format!("/manager/partners/{}", c.partner_id)>{c.partner.clone()}</a> })
            .col("Product", |c| c.line.clone().unwrap_or_else(|| "Every product".to_owned()))
            .col("Part", |c| label_of(&c.part))
            .num("Share", |c| view! { <Percent bp=c.share_bp/> })
            .col("From", |c| view! { <Day at=c.starts_at/> })
            .col("Until", |c| match c.ends_at {
                Some(at) => view! { <Day at=at/> }.into_any(),
                None => "Without end".into_any(),
            })
            .col("Why", |c| c.reason.clone());
        let table = if staff {
            table.col("", move |c| {
                let name = format!("end{}", c.id);
                let action = format!("{}/credits/{}/end", here(id), c.id);
                c.ends_at.is_none().then(|| {
                    view! {
                        <Confirm id=name.clone() label="End" title="End this credit?" text="What the company pays from now on is not credited any more." danger=true>
                            <PostForm action=action name=name>
                                <TextField name="reason" label="Why?" required=true max=500/>
                                <Submit label="End the credit" danger=true/>
                            </PostForm>
                        </Confirm>
                    }
                })
            })
        } else {
            table
        };
        table.view()
    };
    let add = staff.then(|| {
        let partners = Choice::list(record.partners.iter().map(|(id, name)| (id.to_string(), name.clone())));
        let lines = Choice::list(record.lines.iter().map(|l| (l.id.to_string(), l.name.clone())));
        let parts = Choice::list([("sourced", "Brought the customer"), ("sold", "Sold"), ("implemented", "Implemented")]);
        view! {
            <Confirm id="credit" label="Credit a partner" title="Credit a partner" text="Counts for what the company pays from now on.">
                <PostForm action=format!("{}/credits", here(id)) name="credit">
                    <SelectField name="partner_id" label="Partner" options=partners required=true/>
                    <SelectField name="product_line_id" label="Product line" hint="Leave it empty for every product." options=lines/>
                    <SelectField name="part" label="What the partner did" options=parts required=true/>
                    <TextField name="percent" label="Share in percent" kind="number" required=true/>
                    <TextField name="reason" label="Why?" required=true max=500/>
                    <Submit label="Credit"/>
                </PostForm>
            </Confirm>
        }
    });
    view! { {table} {add} }.into_any()
}

fn edit(record: &AccountRecord) -> AnyView {
    let id = record.account.id;
    let (house, label) = if record.account.house {
        ("", "No house account any more")
    } else {
        ("on", "Make it a house account")
    };
    let name = record.account.name.clone();
    let several = record.domains.len() > 1;
    let domains = record
        .domains
        .iter()
        .filter(|_| several)
        .map(|domain| {
            let fields = vec![("domain", domain.clone())];
            view! {
                <li>
                    {domain.clone()} " "
                    <PostButton action=format!("{}/domains/remove", here(id)) label="Unlink" fields=fields quiet=true/>
                </li>
            }
        })
        .collect_view();
    let domains = several.then(|| view! { <ul>{domains}</ul> });
    view! {
        <Panel title="Change">
            {domains}
            <div class="buttons">
                <Confirm id="domain" label="Link a domain" title="Which other domain does the company use?">
                    <PostForm action=format!("{}/domains", here(id)) name="domain">
                        <TextField name="domain" label="Domain or website" required=true max=500/>
                        <Submit label="Link"/>
                    </PostForm>
                </Confirm>
                <Confirm id="rename" label="Rename" title="What is the company called?">
                    <PostForm action=format!("{}/rename", here(id)) name="rename">
                        <TextField name="name" label="Company" value=name required=true max=200/>
                        <Submit label="Rename"/>
                    </PostForm>
                </Confirm>
                <PostButton action=format!("{}/house", here(id)) label=label fields=vec![("house", house.to_owned())]/>
            </div>
        </Panel>
    }
    .into_any()
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    name: String,
    house: String,
    domain: String,
    reason: String,
}

async fn rename(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = account::rename(&page.ctx, id, &form.name).await;
    page.answer(done, &here(id), "Renamed.", &form.pairs).await
}

async fn house(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = account::set_house(&page.ctx, id, !form.house.is_empty()).await;
    page.answer(done, &here(id), "Changed.", &form.pairs).await
}

async fn link(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = account::link_domain(&page.ctx, id, &form.domain).await;
    page.answer(done, &here(id), "Linked.", &form.pairs).await
}

async fn unlink(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = account::unlink_domain(&page.ctx, id, &form.domain).await;
    page.answer(done, &here(id), "Unlinked.", &form.pairs).await
}

async fn credit(page: Page, Path(id): Path<i64>, form: Form<Credit>) -> PageResult {
    let done = account::add_credit(&page.ctx, id, &form.value).await;
    page.answer(done, &here(id), "Credited.", &form.pairs).await
}

async fn end(page: Page, Path((id, credit)): Path<(i64, i64)>, form: Form<Typed>) -> PageResult {
    let done = account::end_credit(&page.ctx, id, credit, &form.reason).await;
    page.answer(done, &here(id), "Ended.", &form.pairs).await
}
