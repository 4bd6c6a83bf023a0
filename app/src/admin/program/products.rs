//! What a program sells, and which Stripe products belong to it.

use super::{below, head, href, tabs};
use crate::{
    admin::may_change,
    page::{Form, Page, PageError, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::program::{self, Line, LineFields};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/programs/{id}/products", Access::Admin, index)
        .post("/admin/programs/{id}/products", Access::Admin, create)
        .get("/admin/programs/{id}/products/new", Access::Admin, new)
        .get("/admin/programs/{id}/products/{line}", Access::Admin, show)
        .post("/admin/programs/{id}/products/{line}", Access::Admin, save)
}

fn at(id: i64) -> String {
    format!("{}/products", href(id))
}

async fn index(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let lines = program::lines(&page.ctx, id).await?;
    let mut head = head(&program);
    if may_change(&page) {
        head = head.primary("Add a product", format!("{}/new", at(id)));
    }
    Ok(page.render(head, move || {
        let tabs = tabs(&program);
        let list = Table::plain(lines)
            .caption("Products")
            .col("Product", |l: &Line| l.row.name.clone())
            .col("Code", |l| view! { <code>{l.row.code.clone()}</code> })
            .col("At Stripe", |l| l.products.join(", "))
            .href(move |l| format!("{}/{}", at(id), l.row.id))
            .empty(Empty::text("No products yet", "Deals and rules tell products apart once there are any."))
            .view();
        view! {
            {tabs}
            <Panel title="Products" text="Invoices are told apart by the Stripe product of each line, or by its metadata “product_line” with the code.">{list}</Panel>
        }
    }))
}

fn fields(f: LineFields, fixed: bool) -> AnyView {
    let code = (!fixed).then(|| {
        view! { <TextField name="code" label="Code" value=f.code hint="Lower-case letters, digits and dashes. Rules and deals know the product by it, so it stays." required=true max=60/> }
    });
    view! {
        <FormErrors/>
        <TextField name="name" label="Name" value=f.name required=true max=80/>
        {code}
        <TextArea name="products" label="Stripe products" value=f.products hint="prod_…, one a line." rows=4/>
    }
    .into_any()
}

async fn new(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let head = below("New product", &program, "Products", "products");
    Ok(page.render(head, move || {
        let fields = fields(LineFields::default(), false);
        let (action, cancel) = (at(id), at(id));
        view! { <PostForm action=action>{fields}<Submit label="Add the product" cancel=cancel/></PostForm> }
    }))
}

async fn show(page: Page, Path((id, line)): Path<(i64, i64)>) -> PageResult {
    let (program, _) = program::record(&page.ctx, id).await?;
    let lines = program::lines(&page.ctx, id).await?;
    let found = lines.into_iter().find(|l| l.row.id == line);
    let found = found.ok_or(PageError::NotFound)?;
    let can = may_change(&page);
    let head = below(found.row.name.clone(), &program, "Products", "products")
        .text(format!("Code {}", found.row.code));
    Ok(page.render(head, move || {
        if !can {
            return view! { <Panel title="At Stripe"><p>{found.products.join(", ")}</p></Panel> }
                .into_any();
        }
        let typed = LineFields {
            code: found.row.code,
            name: found.row.name,
            products: found.products.join("\n"),
        };
        let fields = fields(typed, true);
        let (action, cancel) = (format!("{}/{line}", at(id)), at(id));
        view! { <PostForm action=action>{fields}<Submit label="Save" cancel=cancel/></PostForm> }
            .into_any()
    }))
}

async fn create(page: Page, Path(id): Path<i64>, form: Form<LineFields>) -> PageResult {
    match program::add_line(&page.ctx, id, &form.value).await {
        Ok(()) => page.done(&at(id), "Product added.").await,
        Err(e) => {
            page.refused(&format!("{}/new", at(id)), e, &form.pairs)
                .await
        }
    }
}

async fn save(
    page: Page,
    Path((id, line)): Path<(i64, i64)>,
    form: Form<LineFields>,
) -> PageResult {
    match program::change_line(&page.ctx, id, line, &form.value).await {
        Ok(()) => {
            page.done(
                &at(id),
                "Saved. It counts for invoices that come from now on.",
            )
            .await
        }
        Err(e) => {
            page.refused(&format!("{}/{line}", at(id)), e, &form.pairs)
                .await
        }
    }
}
