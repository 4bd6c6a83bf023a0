//! The command palette, and one listener for everything small on a page.

use leptos::prelude::*;

/// `Ctrl K` (or `⌘ K`, or the field in the top line) opens the palette. Also ticks the page's
/// clocks, shows the values of charts, counts characters, shows the progress of uploads and
/// refreshes the menu's counts.
///
/// It takes no properties and reads JSON with the browser's own parser: what would decode them here
/// costs every first visit more than the rest of the module.
#[island]
pub fn Assist() -> impl IntoView {
    let dialog = NodeRef::<leptos::html::Dialog>::new();
    let input = NodeRef::<leptos::html::Input>::new();
    let list = NodeRef::<leptos::html::Ul>::new();
    #[cfg(feature = "hydrate")]
    super::palette::start(dialog, input, list);
    view! {
        <dialog node_ref=dialog class="palette" aria-label="Search and commands">
            <input
                node_ref=input
                type="text"
                role="combobox"
                placeholder="Name, domain, number, Stripe id or page"
                aria-label="Search or jump to"
                aria-controls="hits"
                aria-expanded="true"
                autocomplete="off"
                spellcheck="false"
            />
            <ul node_ref=list id="hits" role="listbox" aria-label="Results"></ul>
        </dialog>
    }
}
