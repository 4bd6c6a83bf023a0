//! A rule of a draft as a form that needs no knowledge of programming, and no scripts: what does not
//! belong to the chosen kind of amount is hidden by the style sheet.

use super::{may_change, version};
use crate::{
    page::{Form, Head, Page, PageError, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::{extract::Path, response::Response};
use domain::application::PartnerType;
use domain::plan::{Basis, Period, Trigger};
use leptos::prelude::*;
use service::plan::{self, PAYS, RuleFields, Standing, VersionView};

use version::Change;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/plans/versions/{id}/rules/new", Access::Admin, new)
        .post("/admin/plans/versions/{id}/rules", Access::Admin, add)
        .get(
            "/admin/plans/versions/{id}/rules/{rule}",
            Access::Admin,
            edit,
        )
        .post(
            "/admin/plans/versions/{id}/rules/{rule}",
            Access::Admin,
            save,
        )
        .post(
            "/admin/plans/versions/{id}/rules/{rule}/move",
            Access::Admin,
            shift,
        )
        .post(
            "/admin/plans/versions/{id}/rules/{rule}/remove",
            Access::Admin,
            remove,
        )
}

async fn new(page: Page, Path(id): Path<i64>) -> PageResult {
    let view = plan::version(&page.ctx, id).await?;
    let fields = RuleFields::fresh(&view.program.currency);
    Ok(form(&page, view, None, fields))
}

async fn edit(page: Page, Path((id, rule)): Path<(i64, String)>) -> PageResult {
    let view = plan::version(&page.ctx, id).await?;
    let found = view.rules.rule(&rule).ok_or(PageError::NotFound)?;
    let fields = RuleFields::of(found, &view.program.currency);
    Ok(form(&page, view, Some(rule), fields))
}

fn form(page: &Page, view: VersionView, rule: Option<String>, fields: RuleFields) -> Response {
    let title = match &rule {
        Some(_) => fields.text("name").to_owned(),
        None => "New rule".to_owned(),
    };
    let back = version::href(view.row.id);
    let label = format!("Version {}", view.row.version);
    let head = version::crumbs(Head::new(title), &view).crumb(label, back.clone());
    let writable = view.standing == Standing::Draft && may_change(page);
    // A refused form may have more brackets than the stored rule.
    let typed = RuleFields::from_pairs(page.typed());
    let rows = fields.bracket_rows().max(typed.bracket_rows());
    page.render(head, move || {
        if !writable {
            let sentence = view
                .rules
                .rules
                .iter()
                .zip(&view.sentences)
                .find(|(r, _)| Some(&r.id) == rule.as_ref())
                .map(|(_, s)| s.clone())
                .unwrap_or_default();
            return view! { <Panel title="What it pays"><p>{sentence}</p></Panel> }.into_any();
        }
        let action = match &rule {
            Some(rule) => format!("{back}/rules/{rule}"),
            None => format!("{back}/rules"),
        };
        let hidden = version::revision(&view);
        let body = fieldsets(&view, &fields, rows);
        view! {
            <PostForm action=action class="rule-form">
                <FormErrors/>
                {hidden}
                {body}
                <Submit label="Save the rule" cancel=back/>
            </PostForm>
        }
        .into_any()
    })
}

fn section(title: &'static str, class: &'static str, body: impl IntoView + 'static) -> AnyView {
    let class = format!("rule-part {class}");
    view! { <fieldset class=class><legend>{title}</legend>{body.into_any()}</fieldset> }.into_any()
}

fn fieldsets(view: &VersionView, f: &RuleFields, rows: usize) -> AnyView {
    let text = |name: &str| f.text(name).to_owned();
    let triggers = Choice::list(Trigger::ALL.iter().map(|t| (t.as_str(), t.label())));
    let pays = PAYS
        .iter()
        .map(|(value, label, hint)| Choice::new(*value, *label).hint(*hint))
        .collect::<Vec<_>>();
    let what = view! {
        <TextField name="name" label="Name" value=text("name") hint="What the explanation of every amount calls this rule." required=true max=120/>
        <SelectField name="trigger" label="Pays when" options=triggers value=text("trigger") required=true/>
    };
    let much = view! {
        <RadioField name="pays" label="How much" options=pays value=text("pays") required=true/>
    };
    view! {
        {section("What for", "", what)}
        {section("Amount", "", much)}
        {amounts(view, f, rows)}
        {section("How long", "pays-money", duration(f))}
        {section("Conditions", "", conditions(view, f))}
        {section("Upper limits", "", caps(f))}
    }
    .into_any()
}

fn amounts(view: &VersionView, f: &RuleFields, rows: usize) -> AnyView {
    let text = |name: &str| f.text(name).to_owned();
    let tiers = |prefix: &'static str, hint: &'static str| {
        view.offer
            .tiers
            .iter()
            .map(|(rank, name)| {
                let field = format!("{prefix}{rank}");
                let value = f.text(&field).to_owned();
                view! { <TextField name=field label=name.clone() value=value hint=hint/> }
            })
            .collect_view()
    };
    let steps = (0..rows)
        .map(|row| {
            let (end, rate) = (format!("step_{row}_up_to"), format!("step_{row}_rate"));
            let (reached, percent) = (text(&end), text(&rate));
            view! {
                <TextField name=end label=format!("Bracket {}: up to", row + 1) value=reached/>
                <TextField name=rate label=format!("Bracket {}: percent", row + 1) value=percent/>
            }
        })
        .collect_view();
    let periods = periods();
    let bases = vec![
        Choice::new(Basis::Net.as_str(), "What was paid").hint("After tax, discounts and credits."),
        Choice::new(
            Basis::FirstYear.as_str(),
            "The part in the customer’s first year",
        )
        .hint("Twelve months from its first payment; nothing after. For won deals: the first-year value as a manager confirms it."),
    ];
    let brackets = view! {
        <div class="fields">
            <SelectField name="period" label="Volume of a" options=periods value=text("period") required=true/>
            <TextField name="currency" label="Currency" value=text("currency") hint="Three letters; the rule counts in this currency only." required=true max=3/>
        </div>
        <p class="field-hint">"Leave the end of the last bracket open; rows you do not need stay empty."</p>
        <div class="fields brackets">{steps}</div>
    };
    let each = "Such as 150 EUR, paid once for each event, however many lines it has; partners who share the credit share it. Several currencies are separated by a semicolon; others earn nothing by this rule.";
    view! {
        {section("Percentage", "pays-percent", view! {
            <TextField name="rate" label="Percent" value=text("rate") hint="Such as 22.5"/>
        })}
        {section("Percentage by tier", "pays-by-tier", view! {
            <div class="fields">{tiers("tier_rate_", "Percent, such as 22.5")}</div>
        })}
        {section("Fixed amount", "pays-flat", view! {
            <TextField name="amounts" label="Amount" value=text("amounts") hint=each/>
        })}
        {section("Fixed amount by tier", "pays-flat-by-tier", view! {
            <p class="field-hint">{each}</p>
            <div class="fields">{tiers("tier_amount_", "Such as 150 EUR")}</div>
        })}
        {section("Brackets", "pays-brackets", brackets)}
        {section("Of what", "pays-share", view! {
            <RadioField name="basis" label="A percentage of" options=bases value=text("basis") required=true/>
            <TextField name="bonus_points" label="Points more for registered deals" value=text("bonus_points") hint="Added to the percentage when the customer came by a registered deal; such as 5."/>
        })}
    }
    .into_any()
}

fn periods() -> Vec<Choice> {
    Choice::list(Period::ALL.iter().map(|p| (p.as_str(), p.label())))
}

fn duration(f: &RuleFields) -> AnyView {
    let options = vec![
        Choice::new("lifetime", "For as long as the customer pays"),
        Choice::new("months", "For some months from its first payment"),
    ];
    view! {
        <RadioField name="duration" label="A customer earns" options=options value=f.text("duration").to_owned() required=true/>
        <TextField name="months" label="Months" kind="number" value=f.text("months").to_owned() hint="Only for “some months”."/>
    }
    .into_any()
}

fn conditions(view: &VersionView, f: &RuleFields) -> AnyView {
    let all = |name: &str| f.all(name).to_vec();
    let text = |name: &str| f.text(name).to_owned();
    let types = Choice::list(PartnerType::ALL.iter().map(|t| (t.as_str(), t.label())));
    let tiers = view.offer.tiers.iter();
    let tiers = Choice::list(tiers.map(|(rank, name)| (rank.to_string(), name.clone())));
    let products = Choice::list(view.offer.products.iter().cloned());
    let courses = Choice::list(view.offer.courses.iter().map(|c| (c.clone(), c.clone())));
    let deals = Choice::list([
        ("yes", "Only by a registered deal"),
        ("no", "Only without one"),
    ]);
    view! {
        <p class="field-hint">"What is left open is not asked. The rule that asks most goes before the others."</p>
        <ChecksField name="partner_types" label="Partner is of type" options=types values=all("partner_types")/>
        <ChecksField name="tiers" label="Partner’s tier is" options=tiers values=all("tiers")/>
        <ChecksField name="products" label="Product is" options=products values=all("products")/>
        <div class="fields">
            <SelectField name="registered_deal" label="Customer came" options=deals value=text("registered_deal")/>
            <SelectField name="certification" label="Partner is certified in" options=courses value=text("certification")/>
        </div>
        <TextField name="countries" label="Customer’s country" value=text("countries") hint="Two-letter codes with commas, such as DE, AT, CH."/>
    }
    .into_any()
}

fn caps(f: &RuleFields) -> AnyView {
    let text = |name: &str| f.text(name).to_owned();
    view! {
        <p class="field-hint">"Such as 5000 EUR; several currencies are separated by a semicolon. With a limit, the rule pays in its currencies only."</p>
        <TextField name="cap_customer" label="For one customer, in all" value=text("cap_customer") hint="Who shares the credit for a customer shares its limit in the same parts."/>
        <div class="fields">
            <TextField name="cap_partner" label="For one partner" value=text("cap_partner")/>
            <SelectField name="cap_partner_period" label="In each" options=periods() value=text("cap_partner_period") required=true/>
            <TextField name="cap_all" label="For all partners together" value=text("cap_all")/>
            <SelectField name="cap_all_period" label="In each" options=periods() value=text("cap_all_period") required=true/>
        </div>
    }
    .into_any()
}

async fn add(page: Page, Path(id): Path<i64>, form: Form<Change>) -> PageResult {
    let fields = RuleFields::from_pairs(&form.pairs);
    match plan::add_rule(&page.ctx, id, form.revision(), &fields).await {
        Ok(()) => page.done(&version::href(id), "Rule added.").await,
        Err(e) => {
            let here = format!("{}/rules/new", version::href(id));
            page.refused(&here, e, &form.pairs).await
        }
    }
}

async fn save(page: Page, Path((id, rule)): Path<(i64, String)>, form: Form<Change>) -> PageResult {
    let fields = RuleFields::from_pairs(&form.pairs);
    match plan::change_rule(&page.ctx, id, form.revision(), &rule, &fields).await {
        Ok(()) => page.done(&version::href(id), "Rule saved.").await,
        Err(e) => {
            let here = format!("{}/rules/{rule}", version::href(id));
            page.refused(&here, e, &form.pairs).await
        }
    }
}

async fn shift(
    page: Page,
    Path((id, rule)): Path<(i64, String)>,
    form: Form<Change>,
) -> PageResult {
    let up = form.to != "down";
    match plan::move_rule(&page.ctx, id, form.revision(), &rule, up).await {
        Ok(()) => Ok(page.redirect(&version::href(id))),
        Err(e) => page.refused(&version::href(id), e, &form.pairs).await,
    }
}

async fn remove(
    page: Page,
    Path((id, rule)): Path<(i64, String)>,
    form: Form<Change>,
) -> PageResult {
    let done = plan::remove_rule(&page.ctx, id, form.revision(), &rule).await;
    page.answer(done, &version::href(id), "Rule removed.", &form.pairs)
        .await
}
