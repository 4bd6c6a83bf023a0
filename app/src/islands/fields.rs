//! What answers in a form: counters, estimates, exams that save, uploads with progress.

use super::dom::*;
use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
    web_sys::{self, Element, Event, HtmlInputElement},
};

fn value(field: &Element) -> String {
    match field.dyn_ref::<web_sys::HtmlTextAreaElement>() {
        Some(area) => area.value(),
        None => field
            .dyn_ref::<HtmlInputElement>()
            .map(HtmlInputElement::value)
            .unwrap_or_default(),
    }
}

pub(super) fn count_characters(field: &Element) {
    let counter = match field.next_element_sibling() {
        Some(next) if next.class_name() == "counter" => next,
        _ => {
            let Some(counter) = element("span", "counter") else {
                return;
            };
            let _ = field.insert_adjacent_element("afterend", &counter);
            counter
        }
    };
    let used = value(field).encode_utf16().count();
    counter.set_text_content(Some(&format!(
        "{used} of {}",
        attribute(field, "maxlength")
    )));
}

/// Shows what the typed amount would earn; all of them at first, then the field's own.
pub(super) fn estimates(changed: Option<&Element>) {
    for place in all("[data-estimate]") {
        let id = attribute(&place, "data-estimate");
        let Some(field) = document().get_element_by_id(&id) else {
            continue;
        };
        if changed.is_some_and(|c| c.id() != id) {
            continue;
        }
        // For the eye only: the exact amount comes from the invoice, in minor units.
        let earned = amount(&value(&field)) * number(&place, "data-bp") as f64 / 10_000.0;
        let text = if earned > 0.0 {
            let words = attribute(&place, "data-words");
            let (before, after) = words.split_once("{}").unwrap_or(("", ""));
            [
                before,
                &money(earned, &attribute(&place, "data-currency")),
                after,
            ]
            .concat()
        } else {
            String::new()
        };
        place.set_text_content(Some(&text));
    }
}

/// An amount as people type it; 0 when it is none. The last separator is the decimal one unless
/// three figures follow it.
fn amount(text: &str) -> f64 {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' => plain.push(c),
            '.' | ',' => {
                plain.retain(|c| c != '.');
                plain.push('.');
            }
            _ => {}
        }
    }
    if let Some((whole, fraction)) = plain.split_once('.')
        && fraction.len() == 3
    {
        plain = [whole, fraction].concat();
    }
    let value = js_sys::parse_float(&plain);
    if value.is_finite() { value } else { 0.0 }
}

/// Money as the browser's own locale writes it.
fn money(value: f64, currency: &str) -> String {
    let options = js_sys::Object::new();
    let _ = js_sys::Reflect::set(&options, &"style".into(), &"currency".into());
    let _ = js_sys::Reflect::set(&options, &"currency".into(), &JsValue::from_str(currency));
    let format = js_sys::Intl::NumberFormat::new(&js_sys::Array::new(), &options).format();
    let text = format.call1(&JsValue::UNDEFINED, &JsValue::from_f64(value));
    text.ok().and_then(|t| t.as_string()).unwrap_or_default()
}

/// Marks a form that is on its way, so that it is sent once however often its button is pressed.
const SENT: &str = "data-sent";
/// How long at most: an answer may never come, and a person may stop waiting for it.
const SENT_FOR: i32 = 15_000;

/// A form is sent: once, and its button shows that it is on its way.
pub(super) fn submit(event: &Event) {
    let Some(form) = target(event, "form[method=post]").and_then(|f| form_around(&f)) else {
        return;
    };
    if form.has_attribute(SENT) {
        event.prevent_default();
        return;
    }
    let button = pressed(event);
    let _ = form.set_attribute(SENT, "");
    if let Some(button) = &button {
        let _ = button.set_attribute("aria-busy", "true");
    }
    after(SENT_FOR, not_sent);
    if form.has_attribute("data-upload") {
        upload(event, form, button);
    }
}

/// Every form may be sent: nothing is on its way, also on a page that is gone back to.
pub(super) fn not_sent() {
    for form in all("[data-sent]") {
        let _ = form.remove_attribute(SENT);
    }
    for button in all("button[aria-busy]") {
        let _ = button.remove_attribute("aria-busy");
    }
}

/// The button that was pressed to send a form.
fn pressed(event: &Event) -> Option<Element> {
    let button = js_sys::Reflect::get(event, &"submitter".into()).ok()?;
    button.dyn_into().ok()
}

/// Where a form leads by that button, as the browser would have it.
fn leads_to(form: &Element, button: Option<&Element>) -> String {
    button
        .and_then(|button| button.get_attribute("formaction"))
        .unwrap_or_else(|| attribute(form, "action"))
}

/// Sends a form with files in the background, to show how far it is; the answer says where to go.
fn upload(event: &Event, form: web_sys::HtmlFormElement, button: Option<Element>) {
    let (Ok(data), Ok(request)) = (
        web_sys::FormData::new_with_form(&form),
        web_sys::XmlHttpRequest::new(),
    ) else {
        return;
    };
    let address = leads_to(&form, button.as_ref());
    if request.open("POST", &address).is_err()
        || request.set_request_header("x-upload", "1").is_err()
    {
        return;
    }
    if let Some(button) = button.filter(|button| button.has_attribute("name")) {
        let _ = data.append_with_str(&attribute(&button, "name"), &attribute(&button, "value"));
    }
    event.prevent_default();
    if let Ok(Some(bar)) = form.query_selector("progress") {
        show(&bar, true);
        let progress = Closure::<dyn FnMut(web_sys::ProgressEvent)>::new(
            move |event: web_sys::ProgressEvent| {
                let done = event.loaded() / event.total().max(1.0) * 100.0;
                let _ = bar.set_attribute("value", &(done as i32).to_string());
            },
        );
        if let Ok(upload) = request.upload() {
            upload.set_onprogress(Some(progress.as_ref().unchecked_ref()));
        }
        progress.forget();
    }
    let answered = request.clone();
    let done =
        Closure::<dyn FnMut()>::new(move || match answered.get_response_header("x-location") {
            Ok(Some(path)) => {
                let _ = window().location().set_href(&path);
            }
            // Without a way on, the browser sends it again by itself and shows the answer.
            _ => {
                let _ = form.set_attribute("action", &address);
                let _ = form.submit();
            }
        });
    request.set_onloadend(Some(done.as_ref().unchecked_ref()));
    done.forget();
    let _ = request.send_with_opt_form_data(Some(&data));
}

/// Sends the answers of an exam after each change. A beacon arrives even when the page is closed.
pub(super) fn autosave(event: &Event) {
    let Some(place) = target(event, "[data-autosave]") else {
        return;
    };
    let Some(form) = form_around(&place) else {
        return;
    };
    if let Ok(data) = web_sys::FormData::new_with_form(&form)
        && let Ok(answers) = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data)
    {
        let address = attribute(&place, "data-autosave");
        let _ = window()
            .navigator()
            .send_beacon_with_opt_url_search_params(&address, Some(&answers));
    }
}
