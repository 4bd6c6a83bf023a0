//! Accepting an invitation.

use super::with;
use crate::{
    nav,
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    session,
    ui::*,
};
use leptos::prelude::*;
use service::partner;

pub(super) fn routes() -> Routes {
    Routes::new().get("/invitation", Access::Public, form).post(
        "/invitation",
        Access::Public,
        accept,
    )
}

async fn form(page: Page) -> PageResult {
    let token = page.param("token").unwrap_or_default();
    let invited = match partner::invitation(&page.ctx, &token).await {
        Ok(invited) => invited,
        Err(error) => {
            // Who is signed in already would be sent on from there, and the reason lost.
            let to = match page.user {
                Some(_) => nav::home(&page.ctx.actor),
                None => "/sign-in",
            };
            return page.refused(to, error, &[]).await;
        }
    };
    let head = Head::new(format!("Join {}", invited.partner))
        .text(format!(
            "{} invites you as {}.",
            invited.invited_by,
            invited.role.label().to_lowercase()
        ))
        .focus();
    Ok(page.render(head, move || {
        let fields = (!invited.has_account).then(|| {
            view! {
                <TextField name="name" label="Your name" required=true autocomplete="name" max=120 autofocus=true/>
                <TextField name="password" label="Choose a password" kind="password" hint="At least 10 characters." required=true autocomplete="new-password"/>
            }
        });
        view! {
            <PostForm action="/invitation">
                <Hidden name="token" value=token/>
                <p>"Your address: "<strong>{invited.email}</strong></p>
                {fields}
                <Submit label="Accept the invitation"/>
            </PostForm>
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Accept {
    token: String,
    name: String,
    password: String,
}

async fn accept(page: Page, form: Form<Accept>) -> PageResult {
    match partner::accept(&page.ctx, &form.token, &form.name, &form.password).await {
        Ok(done) if done.new_account => {
            session::sign_in(&page.session, done.person_id).await?;
            session::act_for(&page.session, done.partner_id).await?;
            page.done("/partner", "Welcome. Here is what waits for you.")
                .await
        }
        Ok(done) if page.ctx.actor.person_id() == Some(done.person_id) => {
            session::act_for(&page.session, done.partner_id).await?;
            page.done("/partner", "You have joined.").await
        }
        Ok(done) => {
            let to = with("/sign-in", "email", &done.email);
            page.done(&to, "You have joined. Sign in to go on.").await
        }
        Err(error @ service::Error::Invalid(_)) => {
            let here = with("/invitation", "token", &form.token);
            page.refused(&here, error, &form.pairs).await
        }
        Err(error) => page.refused("/sign-in", error, &[]).await,
    }
}
