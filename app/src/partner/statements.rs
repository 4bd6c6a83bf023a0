//! The partner's statements.

use crate::{
    page::{Page, PageResult},
    routes::{Access, Routes},
    statement::{self, Place},
};
use axum::extract::Path;

const HERE: &str = "/partner/statements";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Partner, index)
        .get("/partner/statements.csv", Access::Partner, export)
        .get(
            "/partner/statements/{month}/{currency}",
            Access::Partner,
            show,
        )
        .get(
            "/partner/statements/{month}/{currency}/statement.csv",
            Access::Partner,
            show_csv,
        )
        .get(
            "/partner/statements/{month}/{currency}/lines.csv",
            Access::Partner,
            lines,
        )
}

async fn index(page: Page) -> PageResult {
    let place = Place {
        title: "Statements".to_owned(),
        text: "One for each month and currency, for your books.",
        crumbs: vec![("Payouts".to_owned(), "/partner/payouts".to_owned())],
        here: HERE.to_owned(),
        csv: "/partner/statements.csv".to_owned(),
    };
    statement::months(&page, None, place).await
}

async fn export(page: Page) -> PageResult {
    statement::months_csv(&page, None).await
}

async fn show(page: Page, Path((month, currency)): Path<(String, String)>) -> PageResult {
    let place = Place {
        title: format!(
            "Statement for {}, {currency}",
            statement::month_words(&month)
        ),
        crumbs: vec![("Statements".to_owned(), HERE.to_owned())],
        here: format!("{HERE}/{month}/{currency}"),
        ..Place::default()
    };
    let records = ("/partner/earnings", "/partner/payouts");
    statement::show(&page, None, &month, &currency, place, records).await
}

async fn show_csv(page: Page, Path((month, currency)): Path<(String, String)>) -> PageResult {
    statement::show_csv(&page, None, &month, &currency).await
}

async fn lines(page: Page, Path((month, currency)): Path<(String, String)>) -> PageResult {
    statement::lines_csv(&page, None, &month, &currency).await
}
