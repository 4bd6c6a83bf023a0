//! The organisation: profile, members, agreement.

mod agreement;
mod members;

use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use domain::application::CompanySize;
use domain::partner::MemberRole;
use leptos::prelude::*;
use service::{
    Actor,
    partner::{self, Profile},
};

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/partner/organisation", Access::Partner, show)
        .post("/partner/organisation", Access::PartnerOwner, update)
        .merge(members::routes())
        .merge(agreement::routes())
}

/// Currencies that estimates can be shown in.
const CURRENCIES: &[&str] = &[
    "AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "INR", "JPY", "KRW", "MXN", "NOK",
    "NZD", "PLN", "SEK", "SGD", "USD", "ZAR",
];

fn tabs() -> AnyView {
    let items = vec![
        Tab::new("Profile", "/partner/organisation"),
        Tab::new("Members", "/partner/organisation/members"),
        Tab::new("Agreement", "/partner/organisation/agreement"),
    ];
    view! { <Tabs items=items label="Parts of the organisation"/> }.into_any()
}

fn is_owner(page: &Page) -> bool {
    matches!(
        page.ctx.actor,
        Actor::Partner {
            role: MemberRole::Owner,
            ..
        }
    )
}

async fn show(page: Page) -> PageResult {
    let record = partner::own(&page.ctx).await?;
    let owner = is_owner(&page);
    let head = Head::new("Organisation").text(record.partner.name.clone());
    Ok(page.render(head, move || {
        let p = record.partner.clone();
        let main = if owner {
            let form = profile_form(&p, "/partner/organisation".to_owned());
            view! { <Panel title="Profile">{form}</Panel> }.into_any()
        } else {
            let facts = profile_facts(&p);
            view! { <Panel title="Profile" text="An owner can change it.">{facts}</Panel> }
                .into_any()
        };
        let manager = record.manager.clone().map(|(_, name, email)| {
            let mailto = format!("mailto:{email}");
            view! { <Fact label="Your partner manager">{name} " " <a href=mailto>{email}</a></Fact> }
        });
        view! {
            {tabs()}
            <Record>
                <RecordMain>{main}</RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Program">{record.program.name.clone()}</Fact>
                            <Fact label="Tier">{record.tier.name.clone()}</Fact>
                            <Fact label="Domain">{p.domain.clone()}</Fact>
                            <Fact label="Partner since"><Day at=p.created_at/></Fact>
                            {manager}
                        </Facts>
                    </Panel>
                    <Panel title="What happened"><Timeline events=crate::apply::standing::events(record.timeline)/></Panel>
                </RecordSide>
            </Record>
        }
    }))
}

/// What is said about an organisation, for those who may not change it.
pub(crate) fn profile_facts(p: &entity::partner::Model) -> AnyView {
    let html = service::markdown::to_html(&p.profile);
    let p = p.clone();
    view! {
        <Facts>
            <Fact label="Name">{p.name}</Fact>
            <Fact label="Website">{p.website}</Fact>
            <Fact label="Country">{country_name(&p.country).to_owned()}</Fact>
        </Facts>
        <div class="prose" inner_html=html></div>
    }
    .into_any()
}

/// The form for what is said about an organisation.
pub(crate) fn profile_form(p: &entity::partner::Model, action: String) -> AnyView {
    let sizes = Choice::list(CompanySize::ALL.iter().map(|s| (s.as_str(), s.label())));
    let currencies = Choice::list(CURRENCIES.iter().map(|c| (*c, *c)));
    let p = p.clone();
    view! {
        <PostForm action=action>
            <FormErrors/>
            <TextField name="name" label="Name" hint="As your customers know it." value=p.name required=true max=120/>
            <TextField name="legal_name" label="Legal name" value=p.legal_name required=true max=200/>
            <TextField name="website" label="Website" value=p.website required=true max=500/>
            <CountryField value=p.country required=true/>
            <SelectField name="size" label="People at your company" options=sizes value=p.size required=true/>
            <SelectField name="currency" label="Currency" hint="What estimates are shown in. Payouts follow the invoices." options=currencies value=p.currency required=true/>
            <TextArea name="profile" label="About you" hint="What customers read in the directory. Markdown." value=p.profile rows=6 max=4000/>
            <Submit label="Save"/>
        </PostForm>
    }
    .into_any()
}

async fn update(page: Page, form: Form<Profile>) -> PageResult {
    let (id, _) = page.ctx.owner()?;
    match partner::update(&page.ctx, id, &form.value).await {
        Ok(()) => page.done("/partner/organisation", "Saved.").await,
        Err(error) => {
            page.refused("/partner/organisation", error, &form.pairs)
                .await
        }
    }
}
