//! Signing in and out.

use super::{client, onward, with};
use crate::{
    nav,
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    session,
    ui::*,
};
use axum::http::HeaderMap;
use leptos::prelude::*;
use service::identity;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/sign-in", Access::Public, form)
        .post("/sign-in", Access::Public, sign_in)
        .post("/sign-out", Access::Public, sign_out)
}

async fn form(page: Page) -> PageResult {
    let next = page.param("next").unwrap_or_default();
    if page.user.is_some() {
        return Ok(page.redirect(onward(&next).unwrap_or_else(|| nav::home(&page.ctx.actor))));
    }
    let email = page.param("email").unwrap_or_default();
    let sign_up = with("/sign-up", "next", &next);
    Ok(page.render(Head::new("Sign in").focus(), move || {
        view! {
            <PostForm action="/sign-in">
                <Hidden name="next" value=next/>
                <TextField name="email" label="E-mail address" kind="email" value=email required=true autocomplete="username" autofocus=true/>
                <TextField name="password" label="Password" kind="password" required=true autocomplete="current-password"/>
                <Submit label="Sign in"/>
            </PostForm>
            <p><a href="/forgot-password">"Forgot your password?"</a></p>
            <p>"Not a partner yet? "<a href=sign_up>"Sign up to apply"</a></p>
        }
    }))
}

#[derive(serde::Deserialize)]
#[serde(default)]
#[derive(Default)]
struct SignIn {
    email: String,
    password: String,
    next: String,
}

async fn sign_in(page: Page, headers: HeaderMap, form: Form<SignIn>) -> PageResult {
    let here = with("/sign-in", "next", &form.next);
    let signed =
        match identity::sign_in(&page.ctx, &form.email, &form.password, &client(&headers)).await {
            Ok(signed) => signed,
            Err(error) => return page.refused(&here, error, &form.pairs).await,
        };
    session::sign_in(&page.session, signed.person_id).await?;
    if let Some(next) = onward(&form.next) {
        return Ok(page.redirect(next));
    }
    if signed.organisations > 1 {
        return Ok(page.redirect("/organisations"));
    }
    let actor = identity::actor_of(page.ctx.reader(), signed.person_id, signed.partner_id).await?;
    Ok(page.redirect(nav::home(&actor)))
}

async fn sign_out(page: Page) -> PageResult {
    session::sign_out(&page.session).await?;
    Ok(page.redirect("/sign-in"))
}
