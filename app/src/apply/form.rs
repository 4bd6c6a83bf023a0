//! The application form. A draft keeps whatever is typed; sending checks it.

use crate::{
    page::{Form, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::application::{CompanySize, PartnerType};
use leptos::prelude::*;
use service::application::{self, Fields, Question, QuestionKind, Standing};
use service::payout::country;

pub(super) fn routes() -> Routes {
    Routes::new()
        .post("/application/{id}/save", Access::SignedIn, save)
        .post("/application/{id}/submit", Access::SignedIn, submit)
}

/// The fields of a form as typed, with the answers to the program's own questions.
fn typed(form: &Form<Fields>) -> Fields {
    form.value.clone().with_answers(&form.pairs)
}

async fn save(page: Page, Path(id): Path<i64>, form: Form<Fields>) -> PageResult {
    let here = format!("/application/{id}");
    let done = application::save(&page.ctx, id, &typed(&form)).await;
    page.answer(done, &here, "Saved.", &form.pairs).await
}

async fn submit(page: Page, Path(id): Path<i64>, form: Form<Fields>) -> PageResult {
    let here = format!("/application/{id}");
    let done = application::submit(&page.ctx, id, &typed(&form)).await;
    page.answer(
        done,
        &here,
        "Sent. We have mailed you a confirmation.",
        &form.pairs,
    )
    .await
}

/// The form of a draft, or of one that may be corrected while information is asked for.
pub(super) fn view(standing: &Standing, draft: bool) -> AnyView {
    let id = standing.application.id;
    let seen = standing.seen();
    let f = standing.fields.clone();
    let types = Choice::list(PartnerType::ALL.iter().map(|t| (t.as_str(), t.label())));
    let sizes = Choice::list(CompanySize::ALL.iter().map(|s| (s.as_str(), s.label())));
    let own = standing
        .questions
        .iter()
        .map(|q| question(q, f.answers.get(&q.id).cloned().unwrap_or_default()))
        .collect_view();
    let (action, name) = if draft {
        (format!("/application/{id}/submit"), "")
    } else {
        (format!("/application/{id}/save"), "correct")
    };
    let terms = standing.terms.clone();
    let slug = standing.program.slug.clone();
    let end = if draft {
        view! {
            <Hidden name="terms_version_id" value=terms.id.to_string()/>
            <p><a href=format!("/programs/{slug}/terms") target="_blank">{format!("Read the terms, version {}", terms.version)}</a></p>
            <CheckField name="accept_terms" label=format!("I accept the terms, version {}.", terms.version) required=false/>
            <div class="buttons">
                <Submit label="Send the application"/>
                <button type="submit" class="button" formaction=format!("/application/{id}/save") formnovalidate=true>"Save the draft"</button>
            </div>
        }
        .into_any()
    } else {
        view! { <Submit label="Save the corrections"/> }.into_any()
    };
    let unpaid = country::beforehand(&f.country).map(|said| {
        let said = format!("{said} {}", country::ASK);
        view! { <Notice tone=Tone::Warn title="Being paid in your country"><p>{said}</p></Notice> }
    });
    view! {
        <PostForm action=action name=name>
            <FormErrors kept=draft/>
            <Hidden name="seen" value=seen/>
            {unpaid}
            <Panel title="Your company">
                <TextField name="legal_name" label="Legal name" hint="As registered." value=f.legal_name required=draft max=200 autocomplete="organization"/>
                <TextField name="website" label="Website" hint="Such as https://company.com. We tell companies apart by it." value=f.website required=draft max=500 autocomplete="url"/>
                <CountryField value=f.country required=draft/>
                <SelectField name="partner_type" label="What kind of partner" options=types value=f.partner_type required=draft/>
                <SelectField name="size" label="People at your company" options=sizes value=f.size required=draft/>
            </Panel>
            <Panel title="Your business">
                <TextArea name="services" label="What you do for your customers" value=f.services required=draft max=4000/>
                <TextField name="regions" label="Where your customers are" value=f.regions max=1000/>
                <TextArea name="expected_business" label="What business you expect to bring" hint="How many customers a year, of what size, for which products." value=f.expected_business required=draft max=4000/>
                {own}
            </Panel>
            <Panel title="Whom we may talk to">
                <TextField name="contact_name" label="Name" value=f.contact_name required=draft max=120 autocomplete="name"/>
                <TextField name="contact_phone" label="Telephone" kind="tel" value=f.contact_phone max=40 autocomplete="tel"/>
            </Panel>
            {end}
        </PostForm>
    }
    .into_any()
}

/// One of the program's own questions.
pub(crate) fn question(q: &Question, value: String) -> AnyView {
    let (name, label, hint, required) = (q.field(), q.label.clone(), q.hint.clone(), q.required);
    match q.kind {
        QuestionKind::Text => view! { <TextField name=name label=label hint=hint value=value required=required max=4000/> }.into_any(),
        QuestionKind::LongText => view! { <TextArea name=name label=label hint=hint value=value required=required max=4000/> }.into_any(),
        QuestionKind::Choice => {
            let options = Choice::list(q.options.iter().map(|o| (o.clone(), o.clone())));
            view! { <SelectField name=name label=label hint=hint options=options value=value required=required/> }.into_any()
        }
    }
}

/// What was filled in, to read.
pub(crate) fn facts(f: &Fields, questions: &[Question]) -> AnyView {
    let words = |value: &str, known: Option<&'static str>| {
        known.map_or_else(|| value.to_owned(), str::to_owned)
    };
    let kind = words(
        &f.partner_type,
        f.partner_type
            .parse::<PartnerType>()
            .ok()
            .map(PartnerType::label),
    );
    let size = words(
        &f.size,
        f.size.parse::<CompanySize>().ok().map(CompanySize::label),
    );
    let rows: Vec<(String, String)> = [
        ("Legal name", f.legal_name.clone()),
        ("Website", f.website.clone()),
        ("Country", country_name(&f.country).to_owned()),
        ("Kind of partner", kind),
        ("People", size),
        ("Services", f.services.clone()),
        ("Regions", f.regions.clone()),
        ("Expected business", f.expected_business.clone()),
        ("Contact", f.contact_name.clone()),
        ("Telephone", f.contact_phone.clone()),
    ]
    .into_iter()
    .map(|(label, value)| (label.to_owned(), value))
    .chain(questions.iter().map(|q| {
        (
            q.label.clone(),
            f.answers.get(&q.id).cloned().unwrap_or_default(),
        )
    }))
    .filter(|(_, value)| !value.is_empty())
    .collect();
    let facts = rows
        .into_iter()
        .map(|(label, value)| view! { <Fact label=label>{value}</Fact> })
        .collect_view();
    view! { <Facts>{facts}</Facts> }.into_any()
}
