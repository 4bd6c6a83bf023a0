//! The frame of every page: rail by role, top line, title, messages.

mod menu;

use crate::{
    flash::Toast,
    islands,
    nav::{self, NavEntry, NavGroup},
    page::{Head, Layout, Page},
    routes::{Access, Routes},
    ui::{ButtonLink, Icon, Moment, Status},
};
use leptos::prelude::*;
use service::Actor;

/// The addresses of the shell itself.
#[must_use]
pub fn routes() -> Routes {
    Routes::new().post("/appearance", Access::Public, menu::appearance)
}

/// The `<body>` of a page.
pub(crate) fn body(page: &Page, head: Head, content: impl FnOnce() -> AnyView) -> AnyView {
    let layout = match head.layout {
        Layout::App if page.nav.is_empty() => Layout::Public,
        layout => layout,
    };
    let toasts = toasts(page);
    let demo = page.state.site.demo.then(|| demo(page));
    match layout {
        Layout::App => {
            let rail = rail(page);
            let top = top(page);
            let head = title(head);
            let content = content();
            view! {
                <body class="app" data-now=page.now().timestamp()>
                    <a class="skip" href="#main">"Skip to content"</a>
                    {rail}
                    <div class="page">
                        {demo}
                        {top}
                        <main id="main" tabindex="-1">
                            {head}
                            {content}
                        </main>
                    </div>
                    {toasts}
                    <islands::assist::Assist/>
                </body>
            }
            .into_any()
        }
        Layout::Public => {
            let top = public_top(page);
            let head = title(head);
            let content = content();
            view! {
                <body class="public">
                    <a class="skip" href="#main">"Skip to content"</a>
                    {demo}
                    {top}
                    <main id="main" tabindex="-1">
                        {head}
                        {content}
                    </main>
                    {toasts}
                </body>
            }
            .into_any()
        }
        Layout::Focus => {
            let name = page.state.site.name.clone();
            let head = title(head);
            let content = content();
            view! {
                <body class="focus">
                    <a class="skip" href="#main">"Skip to content"</a>
                    {demo}
                    <main id="main" tabindex="-1">
                        <a class="brand" href="/">
                            <Logo/>
                            {name}
                        </a>
                        <div class="focus-card">{head}{content}</div>
                    </main>
                    {toasts}
                </body>
            }
            .into_any()
        }
    }
}

#[component]
fn Logo() -> impl IntoView {
    view! { <Icon name="logo"/> }
}

fn title(head: Head) -> AnyView {
    let crumbs = (!head.crumbs.is_empty()).then(|| {
        let items = head
            .crumbs
            .into_iter()
            .map(|(label, href)| view! { <li><a href=href>{label}</a></li> })
            .collect_view();
        view! { <nav class="crumbs" aria-label="Breadcrumb"><ol>{items}</ol></nav> }
    });
    let status = head.status.map(|(value, other)| match other {
        Some((label, tone)) => view! { <Status of="" label=label tone=tone/> }.into_any(),
        None => view! { <Status of=value/> }.into_any(),
    });
    let primary = head
        .primary
        .map(|(label, href)| view! { <ButtonLink href=href label=label primary=true/> });
    let actions = head.actions.map(|actions| actions());
    let buttons = (primary.is_some() || actions.is_some())
        .then(|| view! { <div class="title-actions">{actions}{primary}</div> });
    view! {
        <header class="title">
            {crumbs}
            <div class="title-row">
                <div>
                    <h1>{head.title}{status}</h1>
                    {(!head.text.is_empty()).then(|| view! { <p class="muted">{head.text}</p> })}
                </div>
                {buttons}
            </div>
        </header>
    }
    .into_any()
}

/// Whether an entry is the one people are in: its own address, or one below it.
fn is_here(href: &str, path: &str, home: &str) -> bool {
    path == href
        || (href != home
            && !matches!(href, "/partner" | "/manager" | "/finance" | "/admin")
            && path
                .strip_prefix(href)
                .is_some_and(|rest| rest.starts_with('/')))
}

/// An entry of the rail, or of the bar that is there on phones.
fn entry(e: &NavEntry, path: &str, home: &str) -> AnyView {
    let current = is_here(e.href, path, home).then_some("page");
    let count = (!e.count.is_empty()).then(|| {
        let hidden = e.waiting == 0;
        view! {
            <span class="count" data-count=e.count hidden=hidden>
                {e.waiting}
            </span>
        }
    });
    view! {
        <li>
            <a href=e.href aria-current=current title=e.label>
                <Icon name=e.icon/>
                <span class="word">{e.label}</span>
                {count}
            </a>
        </li>
    }
    .into_any()
}

/// How many entries stand in the bar of a phone beside “More”.
const IN_BAR: usize = 4;

/// What the bar of a phone shows: the first entries, and always where people are.
fn bar<'a>(groups: &'a [NavGroup], path: &str, home: &str) -> Vec<&'a NavEntry> {
    let all: Vec<&NavEntry> = groups.iter().flat_map(|g| &g.entries).collect();
    let here = all.iter().position(|e| is_here(e.href, path, home));
    let mut shown: Vec<&NavEntry> = all.iter().copied().take(IN_BAR).collect();
    if let (Some(here), Some(last)) = (here.filter(|&at| at >= IN_BAR), shown.last_mut()) {
        *last = all[here];
    }
    shown
}

fn rail(page: &Page) -> AnyView {
    let home = nav::home(&page.ctx.actor);
    let groups = page
        .nav
        .iter()
        .map(|NavGroup { label, entries }| {
            let items = entries
                .iter()
                .map(|e| entry(e, &page.path, home))
                .collect_view();
            view! {
                {(!label.is_empty()).then(|| view! { <h2 class="word">{*label}</h2> })}
                <ul>{items}</ul>
            }
        })
        .collect_view();
    let bar = bar(&page.nav, &page.path, home);
    let more = page.nav.iter().map(|g| g.entries.len()).sum::<usize>() > bar.len();
    let bar = bar
        .into_iter()
        .map(|e| entry(e, &page.path, home))
        .collect_view();
    let more = more.then(|| {
        view! {
            <li>
                <button type="button" popovertarget="rail-list">
                    <Icon name="list"/>
                    <span class="word">"More"</span>
                </button>
            </li>
        }
    });
    let (rail, words) = if page.look.narrow {
        ("wide", "Widen the menu")
    } else {
        ("narrow", "Narrow the menu")
    };
    let name = page.state.site.name.clone();
    view! {
        <nav class="rail" aria-label="Main">
            <a class="brand" href=home>
                <Logo/>
                <span class="word">{name}</span>
            </a>
            <div id="rail-list" popover="auto" class="rail-list">
                {groups}
            </div>
            <ul class="rail-bar">{bar}{more}</ul>
            <form method="post" action="/appearance" class="rail-foot">
                <input type="hidden" name="back" value=here(page)/>
                <button type="submit" name="rail" value=rail class="button quiet" title=words>
                    <Icon name="rail"/>
                    <span class="sr">{words}</span>
                </button>
            </form>
        </nav>
    }
    .into_any()
}

fn here(page: &Page) -> String {
    if page.query.is_empty() {
        page.path.clone()
    } else {
        format!("{}?{}", page.path, page.query)
    }
}

fn top(page: &Page) -> AnyView {
    let acting_as = page
        .user
        .as_ref()
        .map(|u| u.acting_as.clone())
        .unwrap_or_default();
    let unread = page.user.as_ref().map_or(0, |u| u.unread);
    let notices = if unread == 0 {
        "Notices".to_owned()
    } else {
        format!("Notices, {unread} new")
    };
    let seeks = !matches!(page.ctx.actor, Actor::Person { .. });
    view! {
        <header class="top">
            <span class="acting">{acting_as}</span>
            {seeks
                .then(|| {
                    view! {
                        <form action="/search" method="get" role="search" class="palette-open">
                            <Icon name="search"/>
                            <input
                                type="search"
                                name="q"
                                placeholder="Search or jump to"
                                aria-label="Search or jump to"
                                aria-keyshortcuts="Control+K Meta+K"
                                data-palette=""
                                autocomplete="off"
                            />
                            <kbd>"Ctrl K"</kbd>
                        </form>
                    }
                })}
            {page
                .state
                .serves("/notices")
                .then(|| {
                    view! {
                        <a class="button quiet bell" href="/notices" title="Notices">
                            <Icon name="bell"/>
                            <span class="sr">{notices}</span>
                            {(unread > 0).then(|| view! { <span class="count">{unread}</span> })}
                        </a>
                    }
                })}
            {menu::own_menu(page)}
        </header>
    }
    .into_any()
}

fn public_top(page: &Page) -> AnyView {
    let name = page.state.site.name.clone();
    let enter = if page.user.is_some() {
        let home = nav::home(&page.ctx.actor);
        view! { <ButtonLink href=home label="Open the portal"/> }.into_any()
    } else {
        view! { <ButtonLink href="/sign-in" label="Sign in"/> }.into_any()
    };
    view! {
        <header class="public-top">
            <a class="brand" href="/">
                <Logo/>
                {name}
            </a>
            {enter}
        </header>
    }
    .into_any()
}

fn demo(page: &Page) -> AnyView {
    let now = page.now();
    view! {
        <div class="demo" role="note">
            <strong>"Demonstration"</strong>
            " Invented data, no real money. The portal's clock says "
            <Moment at=now/>
            "."
        </div>
    }
    .into_any()
}

fn toasts(page: &Page) -> Option<AnyView> {
    if page.flash.toasts.is_empty() {
        return None;
    }
    let items = page
        .flash
        .toasts
        .iter()
        .map(|Toast { tone, text, undo }| {
            let undo = undo.clone().map(|undo| {
                let fields = undo
                    .fields
                    .into_iter()
                    .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
                    .collect_view();
                view! {
                    <form method="post" action=undo.action class="inline">
                        {fields}
                        <button type="submit" class="button quiet">"Undo"</button>
                    </form>
                }
            });
            view! {
                <div class=format!("toast {}", tone.class())>
                    <Icon name=tone.icon()/>
                    <p>{text.clone()}</p>
                    {undo}
                </div>
            }
        })
        .collect_view();
    Some(view! { <div class="toasts" role="status" aria-live="polite">{items}</div> }.into_any())
}
