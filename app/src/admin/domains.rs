//! Domains that say nothing about a company: which lists hold, and what administrators decided.

use super::may_change;
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use domain::lists::ListKind;
use domain::registrable::readable;
use leptos::prelude::*;
use service::lists::{self, Decision, DecisionForm, List};

const HERE: &str = "/admin/domains";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Admin, index)
        .post(HERE, Access::Admin, decide)
        .post("/admin/domains/withdraw", Access::Admin, withdraw)
}

async fn index(page: Page) -> PageResult {
    page.ctx.admin_reads()?;
    let list = page.list();
    let all = lists::all(&page.ctx).await?;
    let (rows, total) = lists::decisions(&page.ctx, &list.q, list.offset(), list.per).await?;
    // What was searched for may be a domain that nobody has decided about.
    let known = match list.q.contains('.') {
        true => lists::looked_up(&page.ctx, &list.q).await.ok(),
        false => None,
    };
    let can = may_change(&page);
    let head = Head::new("Shared domains").text(
        "No account is known by these domains, nobody can register them, and customers with an address there are matched by a person.",
    );
    Ok(page.render(head, move || {
        let found = known.map(|sentence| view! { <Notice tone=Tone::Info title=sentence/> });
        let form = can.then(form);
        let decided = Table::new(rows, total, &list)
            .caption("What was decided")
            .col("Domain", |d: &Decision| readable(&d.domain))
            .col("Is", |d| words(d.kind))
            .col("Why", |d| d.reason.clone())
            .col("By", |d| d.person.clone())
            .aside()
            .col("When", |d| view! { <Day at=d.at/> })
            .aside()
            .col("", move |d| {
                let domain = d.domain.clone();
                can.then(|| {
                    view! {
                        <PostForm action="/admin/domains/withdraw">
                            <Hidden name="domain" value=domain/>
                            <Submit label="Take back"/>
                        </PostForm>
                    }
                })
            })
            .search("A domain, web address or e-mail address")
            .empty(Empty::text(
                "Nothing was decided",
                "The lists say what each domain is; a decision goes before them.",
            ))
            .view();
        view! {
            {found}
            <Panel title="What was decided">{decided}</Panel>
            {form}
            <Panel title="Lists" text="An operator takes a newer one with “portico lists update”.">{lists_table(all)}</Panel>
        }
    }))
}

fn words(kind: Option<ListKind>) -> &'static str {
    kind.map_or("One company’s own", ListKind::label)
}

fn form() -> AnyView {
    let own = std::iter::once(("own", words(None)));
    let kinds = Choice::list(
        ListKind::ALL
            .iter()
            .map(|k| (k.as_str(), k.label()))
            .chain(own),
    );
    view! {
        <Panel title="Decide about a domain" text="It goes before the lists, for the domain and everything below it.">
            <PostForm action=HERE>
                <TextField name="domain" label="Domain" hint="Such as company.com; an address of a page or a person will do." required=true max=300/>
                <SelectField name="kind" label="What it is" options=kinds required=true/>
                <TextArea name="reason" label="Why?" rows=2 required=true max=500/>
                <Submit label="Decide"/>
            </PostForm>
        </Panel>
    }
    .into_any()
}

fn lists_table(all: Vec<List>) -> AnyView {
    Table::plain(all)
        .caption("Lists")
        .col("List", |l: &List| match l.kind.parse::<ListKind>() {
            Ok(kind) => kind.label(),
            Err(_) => "Endings under which others register",
        })
        .num("Entries", |l| count_text(l.entries as i64))
        .col("From", |l| {
            l.source
                .clone()
                .unwrap_or_else(|| "Came with this version".to_owned())
        })
        .col("Loaded", |l| l.loaded_at.map(|at| view! { <Day at/> }))
        .view()
}

async fn decide(page: Page, form: Form<DecisionForm>) -> PageResult {
    let done = lists::decide(&page.ctx, &form.value).await;
    page.answer(done, HERE, "Decided.", &form.pairs).await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    domain: String,
}

async fn withdraw(page: Page, form: Form<Typed>) -> PageResult {
    let done = lists::withdraw(&page.ctx, &form.domain).await;
    page.answer(done, HERE, "The lists count again.", &form.pairs)
        .await
}
