//! Every list: sticky head, sorting, search, filter chips, column choice, page size, total, CSV,
//! selection with bulk actions; cards on phones. Its whole state is in the address, so it works
//! without scripts.

mod view;

use super::{Empty, ListQuery, Tab};
use leptos::prelude::*;

type Cell<R> = Box<dyn Fn(&R) -> AnyView>;
type Text<R> = Box<dyn Fn(&R) -> String>;

struct Column<R> {
    key: &'static str,
    label: &'static str,
    sort: bool,
    number: bool,
    aside: bool,
    cell: Cell<R>,
}

struct Filter {
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
}

struct Bulk<R> {
    action: String,
    id: Text<R>,
    buttons: AnyView,
}

/// A list of records; build it with its columns, then call [`Table::view`].
pub struct Table<R> {
    rows: Vec<R>,
    total: u64,
    list: ListQuery,
    caption: String,
    columns: Vec<Column<R>>,
    filters: Vec<Filter>,
    search: Option<String>,
    href: Option<Text<R>>,
    csv: Option<String>,
    views: Vec<Tab>,
    menu: Option<Cell<R>>,
    bulk: Option<Bulk<R>>,
    empty: Empty,
    plain: bool,
}

impl<R: 'static> Table<R> {
    /// One page of `rows` out of `total`, in the state `list`.
    #[must_use]
    pub fn new(rows: Vec<R>, total: u64, list: &ListQuery) -> Self {
        Self {
            rows,
            total,
            list: list.clone(),
            caption: String::new(),
            columns: Vec::new(),
            filters: Vec::new(),
            search: None,
            href: None,
            csv: None,
            views: Vec::new(),
            menu: None,
            bulk: None,
            empty: Empty::text(
                "Nothing here yet",
                "Entries appear here as soon as there are any.",
            ),
            plain: false,
        }
    }

    /// All of a short list: no search, no pages.
    #[must_use]
    pub fn plain(rows: Vec<R>) -> Self {
        let total = rows.len() as u64;
        let mut table = Self::new(rows, total, &ListQuery::default());
        table.plain = true;
        table
    }

    /// What is listed, for screen readers.
    #[must_use]
    pub fn caption(mut self, text: impl Into<String>) -> Self {
        self.caption = text.into();
        self
    }

    /// A column of words.
    #[must_use]
    pub fn col<V: IntoView + 'static>(
        self,
        label: &'static str,
        cell: impl Fn(&R) -> V + 'static,
    ) -> Self {
        self.column(label, label, false, false, cell)
    }

    /// A column of words the list can be sorted by; `key` is what the address says.
    #[must_use]
    pub fn sorted<V: IntoView + 'static>(
        self,
        key: &'static str,
        label: &'static str,
        cell: impl Fn(&R) -> V + 'static,
    ) -> Self {
        self.column(key, label, true, false, cell)
    }

    /// A column of numbers: tabular figures, at the right.
    #[must_use]
    pub fn num<V: IntoView + 'static>(
        self,
        label: &'static str,
        cell: impl Fn(&R) -> V + 'static,
    ) -> Self {
        self.column(label, label, false, true, cell)
    }

    /// A column of numbers the list can be sorted by.
    #[must_use]
    pub fn sorted_num<V: IntoView + 'static>(
        self,
        key: &'static str,
        label: &'static str,
        cell: impl Fn(&R) -> V + 'static,
    ) -> Self {
        self.column(key, label, true, true, cell)
    }

    fn column<V: IntoView + 'static>(
        mut self,
        key: &'static str,
        label: &'static str,
        sort: bool,
        number: bool,
        cell: impl Fn(&R) -> V + 'static,
    ) -> Self {
        self.columns.push(Column {
            key,
            label,
            sort: sort && !self.plain,
            number,
            aside: false,
            cell: Box::new(move |row| cell(row).into_any()),
        });
        self
    }

    /// Where a row leads; the first column carries the link and the whole row answers to it.
    #[must_use]
    pub fn href(mut self, href: impl Fn(&R) -> String + 'static) -> Self {
        self.href = Some(Box::new(href));
        self
    }

    /// The column added last steps aside where the window is too small for all, as on a tablet.
    /// Cards on phones have it, and so has a list whose columns the reader chose.
    #[must_use]
    pub fn aside(mut self) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.aside = self.list.cols.is_empty();
        }
        self
    }

    /// A search box; the words say what is searched.
    #[must_use]
    pub fn search(mut self, what: impl Into<String>) -> Self {
        self.search = Some(what.into());
        self
    }

    /// A filter with its values and words.
    #[must_use]
    pub fn filter<V: Into<String>, L: Into<String>>(
        mut self,
        name: &'static str,
        label: &'static str,
        options: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        let options = options
            .into_iter()
            .map(|(v, l)| (v.into(), l.into()))
            .collect();
        self.filters.push(Filter {
            name,
            label,
            options,
        });
        self
    }

    /// Saved views: links to states of this list.
    #[must_use]
    pub fn views(mut self, views: Vec<Tab>) -> Self {
        self.views = views;
        self
    }

    /// Where the whole narrowed list can be had as CSV.
    #[must_use]
    pub fn csv(mut self, path: impl Into<String>) -> Self {
        self.csv = Some(path.into());
        self
    }

    /// Links and buttons at the end of a row.
    #[must_use]
    pub fn menu<V: IntoView + 'static>(mut self, menu: impl Fn(&R) -> V + 'static) -> Self {
        self.menu = Some(Box::new(move |row| menu(row).into_any()));
        self
    }

    /// Rows can be chosen; the form posts the chosen ones as repeated `ids` to `action`, sent by
    /// `buttons` (ordinary `<button name=… value=…>` and fields).
    #[must_use]
    pub fn bulk<V: IntoView + 'static>(
        mut self,
        action: impl Into<String>,
        id: impl Fn(&R) -> String + 'static,
        buttons: V,
    ) -> Self {
        self.bulk = Some(Bulk {
            action: action.into(),
            id: Box::new(id),
            buttons: buttons.into_any(),
        });
        self
    }

    /// What is said while there is nothing in the list.
    #[must_use]
    pub fn empty(mut self, empty: Empty) -> Self {
        self.empty = empty;
        self
    }
}
