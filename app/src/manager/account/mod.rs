//! Accounts: the list, and the record with domains, customers, protection and credit.

mod record;

use crate::{
    csv::{self, Csv},
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use leptos::prelude::*;
use service::account::{self, AccountKind, AccountList, AccountRow, NewAccount};

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/manager/accounts", Access::Manager, list)
        .get("/manager/accounts.csv", Access::Manager, export)
        .get("/manager/accounts/new", Access::Manager, new)
        .post("/manager/accounts/new", Access::Manager, create)
        .merge(record::routes())
}

fn view_of(list: &ListQuery) -> AccountList {
    AccountList {
        search: list.q.clone(),
        kind: list.filter("kind").and_then(|k| k.parse().ok()),
        sort: list
            .sort_or(&["name", "country", "since"], "name")
            .to_owned(),
        descending: list.desc,
        offset: list.offset(),
        limit: list.per,
    }
}

/// What an account is, in one label.
fn kind(row: &AccountRow) -> AnyView {
    let label = |of: &'static str, label: &'static str| view! { <Status of=of label=label/> " " };
    view! {
        {(row.customers > 0).then(|| label("active", "Customer"))}
        {row.house.then(|| label("conflict", "House"))}
        {(!row.protected_for.is_empty()).then(|| label("in_review", "Protected"))}
    }
    .into_any()
}

async fn list(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = account::list(&page.ctx, &view_of(&list)).await?;
    let head = Head::new("Accounts")
        .text("One company is one account, known by its domains.")
        .primary("Add an account", "/manager/accounts/new");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Accounts")
            .sorted("name", "Company", |r: &AccountRow| r.name.clone())
            .col("Domains", |r| r.domains.join(", "))
            .sorted("country", "Country", |r| country_name(r.country.as_deref().unwrap_or_default()).to_owned())
            .aside()
            .col("Kind", kind)
            .aside()
            .col("Protected for", |r| r.protected_for.join(", "))
            .num("Registrations", |r| count_text(r.deals))
            .num("Customers", |r| count_text(r.customers))
            .sorted("since", "Known since", |r| view! { <Day at=r.since/> })
            .aside()
            .href(|r| format!("/manager/accounts/{}", r.id))
            .search("Company or domain")
            .filter("kind", "Kind", AccountKind::ALL.iter().map(|k| (k.as_str(), k.label())))
            .views(vec![
                Tab::new("All", "/manager/accounts"),
                Tab::new("Customers", "/manager/accounts?kind=customer"),
                Tab::new("Protected", "/manager/accounts?kind=protected"),
                Tab::new("House", "/manager/accounts?kind=house"),
            ])
            .csv("/manager/accounts.csv")
            .empty(
                Empty::text("No accounts yet", "An account appears when a partner registers a company, or when you add one your own team works on.")
                    .action("Add an account", "/manager/accounts/new"),
            )
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let asked = view_of(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = AccountList {
            offset,
            limit,
            ..asked.clone()
        };
        whole.take(account::list(&page.ctx, &part).await?)?;
    }
    let rows = whole.rows;
    let mut out = Csv::new(&[
        "id",
        "company",
        "domains",
        "country",
        "house",
        "protected_for",
        "registrations",
        "customers",
        "known_since",
    ]);
    for r in rows {
        out.row([
            r.id.to_string(),
            r.name,
            r.domains.join("; "),
            r.country.unwrap_or_default(),
            if r.house { "yes" } else { "no" }.to_owned(),
            r.protected_for.join("; "),
            r.deals.to_string(),
            r.customers.to_string(),
            csv::moment(r.since),
        ]);
    }
    Ok(page.csv("accounts.csv", out.finish()))
}

async fn new(page: Page) -> PageResult {
    let head = Head::new("Add an account").crumb("Accounts", "/manager/accounts");
    Ok(page.render(head, || {
        view! {
            <PostForm action="/manager/accounts/new">
                <FormErrors/>
                <Panel title="The company">
                    <TextField name="name" label="Company" required=true max=200/>
                    <TextField name="domain" label="Domain or website" hint="Such as company.com." required=true max=500/>
                    <CountryField name="country"/>
                    <CheckField name="house" label="Our own team works on it" hint="Partners’ registrations of it are then looked at by a person."/>
                </Panel>
                <Submit label="Add the account" cancel="/manager/accounts"/>
            </PostForm>
        }
    }))
}

async fn create(page: Page, form: Form<NewAccount>) -> PageResult {
    match account::create(&page.ctx, &form.value).await {
        Ok(id) => {
            page.done(&format!("/manager/accounts/{id}"), "Added.")
                .await
        }
        Err(error) => {
            page.refused("/manager/accounts/new", error, &form.pairs)
                .await
        }
    }
}
