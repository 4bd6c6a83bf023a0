//! The vendor's own people: who they are, what they may do, who can sign in.

use super::may_change;
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::partner::StaffRole;
use leptos::prelude::*;
use service::identity::{self, StaffMember};

const HERE: &str = "/admin/staff";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Admin, index)
        .post(HERE, Access::Admin, invite)
        .get("/admin/staff/new", Access::Admin, new)
        .get("/admin/staff/{id}", Access::Admin, show)
        .post("/admin/staff/{id}/role", Access::Admin, role)
        .post("/admin/staff/{id}/confirm", Access::Admin, confirm)
        .post("/admin/staff/{id}/deactivate", Access::Admin, deactivate)
        .post("/admin/staff/{id}/reactivate", Access::Admin, reactivate)
}

fn href(id: i64) -> String {
    format!("{HERE}/{id}")
}

/// What each role does, for whoever has to choose.
fn roles() -> Vec<Choice> {
    StaffRole::ALL
        .iter()
        .map(|role| {
            let does = match role {
                StaffRole::Manager => {
                    "Reviews applications and deals, looks after partners, writes courses."
                }
                StaffRole::Finance => {
                    "Ledger, holds, adjustments, payout runs, statements, reconciliation."
                }
                StaffRole::Admin => {
                    "Programs, plans, tiers, staff, integrations, and what managers and finance do."
                }
                StaffRole::Auditor => "Reads everything, changes nothing.",
            };
            Choice::new(role.as_str(), role.label()).hint(does)
        })
        .collect()
}

async fn index(page: Page) -> PageResult {
    page.ctx.admin_reads()?;
    let list = page.list();
    let mut people = identity::staff_list(&page.ctx).await?;
    let word = list.q.to_lowercase();
    people.retain(|p| {
        let found = p.name.to_lowercase().contains(&word) || p.email.contains(&word);
        let role = list.filter("role").is_none_or(|r| r == p.role.as_str());
        let active = match list.filter("status") {
            Some("active") => p.disabled_at.is_none(),
            Some("deactivated") => p.disabled_at.is_some(),
            _ => true,
        };
        found && role && active
    });
    let hours = identity::wait(page.ctx.reader()).await?.num_hours();
    let mut head = Head::new("Staff").text(format!(
        "The vendor’s own people and what each may do. A new role in finance or administration counts \
         for approving money after {hours} hours, or once a second administrator confirms it."
    ));
    if may_change(&page) {
        head = head.primary("Invite a person", "/admin/staff/new");
    }
    Ok(page.render(head, move || {
        let total = people.len() as u64;
        let offset = usize::try_from(list.offset()).unwrap_or(usize::MAX);
        let per = usize::try_from(list.per).unwrap_or(25);
        let people: Vec<StaffMember> = people.into_iter().skip(offset).take(per).collect();
        Table::new(people, total, &list)
            .caption("Staff")
            .col("Name", |p: &StaffMember| p.name.clone())
            .col("Address", |p| p.email.clone())
            .col("Role", |p| p.role.label())
            .col("Approves money", approves)
            .col("Sign-in", sign_in)
            .href(|p| href(p.person_id))
            .search("Name or address")
            .filter(
                "role",
                "Role",
                StaffRole::ALL.iter().map(|r| (r.as_str(), r.label())),
            )
            .filter(
                "status",
                "Sign-in",
                [("active", "Active"), ("deactivated", "Deactivated")],
            )
            .empty(
                Empty::text("Nobody yet", "People whom you invite appear here.")
                    .action("Invite a person", "/admin/staff/new"),
            )
            .view()
    }))
}

/// From when a role counts for approving money, where it does.
fn approves(p: &StaffMember) -> AnyView {
    match (&p.waiting, p.role) {
        (Some(waiting), _) if waiting.confirmed_by.is_none() => {
            let until = waiting.until;
            view! { "From " <Moment at=until/> }.into_any()
        }
        (_, StaffRole::Finance | StaffRole::Admin) => "Yes".into_any(),
        _ => "No".into_any(),
    }
}

/// That a role waits, who gave it, and how it counts earlier.
fn waiting(p: &StaffMember, can: bool, me: Option<i64>) -> Option<AnyView> {
    let waiting = p.waiting.clone()?;
    let until = waiting.until;
    let giver = waiting.given_by.clone();
    let name = giver
        .as_ref()
        .map_or("the operator".to_owned(), |g| g.1.clone());
    if waiting.confirmed_by.is_some() {
        let text = format!(
            "A second administrator confirmed the role. Until then, only what {name} has a hand in is not theirs to approve."
        );
        return Some(view! { <Notice title="Confirmed"><p>{text}</p><p>"Until " <Moment at=until/></p></Notice> }.into_any());
    }
    let mine = me.is_some() && (giver.map(|g| g.0) == me || me == Some(p.person_id));
    let action = format!("{}/confirm", href(p.person_id));
    let button = (can && !mine).then(|| view! { <div class="buttons"><PostButton action=action label="Confirm the role" primary=true/></div> });
    let how = match (can, mine) {
        (true, false) => format!(
            "If {name} should have given it, confirm it and it counts at once. If not, take the role away or deactivate the account."
        ),
        _ => format!(
            "An administrator other than {name} can confirm it earlier. Where there is nobody else, wait, or the operator gives the role with “portico user add”."
        ),
    };
    Some(
        view! {
            <Notice tone=Tone::Warn title="This role does not count for approving money yet">
                <p>{format!("{name} gave it. It counts from ")}<Moment at=until/>". "{how}</p>
                {button}
            </Notice>
        }
        .into_any(),
    )
}

fn sign_in(p: &StaffMember) -> AnyView {
    match p.disabled_at {
        None => view! { <Status of="active" label="Active".to_owned()/> }.into_any(),
        Some(_) => view! { <Status of="deactivated" label="Deactivated".to_owned()/> }.into_any(),
    }
}

async fn new(page: Page) -> PageResult {
    page.ctx.admin_reads()?;
    let head = Head::new("Invite a person").crumb("Staff", HERE);
    Ok(page.render(head, move || {
        view! {
            <PostForm action=HERE>
                <FormErrors/>
                <TextField name="name" label="Name" required=true max=100/>
                <TextField name="email" label="Address" kind="email" hint="A mail with a link to choose a password is sent there. It works for two hours; after that, “Forgot your password?” sends another." required=true/>
                <RadioField name="role" label="Role" options=roles() hint="Finance and administrators approve money only after a time, or once a second administrator confirms the role. All other administrators and finance people get a mail." required=true/>
                <Submit label="Send the invitation" cancel=HERE/>
            </PostForm>
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    name: String,
    email: String,
    role: String,
}

impl Typed {
    fn role(&self) -> service::Result<StaffRole> {
        self.role
            .parse()
            .map_err(|_| service::Error::field("role", "Choose a role."))
    }
}

async fn invite(page: Page, form: Form<Typed>) -> PageResult {
    let added = match form.role() {
        Ok(role) => identity::add_staff(&page.ctx, &form.name, &form.email, role, None).await,
        Err(e) => Err(e),
    };
    match added {
        Ok(id) => {
            page.done(&href(id), "Invited. The mail is on its way.")
                .await
        }
        Err(e) => page.refused("/admin/staff/new", e, &form.pairs).await,
    }
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let (person, timeline) = identity::staff_member(&page.ctx, id).await?;
    let can = may_change(&page);
    let me = page.ctx.person()?;
    let own = me == id;
    let mut head = Head::new(person.name.clone())
        .text(person.email.clone())
        .crumb("Staff", HERE);
    if person.disabled_at.is_some() {
        head = head.status_as("Deactivated", Tone::Warn);
    }
    Ok(page.render(head, move || {
        let here = href(id);
        let action = |what: &str| format!("{here}/{what}");
        let waits = waiting(&person, can, Some(me));
        let role = can.then(|| {
            let (action, current) = (action("role"), person.role.as_str());
            let hint = if own { "This is you: with another role you lose this page at once." } else { "All sessions of the person end." };
            view! {
                <Panel title="Role">
                    <PostForm action=action name="role">
                        <RadioField name="role" label="Role" options=roles() value=current hint=hint required=true/>
                        <Submit label="Change the role"/>
                    </PostForm>
                </Panel>
            }
        });
        let sign_in = can.then(|| match person.disabled_at {
            None => {
                let action = action("deactivate");
                view! {
                <Confirm id="deactivate" label="Deactivate" title="Keep this person from signing in?" text="All sessions end at once. What the person did stays." danger=true>
                    <PostForm action=action name="deactivate"><Submit label="Deactivate" danger=true/></PostForm>
                </Confirm>
                }.into_any()
            }
            Some(_) => view! { <PostButton action=action("reactivate") label="Reactivate" primary=true/> }.into_any(),
        });
        let since = person.disabled_at.map(|at| view! { <Fact label="Deactivated"><Moment at/></Fact> });
        let events = crate::apply::standing::events(timeline);
        view! {
            <Record>
                <RecordMain>
                    {waits}
                    {role}
                    <Panel title="What happened"><Timeline events/></Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Role">{person.role.label()}</Fact>
                            <Fact label="Address">{person.email.clone()}</Fact>
                            {since}
                        </Facts>
                        {sign_in}
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

async fn role(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let changed = match form.role() {
        Ok(role) => identity::set_staff_role(&page.ctx, id, Some(role)).await,
        Err(e) => Err(e),
    };
    match changed {
        Ok(()) => page.done(&href(id), "The role is changed.").await,
        Err(e) => page.refused(&href(id), e, &form.pairs).await,
    }
}

async fn confirm(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = identity::confirm_role(&page.ctx, id).await;
    page.answer(done, &href(id), "Confirmed. The role counts at once.", &[])
        .await
}

async fn deactivate(page: Page, Path(id): Path<i64>) -> PageResult {
    match identity::disable(&page.ctx, id).await {
        Ok(()) => {
            page.done(
                &href(id),
                "Deactivated. The person cannot sign in any more.",
            )
            .await
        }
        Err(e) => page.refused(&href(id), e, &[]).await,
    }
}

async fn reactivate(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = identity::enable(&page.ctx, id).await;
    page.answer(done, &href(id), "Reactivated.", &[]).await
}
