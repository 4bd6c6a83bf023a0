//! What finance books by hand, with a second pair of eyes above the limit.

use crate::{
    commission,
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use domain::money::Currency;
use leptos::prelude::*;
use service::{
    FieldErrors,
    commission::{self as lines, AdjustForm, Adjusted, ByHand, CommissionLine, LineQuery},
    program,
};

const HERE: &str = "/finance/adjustments";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Finance, index)
        .post(HERE, Access::Finance, adjust)
        .get("/finance/adjustments.csv", Access::Finance, export)
        .get("/finance/adjustments/new", Access::Finance, form)
        .post("/finance/adjustments/write-off", Access::Finance, write_off)
}

const BY_HAND: [&str; 4] = ["adjustment", "bonus", "clawback", "write_off"];

fn query(list: &ListQuery) -> LineQuery {
    let mut query = commission::query(list);
    query.kinds.retain(|kind| BY_HAND.contains(&kind.as_str()));
    if query.kinds.is_empty() {
        query.kinds = BY_HAND.iter().map(|k| (*k).to_owned()).collect();
    }
    query
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let found = lines::lines(&page.ctx, &query(&list)).await?;
    let mut head = Head::new("Adjustments")
        .text("Bonuses, corrections, clawbacks and debts given up. Each has a reason.");
    if super::may_change(&page) {
        head = head.primary("New adjustment", "/finance/adjustments/new");
    }
    Ok(page.render(head, move || {
        Table::new(found.rows, found.total, &list)
            .caption("Adjustments")
            .col("What", |l: &CommissionLine| commission::kind_label(&l.kind))
            .col("Partner", |l| l.partner.clone())
            .col("Reason", |l| l.note.clone())
            .sorted_num(
                "amount",
                "Amount",
                |l| view! { <Money minor=l.amount currency=l.currency.clone()/> },
            )
            .col("State", |l| commission::state(&l.state))
            .sorted("earned", "Booked", |l| view! { <Day at=l.earned_at/> })
            .aside()
            .href(|l| format!("/finance/commissions/{}", l.id))
            .search("Partner or reason")
            .filter(
                "kind",
                "Kind",
                BY_HAND.map(|k| (k, commission::kind_label(k))),
            )
            .filter("state", "State", commission::states())
            .views(vec![
                Tab::new("All", HERE),
                Tab::new("Waiting for a second person", format!("{HERE}?state=held")),
            ])
            .csv("/finance/adjustments.csv")
            .empty(
                Empty::text(
                    "No adjustments yet",
                    "What finance books by hand appears here.",
                )
                .action("New adjustment", "/finance/adjustments/new"),
            )
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    commission::export(&page, query(&page.list()), "adjustments.csv").await
}

async fn form(page: Page) -> PageResult {
    let partners = super::holds::choices(&page).await?;
    let programs = program::all(page.ctx.reader()).await?;
    let currency = programs
        .first()
        .map(|p| p.currency.clone())
        .unwrap_or_default();
    let mut limits = Vec::new();
    for p in &programs {
        let policy = program::policy_at(page.ctx.reader(), p.id, page.now()).await?;
        limits.push((
            p.name.clone(),
            policy.second_approval_above,
            p.currency.clone(),
            program::limit::seconds_in_words(&policy.second_approvals),
        ));
    }
    let partner = page.param("partner").unwrap_or_default();
    let head = Head::new("New adjustment").crumb("Adjustments", HERE);
    Ok(page.render(head, move || {
        let limits = limits
            .into_iter()
            .map(|(name, minor, currency, others)| {
                let others = format!(" (in other currencies: {others})");
                view! { <li>{name} ": above " <Money minor currency/> {others} " a second person of finance approves it first."</li> }
            })
            .collect_view();
        let kinds = vec![
            Choice::new(ByHand::Adjustment.as_str(), ByHand::Adjustment.label()).hint("In either direction; a minus takes away."),
            Choice::new(ByHand::Bonus.as_str(), ByHand::Bonus.label()).hint("Something extra for the partner."),
            Choice::new(ByHand::Clawback.as_str(), ByHand::Clawback.label()).hint("Something taken back for another reason than a refund. Enter a positive amount."),
        ];
        let (again, partner_too, currency_too) = (partners.clone(), partner.clone(), currency.clone());
        view! {
            <Notice title="Who approves"><ul>{limits}</ul><p>"What you book in a day adds up, and so does what is booked for one partner. A limit that was raised counts a day later."</p></Notice>
            <Panel title="Book an amount">
                <PostForm action=HERE name="adjust">
                    <FormErrors/>
                    <SelectField name="partner" label="Partner" options=partners value=partner required=true/>
                    <RadioField name="kind" label="Kind" options=kinds value="adjustment" required=true/>
                    <div class="fields">
                        <TextField name="amount" label="Amount" hint="For example 125.00" required=true max=30/>
                        <TextField name="currency" label="Currency" value=currency hint="Three letters" required=true max=3/>
                    </div>
                    <TextArea name="reason" label="Why? The partner reads it" rows=3 required=true max=500/>
                    <TextArea name="note" label="Note for colleagues" hint="The partner never reads it." rows=2 max=1000/>
                    <Submit label="Book the adjustment" cancel=HERE/>
                </PostForm>
            </Panel>
            <Panel title="Give up what a partner owes" text="Sets a negative payable balance to zero; the loss is booked as a write-off.">
                <PostForm action="/finance/adjustments/write-off" name="write-off">
                    <SelectField name="partner" label="Partner" options=again value=partner_too required=true/>
                    <TextField name="currency" label="Currency" value=currency_too hint="Three letters" required=true max=3/>
                    <TextArea name="reason" label="Why?" rows=2 required=true max=500/>
                    <Submit label="Write off the debt" danger=true/>
                </PostForm>
            </Panel>
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    partner: String,
    kind: String,
    amount: String,
    currency: String,
    reason: String,
    note: String,
}

const FORM: &str = "/finance/adjustments/new";

async fn adjust(page: Page, form: Form<Typed>) -> PageResult {
    let Ok(partner_id) = form.partner.parse() else {
        let errors = FieldErrors::new().with("partner", "Choose a partner.");
        return page.invalid(FORM, errors, &form.pairs).await;
    };
    let typed = AdjustForm {
        partner_id,
        kind: form.kind.clone(),
        amount: form.amount.clone(),
        currency: form.currency.trim().to_uppercase(),
        reason: form.reason.clone(),
    };
    match lines::adjust_noted(&page.ctx, &typed, &form.note).await {
        Ok(adjusted) => booked(&page, adjusted).await,
        Err(error) => page.refused(FORM, error, &form.pairs).await,
    }
}

async fn booked(page: &Page, adjusted: Adjusted) -> PageResult {
    let here = format!("/finance/commissions/{}", adjusted.id);
    if adjusted.needs_second {
        let text =
            "Booked on hold: a second person of finance has to approve it. The page says why.";
        return page.toast(&here, Tone::Warn, text).await;
    }
    page.done(&here, "Booked. It is payable.").await
}

async fn write_off(page: Page, form: Form<Typed>) -> PageResult {
    let Ok(partner_id) = form.partner.parse() else {
        let errors = FieldErrors::new().with("partner", "Choose a partner.");
        return page.invalid(FORM, errors, &form.pairs).await;
    };
    let currency = form.currency.trim().to_uppercase();
    if currency.parse::<Currency>().is_err() {
        let errors = FieldErrors::new().with("currency", "Enter three letters, such as EUR.");
        return page.invalid(FORM, errors, &form.pairs).await;
    }
    match lines::write_off(&page.ctx, partner_id, &currency, &form.reason).await {
        Ok(adjusted) => booked(&page, adjusted).await,
        Err(error) => page.refused(FORM, error, &form.pairs).await,
    }
}
