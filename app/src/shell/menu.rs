//! The reader's own menu, and the choices about the shell that live in cookies.

use super::here;
use crate::page::{Form, Page, PageResult, safe_redirect};
use axum::http::{HeaderValue, header};
use leptos::prelude::*;

#[derive(Debug, serde::Deserialize)]
pub(super) struct Appearance {
    #[serde(default)]
    theme: Option<String>,
    #[serde(default)]
    rail: Option<String>,
    #[serde(default)]
    back: String,
}

/// Keeps a choice about the shell for a year.
pub(super) async fn appearance(page: Page, form: Form<Appearance>) -> PageResult {
    let cookie = match (form.theme.as_deref(), form.rail.as_deref()) {
        (Some("light"), _) => "theme=light",
        (Some("dark"), _) => "theme=dark",
        (Some(_), _) => "theme=system",
        (_, Some("narrow")) => "rail=narrow",
        _ => "rail=wide",
    };
    let mut response = page.redirect(safe_redirect(&form.back).unwrap_or("/"));
    let value = format!("{cookie}; Path=/; Max-Age=31536000; SameSite=Lax");
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

pub(super) fn own_menu(page: &Page) -> Option<AnyView> {
    let user = page.user.as_ref()?;
    let initials: String = user
        .name
        .split_whitespace()
        .filter_map(|w| w.chars().next())
        .take(2)
        .collect();
    let link = |href: &'static str, label: &'static str| {
        page.state
            .serves(href)
            .then(|| view! { <a href=href>{label}</a> })
    };
    let themes = [("light", "Light"), ("dark", "Dark"), ("system", "System")]
        .into_iter()
        .map(|(value, label)| {
            let on = page.look.theme.unwrap_or("system") == value;
            view! {
                <button type="submit" name="theme" value=value aria-pressed=on.to_string()>
                    {label}
                </button>
            }
        })
        .collect_view();
    Some(
        view! {
            <button
                type="button"
                class="avatar"
                popovertarget="own-menu"
                aria-label=format!("{}, own menu", user.name)
            >
                {initials}
            </button>
            <div id="own-menu" popover="auto" class="menu-body own">
                <p>
                    <strong>{user.name.clone()}</strong>
                    <br/>
                    <span class="muted">{user.email.clone()}</span>
                </p>
                {link("/preferences", "Preferences")}
                {(user.organisations > 1).then(|| link("/organisations", "Switch organisation"))}
                <form method="post" action="/appearance" class="themes">
                    <input type="hidden" name="back" value=here(page)/>
                    <span class="muted">"Look"</span>
                    {themes}
                </form>
                <form method="post" action="/sign-out">
                    <button type="submit" class="button">"Sign out"</button>
                </form>
            </div>
        }
        .into_any(),
    )
}
