//! The registration form. A draft keeps whatever is typed; sending checks it.

use crate::{
    apply::form::question,
    page::{Form, Head, Page, PageResult, Upload},
    routes::{Access, Routes},
    ui::*,
};
use axum::{
    extract::{DefaultBodyLimit, Path},
    handler::Handler,
};
use domain::deal::DealStatus as D;
use leptos::prelude::*;
use service::deal::{self, DraftForm, Fields, MAX_BYTES, NewFile, Sent};

/// What a form with a few files may weigh.
pub(super) const LIMIT: usize = 2 * MAX_BYTES + 1024 * 1024;

pub(super) fn routes() -> Routes {
    let limit = || DefaultBodyLimit::max(LIMIT);
    Routes::new()
        .get("/partner/deals/new", Access::Partner, new)
        .post("/partner/deals/new", Access::Partner, start.layer(limit()))
        .post(
            "/partner/deals/new/save",
            Access::Partner,
            start_draft.layer(limit()),
        )
        .get("/partner/deals/{id}/edit", Access::Partner, edit)
        .post(
            "/partner/deals/{id}/save",
            Access::Partner,
            save.layer(limit()),
        )
        .post(
            "/partner/deals/{id}/submit",
            Access::Partner,
            submit.layer(limit()),
        )
        .post("/partner/deals/{id}/discard", Access::Partner, discard)
}

async fn new(page: Page) -> PageResult {
    let form = deal::form(&page.ctx, None).await?;
    let head = Head::new("Register a deal").crumb("Deals", "/partner/deals");
    Ok(page.render(head, move || view(form, Vec::new())))
}

async fn edit(page: Page, Path(id): Path<i64>) -> PageResult {
    let shown = deal::show(&page.ctx, id).await?;
    if !shown.status.is_editable() {
        return Ok(page.redirect(&format!("/partner/deals/{id}")));
    }
    let form = deal::form(&page.ctx, Some(id)).await?;
    let title = match form.fields.customer_name.as_str() {
        "" => "Unnamed draft".to_owned(),
        name => name.to_owned(),
    };
    let head = Head::new(title)
        .crumb("Deals", "/partner/deals")
        .status_as(form.status.label(), tone_of(form.status.as_str()));
    Ok(page.render(head, move || view(form, shown.files)))
}

fn view(form: DraftForm, kept: Vec<deal::File>) -> AnyView {
    let DraftForm {
        id,
        status,
        fields: f,
        lines,
        questions,
        currencies,
        missing,
        seen,
        ..
    } = form;
    let draft = status == D::Draft;
    let kept_draft = draft && id.is_some();
    let base = id.map_or_else(
        || "/partner/deals/new".to_owned(),
        |id| format!("/partner/deals/{id}"),
    );
    let save = format!("{base}/save");
    let action = match (id, draft) {
        (None, _) => base.clone(),
        (Some(_), true) => format!("{base}/submit"),
        (Some(_), false) => save.clone(),
    };
    let gate = missing.map(|m| {
        view! {
            <Notice tone=Tone::Warn title=format!("Registering needs the certificate “{}”.", m.title)>
                "One of you has to pass the course first. You can write the draft now. "
                <a href=m.link>"Go to the course"</a>
            </Notice>
        }
    });
    let own = questions
        .iter()
        .map(|q| question(q, f.answers.get(&q.id).cloned().unwrap_or_default()))
        .collect_view();
    let own = (!questions.is_empty()).then(|| view! { <Panel title="More about it">{own}</Panel> });
    let lines = lines
        .into_iter()
        .map(|l| Choice::new(l.id.to_string(), l.name))
        .collect::<Vec<_>>();
    let currencies = Choice::list(currencies.into_iter().map(|c| (c.clone(), c)));
    let promise = format!(
        "A manager answers within {} business hours. An approved company is kept for you for {} days.",
        form.review_hours, form.protection_days,
    );
    let kept = (!kept.is_empty()).then(|| super::parts::files(&kept, &base, false));
    let end = if draft {
        view! {
            <div class="buttons">
                <Submit label="Send for review"/>
                <button type="submit" class="button" formaction=save formnovalidate=true>"Save the draft"</button>
            </div>
        }
        .into_any()
    } else {
        view! { <Submit label="Save the corrections" cancel=base.clone()/> }.into_any()
    };
    let discard = id.filter(|_| draft).map(|id| {
        view! {
            <Confirm id="discard" label="Discard the draft" title="Discard this draft?" text="What you typed and its files are gone then." danger=true>
                <PostForm action=format!("/partner/deals/{id}/discard") name="discard">
                    <Submit label="Discard" danger=true/>
                </PostForm>
            </Confirm>
        }
    });
    view! {
        {gate}
        <p class="muted">{promise}</p>
        <PostForm action=action files=true>
            <FormErrors kept=kept_draft/>
            <Hidden name="seen" value=seen/>
            <Panel title="The customer" text="A company is known by its domain.">
                <div class="fields">
                    <TextField name="customer_name" label="Company" value=f.customer_name required=true max=200/>
                    <TextField name="customer_domain" label="Domain or website" hint="Such as company.com." value=f.customer_domain required=true max=500/>
                    <CountryField name="customer_country" value=f.customer_country required=true/>
                    <TextField name="contact_name" label="Whom you talk to" value=f.contact_name required=true max=120/>
                    <TextField name="contact_email" label="Their e-mail address" kind="email" value=f.contact_email required=true max=254/>
                </div>
            </Panel>
            <Panel title="The opportunity">
                <ChecksField name="product_lines" label="Product lines" options=lines values=f.product_lines hint="The company is kept for you for these." required=true/>
                <TextArea name="need" label="What the customer needs" value=f.need required=true max=4000/>
                <div class="fields">
                    <TextField name="value" label="Estimated value of the first year" hint="An estimate: you are paid by what the customer pays." value=f.value required=true max=40/>
                    <SelectField name="currency" label="Currency" options=currencies value=f.currency required=true/>
                    <TextField name="term_months" label="Term in months" kind="number" value=f.term_months required=true/>
                    <DateField name="expected_close" label="Expected close" value=f.expected_close required=true/>
                </div>
                <TextField name="competitors" label="Competitors" value=f.competitors max=1000/>
                <TextArea name="notes" label="Notes" value=f.notes max=4000/>
            </Panel>
            {own}
            <Panel title="Files" text="An offer, a request for proposals, notes of a meeting.">
                {kept}
                <FileField name="file" label="Add files" hint="Up to 10 MB each." multiple=true/>
            </Panel>
            {end}
        </PostForm>
        {discard}
    }
    .into_any()
}

/// The typed fields, with the answers to the program's own questions.
fn typed(upload: &Upload) -> Result<Form<Fields>, crate::page::PageError> {
    let mut form = upload.form::<Fields>()?;
    form.value = form.value.with_answers(&upload.pairs);
    Ok(form)
}

/// Keeps the files that came with the form; they are not lost when the form is refused.
pub(super) async fn keep_files(page: &Page, id: i64, upload: &Upload) -> service::Result<()> {
    for file in sent_files(upload) {
        deal::attach(&page.ctx, id, file.name, file.media_type, file.bytes).await?;
    }
    Ok(())
}

async fn start(page: Page, upload: Upload) -> PageResult {
    let form = typed(&upload)?;
    let files: Vec<NewFile<'_>> = sent_files(&upload).collect();
    match deal::register(&page.ctx, &form.value, &files).await {
        Ok((id, sent)) => said(&page, id, sent).await,
        Err(mut error) => {
            if let service::Error::Invalid(errors) = &mut error
                && !files.is_empty()
            {
                errors.add(
                    "file",
                    "Choose the files again: a browser does not keep them.",
                );
            }
            page.refused("/partner/deals/new", error, &form.pairs).await
        }
    }
}

/// The files that came with the form.
fn sent_files(upload: &Upload) -> impl Iterator<Item = NewFile<'_>> {
    let files = upload.files.iter().filter(|f| f.field == "file");
    files.map(|f| NewFile {
        name: &f.name,
        media_type: &f.content_type,
        bytes: &f.bytes,
    })
}

async fn submit(page: Page, Path(id): Path<i64>, upload: Upload) -> PageResult {
    let form = typed(&upload)?;
    send(&page, id, &upload, &form).await
}

async fn send(page: &Page, id: i64, upload: &Upload, form: &Form<Fields>) -> PageResult {
    let back = format!("/partner/deals/{id}/edit");
    let kept = keep_files(page, id, upload).await;
    if let Err(error) = kept {
        // What was typed is kept beside the file that was not.
        deal::save(&page.ctx, id, &form.value).await?;
        return page.refused(&back, error, &form.pairs).await;
    }
    match deal::submit(&page.ctx, id, &form.value).await {
        Ok(sent) => said(page, id, sent).await,
        Err(error) => page.refused(&back, error, &form.pairs).await,
    }
}

async fn said(page: &Page, id: i64, sent: Sent) -> PageResult {
    let here = format!("/partner/deals/{id}");
    match sent {
        Sent::Waits => page.done(&here, "Sent. A manager looks at it.").await,
        Sent::Duplicate => {
            let words = "This company is already registered. You can join the waiting list.";
            page.toast(&here, Tone::Warn, words).await
        }
    }
}

async fn start_draft(page: Page, upload: Upload) -> PageResult {
    let form = typed(&upload)?;
    match deal::start(&page.ctx, &form.value).await {
        Ok(id) => saved(&page, id, &upload, &form).await,
        Err(error) => page.refused("/partner/deals/new", error, &form.pairs).await,
    }
}

async fn save(page: Page, Path(id): Path<i64>, upload: Upload) -> PageResult {
    let form = typed(&upload)?;
    match deal::save(&page.ctx, id, &form.value).await {
        Ok(()) => saved(&page, id, &upload, &form).await,
        Err(error) => {
            page.refused(&format!("/partner/deals/{id}/edit"), error, &form.pairs)
                .await
        }
    }
}

async fn saved(page: &Page, id: i64, upload: &Upload, form: &Form<Fields>) -> PageResult {
    let back = format!("/partner/deals/{id}/edit");
    let done = keep_files(page, id, upload).await;
    page.answer(done, &back, "Saved.", &form.pairs).await
}

async fn discard(page: Page, Path(id): Path<i64>) -> PageResult {
    match deal::discard(&page.ctx, id).await {
        Ok(()) => page.done("/partner/deals", "Discarded.").await,
        Err(error) => {
            page.refused(&format!("/partner/deals/{id}"), error, &[])
                .await
        }
    }
}
