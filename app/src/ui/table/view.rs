//! The markup of a list.

use super::{Column, Table};
use crate::ui::{Chip, Chips, Empty, Icon, ListQuery, Tabs, query_pairs, ui};
use leptos::prelude::*;

impl<R> Column<R> {
    fn class(&self) -> Option<&'static str> {
        match (self.number, self.aside) {
            (true, true) => Some("n aside"),
            (true, false) => Some("n"),
            (false, true) => Some("aside"),
            (false, false) => None,
        }
    }
}

impl<R: 'static> Table<R> {
    /// The list as markup.
    #[must_use]
    pub fn view(mut self) -> AnyView {
        let path = ui().path.clone();
        let tabs = (!self.views.is_empty()).then(|| {
            let views = std::mem::take(&mut self.views);
            view! { <Tabs items=views label="Saved views"/> }
        });
        if self.rows.is_empty() && !self.list.narrowed() && self.list.page == 1 {
            return view! { <div class="list">{tabs}{self.empty.view()}</div> }.into_any();
        }
        let tools = (!self.plain).then(|| self.tools(&path));
        let chips = self.chips(&path);
        let foot = (!self.plain).then(|| self.foot(&path));
        let body = if self.rows.is_empty() {
            let all = ListQuery {
                per: self.list.per,
                ..ListQuery::default()
            }
            .href(&path);
            Empty::text(
                "Nothing matches",
                "No entry fits this search and these filters.",
            )
            .action("Show all", all)
            .view()
        } else {
            self.table(&path)
        };
        view! { <div class="list">{tabs}{tools}{chips}{body}{foot}</div> }.into_any()
    }

    fn shown(&self, column: &Column<R>) -> bool {
        self.list.cols.is_empty() || self.list.cols.iter().any(|c| c == column.key)
    }

    fn tools(&self, path: &str) -> AnyView {
        let list = &self.list;
        let search = self.search.clone().map(|what| {
            view! {
                <input
                    type="search"
                    name="q"
                    value=list.q.clone()
                    placeholder=what.clone()
                    aria-label=what
                />
            }
        });
        let filters = self
            .filters
            .iter()
            .map(|filter| {
                let current = list.filter(filter.name).unwrap_or("").to_owned();
                let options = filter
                    .options
                    .iter()
                    .map(|(value, label)| {
                        let selected = *value == current;
                        view! {
                            <option value=value.clone() selected=selected>
                                {label.clone()}
                            </option>
                        }
                    })
                    .collect_view();
                view! {
                    <select name=filter.name aria-label=filter.label data-submit="">
                        <option value="">{format!("{}: all", filter.label)}</option>
                        {options}
                    </select>
                }
            })
            .collect_view();
        let own: Vec<&str> = self.filters.iter().map(|f| f.name).collect();
        // What is not one of the form's own fields must survive it.
        let kept = ListQuery {
            q: String::new(),
            page: 1,
            ..list.clone()
        };
        let kept = query_pairs(&kept.to_query())
            .into_iter()
            .filter(|(name, _)| !own.contains(&name.as_str()))
            .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
            .collect_view();
        let form = (self.search.is_some() || !self.filters.is_empty()).then(|| {
            view! {
                <form method="get" action=path.to_owned() role="search" class="list-search">
                    {kept}
                    {search}
                    {filters}
                    <button type="submit" class="button">"Apply"</button>
                </form>
            }
        });
        let csv = self.csv.clone().map(|csv| {
            let href = ListQuery {
                page: 1,
                per: ListQuery::SIZES[0],
                ..list.clone()
            }
            .href(&csv);
            view! {
                <a class="button quiet" href=href>
                    <Icon name="download"/>
                    "CSV"
                </a>
            }
        });
        view! {
            <div class="list-tools">
                {form}
                <div class="list-more">{(self.columns.len() > 4).then(|| self.choice(path))}{csv}</div>
            </div>
        }
        .into_any()
    }

    fn choice(&self, path: &str) -> AnyView {
        let kept = ListQuery {
            cols: Vec::new(),
            ..self.list.clone()
        };
        let kept = query_pairs(&kept.to_query())
            .into_iter()
            .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
            .collect_view();
        let boxes = self
            .columns
            .iter()
            .map(|c| {
                view! {
                    <label class="choice">
                        <input type="checkbox" name="col" value=c.key checked=self.shown(c)/>
                        <span>{c.label}</span>
                    </label>
                }
            })
            .collect_view();
        view! {
            <details class="menu">
                <summary class="button quiet">
                    <Icon name="columns"/>
                    "Columns"
                </summary>
                <form method="get" action=path.to_owned() class="menu-body">
                    {kept}
                    {boxes}
                    <button type="submit" class="button">"Show these"</button>
                </form>
            </details>
        }
        .into_any()
    }

    fn chips(&self, path: &str) -> Option<AnyView> {
        let mut items = Vec::new();
        if !self.list.q.is_empty() {
            let without = ListQuery {
                q: String::new(),
                page: 1,
                ..self.list.clone()
            };
            items.push(Chip {
                label: format!("Search: {}", self.list.q),
                remove: Some(without.href(path)),
            });
        }
        for (name, value) in &self.list.filters {
            let Some(filter) = self.filters.iter().find(|f| f.name == name) else {
                continue;
            };
            let words = filter
                .options
                .iter()
                .find(|(v, _)| v == value)
                .map_or(value.as_str(), |(_, label)| label.as_str());
            items.push(Chip {
                label: format!("{}: {words}", filter.label),
                remove: Some(self.list.without(name, value).href(path)),
            });
        }
        (!items.is_empty()).then(|| view! { <Chips items=items/> }.into_any())
    }

    fn table(&mut self, path: &str) -> AnyView {
        let bulk = self.bulk.take();
        let columns: Vec<&Column<R>> = self.columns.iter().filter(|c| self.shown(c)).collect();
        let head = columns
            .iter()
            .map(|c| {
                let class = c.class();
                if !c.sort {
                    return view! { <th scope="col" class=class>{c.label}</th> }.into_any();
                }
                let (sorted, icon) = match (self.list.sort == c.key, self.list.desc) {
                    (true, false) => (Some("ascending"), Some("up")),
                    (true, true) => (Some("descending"), Some("down")),
                    _ => (None, None),
                };
                let href = self.list.with_sort(c.key).href(path);
                view! {
                    <th scope="col" class=class aria-sort=sorted>
                        <a href=href>{c.label}{icon.map(|name| view! { <Icon name=name/> })}</a>
                    </th>
                }
                .into_any()
            })
            .collect::<Vec<_>>();
        let rows = self
            .rows
            .iter()
            .map(|row| {
                let pick = bulk.as_ref().map(|b| {
                    view! {
                        <td class="pick">
                            <input type="checkbox" name="ids" value=(b.id)(row) aria-label="Choose this row"/>
                        </td>
                    }
                });
                let cells = columns
                    .iter()
                    .enumerate()
                    .map(|(index, c)| {
                        let content = (c.cell)(row);
                        let content = match &self.href {
                            Some(href) if index == 0 => {
                                view! { <a class="cover" href=href(row)>{content}</a> }.into_any()
                            }
                            _ => content,
                        };
                        let class = c.class();
                        view! { <td class=class data-label=c.label>{content}</td> }.into_any()
                    })
                    .collect::<Vec<_>>();
                let menu = self.menu.as_ref().map(|m| view! { <td class="row-menu">{m(row)}</td> });
                view! { <tr>{pick}{cells}{menu}</tr> }.into_any()
            })
            .collect::<Vec<_>>();
        let pick_head = bulk.as_ref().map(|_| {
            view! {
                <th class="pick">
                    <span class="sr">"Chosen"</span>
                </th>
            }
        });
        let menu_head = self.menu.as_ref().map(|_| {
            view! {
                <th class="row-menu">
                    <span class="sr">"Actions"</span>
                </th>
            }
        });
        let caption = (!self.caption.is_empty()).then(|| {
            let caption = self.caption.clone();
            view! { <caption class="sr">{caption}</caption> }
        });
        // Focusable, so that a keyboard can scroll a wide table.
        let table = view! {
            <div class="table-wrap" tabindex="0" role="region" aria-label="List">
                <table class="table">
                    {caption}
                    <thead>
                        <tr>{pick_head}{head}{menu_head}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        };
        match bulk {
            Some(bulk) => view! {
                <form method="post" action=bulk.action class="bulk">
                    {table}
                    <div class="bulk-bar">
                        <span class="muted" data-chosen="">"With the chosen rows:"</span>
                        {bulk.buttons}
                    </div>
                </form>
            }
            .into_any(),
            None => table.into_any(),
        }
    }

    fn foot(&self, path: &str) -> AnyView {
        let ui = ui();
        let list = &self.list;
        let pages = self.total.div_ceil(list.per).max(1);
        let first = (list.offset() + 1).min(self.total);
        let last = (list.offset() + self.rows.len() as u64).min(self.total);
        let n = |v: u64| ui.locale.count(i64::try_from(v).unwrap_or(i64::MAX));
        let summary = match first == last {
            true => format!("{} of {}", n(first), n(self.total)),
            false => format!("{}–{} of {}", n(first), n(last), n(self.total)),
        };
        let step = |page: u64, label: &'static str, on: bool| {
            if on {
                let rel = if page < list.page { "prev" } else { "next" };
                view! { <a class="button" rel=rel href=list.with_page(page).href(path)>{label}</a> }
                    .into_any()
            } else {
                view! { <span class="button" aria-disabled="true">{label}</span> }.into_any()
            }
        };
        let sizes = (self.total > ListQuery::SIZES[0]).then(|| {
            let sizes = ListQuery::SIZES
                .iter()
                .map(|&size| {
                    let href = ListQuery {
                        per: size,
                        page: 1,
                        ..list.clone()
                    }
                    .href(path);
                    let current = (size == list.per).then_some("true");
                    view! { <a href=href aria-current=current>{size}</a> }
                })
                .collect_view();
            view! { <span class="sizes">"Rows " {sizes}</span> }
        });
        view! {
            <nav class="pages" aria-label="Pages">
                <span class="num">{summary}</span>
                {sizes}
                {(pages > 1)
                    .then(|| {
                        view! {
                            <span class="steps">
                                {step(list.page.saturating_sub(1), "Previous", list.page > 1)}
                                {step(list.page + 1, "Next", list.page < pages)}
                            </span>
                        }
                    })}
            </nav>
        }
        .into_any()
    }
}
