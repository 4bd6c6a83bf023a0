//! Reading and signing the program's terms.

use super::{is_owner, tabs};
use crate::{
    auth::client,
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::http::HeaderMap;
use leptos::prelude::*;
use service::partner;

const HERE: &str = "/partner/organisation/agreement";

pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Partner, show)
        .post(HERE, Access::PartnerOwner, sign)
}

async fn show(page: Page) -> PageResult {
    let (partner_id, ..) = page.ctx.partner()?;
    let agreement = partner::agreement(&page.ctx, partner_id).await?;
    let owner = is_owner(&page);
    let head = Head::new("Agreement").text(format!("Terms, version {}.", agreement.terms.version));
    Ok(page.render(head, move || {
        let html = service::markdown::to_html(&agreement.terms.body);
        let state = match (&agreement.signed, owner) {
            (Some(signed), _) => {
                let text = format!("Signed by {} on {}.", signed.signed_name, moment_text(signed.signed_at));
                view! { <Notice tone=Tone::Good title=text/> }.into_any()
            }
            (None, true) => view! {
                <Panel title="Sign" text="Your own name, the time and your network address are kept with the signature; the owners get a copy by mail.">
                    <PostForm action=HERE name="sign">
                        <Hidden name="terms_version_id" value=agreement.terms.id.to_string()/>
                        <TextField name="signed_name" label="Your full name" required=true max=120 autocomplete="name"/>
                        <CheckField name="agrees" label="I have read the terms and may sign for my organisation." required=true/>
                        <Submit label=format!("Sign version {}", agreement.terms.version)/>
                    </PostForm>
                </Panel>
            }
            .into_any(),
            (None, false) => view! { <Notice tone=Tone::Warn title="Not signed yet.">"An owner of your organisation signs it."</Notice> }.into_any(),
        };
        let earlier = (!agreement.earlier.is_empty()).then(|| {
            let table = Table::plain(agreement.earlier)
                .caption("Signatures")
                .col("Version", |(_, version): &(entity::agreement::Model, i64)| *version)
                .col("Name", |(a, _)| a.signed_name.clone())
                .col("When", |(a, _)| view! { <Moment at=a.signed_at/> })
                .col("IP address", |(a, _)| a.ip.clone())
                .view();
            view! { <Panel title="Signatures">{table}</Panel> }
        });
        view! {
            {tabs()}
            {state}
            <Panel title="Terms"><div class="prose" inner_html=html></div></Panel>
            {earlier}
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Sign {
    terms_version_id: String,
    signed_name: String,
    agrees: String,
}

async fn sign(page: Page, headers: HeaderMap, form: Form<Sign>) -> PageResult {
    let agrees = !form.agrees.is_empty();
    match partner::sign(
        &page.ctx,
        &form.terms_version_id,
        &form.signed_name,
        agrees,
        &client(&headers),
    )
    .await
    {
        Ok(()) => page.done(HERE, "Signed. Thank you.").await,
        Err(error) => page.refused(HERE, error, &form.pairs).await,
    }
}
