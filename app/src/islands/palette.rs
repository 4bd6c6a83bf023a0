//! The command palette in the browser: asks while a person types, moves by arrow keys.

use super::{dom, live};
use leptos::{
    html,
    prelude::*,
    wasm_bindgen::{JsCast, JsValue},
    web_sys::{Element, HtmlDialogElement, HtmlInputElement, HtmlUListElement},
};
use std::{cell::Cell, rc::Rc};

#[derive(Clone)]
struct Palette {
    dialog: HtmlDialogElement,
    input: HtmlInputElement,
    list: HtmlUListElement,
    /// The row that Enter opens.
    chosen: Rc<Cell<u32>>,
    /// Answers may overtake each other; only the one to the latest question counts.
    turn: Rc<Cell<u32>>,
}

/// Wires the palette once its elements are there, and everything small on the page.
pub(super) fn start(
    dialog: NodeRef<html::Dialog>,
    input: NodeRef<html::Input>,
    list: NodeRef<html::Ul>,
) {
    Effect::new(move || {
        let (Some(dialog), Some(input), Some(list)) = (dialog.get(), input.get(), list.get())
        else {
            return;
        };
        let palette = Palette {
            dialog,
            input,
            list,
            chosen: Rc::default(),
            turn: Rc::default(),
        };
        let typed = palette.clone();
        dom::listen(&palette.input, "input", move |_| typed.ask());
        let keys = palette.clone();
        dom::listen(&palette.input, "keydown", move |event| {
            if let Some(event) = event.dyn_ref() {
                keys.key(event);
            }
        });
        live::start(move |text| palette.open(&text));
    });
}

impl Palette {
    fn open(&self, text: &str) {
        if !self.dialog.open() && self.dialog.show_modal().is_ok() {
            self.input.set_value(text);
            self.ask();
        }
    }

    fn ask(&self) {
        let palette = self.clone();
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        let q = String::from(js_sys::encode_uri_component(&self.input.value()));
        dom::spawn(async move {
            if let Some(hits) = dom::get_json(&format!("/api/search?q={q}")).await
                && palette.turn.get() == turn
            {
                palette.show(&hits);
            }
        });
    }

    fn show(&self, hits: &JsValue) {
        self.list.set_text_content(None);
        for (index, hit) in js_sys::Array::from(hits).iter().enumerate() {
            let text = |name: &str| {
                js_sys::Reflect::get(&hit, &name.into())
                    .ok()
                    .and_then(|v| v.as_string())
                    .unwrap_or_default()
            };
            let (Some(row), Some(link)) = (dom::element("li", ""), dom::element("a", "")) else {
                return;
            };
            let _ = row.set_attribute("role", "option");
            row.set_id(&format!("hit-{index}"));
            let _ = link.set_attribute("href", &text("href"));
            let _ = link.set_attribute("tabindex", "-1");
            for (tag, class, name) in [
                ("span", "kind", "kind"),
                ("strong", "", "title"),
                ("span", "muted", "detail"),
            ] {
                if let Some(part) = dom::element(tag, class) {
                    // As text, never as markup: names are typed by people.
                    part.set_text_content(Some(&text(name)));
                    let _ = link.append_child(&part);
                }
            }
            let _ = row.append_child(&link);
            let _ = self.list.append_child(&row);
        }
        self.choose(0);
    }

    fn rows(&self) -> u32 {
        self.list.child_element_count()
    }

    fn row(&self, index: u32) -> Option<Element> {
        self.list.children().item(index)
    }

    fn choose(&self, index: u32) {
        self.chosen.set(index);
        for i in 0..self.rows() {
            if let Some(row) = self.row(i) {
                let selected = if i == index { "true" } else { "false" };
                let _ = row.set_attribute("aria-selected", selected);
                if i == index {
                    let _ = self.input.set_attribute("aria-activedescendant", &row.id());
                    row.scroll_into_view_with_bool(false);
                }
            }
        }
    }

    fn key(&self, event: &leptos::web_sys::KeyboardEvent) {
        let (rows, chosen) = (self.rows(), self.chosen.get());
        match event.key().as_str() {
            "ArrowDown" if rows > 0 => self.choose((chosen + 1) % rows),
            "ArrowUp" if rows > 0 => self.choose((chosen + rows - 1) % rows),
            "Enter" => {
                let link = self.row(chosen).and_then(|row| row.first_element_child());
                if let Some(link) =
                    link.and_then(|l| l.dyn_into::<leptos::web_sys::HtmlElement>().ok())
                {
                    link.click();
                }
            }
            _ => return,
        }
        event.prevent_default();
    }
}
