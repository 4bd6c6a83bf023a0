//! Fields that choose: from a list, one of a few, any of several, yes or no.

use super::{
    field::{FieldContext, frame},
    ui,
};
use leptos::prelude::*;

/// One of several choices.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Sent value.
    pub value: String,
    /// Words.
    pub label: String,
    /// A sentence that helps to choose.
    pub hint: String,
}

impl Choice {
    /// A choice without a hint.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            hint: String::new(),
        }
    }

    /// The same with a sentence that helps to choose.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Choices from pairs of value and words.
    pub fn list<V: Into<String>, L: Into<String>>(
        pairs: impl IntoIterator<Item = (V, L)>,
    ) -> Vec<Self> {
        pairs.into_iter().map(|(v, l)| Self::new(v, l)).collect()
    }
}

/// A choice from a list.
#[component]
pub fn SelectField(
    /// Field name.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// The choices.
    options: Vec<Choice>,
    /// Value from the record.
    #[prop(optional, into)]
    value: String,
    /// What to choose, in a sentence.
    #[prop(optional, into)]
    hint: String,
    /// Must be chosen; otherwise the first line says that it may be left open.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let cx = FieldContext::new(&name, value, &hint);
    let open = if required { "Choose…" } else { "Not set" };
    let known = options.iter().any(|o| o.value == cx.value);
    let options = options
        .into_iter()
        .map(|o| {
            let selected = o.value == cx.value;
            view! { <option value=o.value selected=selected>{o.label}</option> }
        })
        .collect_view();
    let input = view! {
        <select
            id=cx.id.clone()
            name=name
            required=required
            aria-describedby=cx.described.clone()
            aria-invalid=cx.invalid()
        >
            <option value="" selected=!known>
                {open}
            </option>
            {options}
        </select>
    };
    frame(&cx, label, hint, required, input)
}

/// The name of a country; its code when it is none.
#[must_use]
pub fn country_name(code: &str) -> &str {
    domain::validate::country_name(code).unwrap_or(code)
}

/// A country by its ISO 3166 code.
#[component]
pub fn CountryField(
    /// Field name.
    #[prop(default = "country".into(), into)]
    name: String,
    /// Label.
    #[prop(default = "Country".into(), into)]
    label: String,
    /// Value from the record.
    #[prop(optional, into)]
    value: String,
    /// What to choose, in a sentence.
    #[prop(optional, into)]
    hint: String,
    /// Must be chosen.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let options = Choice::list(domain::validate::countries());
    view! { <SelectField name=name label=label options=options value=value hint=hint required=required/> }
}

/// A group of inputs under one heading.
fn group(
    cx: &FieldContext,
    label: String,
    hint: String,
    required: bool,
    inputs: impl IntoView + 'static,
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
        <fieldset class=class aria-describedby=cx.described.clone() id=cx.id.clone()>
            <legend>
                {label}
                {(!required).then(|| view! { <span class="optional">"optional"</span> })}
            </legend>
            {(!hint.is_empty())
                .then(|| view! { <p class="field-hint" id=format!("{}-hint", cx.id)>{hint}</p> })}
            {inputs.into_any()}
            {error}
        </fieldset>
    }
    .into_any()
}

fn choice_input(
    kind: &'static str,
    name: &str,
    choice: Choice,
    checked: bool,
    required: bool,
) -> AnyView {
    let name = name.to_owned();
    view! {
        <label class="choice">
            <input type=kind name=name value=choice.value checked=checked required=required/>
            <span>
                {choice.label}
                {(!choice.hint.is_empty())
                    .then(|| view! { <small class="field-hint">{choice.hint}</small> })}
            </span>
        </label>
    }
    .into_any()
}

/// One of a few choices, all visible.
#[component]
pub fn RadioField(
    /// Field name.
    #[prop(into)]
    name: String,
    /// The question.
    #[prop(into)]
    label: String,
    /// The choices.
    options: Vec<Choice>,
    /// Value from the record.
    #[prop(optional, into)]
    value: String,
    /// What to choose, in a sentence.
    #[prop(optional, into)]
    hint: String,
    /// Must be chosen.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let cx = FieldContext::new(&name, value, &hint);
    let inputs = options
        .into_iter()
        .map(|o| {
            let checked = o.value == cx.value;
            choice_input("radio", &name, o, checked, required)
        })
        .collect_view();
    group(&cx, label, hint, required, inputs)
}

/// Any of several choices; the name is sent once per choice.
#[component]
pub fn ChecksField(
    /// Field name.
    #[prop(into)]
    name: String,
    /// The question.
    #[prop(into)]
    label: String,
    /// The choices.
    options: Vec<Choice>,
    /// Values from the record.
    #[prop(optional)]
    values: Vec<String>,
    /// What to choose, in a sentence.
    #[prop(optional, into)]
    hint: String,
    /// At least one must be chosen (checked by the service).
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let cx = FieldContext::new(&name, String::new(), &hint);
    let ui = ui();
    let typed = ui.flash.all(&FieldContext::form(), &name);
    let inputs = options
        .into_iter()
        .map(|o| {
            let checked = match &typed {
                Some(typed) => typed.contains(&o.value.as_str()),
                None => values.contains(&o.value),
            };
            choice_input("checkbox", &name, o, checked, false)
        })
        .collect_view();
    group(&cx, label, hint, required, inputs)
}

/// Yes or no; sends `on` when checked and nothing when not.
#[component]
pub fn CheckField(
    /// Field name.
    #[prop(into)]
    name: String,
    /// What a tick means, as a sentence.
    #[prop(into)]
    label: String,
    /// Value from the record.
    #[prop(optional)]
    checked: bool,
    /// More about it.
    #[prop(optional, into)]
    hint: String,
    /// Must be ticked.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let cx = FieldContext::new(&name, String::new(), &hint);
    let checked = match ui().flash.all(&FieldContext::form(), &name) {
        Some(typed) => !typed.is_empty(),
        None => checked,
    };
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
            <label class="choice">
                <input
                    type="checkbox"
                    id=cx.id.clone()
                    name=name
                    checked=checked
                    required=required
                    aria-describedby=cx.described.clone()
                    aria-invalid=cx.invalid()
                />
                <span>{label}</span>
            </label>
            {(!hint.is_empty())
                .then(|| view! { <p class="field-hint" id=format!("{}-hint", cx.id)>{hint}</p> })}
            {error}
        </div>
    }
}
