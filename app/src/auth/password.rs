//! Forgotten passwords.

use super::{client, with};
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::http::HeaderMap;
use leptos::prelude::*;
use service::identity;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/forgot-password", Access::Public, forgot_form)
        .post("/forgot-password", Access::Public, forgot)
        .get("/reset-password", Access::Public, reset_form)
        .post("/reset-password", Access::Public, reset)
}

async fn forgot_form(page: Page) -> PageResult {
    let head = Head::new("Set a new password")
        .text("We send a link to your address.")
        .focus();
    Ok(page.render(head, move || {
        view! {
            <PostForm action="/forgot-password">
                <TextField name="email" label="E-mail address" kind="email" required=true autocomplete="username" autofocus=true/>
                <Submit label="Send the link" cancel="/sign-in"/>
            </PostForm>
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Forgot {
    email: String,
}

async fn forgot(page: Page, headers: HeaderMap, form: Form<Forgot>) -> PageResult {
    match identity::forgot_password(&page.ctx, &form.email, &client(&headers)).await {
        Ok(()) => {
            // The sign-in page sends people who are signed in on, and the message would be lost.
            let to = if page.user.is_some() {
                "/preferences/password"
            } else {
                "/sign-in"
            };
            page.done(
                to,
                "If this address has an account, a mail with a link is on its way.",
            )
            .await
        }
        Err(error) => page.refused("/forgot-password", error, &form.pairs).await,
    }
}

async fn reset_form(page: Page) -> PageResult {
    let token = page.param("token").unwrap_or_default();
    let person = match identity::reset_person(&page.ctx, &token).await {
        Ok(person) => person,
        Err(error) => return page.refused("/forgot-password", error, &[]).await,
    };
    let head = Head::new("Set a new password")
        .text(format!("For {}.", person.email))
        .focus();
    Ok(page.render(head, move || {
        view! {
            <PostForm action="/reset-password">
                <Hidden name="token" value=token/>
                <TextField name="password" label="New password" kind="password" hint="At least 10 characters. This signs you out everywhere else." required=true autocomplete="new-password" autofocus=true/>
                <Submit label="Set the password"/>
            </PostForm>
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Reset {
    token: String,
    password: String,
}

async fn reset(page: Page, form: Form<Reset>) -> PageResult {
    match identity::reset_password(&page.ctx, &form.token, &form.password).await {
        Ok(email) => {
            let to = with("/sign-in", "email", &email);
            page.done(&to, "Your new password is set. Sign in with it.")
                .await
        }
        Err(error @ service::Error::Invalid(_)) => {
            let here = with("/reset-password", "token", &form.token);
            page.refused(&here, error, &form.pairs).await
        }
        Err(error) => page.refused("/forgot-password", error, &[]).await,
    }
}
