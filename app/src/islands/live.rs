//! Everything small that lives on a page: clocks, counts, messages, the exam's time, chart values.

use super::{dom::*, fields};
use leptos::{
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{self, Element, Event, HtmlElement, HtmlInputElement},
};

/// Milliseconds between two looks at the menu's counts.
const COUNTS_EVERY: i32 = 60_000;
/// Milliseconds a message that says "done" stays.
const TOAST_STAYS: i32 = 10_000;

/// Wakes everything small on the page. `open` opens the palette with a text.
pub(super) fn start(open: impl Fn(String) + Clone + 'static) {
    // The portal's time; in the demonstration it is not the browser's.
    let ahead = document()
        .body()
        .map_or(0, |b| match number(&b, "data-now") {
            0 => 0,
            now => now - seconds_now(),
        });
    if !all("[data-due],[data-end]").is_empty() {
        every(1000, move || {
            tick(seconds_now() + ahead);
            exam(seconds_now() + ahead);
        });
    }
    if !all("[data-count]").is_empty() {
        every(COUNTS_EVERY, refresh_counts);
    }
    if !all(".toast.good").is_empty() {
        let mut waited = false;
        every(TOAST_STAYS, move || {
            if !waited {
                all(".toast.good:not(:hover):not(:focus-within)")
                    .iter()
                    .for_each(Element::remove);
            }
            waited = true;
        });
    }
    fields::estimates(None);
    let page = document();
    let by_key = open.clone();
    listen(&page, "keydown", move |event| {
        let Some(key) = event.dyn_ref::<web_sys::KeyboardEvent>() else {
            return;
        };
        if (key.ctrl_key() || key.meta_key()) && matches!(key.key().as_str(), "k" | "K") {
            event.prevent_default();
            by_key(String::new());
        }
    });
    listen(&page, "input", move |event| {
        let Some(field) = target(&event, "input,textarea") else {
            return;
        };
        if field.has_attribute("data-palette") {
            if let Some(field) = field.dyn_ref::<HtmlInputElement>() {
                let text = field.value();
                field.set_value("");
                open(text);
            }
            return;
        }
        if field.has_attribute("maxlength") {
            fields::count_characters(&field);
        }
        fields::estimates(Some(&field));
    });
    listen(&page, "change", |event| {
        if let Some(form) = target(&event, "[data-submit]").and_then(|s| form_around(&s)) {
            let _ = form.request_submit();
        }
        fields::autosave(&event);
    });
    listen(&page, "pointerover", tip);
    listen(&page, "submit", |event| fields::submit(&event));
    listen(&window(), "pageshow", |_| fields::not_sent());
}

fn span(seconds: i64) -> String {
    let (d, h, m) = (
        seconds / 86_400,
        seconds % 86_400 / 3600,
        seconds % 3600 / 60,
    );
    match (d, h, m) {
        (0, 0, 0) => "under 1 min".to_owned(),
        (0, 0, m) => format!("{m} min"),
        (0, h, 0) => format!("{h} h"),
        (0, h, m) => format!("{h} h {m} min"),
        (d, h, _) if d < 7 && h > 0 => format!("{d} d {h} h"),
        (d, ..) => format!("{d} d"),
    }
}

fn tick(now: i64) {
    for clock in all("[data-due]") {
        let left = number(&clock, "data-due") - now;
        let (tone, text) = if left < 0 {
            ("bad", format!("{} overdue", span(-left)))
        } else if left < number(&clock, "data-warn") {
            ("warn", format!("{} left", span(left)))
        } else {
            ("neutral", format!("{} left", span(left)))
        };
        if let Ok(Some(words)) = clock.query_selector(".left")
            && words.text_content().as_deref() != Some(text.as_str())
        {
            words.set_text_content(Some(&text));
            let _ = clock.set_attribute("class", &format!("clock {tone}"));
        }
    }
}

/// Shows the time left in an exam and hands it in when there is none.
fn exam(now: i64) {
    for timer in all("[data-end]") {
        let left = (number(&timer, "data-end") - now).max(0);
        if let Some(shown) = timer.first_element_child() {
            shown.set_text_content(Some(&format!("{}:{:02}", left / 60, left % 60)));
        }
        let said = match left {
            0 => "Time is up. Your answers are handed in.",
            1..=60 => "One minute left.",
            61..=300 => "Five minutes left.",
            _ => continue,
        };
        timer.set_class_name("exam-timer warn");
        if let Some(words) = timer.last_element_child()
            && words.text_content().as_deref() != Some(said)
        {
            words.set_text_content(Some(said));
            if left == 0
                && let Some(form) = document().get_element_by_id(&attribute(&timer, "data-exam"))
                && let Some(form) = form.dyn_ref::<web_sys::HtmlFormElement>()
            {
                let _ = form.submit();
            }
        }
    }
}

fn refresh_counts() {
    if document().hidden() {
        return;
    }
    spawn(async {
        let Some(counts) = get_json("/api/counts").await else {
            return;
        };
        for pair in js_sys::Array::from(&counts).iter() {
            let pair = js_sys::Array::from(&pair);
            let (Some(key), Some(waiting)) = (pair.get(0).as_string(), pair.get(1).as_f64()) else {
                continue;
            };
            let waiting = waiting as i64;
            for badge in all(&format!("[data-count={key}]")) {
                badge.set_text_content(Some(&waiting.to_string()));
                show(&badge, waiting != 0);
            }
        }
    });
}

/// Shows the value of the bar or point under the pointer.
fn tip(event: Event) {
    let old = document().query_selector(".tip").ok().flatten();
    let Some(mark) = target(&event, "[data-tip]") else {
        if let Some(old) = old {
            old.remove();
        }
        return;
    };
    let Some(tip) = old.or_else(|| {
        let tip = element("div", "tip")?;
        let _ = document().body()?.append_child(&tip);
        Some(tip)
    }) else {
        return;
    };
    tip.set_text_content(mark.get_attribute("data-tip").as_deref());
    let place = mark.get_bounding_client_rect();
    if let Some(tip) = tip.dyn_ref::<HtmlElement>() {
        let width = window()
            .inner_width()
            .ok()
            .and_then(|w| w.as_f64())
            .unwrap_or(1000.0) as i32;
        let half = tip.offset_width() / 2;
        let x = ((place.left() + place.width() / 2.0) as i32)
            .min(width - half - 4)
            .max(half + 4);
        // Allowed by the policy: it forbids style in markup, not through the object model.
        let _ = tip.style().set_property("left", &format!("{x}px"));
        let _ = tip
            .style()
            .set_property("top", &format!("{}px", place.top() as i32));
    }
}
