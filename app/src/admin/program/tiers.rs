//! A program's tiers: what each is called, asks and gives.

use super::{below, head, href, tabs};
use crate::{
    admin::may_change,
    page::{Form, Page, PageError, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use entity::tier::Model as Tier;
use leptos::prelude::*;
use service::program::{self, TierFields};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/programs/{id}/tiers", Access::Admin, index)
        .post("/admin/programs/{id}/tiers", Access::Admin, create)
        .get("/admin/programs/{id}/tiers/new", Access::Admin, new)
        .get("/admin/programs/{id}/tiers/{tier}", Access::Admin, show)
        .post("/admin/programs/{id}/tiers/{tier}", Access::Admin, save)
        .post(
            "/admin/programs/{id}/tiers/{tier}/remove",
            Access::Admin,
            remove,
        )
}

fn at(id: i64) -> String {
    format!("{}/tiers", href(id))
}

async fn index(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let tiers = program::tiers(page.ctx.reader(), id).await?;
    let can = may_change(&page);
    let mut head = head(&program);
    if can {
        head = head.primary("Add a tier on top", format!("{}/new", at(id)));
    }
    Ok(page.render(head, move || {
        let tabs = tabs(&program);
        let currency = program.currency.clone();
        let try_out = format!("{}/what-if", href(id));
        let list = Table::plain(tiers)
            .caption("Tiers, lowest first")
            .col("Tier", |t: &Tier| t.name.clone())
            .num("Revenue of 12 months", move |t| view! { <Money minor=t.min_revenue currency=currency.clone()/> })
            .num("Active customers", |t| count_text(t.min_customers))
            .num("Won deals of 12 months", |t| count_text(t.min_won_deals))
            .num("Certified people", |t| count_text(t.min_certified))
            .col("Gives", |t| t.benefits.clone())
            .aside()
            .href(move |t| format!("{}/{}", at(id), t.id))
            .view();
        view! {
            {tabs}
            <Panel title="Tiers" text="Partners move up at once and down after a notice; the grace is part of the policy. Revenue counts what was paid in the program’s own currency; Portico converts no currencies." actions=move || view! { <ButtonLink href=try_out label="What if?"/> }>{list}</Panel>
        }
    }))
}

fn fields(f: TierFields, currency: &str) -> AnyView {
    let revenue = format!("Revenue of twelve months, {currency}");
    view! {
        <FormErrors/>
        <TextField name="name" label="Name" value=f.name required=true max=40/>
        <div class="fields">
            <TextField name="min_revenue" label=revenue value=f.min_revenue hint="Net, by the partner’s customers." required=true/>
            <TextField name="min_customers" label="Active customers" kind="number" value=f.min_customers required=true/>
            <TextField name="min_won_deals" label="Won deals of twelve months" kind="number" value=f.min_won_deals required=true/>
            <TextField name="min_certified" label="Certified people" kind="number" value=f.min_certified required=true/>
        </div>
        <TextArea name="benefits" label="What it gives" value=f.benefits hint="As partners read it." rows=3 max=500/>
    }
    .into_any()
}

async fn new(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let tiers = program::tiers(page.ctx.reader(), id).await?;
    let head = below("New tier", &program, "Tiers", "tiers")
        .text("It is put above the others. Plans can then pay it a rate of its own.");
    Ok(page.render(head, move || {
        let top = tiers.last().map(|t| TierFields {
            name: String::new(),
            benefits: String::new(),
            ..TierFields::of(t, &program.currency)
        });
        let fields = fields(top.unwrap_or_default(), &program.currency);
        let (action, cancel) = (at(id), at(id));
        view! { <PostForm action=action>{fields}<Submit label="Add the tier" cancel=cancel/></PostForm> }
    }))
}

async fn show(page: Page, Path((id, tier)): Path<(i64, i64)>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let tiers = program::tiers(page.ctx.reader(), id).await?;
    let found = tiers.iter().find(|t| t.id == tier).cloned();
    let found = found.ok_or(PageError::NotFound)?;
    let top = tiers.len() > 1 && tiers.last().is_some_and(|t| t.id == tier);
    let can = may_change(&page);
    let head = below(found.name.clone(), &program, "Tiers", "tiers");
    Ok(page.render(head, move || {
        let here = format!("{}/{tier}", at(id));
        let typed = TierFields::of(&found, &program.currency);
        if !can {
            return view! { <Panel><p>{found.benefits}</p></Panel> }.into_any();
        }
        let remove = top.then(|| {
            let action = format!("{here}/remove");
            view! {
                <Confirm id="remove" label="Remove" title="Remove this tier?" text="Possible only while nobody is or was in it." danger=true>
                    <PostForm action=action name="remove"><Submit label="Remove" danger=true/></PostForm>
                </Confirm>
            }
        });
        let fields = fields(typed, &program.currency);
        let cancel = at(id);
        view! {
            <PostForm action=here>{fields}<Submit label="Save" cancel=cancel/></PostForm>
            {remove}
        }
        .into_any()
    }))
}

async fn create(page: Page, Path(id): Path<i64>, form: Form<TierFields>) -> PageResult {
    match program::add_tier(&page.ctx, id, &form.value).await {
        Ok(()) => page.done(&at(id), "Tier added.").await,
        Err(e) => {
            page.refused(&format!("{}/new", at(id)), e, &form.pairs)
                .await
        }
    }
}

async fn save(
    page: Page,
    Path((id, tier)): Path<(i64, i64)>,
    form: Form<TierFields>,
) -> PageResult {
    match program::change_tier(&page.ctx, id, tier, &form.value).await {
        Ok(()) => {
            page.done(&at(id), "Saved. The next review judges by it.")
                .await
        }
        Err(e) => {
            page.refused(&format!("{}/{tier}", at(id)), e, &form.pairs)
                .await
        }
    }
}

async fn remove(page: Page, Path((id, tier)): Path<(i64, i64)>) -> PageResult {
    match program::remove_tier(&page.ctx, id, tier).await {
        Ok(()) => page.done(&at(id), "Tier removed.").await,
        Err(e) => page.refused(&format!("{}/{tier}", at(id)), e, &[]).await,
    }
}
