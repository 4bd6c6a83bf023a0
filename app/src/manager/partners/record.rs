//! One partner: who they are, how they do, and their standing.

use crate::{
    apply::standing as applied,
    finance::reads,
    page::{Form, Head, Page, PageResult},
    partner::{
        checklist,
        organisation::{profile_facts, profile_form},
    },
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::partner::{PartnerStatus as P, StaffRole};
use leptos::prelude::*;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use service::partner::{self, PlanForm, Profile, Record as Partner};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/manager/partners/{id}", Access::Staff, overview)
        .get("/manager/partners/{id}/deals", Access::Staff, deals)
        .get("/manager/partners/{id}/money", Access::Staff, money)
        .get("/manager/partners/{id}/people", Access::Staff, people)
        .get("/manager/partners/{id}/notes", Access::Staff, notes)
        .get("/manager/partners/{id}/profile", Access::Staff, profile)
        .post("/manager/partners/{id}/profile", Access::Manager, update)
        .post(
            "/manager/partners/{id}/manager",
            Access::Manager,
            change_manager,
        )
        .post("/manager/partners/{id}/plan", Access::Manager, move_plan)
        .post("/manager/partners/{id}/tier", Access::Manager, set_tier)
        .post(
            "/manager/partners/{id}/plan/{move}/withdraw",
            Access::Manager,
            withdraw_move,
        )
        .post("/manager/partners/{id}/note", Access::Staff, note)
        .post("/manager/partners/{id}/standing", Access::Manager, standing)
}

fn here(id: i64) -> String {
    format!("/manager/partners/{id}")
}

fn head(record: &Partner) -> Head {
    Head::new(record.partner.name.clone())
        .crumb("Partners", "/manager/partners")
        .status(record.status.as_str())
}

fn tabs(record: &Partner) -> AnyView {
    let at = here(record.partner.id);
    let notes = record.notes.len() as i64;
    let items = vec![
        Tab::new("Overview", at.clone()),
        Tab::new("Deals", format!("{at}/deals")),
        Tab::new("Money", format!("{at}/money")),
        Tab::new("People and learning", format!("{at}/people")),
        Tab::new("Notes", format!("{at}/notes")).count(notes),
        Tab::new("Profile", format!("{at}/profile")),
    ];
    view! { <Tabs items=items label="Views of this partner"/> }.into_any()
}

/// Whether the person changes partners; others of the staff read them.
fn may_change(page: &Page) -> bool {
    page.ctx.staff(StaffRole::Manager).is_ok()
}

async fn overview(page: Page, Path(id): Path<i64>) -> PageResult {
    let record = partner::record(&page.ctx, id).await?;
    let steps = partner::checklist(&page.ctx, id).await?;
    let managers = partner::managers(&page.ctx).await?;
    let agreement = partner::agreement(&page.ctx, id).await?;
    let tiers = service::program::tiers(page.ctx.reader(), record.partner.program_id).await?;
    let mine = may_change(&page);
    let applications = reads(&page, StaffRole::Manager);
    Ok(page.render(head(&record), move || {
        let tabs = tabs(&record);
        let p = record.partner.clone();
        let standing = mine.then(|| {
            let forms = standing_forms(&record);
            view! { <Panel title="Standing">{forms}</Panel> }
        });
        let plans = plan_panel(&record, mine);
        let tier = mine.then(|| tier_panel(&record, tiers));
        let looks_after = record.manager.clone().map_or_else(|| "Nobody yet".to_owned(), |(_, name, _)| name);
        let managers = Choice::list(managers.into_iter().map(|(id, name)| (id.to_string(), name)));
        let current = p.manager_id.map(|m| m.to_string()).unwrap_or_default();
        let manager = if mine {
            view! {
                <PostForm action=format!("{}/manager", here(p.id)) name="manager">
                    <SelectField name="manager_id" label="Looked after by" options=managers value=current/>
                    <Submit label="Save" quiet=true/>
                </PostForm>
            }
            .into_any()
        } else {
            view! { <Facts><Fact label="Looked after by">{looks_after}</Fact></Facts> }.into_any()
        };
        let application = record.application_id.filter(|_| applications).map(|a| {
            view! { <Fact label="Application"><a href=format!("/manager/applications/{a}")>"Open"</a></Fact> }
        });
        let signed = agreement.signed.map_or_else(
            || format!("version {} is not signed", agreement.terms.version),
            |a| format!("version {}, by {}, {}", agreement.terms.version, a.signed_name, day_text(a.signed_at)),
        );
        view! {
            {tabs}
            {p.status_reason.clone().map(|reason| view! { <Notice tone=Tone::Warn title=reason/> })}
            <Record>
                <RecordMain>
                    <Panel title="Onboarding"><Checklist items=checklist::items(&steps, false)/></Panel>
                    <Panel title="What happened"><Timeline events=applied::events(record.timeline)/></Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Legal name">{p.legal_name.clone()}</Fact>
                            <Fact label="Website"><a href=p.website.clone() rel="noopener noreferrer">{p.domain.clone()}</a></Fact>
                            <Fact label="Country">{country_name(&p.country).to_owned()}</Fact>
                            <Fact label="Program">{record.program.name.clone()}</Fact>
                            <Fact label="Tier">{format!("{}, since {}", record.tier.name, day_text(p.tier_since))}</Fact>
                            <Fact label="Plan">{record.plan.clone()}</Fact>
                            <Fact label="Agreement">{signed}</Fact>
                            <Fact label="Partner since"><Day at=p.created_at/></Fact>
                            {application}
                        </Facts>
                        {manager}
                    </Panel>
                    {plans}
                    {tier}
                    {standing}
                </RecordSide>
            </Record>
        }
    }))
}

/// The plan that pays the partner, its moves, and a form for another.
fn plan_panel(record: &Partner, mine: bool) -> AnyView {
    let at = here(record.partner.id);
    let now = ui().now;
    let moves = record
        .plan_moves
        .iter()
        .map(|m| {
            let words = format!("{} instead of {}: {}", m.to, m.from, m.reason);
            let action = format!("{at}/plan/{}/withdraw", m.id);
            let back = (mine && m.at > now)
                .then(|| view! { <PostButton action=action label="Withdraw" quiet=true/> });
            view! { <li>"From " <Day at=m.at/> ": " {words} " " {back}</li> }
        })
        .collect_view();
    let moves = (!record.plan_moves.is_empty()).then(|| view! { <ul>{moves}</ul> });
    let waits = record.plan_moves.iter().any(|m| m.at > now);
    let form = (mine && !waits && !record.plans.is_empty()).then(|| {
        let options = Choice::list(
            record
                .plans
                .iter()
                .map(|(id, name)| (id.to_string(), name.clone())),
        );
        let action = format!("{at}/plan");
        view! {
            <Confirm id="plan" label="Move to another plan" title="From when does another plan pay?" text="What is paid before that day keeps its plan. The partner’s people get a notice with the reason.">
                <PostForm action=action name="plan">
                    <SelectField name="plan_id" label="Plan" options=options required=true/>
                    <DateField name="from_date" label="First day of the new plan" hint="Today counts at once." required=true/>
                    <TextArea name="reason" label="Why? The partner reads it" rows=2 required=true max=500/>
                    <Submit label="Move"/>
                </PostForm>
            </Confirm>
        }
    });
    let plan = record.plan.clone();
    view! {
        <Panel title="Plan">
            <p>{plan}</p>
            {moves}
            {form}
        </Panel>
    }
    .into_any()
}

/// Another tier by hand.
fn tier_panel(record: &Partner, tiers: Vec<entity::tier::Model>) -> AnyView {
    let action = format!("{}/tier", here(record.partner.id));
    let others = tiers.into_iter().filter(|t| t.id != record.tier.id);
    let name = record.tier.name.clone();
    let options = Choice::list(others.map(|t| (t.id.to_string(), t.name)));
    view! {
        <Panel title="Tier" text="Reviews move it by its figures. By hand it counts from now on, until a review finds otherwise.">
            <p>{name} " · " <a href="/manager/tiers">"Tier reviews"</a></p>
            <Confirm id="tier" label="Set another tier" title="Which tier?" text="The partner’s people get a notice with the reason.">
                <PostForm action=action name="tier">
                    <SelectField name="tier_id" label="Tier" options=options required=true/>
                    <TextArea name="reason" label="Why? The partner reads it" rows=2 required=true max=500/>
                    <Submit label="Set the tier"/>
                </PostForm>
            </Confirm>
        </Panel>
    }
    .into_any()
}

/// The changes of standing that are possible now.
fn standing_forms(record: &Partner) -> AnyView {
    let action = format!("{}/standing", here(record.partner.id));
    let form = |id: &'static str,
                label: &'static str,
                title: &'static str,
                text: &'static str,
                danger: bool| {
        let action = action.clone();
        view! {
            <Confirm id=id label=label title=title text=text danger=danger>
                <PostForm action=action name=id>
                    <Hidden name="change" value=id/>
                    <TextArea name="reason" label="Reason" hint="The partner reads it." required=true max=1000/>
                    <Submit label=label danger=danger/>
                </PostForm>
            </Confirm>
        }
    };
    match record.status {
        P::Active => view! {
            <div class="buttons">
                {form("deactivate", "Deactivate", "Deactivate this partner?", "Its people cannot work in the portal until it is reactivated. What it has earned stays.", false)}
                {form("ban", "Ban", "Ban this partner?", "Its people are shut out. Coming back takes two decisions.", true)}
            </div>
        }
        .into_any(),
        P::Deactivated => view! {
            <div class="buttons">
                <PostButton action=action.clone() label="Reactivate" fields=vec![("change", "reactivate".to_owned())] primary=true/>
                {form("ban", "Ban", "Ban this partner?", "Its people are shut out. Coming back takes two decisions.", true)}
            </div>
        }
        .into_any(),
        P::Banned => form("lift_ban", "Lift the ban", "Lift the ban?", "The partner is deactivated then; reactivating it is a second decision.", false).into_any(),
    }
}

async fn deals(page: Page, Path(id): Path<i64>) -> PageResult {
    let record = partner::record(&page.ctx, id).await?;
    let rows = entity::deal::Entity::find()
        .filter(entity::deal::Column::PartnerId.eq(id))
        .filter(entity::deal::Column::SubmittedAt.is_not_null())
        .order_by_desc(entity::deal::Column::Id)
        .limit(200)
        .all(page.ctx.reader())
        .await?;
    let leads_on = reads(&page, StaffRole::Manager);
    Ok(page.render(head(&record), move || {
        let tabs = tabs(&record);
        let table = Table::plain(rows)
            .caption("Deals of this partner")
            .col("Customer", |d: &entity::deal::Model| {
                d.customer_name.clone()
            })
            .col("Domain", |d| d.customer_domain.clone())
            .aside()
            .col("Status", |d| view! { <Status of=d.status.clone()/> })
            .num("Value", |d| {
                d.value
                    .map(|v| view! { <Money minor=v currency=d.currency.clone()/> })
            })
            .col("Protected until", |d| {
                d.protected_until.map(|at| view! { <Day at=at/> })
            })
            .col("Sent", |d| d.submitted_at.map(|at| view! { <Day at=at/> }))
            .empty(Empty::text(
                "No deals yet",
                "They appear here as soon as the partner registers one.",
            ));
        let table = if leads_on {
            table.href(|d| format!("/manager/deals/{}", d.id))
        } else {
            table
        };
        view! { {tabs} {table.view()} }
    }))
}

async fn money(page: Page, Path(id): Path<i64>) -> PageResult {
    let record = partner::record(&page.ctx, id).await?;
    let db = page.ctx.reader();
    let months = entity::partner_month::Entity::find()
        .filter(entity::partner_month::Column::PartnerId.eq(id))
        .order_by_desc(entity::partner_month::Column::Month)
        .order_by_asc(entity::partner_month::Column::Currency)
        .limit(48)
        .all(db)
        .await?;
    let balances = entity::ledger_account::Entity::find()
        .filter(entity::ledger_account::Column::PartnerId.eq(id))
        .order_by_asc(entity::ledger_account::Column::Code)
        .all(db)
        .await?;
    let account = entity::payout_account::Entity::find()
        .filter(entity::payout_account::Column::PartnerId.eq(id))
        .one(db)
        .await?;
    Ok(page.render(head(&record), move || {
        let tabs = tabs(&record);
        let figures = balances
            .into_iter()
            .map(|b| {
                let state = b.code.rsplit(':').next().unwrap_or_default().to_owned();
                view! { <Figure label=label_of(&state)><Money minor=b.balance currency=b.currency/></Figure> }
            })
            .collect_view();
        let payout = account.map_or_else(
            || view! { <Notice tone=Tone::Warn title="No payout account is connected yet."/> }.into_any(),
            |a| view! { <p>"Payout account: " <Status of=a.state/> <span class="muted">" " {a.stripe_id}</span></p> }.into_any(),
        );
        let table = Table::plain(months)
            .caption("Earnings by month")
            .col("Month", |m: &entity::partner_month::Model| m.month.clone())
            .num("Revenue", |m| view! { <Money minor=m.revenue currency=m.currency.clone()/> })
            .num("Earned", |m| view! { <Money minor=m.earned currency=m.currency.clone()/> })
            .num("Taken back", |m| view! { <Money minor=m.given_back currency=m.currency.clone()/> })
            .empty(Empty::text("Nothing earned yet", "Commission appears here with the first paid invoice of a customer of theirs."))
            .view();
        view! { {tabs} {payout} <Figures>{figures}</Figures> {table} }
    }))
}

async fn people(page: Page, Path(id): Path<i64>) -> PageResult {
    let record = partner::record(&page.ctx, id).await?;
    let ids: Vec<i64> = record.members.iter().map(|m| m.person_id).collect();
    let now = page.now();
    let certificates = entity::certificate::Entity::find()
        .filter(entity::certificate::Column::PersonId.is_in(ids))
        .filter(entity::certificate::Column::RevokedAt.is_null())
        .all(page.ctx.reader())
        .await?;
    Ok(page.render(head(&record), move || {
        let tabs = tabs(&record);
        let table = Table::plain(record.members)
            .caption("People of this partner")
            .col("Name", |m: &partner::Member| m.name.clone())
            .col("Address", |m| m.email.clone())
            .col("Role", |m| m.role.label())
            .num("Valid certificates", move |m| {
                certificates
                    .iter()
                    .filter(|c| c.person_id == m.person_id && c.grace_until > now)
                    .count()
            })
            .col("Since", |m| view! { <Day at=m.joined_at/> })
            .view();
        view! { {tabs} {table} }
    }))
}

async fn notes(page: Page, Path(id): Path<i64>) -> PageResult {
    let mut record = partner::record(&page.ctx, id).await?;
    let writes = !matches!(page.ctx.any_staff(), Ok((_, StaffRole::Auditor)));
    Ok(page.render(head(&record), move || {
        let tabs = tabs(&record);
        let add = writes.then(|| {
            view! {
                <PostForm action=format!("{}/note", here(id)) name="note">
                    <TextArea name="comment" label="Add a note" rows=3 required=true max=4000/>
                    <Submit label="Save the note"/>
                </PostForm>
            }
        });
        let items = std::mem::take(&mut record.notes)
            .into_iter()
            .map(applied::comment)
            .collect::<Vec<_>>();
        view! {
            {tabs}
            <Panel title="Notes" text="Only staff can read these.">
                <Comments items=items/>
                {add}
            </Panel>
        }
    }))
}

async fn profile(page: Page, Path(id): Path<i64>) -> PageResult {
    let record = partner::record(&page.ctx, id).await?;
    let mine = may_change(&page);
    Ok(page.render(head(&record), move || {
        let tabs = tabs(&record);
        let profile = if mine {
            profile_form(&record.partner, format!("{}/profile", here(id)))
        } else {
            profile_facts(&record.partner)
        };
        view! { {tabs} <Panel title="Profile">{profile}</Panel> }
    }))
}

async fn update(page: Page, Path(id): Path<i64>, form: Form<Profile>) -> PageResult {
    let back = format!("{}/profile", here(id));
    let done = partner::update(&page.ctx, id, &form.value).await;
    page.answer(done, &back, "Saved.", &form.pairs).await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    manager_id: String,
    tier_id: String,
    comment: String,
    change: String,
    reason: String,
}

async fn change_manager(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = partner::update_manager(&page.ctx, id, &form.manager_id).await;
    page.answer(done, &here(id), "Saved.", &form.pairs).await
}

async fn move_plan(page: Page, Path(id): Path<i64>, form: Form<PlanForm>) -> PageResult {
    let done = partner::move_to_plan(&page.ctx, id, &form.value).await;
    page.answer(
        done,
        &here(id),
        "Moved. The partner’s people have a notice.",
        &form.pairs,
    )
    .await
}

async fn set_tier(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let Ok(tier) = form.tier_id.parse::<i64>() else {
        let error = service::Error::field("tier_id", "Choose a tier from the list.");
        return page.refused(&here(id), error, &form.pairs).await;
    };
    let done = service::tier::set_by_hand(&page.ctx, id, tier, &form.reason).await;
    page.answer(
        done,
        &here(id),
        "Set. The partner’s people have a notice.",
        &form.pairs,
    )
    .await
}

async fn withdraw_move(page: Page, Path((id, of)): Path<(i64, i64)>) -> PageResult {
    let done = partner::withdraw_plan_move(&page.ctx, id, of).await;
    page.answer(done, &here(id), "Withdrawn.", &[]).await
}

async fn note(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let back = format!("{}/notes", here(id));
    let done = partner::note(&page.ctx, id, &form.comment).await;
    page.answer(done, &back, "Noted.", &form.pairs).await
}

async fn standing(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let ctx = &page.ctx;
    let result = match form.change.as_str() {
        "deactivate" => partner::deactivate(ctx, id, &form.reason).await,
        "reactivate" => partner::reactivate(ctx, id).await,
        "ban" => partner::ban(ctx, id, &form.reason).await,
        "lift_ban" => partner::lift_ban(ctx, id, &form.reason).await,
        _ => Err(service::Error::conflict(
            "Choose what to change, and try again.",
        )),
    };
    match result {
        Ok(()) => page.done(&here(id), "Done. The owners have a mail.").await,
        Err(error) => page.refused(&here(id), error, &form.pairs).await,
    }
}
