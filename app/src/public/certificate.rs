//! Anybody's check of a certificate.

use crate::{
    flash::Tone,
    page::{Head, Page, PageError, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::exam::CertificateStatus;
use leptos::prelude::*;
use service::learning;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/certificates", Access::Public, ask)
        .get("/certificates/{number}", Access::Public, show)
        .get("/certificates/{number}/pdf", Access::Public, pdf)
}

async fn ask(page: Page) -> PageResult {
    let typed = page
        .param("number")
        .map(|n| n.trim().to_owned())
        .unwrap_or_default();
    let mut missing = None;
    if !typed.is_empty() {
        match learning::verify(&page.ctx, &typed).await {
            Ok(found) => return Ok(page.redirect(&format!("/certificates/{}", found.row.number))),
            Err(service::Error::NotFound) => {
                missing = Some(format!(
                    "No certificate has the number “{typed}”. Check each letter and figure."
                ));
            }
            Err(e) => return Err(e.into()),
        }
    }
    let head = Head::new("Check a certificate")
        .text("See whose it is and whether it is still valid.")
        .focus();
    Ok(page.render(head, move || {
        view! {
            {missing.map(|text| view! { <Notice tone=Tone::Warn title=text/> })}
            <form method="get" action="/certificates" class="form">
                <TextField name="number" label="Number" value=typed hint="It begins with C- and is printed on the certificate." required=true autofocus=true/>
                <Submit label="Check"/>
            </form>
        }
    }))
}

async fn show(page: Page, Path(number): Path<String>) -> PageResult {
    let found = learning::verify(&page.ctx, &number).await?;
    let head = Head::new(&found.person)
        .text(format!("Certificate of {}", found.issuer))
        .status_as(found.status.label(), tone_of(found.status.as_str()))
        .public();
    Ok(page.render(head, move || {
        let row = found.row;
        let (tone, says) = match found.status {
            CertificateStatus::Valid => (Tone::Good, "This certificate is genuine and valid."),
            CertificateStatus::Grace => (Tone::Warn, "This certificate is genuine. It has expired and still counts until the end of its grace period."),
            CertificateStatus::Lapsed => (Tone::Warn, "This certificate is genuine, but it has lapsed and does not count any more."),
            CertificateStatus::Revoked => (Tone::Bad, "This certificate was revoked and does not count."),
        };
        let grace = (found.status == CertificateStatus::Grace)
            .then(|| view! { <Fact label="Counts until"><Day at=row.grace_until/></Fact> });
        let revoked = row.revoked_at.map(|at| view! { <Fact label="Revoked"><Day at=at/></Fact> });
        let pdf = row.revoked_at.is_none().then(|| {
            view! { <ButtonLink href=format!("/certificates/{}/pdf", row.number) label="PDF" icon="download" download=true/> }
        });
        view! {
            <Notice tone=tone title=says/>
            <Panel title=found.course>
                <Facts>
                    <Fact label="Name">{found.person}</Fact>
                    <Fact label="Number">{row.number.clone()}</Fact>
                    <Fact label="Issued by">{found.issuer}</Fact>
                    <Fact label="Issued"><Day at=row.issued_at/></Fact>
                    <Fact label="Valid until"><Day at=row.expires_at/></Fact>
                    {grace}
                    {revoked}
                </Facts>
                <div class="buttons">
                    {pdf}
                    <ButtonLink href="/certificates" label="Check another"/>
                </div>
            </Panel>
        }
    }))
}

async fn pdf(page: Page, Path(number): Path<String>) -> PageResult {
    let found = learning::verify(&page.ctx, &number).await?;
    if found.status == CertificateStatus::Revoked {
        return Err(PageError::Conflict(
            "This certificate was revoked, so there is no document of it any more.".to_owned(),
        ));
    }
    let base = page.state.site.base_url.trim_end_matches('/').to_owned();
    let bytes =
        learning::certificate_pdf(&found, &format!("{base}/certificates/{}", found.row.number))?;
    Ok(page.file(
        &format!("{}.pdf", found.row.number),
        "application/pdf",
        bytes,
    ))
}
