//! The people of the organisation.

use super::{is_owner, tabs};
use crate::{
    flash::Undo,
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::partner::MemberRole;
use leptos::prelude::*;
use service::partner::{self, Invitation, Member};

const HERE: &str = "/partner/organisation/members";

pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Partner, list)
        .post(
            "/partner/organisation/members/invite",
            Access::PartnerOwner,
            invite,
        )
        .post(
            "/partner/organisation/members/earnings",
            Access::PartnerOwner,
            earnings,
        )
        .post(
            "/partner/organisation/members/leave",
            Access::Partner,
            leave,
        )
        .post(
            "/partner/organisation/members/{id}/role",
            Access::PartnerOwner,
            role,
        )
        .post(
            "/partner/organisation/members/{id}/remove",
            Access::PartnerOwner,
            remove,
        )
        .post(
            "/partner/organisation/members/{id}/take-back",
            Access::PartnerOwner,
            take_back,
        )
        .post(
            "/partner/organisation/invitations/{id}/revoke",
            Access::PartnerOwner,
            revoke,
        )
}

async fn list(page: Page) -> PageResult {
    let members = partner::members(&page.ctx).await?;
    let invitations = partner::invitations(&page.ctx).await?;
    let visible = partner::of(&page.ctx, page.ctx.reader())
        .await?
        .members_see_earnings;
    let owner = is_owner(&page);
    Ok(page.render(Head::new("Members"), move || {
        let mut table = Table::plain(members)
            .caption("Members")
            .col("Name", |m: &Member| m.name.clone())
            .col("Address", |m| m.email.clone())
            .col("Role", |m| m.role.label())
            .col("Since", |m| view! { <Day at=m.joined_at/> });
        if owner {
            table = table.menu(|m| {
                let (to, label) = match m.role {
                    MemberRole::Owner => (MemberRole::Member, "Make a member"),
                    MemberRole::Member => (MemberRole::Owner, "Make an owner"),
                };
                let fields = vec![("role", to.as_str().to_owned())];
                view! {
                    <PostButton action=format!("{HERE}/{}/role", m.id) label=label fields=fields quiet=true/>
                    {removing(m)}
                }
            });
        }
        let members = table.view();
        let open = (!invitations.is_empty()).then(|| {
            let mut table = Table::plain(invitations)
                .caption("Open invitations")
                .col("Address", |i: &Invitation| i.email.clone())
                .col("As", |i| i.role.label())
                .col("By", |i| i.invited_by.clone())
                .col("Until", |i| view! { <Day at=i.expires_at/> });
            if owner {
                table = table.menu(|i| {
                    view! { <PostButton action=format!("/partner/organisation/invitations/{}/revoke", i.id) label="Take back" quiet=true/> }
                });
            }
            let table = table.view();
            view! { <Panel title="Open invitations">{table}</Panel> }
        });
        let forms = owner.then(|| {
            let roles = vec![
                Choice::new("member", "Member").hint("Deals and courses."),
                Choice::new("owner", "Owner").hint("Everything, also agreement, payout account and members."),
            ];
            let (value, label, text) = if visible {
                ("", "Hide from members", "Members see what the organisation earns.")
            } else {
                ("on", "Show to members", "Only owners see what the organisation earns.")
            };
            view! {
                <Panel title="Invite a colleague">
                    <PostForm action=format!("{HERE}/invite") name="invite">
                        <TextField name="email" label="E-mail address" kind="email" required=true/>
                        <RadioField name="role" label="May do" options=roles value="member" required=true/>
                        <Submit label="Send the invitation"/>
                    </PostForm>
                </Panel>
                <Panel title="Earnings" text=text>
                    <PostButton action=format!("{HERE}/earnings") label=label fields=vec![("visible", value.to_owned())]/>
                </Panel>
            }
        });
        view! {
            {tabs()}
            <Panel title="Members">
                {members}
                <Confirm id="leave" label="Leave the organisation" title="Leave the organisation?" text="You see nothing of it any more. An owner can invite you again; the owners get a mail." danger=true>
                    <PostForm action=format!("{HERE}/leave") name="leave">
                        <Submit label="Leave" danger=true/>
                    </PostForm>
                </Confirm>
            </Panel>
            {open}
            {forms}
        }
    }))
}

/// Asks before somebody is removed.
fn removing(m: &Member) -> impl IntoView + use<> {
    let (id, title) = (format!("remove-{}", m.id), format!("Remove {}?", m.name));
    let text = format!(
        "{} sees nothing of your organisation any more and gets a mail. What they did for it stays. \
         For a day you can undo it; after that you can invite them again.",
        m.name
    );
    let action = format!("{HERE}/{}/remove", m.id);
    view! {
        <Confirm id=id.clone() label="Remove" title=title text=text danger=true>
            <PostForm action=action name=id>
                <Submit label="Remove" danger=true/>
            </PostForm>
        </Confirm>
    }
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    email: String,
    role: String,
    visible: String,
}

async fn invite(page: Page, form: Form<Typed>) -> PageResult {
    match partner::invite(&page.ctx, &form.email, &form.role).await {
        Ok(()) => {
            page.done(HERE, format!("Invited. {} has a mail.", form.email.trim()))
                .await
        }
        Err(error) => page.refused(HERE, error, &form.pairs).await,
    }
}

async fn earnings(page: Page, form: Form<Typed>) -> PageResult {
    let done = partner::set_earnings_visible(&page.ctx, !form.visible.is_empty()).await;
    page.answer(done, HERE, "Saved.", &form.pairs).await
}

async fn role(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let Ok(role) = form.role.parse::<MemberRole>() else {
        return page
            .refused(
                HERE,
                service::Error::conflict("Choose a role, and try again."),
                &[],
            )
            .await;
    };
    let done = partner::change_role(&page.ctx, id, role).await;
    page.answer(done, HERE, "Saved.", &[]).await
}

async fn remove(page: Page, Path(id): Path<i64>) -> PageResult {
    if let Err(error) = partner::remove(&page.ctx, id).await {
        return page.refused(HERE, error, &[]).await;
    }
    let undo = Undo {
        action: format!("{HERE}/{id}/take-back"),
        fields: Vec::new(),
    };
    page.done_with_undo(HERE, "Removed. The person gets a mail.", undo)
        .await
}

async fn take_back(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = partner::take_back(&page.ctx, id).await;
    let said = "Undone. The person is a member as before.";
    page.answer(done, HERE, said, &[]).await
}

async fn leave(page: Page) -> PageResult {
    match partner::leave(&page.ctx).await {
        Ok(()) => {
            page.done("/organisations", "You have left the organisation.")
                .await
        }
        Err(error) => page.refused(HERE, error, &[]).await,
    }
}

async fn revoke(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = partner::revoke(&page.ctx, id).await;
    page.answer(done, HERE, "Taken back.", &[]).await
}
