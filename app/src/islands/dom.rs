//! Small helpers around the document.

use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
    web_sys::{self, Element, Event, EventTarget},
};
use wasm_bindgen_futures::JsFuture;

pub(super) fn spawn(work: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(work);
}

/// An address of ours as JSON, read by the browser; nothing when it does not answer.
pub(super) async fn get_json(url: &str) -> Option<JsValue> {
    let answer = JsFuture::from(window().fetch_with_str(url)).await.ok()?;
    let answer: web_sys::Response = answer.dyn_into().ok()?;
    if !answer.ok() || answer.redirected() {
        return None;
    }
    JsFuture::from(answer.json().ok()?).await.ok()
}

pub(super) fn element(tag: &str, class: &str) -> Option<Element> {
    let element = document().create_element(tag).ok()?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    Some(element)
}

pub(super) fn listen(on: &EventTarget, kind: &str, handler: impl FnMut(Event) + 'static) {
    let handler = Closure::<dyn FnMut(Event)>::new(handler);
    // Capturing, because not every event bubbles.
    let _ =
        on.add_event_listener_with_callback_and_bool(kind, handler.as_ref().unchecked_ref(), true);
    handler.forget();
}

pub(super) fn every(milliseconds: i32, work: impl FnMut() + 'static) {
    let work = Closure::<dyn FnMut()>::new(work);
    let _ = window().set_interval_with_callback_and_timeout_and_arguments_0(
        work.as_ref().unchecked_ref(),
        milliseconds,
    );
    work.forget();
}

/// Does something once, so many milliseconds from now.
pub(super) fn after(milliseconds: i32, work: impl FnMut() + 'static) {
    let work = Closure::<dyn FnMut()>::new(work);
    let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(
        work.as_ref().unchecked_ref(),
        milliseconds,
    );
    work.forget();
}

pub(super) fn all(selector: &str) -> Vec<Element> {
    let Ok(list) = document().query_selector_all(selector) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|i| list.item(i)?.dyn_into().ok())
        .collect()
}

pub(super) fn target(event: &Event, selector: &str) -> Option<Element> {
    event
        .target()?
        .dyn_into::<Element>()
        .ok()?
        .closest(selector)
        .ok()?
}

pub(super) fn attribute(element: &Element, name: &str) -> String {
    element.get_attribute(name).unwrap_or_default()
}

pub(super) fn number(element: &Element, name: &str) -> i64 {
    attribute(element, name).parse().unwrap_or(0)
}

pub(super) fn seconds_now() -> i64 {
    (js_sys::Date::now() / 1000.0) as i64
}

pub(super) fn show(element: &Element, shown: bool) {
    let _ = element.toggle_attribute_with_force("hidden", !shown);
}

pub(super) fn form_around(element: &Element) -> Option<web_sys::HtmlFormElement> {
    element.closest("form").ok()??.dyn_into().ok()
}
