//! Form fields: label, hint, error and counter belong together and to the input by
//! `aria-describedby`; the value comes from the last attempt, else from the record.

use super::{FormName, chart::escape, format, ui};
use leptos::prelude::*;

/// What a field knows about its form: identifiers, the error, and what was typed before.
#[derive(Clone, Debug)]
pub struct FieldContext {
    /// `id` of the input.
    pub id: String,
    /// The sentence below the field.
    pub error: Option<String>,
    /// What was typed before, else the given value.
    pub value: String,
    /// `aria-describedby`.
    pub described: Option<String>,
}

impl FieldContext {
    /// Name of the form around.
    #[must_use]
    pub fn form() -> String {
        use_context::<FormName>().unwrap_or_default().0
    }

    /// `id` of a field's input.
    #[must_use]
    pub fn id_of(form: &str, name: &str) -> String {
        if form.is_empty() {
            format!("f-{name}")
        } else {
            format!("f-{form}-{name}")
        }
    }

    /// Reads what the last attempt left for this field.
    #[must_use]
    pub fn new(name: &str, value: String, hint: &str) -> Self {
        let ui = ui();
        let form = Self::form();
        let id = Self::id_of(&form, name);
        let error = ui.flash.error(&form, name).map(str::to_owned);
        let value = ui.flash.value(&form, name).map_or(value, str::to_owned);
        let mut described = String::new();
        if !hint.is_empty() {
            described.push_str(&format!("{id}-hint "));
        }
        if error.is_some() {
            described.push_str(&format!("{id}-error"));
        }
        let described = described.trim_end();
        Self {
            described: (!described.is_empty()).then(|| described.to_owned()),
            id,
            error,
            value,
        }
    }

    pub(super) fn invalid(&self) -> Option<&'static str> {
        self.error.is_some().then_some("true")
    }
}

/// Label, hint and error around an input.
pub(super) fn frame(
    cx: &FieldContext,
    label: String,
    hint: String,
    required: bool,
    input: impl IntoView + 'static,
) -> AnyView {
    let class = if cx.error.is_some() {
        "field invalid"
    } else {
        "field"
    };
    let error = cx.error.clone().map(|text| {
        view! { <p class="field-error" id=format!("{}-error", cx.id)>{text}</p> }
    });
    view! {
        <div class=class>
            <label for=cx.id.clone()>
                {label}
                {(!required).then(|| view! { <span class="optional">"optional"</span> })}
            </label>
            {(!hint.is_empty())
                .then(|| view! { <p class="field-hint" id=format!("{}-hint", cx.id)>{hint}</p> })}
            {input.into_any()}
            {error}
        </div>
    }
    .into_any()
}

/// One line of text. `kind` is the HTML input type: `text`, `email`, `url`, `tel`, `password`,
/// `number`, `search`.
#[component]
pub fn TextField(
    /// Field name.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// Value from the record.
    #[prop(optional, into)]
    value: String,
    /// What to write, in a sentence.
    #[prop(optional, into)]
    hint: String,
    /// HTML input type.
    #[prop(default = "text")]
    kind: &'static str,
    /// Must be filled in.
    #[prop(optional)]
    required: bool,
    /// HTML autocomplete token, such as `email`.
    #[prop(optional)]
    autocomplete: Option<&'static str>,
    /// Most characters; shows a counter where scripts run.
    #[prop(optional)]
    max: Option<u32>,
    /// Takes the focus.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    let mut cx = FieldContext::new(&name, value, &hint);
    if kind == "password" {
        cx.value.clear();
    }
    let input = view! {
        <input
            id=cx.id.clone()
            name=name
            type=kind
            value=cx.value.clone()
            required=required
            autocomplete=autocomplete
            maxlength=max
            autofocus=autofocus
            aria-describedby=cx.described.clone()
            aria-invalid=cx.invalid()
        />
    };
    frame(&cx, label, hint, required, input)
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// Field name.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// Value from the record.
    #[prop(optional, into)]
    value: String,
    /// What to write, in a sentence.
    #[prop(optional, into)]
    hint: String,
    /// Must be filled in.
    #[prop(optional)]
    required: bool,
    /// Lines shown.
    #[prop(default = 4)]
    rows: u32,
    /// Most characters; shows a counter where scripts run.
    #[prop(optional)]
    max: Option<u32>,
) -> impl IntoView {
    let cx = FieldContext::new(&name, value, &hint);
    // Leptos writes the children of a textarea as they are, so they are escaped here. Browsers drop
    // one line break at the beginning; this one is theirs.
    let content = format!("\n{}", escape(&cx.value));
    let input = view! {
        <textarea
            id=cx.id.clone()
            name=name
            rows=rows
            required=required
            maxlength=max
            aria-describedby=cx.described.clone()
            aria-invalid=cx.invalid()
            inner_html=content
        ></textarea>
    };
    frame(&cx, label, hint, required, input)
}

/// A day (`2026-03-12`).
#[component]
pub fn DateField(
    /// Field name.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// Value from the record, `YYYY-MM-DD`.
    #[prop(optional, into)]
    value: String,
    /// What the day means, in a sentence.
    #[prop(optional, into)]
    hint: String,
    /// Must be filled in.
    #[prop(optional)]
    required: bool,
    /// Earliest day, `YYYY-MM-DD`.
    #[prop(optional, into)]
    min: Option<String>,
    /// Latest day, `YYYY-MM-DD`.
    #[prop(optional, into)]
    max: Option<String>,
) -> impl IntoView {
    let cx = FieldContext::new(&name, value, &hint);
    let input = view! {
        <input
            id=cx.id.clone()
            name=name
            type="date"
            value=cx.value.clone()
            required=required
            min=min
            max=max
            aria-describedby=cx.described.clone()
            aria-invalid=cx.invalid()
        />
    };
    frame(&cx, label, hint, required, input)
}

/// An amount with its currency; read it with [`domain::money::Money::parse`].
#[component]
pub fn MoneyField(
    /// Field name.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// ISO 4217 code.
    #[prop(into)]
    currency: String,
    /// Minor units from the record.
    #[prop(optional)]
    minor: Option<i64>,
    /// What the amount means, in a sentence.
    #[prop(optional, into)]
    hint: String,
    /// Must be filled in.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let value = minor.map_or_else(String::new, |m| format::money_input(m, &currency));
    let cx = FieldContext::new(&name, value, &hint);
    let input = view! {
        <div class="input-money">
            <input
                id=cx.id.clone()
                name=name
                type="text"
                inputmode="decimal"
                autocomplete="off"
                value=cx.value.clone()
                required=required
                aria-describedby=cx.described.clone()
                aria-invalid=cx.invalid()
            />
            <span>{currency}</span>
        </div>
    };
    frame(&cx, label, hint, required, input)
}

/// Files, chosen or dropped; the form needs `files=true`. Shows progress where scripts run.
#[component]
pub fn FileField(
    /// Field name.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// Kinds and size that are taken, in a sentence.
    #[prop(optional, into)]
    hint: String,
    /// HTML accept list, such as `.pdf,image/*`.
    #[prop(optional, into)]
    accept: Option<String>,
    /// More than one.
    #[prop(optional)]
    multiple: bool,
    /// Must be given.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let cx = FieldContext::new(&name, String::new(), &hint);
    // The input covers the whole area, so the browser itself takes a dropped file.
    let input = view! {
        <div class="drop">
            <span class="drop-text">"Drop a file here or choose one"</span>
            <input
                id=cx.id.clone()
                name=name
                type="file"
                accept=accept
                multiple=multiple
                required=required
                aria-describedby=cx.described.clone()
                aria-invalid=cx.invalid()
            />
            <progress class="drop-progress" max="100" value="0" hidden></progress>
        </div>
    };
    frame(&cx, label, hint, required, input)
}

/// A value that travels unseen.
#[component]
pub fn Hidden(
    /// Field name.
    #[prop(into)]
    name: String,
    /// Value.
    #[prop(into)]
    value: String,
) -> impl IntoView {
    view! { <input type="hidden" name=name value=value/> }
}
