//! The frame of a page and the ways on from it.

use super::{chart, ui};
use crate::flash::Tone;
use leptos::prelude::*;

/// An icon from `public/icons.svg`; always beside words, so hidden from screen readers.
#[component]
pub fn Icon(
    /// Name of the symbol.
    name: &'static str,
) -> impl IntoView {
    let href = format!("/icons.svg#{name}");
    view! {
        <svg class="icon" width="16" height="16" aria-hidden="true">
            <use href=href></use>
        </svg>
    }
}

/// A section with a heading.
#[component]
pub fn Panel(
    /// Heading; none for a plain box.
    #[prop(optional, into)]
    title: String,
    /// One line below the heading.
    #[prop(optional, into)]
    text: String,
    /// Buttons or links at the right of the heading.
    #[prop(optional, into)]
    actions: Option<ViewFnOnce>,
    /// `id` of the section, to link to it.
    #[prop(optional, into)]
    id: Option<String>,
    /// Content.
    children: Children,
) -> impl IntoView {
    let head = (!title.is_empty()).then(|| {
        view! {
            <header class="panel-head">
                <div>
                    <h2>{title}</h2>
                    {(!text.is_empty()).then(|| view! { <p class="muted">{text}</p> })}
                </div>
                {actions.map(|a| view! { <div class="panel-actions">{a.run()}</div> })}
            </header>
        }
    });
    view! { <section class="panel" id=id>{head}{children()}</section> }
}

/// The two columns of a record: what it is about, and a narrow column of facts.
#[component]
pub fn Record(
    /// [`RecordMain`] and [`RecordSide`].
    children: Children,
) -> impl IntoView {
    view! { <div class="record">{children()}</div> }
}

/// The main column of a [`Record`].
#[component]
pub fn RecordMain(
    /// Panels.
    children: Children,
) -> impl IntoView {
    view! { <div class="record-main">{children()}</div> }
}

/// The narrow column of a [`Record`].
#[component]
pub fn RecordSide(
    /// Panels of facts.
    children: Children,
) -> impl IntoView {
    view! { <aside class="record-side" aria-label="Facts">{children()}</aside> }
}

/// Panels side by side where there is room.
#[component]
pub fn Grid(
    /// Panels.
    children: Children,
) -> impl IntoView {
    view! { <div class="grid">{children()}</div> }
}

/// A list of facts.
#[component]
pub fn Facts(
    /// [`Fact`]s.
    children: Children,
) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// One fact with its name.
#[component]
pub fn Fact(
    /// Name.
    #[prop(into)]
    label: String,
    /// Value.
    children: Children,
) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>{children()}</dd>
        </div>
    }
}

/// A row of figures.
#[component]
pub fn Figures(
    /// [`Figure`]s.
    children: Children,
) -> impl IntoView {
    view! { <div class="figures">{children()}</div> }
}

/// A number that answers a question, with its change and where it comes from.
#[component]
pub fn Figure(
    /// What is counted.
    #[prop(into)]
    label: String,
    /// Where the number comes from.
    #[prop(optional, into)]
    href: Option<String>,
    /// Change or explanation in words, such as "€120 more than in May".
    #[prop(optional, into)]
    note: String,
    /// Judgement of the note.
    #[prop(optional)]
    tone: Tone,
    /// Values of a spark line, oldest first.
    #[prop(optional)]
    spark: Vec<i64>,
    /// The value.
    children: Children,
) -> impl IntoView {
    let label = match href {
        Some(href) => view! { <a class="cover" href=href>{label}</a> }.into_any(),
        None => label.into_any(),
    };
    view! {
        <div class="figure">
            <div class="figure-label">{label}</div>
            <div class="figure-value">{children()}</div>
            {(!note.is_empty())
                .then(|| view! { <div class=format!("figure-note {}", tone.class())>{note}</div> })}
            {(spark.len() > 1).then(|| chart::spark(&spark))}
        </div>
    }
}

/// One of several views of the same thing.
#[derive(Clone, Debug)]
pub struct Tab {
    /// Words.
    pub label: String,
    /// Address.
    pub href: String,
    /// How many are waiting there.
    pub count: Option<i64>,
}

impl Tab {
    /// A tab without a count.
    #[must_use]
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            href: href.into(),
            count: None,
        }
    }

    /// The same with a count beside the words.
    #[must_use]
    pub fn count(mut self, count: i64) -> Self {
        self.count = Some(count);
        self
    }
}

/// Tabs are links; the one whose address is this page's is current.
#[component]
pub fn Tabs(
    /// The tabs.
    items: Vec<Tab>,
    /// What they are views of, for screen readers.
    #[prop(default = "Views".into(), into)]
    label: String,
) -> impl IntoView {
    let ui = ui();
    let here = if ui.query.is_empty() {
        ui.path.clone()
    } else {
        format!("{}?{}", ui.path, ui.query)
    };
    let exact = items.iter().any(|t| t.href == here);
    let items = items
        .into_iter()
        .map(|tab| {
            let current = tab.href == here || (!exact && tab.href == ui.path);
            view! {
                <a href=tab.href aria-current=current.then_some("page")>
                    {tab.label}
                    {tab.count.map(|n| view! { <span class="count">{n}</span> })}
                </a>
            }
        })
        .collect_view();
    view! { <nav class="tabs" aria-label=label>{items}</nav> }
}

/// A short piece of text in a frame: a tag, or a choice that can be taken away.
#[derive(Clone, Debug)]
pub struct Chip {
    /// Words.
    pub label: String,
    /// Address that takes the choice away.
    pub remove: Option<String>,
}

/// A row of chips.
#[component]
pub fn Chips(
    /// The chips.
    items: Vec<Chip>,
) -> impl IntoView {
    let items = items
        .into_iter()
        .map(|chip| match chip.remove {
            Some(href) => {
                let words = format!("Remove {}", chip.label);
                view! {
                    <a class="chip" href=href>
                        {chip.label}
                        <Icon name="close"/>
                        <span class="sr">{words}</span>
                    </a>
                }
                .into_any()
            }
            None => view! { <span class="chip">{chip.label}</span> }.into_any(),
        })
        .collect_view();
    view! { <div class="chips">{items}</div> }
}

/// A message that stays as long as its cause does.
#[component]
pub fn Notice(
    /// Judgement.
    #[prop(optional)]
    tone: Tone,
    /// One sentence.
    #[prop(optional, into)]
    title: String,
    /// The rest, and the way on.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let role = matches!(tone, Tone::Bad | Tone::Warn).then_some("alert");
    view! {
        <div class=format!("notice {}", tone.class()) role=role>
            <Icon name=tone.icon()/>
            <div>
                {(!title.is_empty()).then(|| view! { <strong>{title}</strong> })}
                {children.map(|c| view! { <div>{c()}</div> })}
            </div>
        </div>
    }
}

/// What a place is for while there is nothing in it: what this is, why it is empty, what to do.
#[derive(Clone, Debug, Default)]
pub struct Empty {
    title: String,
    text: String,
    action: Option<(String, String)>,
}

impl Empty {
    /// What this is and why it is empty.
    #[must_use]
    pub fn text(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            text: text.into(),
            action: None,
        }
    }

    /// The next step.
    #[must_use]
    pub fn action(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.action = Some((label.into(), href.into()));
        self
    }

    /// As markup.
    #[must_use]
    pub fn view(self) -> AnyView {
        view! {
            <div class="empty">
                <h3>{self.title}</h3>
                <p>{self.text}</p>
                {self
                    .action
                    .map(|(label, href)| view! { <ButtonLink href=href label=label primary=true/> })}
            </div>
        }
        .into_any()
    }
}

/// A link that looks like a button: it goes somewhere and changes nothing.
#[component]
pub fn ButtonLink(
    /// Where to.
    #[prop(into)]
    href: String,
    /// What it does, as a verb.
    #[prop(into)]
    label: String,
    /// The page's one main action.
    #[prop(optional)]
    primary: bool,
    /// Icon before the words.
    #[prop(optional)]
    icon: Option<&'static str>,
    /// The target is a file.
    #[prop(optional)]
    download: bool,
) -> impl IntoView {
    let class = if primary { "button primary" } else { "button" };
    view! {
        <a class=class href=href download=download.then_some("")>
            {icon.map(|name| view! { <Icon name=name/> })}
            {label}
        </a>
    }
}
