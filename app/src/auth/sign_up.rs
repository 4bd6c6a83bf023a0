//! Signing up, and confirming the address.

use super::{client, onward, with};
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
        .get("/sign-up", Access::Public, form)
        .post("/sign-up", Access::Public, sign_up)
        .get("/sign-up/sent", Access::Public, sent)
        .get("/confirm", Access::Public, confirm_form)
        .post("/confirm", Access::Public, confirm)
}

async fn form(page: Page) -> PageResult {
    let next = page.param("next").unwrap_or_default();
    if page.user.is_some() {
        return Ok(page.redirect(onward(&next).unwrap_or("/application")));
    }
    let sign_in = with("/sign-in", "next", &next);
    let head = Head::new("Sign up to apply")
        .text("Your application is kept as a draft until you send it.")
        .focus();
    Ok(page.render(head, move || {
        view! {
            <PostForm action="/sign-up">
                <FormErrors/>
                <Hidden name="next" value=next/>
                <TextField name="name" label="Your name" required=true autocomplete="name" max=120 autofocus=true/>
                <TextField name="email" label="E-mail address" kind="email" hint="At your company, if you can: we then see at once where you belong." required=true autocomplete="email"/>
                <TextField name="password" label="Password" kind="password" hint="At least 10 characters." required=true autocomplete="new-password"/>
                <Submit label="Sign up"/>
            </PostForm>
            <p>"Already have an account? "<a href=sign_in>"Sign in"</a></p>
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct SignUp {
    name: String,
    email: String,
    password: String,
    next: String,
}

async fn sign_up(page: Page, headers: HeaderMap, form: Form<SignUp>) -> PageResult {
    let here = with("/sign-up", "next", &form.next);
    let typed = identity::SignUp {
        name: form.name.clone(),
        email: form.email.clone(),
        password: form.password.clone(),
    };
    match identity::sign_up(&page.ctx, &typed, &client(&headers)).await {
        Ok(()) => Ok(page.redirect(&with("/sign-up/sent", "email", form.email.trim()))),
        Err(error) => page.refused(&here, error, &form.pairs).await,
    }
}

async fn sent(page: Page) -> PageResult {
    let email = page.param("email").filter(|email| !email.is_empty());
    Ok(page.render(Head::new("Check your e-mail").focus(), move || {
        let to = email.map(|email| view! { " to " <strong>{email}</strong> });
        view! {
            <p>"We have sent an e-mail"{to}". The link in it confirms the address; then you can sign in and apply."</p>
            <p class="muted">"Nothing there after a few minutes? Look into the spam folder, or sign in: if the address is not confirmed yet, we send a new link."</p>
            <ButtonLink href="/sign-in" label="Sign in"/>
        }
    }))
}

/// Shown first and confirmed by a button: programs that check mail open every link in it.
async fn confirm_form(page: Page) -> PageResult {
    let token = page.param("token").unwrap_or_default();
    Ok(
        page.render(Head::new("Confirm your address").focus(), move || {
            view! {
                <PostForm action="/confirm">
                    <Hidden name="token" value=token/>
                    <p>"One click, and your address is confirmed."</p>
                    <Submit label="Confirm the address"/>
                </PostForm>
            }
        }),
    )
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Confirm {
    token: String,
}

async fn confirm(page: Page, form: Form<Confirm>) -> PageResult {
    match identity::confirm_email(&page.ctx, &form.token).await {
        Ok(email) => {
            let to = with("/sign-in?next=%2Fapplication", "email", &email);
            page.done(&to, "Your address is confirmed. Sign in to go on.")
                .await
        }
        Err(error) => page.refused("/sign-in", error, &[]).await,
    }
}
