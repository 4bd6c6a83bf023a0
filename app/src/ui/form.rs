//! Forms: ordinary `<form method="post">`, so they work without scripts.

use super::{Icon, Notice, field::FieldContext, ui};
use crate::flash::Tone;
use leptos::{context::Provider, prelude::*};

/// The name of the form around a field; fields show errors and values of their own form only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormName(pub String);

/// A form that posts. Give it a `name` when a page has several, so that a refused one gets its
/// values back and the others do not.
#[component]
pub fn PostForm(
    /// Where it posts to.
    #[prop(into)]
    action: String,
    /// Name among the forms of the page.
    #[prop(optional, into)]
    name: String,
    /// The form sends files.
    #[prop(optional)]
    files: bool,
    /// Extra class.
    #[prop(optional, into)]
    class: String,
    /// Fields and [`Submit`].
    children: Children,
) -> impl IntoView {
    let hidden = (!name.is_empty())
        .then(|| view! { <input type="hidden" name="_form" value=name.clone()/> });
    let class = format!("form {class}");
    let enctype = files.then_some("multipart/form-data");
    let id = (!name.is_empty()).then(|| format!("form-{name}"));
    let whole = ui().flash.error(&name, "").map(|sentence| {
        let sentence = sentence.to_owned();
        view! { <Notice tone=Tone::Bad title=sentence/> }
    });
    view! {
        <form method="post" action=action class=class enctype=enctype id=id data-upload=files.then_some("")>
            {hidden}
            <input type="hidden" name=service::sent_form::FIELD value=crate::routes::random(12)/>
            {whole}
            <Provider value=FormName(name)>{children()}</Provider>
        </form>
    }
}

/// The errors at the form's fields as a list of links, for the top of a long form; a form with a
/// name has it inside. (What is wrong with the form as a whole, [`PostForm`] says itself.) Takes
/// the focus, so that a screen reader starts here.
#[component]
pub fn FormErrors(
    /// What was typed is kept all the same, as a draft.
    #[prop(optional)]
    kept: bool,
) -> impl IntoView {
    let said = if kept {
        "What you typed is kept as a draft, but it was not sent. Please correct:"
    } else {
        "Nothing was saved yet. Please correct:"
    };
    let ui = ui();
    let form = FieldContext::form();
    let errors = ui
        .flash
        .errors
        .iter()
        .filter(|(field, _)| !field.is_empty() && ui.flash.is_for(&form))
        .map(|(field, text)| {
            let href = format!("#{}", FieldContext::id_of(&form, field));
            view! { <li><a href=href>{text.clone()}</a></li> }.into_any()
        })
        .collect::<Vec<_>>();
    (!errors.is_empty()).then(|| {
        view! {
            <div class="notice bad" role="alert" tabindex="-1" autofocus>
                <Icon name="bad"/>
                <div>
                    <strong>{said}</strong>
                    <ul>{errors}</ul>
                </div>
            </div>
        }
    })
}

/// The button that sends the form, with an optional way back.
#[component]
pub fn Submit(
    /// What it does, as a verb: "Register deal".
    #[prop(into)]
    label: String,
    /// `name=value` sent by this button, for forms with several.
    #[prop(optional, into)]
    name: Option<String>,
    /// Value sent with `name`.
    #[prop(optional, into)]
    value: Option<String>,
    /// Cannot be undone.
    #[prop(optional)]
    danger: bool,
    /// Not the main action.
    #[prop(optional)]
    quiet: bool,
    /// Where "Cancel" leads.
    #[prop(optional, into)]
    cancel: Option<String>,
) -> impl IntoView {
    let class = match (danger, quiet) {
        (true, _) => "button danger",
        (_, true) => "button",
        _ => "button primary",
    };
    view! {
        <div class="submit">
            <button type="submit" class=class name=name value=value>{label}</button>
            {cancel.map(|href| view! { <a class="button quiet" href=href>"Cancel"</a> })}
        </div>
    }
}

/// A button that changes something: a form with nothing but hidden fields.
#[component]
pub fn PostButton(
    /// Where it posts to.
    #[prop(into)]
    action: String,
    /// What it does, as a verb.
    #[prop(into)]
    label: String,
    /// Hidden fields.
    #[prop(optional)]
    fields: Vec<(&'static str, String)>,
    /// The page's main action.
    #[prop(optional)]
    primary: bool,
    /// Looks like a link.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    let class = match (primary, quiet) {
        (true, _) => "button primary",
        (_, true) => "button quiet",
        _ => "button",
    };
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view();
    view! {
        <form method="post" action=action class="inline">
            {fields}
            <button type="submit" class=class>{label}</button>
        </form>
    }
}

/// A button that opens a dialog with a form: for what cannot be undone, and for short forms that
/// would crowd a page. The browser opens and closes it (popover), so no script is needed.
#[component]
pub fn Confirm(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    /// What the button says, as a verb.
    #[prop(into)]
    label: String,
    /// Heading of the dialog: the question.
    #[prop(into)]
    title: String,
    /// What happens then, in a sentence.
    #[prop(optional, into)]
    text: String,
    /// Cannot be undone.
    #[prop(optional)]
    danger: bool,
    /// Main action of the page.
    #[prop(optional)]
    primary: bool,
    /// A [`PostForm`] with its [`Submit`].
    children: Children,
) -> impl IntoView {
    let class = match (danger, primary) {
        (true, _) => "button danger-quiet",
        (_, true) => "button primary",
        _ => "button",
    };
    let heading = format!("{id}-title");
    // A refused form inside the dialog must be seen again: it is shown in the page instead.
    let reopened = {
        let flash = &ui().flash;
        !flash.errors.is_empty() && flash.is_for(&id)
    };
    let body = view! {
        <h2 id=heading.clone()>{title}</h2>
        {(!text.is_empty()).then(|| view! { <p>{text}</p> })}
        {children()}
    };
    if reopened {
        view! {
            <section class=format!("dialog open {}", Tone::Bad.class()) id=id aria-labelledby=heading>
                {body}
            </section>
        }
        .into_any()
    } else {
        view! {
            <button type="button" class=class popovertarget=id.clone() aria-haspopup="dialog">
                {label}
            </button>
            <div popover="auto" class="dialog" role="dialog" id=id.clone() aria-labelledby=heading>
                <button
                    type="button"
                    class="dialog-close"
                    popovertarget=id.clone()
                    popovertargetaction="hide"
                    aria-label="Close"
                >
                    <Icon name="close"/>
                </button>
                {body}
            </div>
        }
        .into_any()
    }
}
