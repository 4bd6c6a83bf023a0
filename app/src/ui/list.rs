//! The state of a list, kept in its address so that it can be linked, reloaded and gone back to.

use std::fmt::Write as _;

/// What is searched, sorted and filtered, and which page is shown.
///
/// In the address: `?q=acme&sort=value&dir=desc&page=2&per=50&status=won&status=lost&cols=a,b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// Search text, trimmed.
    pub q: String,
    /// Key of the sorted column; empty for the list's own order.
    pub sort: String,
    /// Descending.
    pub desc: bool,
    /// Page, from 1.
    pub page: u64,
    /// Rows per page, one of [`ListQuery::SIZES`].
    pub per: u64,
    /// Columns that are shown; empty for all.
    pub cols: Vec<String>,
    /// Everything else: filters, which may be repeated.
    pub filters: Vec<(String, String)>,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            q: String::new(),
            sort: String::new(),
            desc: false,
            page: 1,
            per: Self::SIZES[0],
            cols: Vec::new(),
            filters: Vec::new(),
        }
    }
}

impl ListQuery {
    /// Page sizes offered.
    pub const SIZES: [u64; 3] = [25, 50, 100];

    /// Reads a raw query. What cannot be read falls back to its default: an address is never an
    /// error.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let mut list = Self::default();
        for (name, value) in pairs(query) {
            match name.as_str() {
                "q" => list.q = value.trim().chars().take(200).collect(),
                "sort" => list.sort = value,
                "dir" => list.desc = value == "desc",
                "page" => list.page = value.parse().unwrap_or(1).clamp(1, 1_000_000),
                "per" => {
                    list.per = value
                        .parse()
                        .ok()
                        .filter(|n| Self::SIZES.contains(n))
                        .unwrap_or(Self::SIZES[0]);
                }
                "cols" => {
                    list.cols = value
                        .split(',')
                        .filter(|c| !c.is_empty())
                        .map(str::to_owned)
                        .collect();
                }
                "col" if !value.is_empty() => list.cols.push(value),
                _ if value.is_empty() => {}
                _ => list.filters.push((name, value)),
            }
        }
        list
    }

    /// First value of a filter.
    #[must_use]
    pub fn filter(&self, name: &str) -> Option<&str> {
        self.filters
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// All values of a filter.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.filters
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
            .collect()
    }

    /// Rows before this page.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        (self.page - 1) * self.per
    }

    /// The sort key when it is one of the columns a query can sort by, else the fallback: text from
    /// an address never reaches a statement.
    #[must_use]
    pub fn sort_or<'a>(&'a self, allowed: &[&'a str], fallback: &'a str) -> &'a str {
        allowed
            .iter()
            .find(|k| **k == self.sort)
            .copied()
            .unwrap_or(fallback)
    }

    /// Whether anything narrows the list.
    #[must_use]
    pub fn narrowed(&self) -> bool {
        !self.q.is_empty() || !self.filters.is_empty()
    }

    /// The state as a raw query, without defaults.
    #[must_use]
    pub fn to_query(&self) -> String {
        let mut out = String::new();
        if !self.q.is_empty() {
            push(&mut out, "q", &self.q);
        }
        if !self.sort.is_empty() {
            push(&mut out, "sort", &self.sort);
        }
        if self.desc {
            push(&mut out, "dir", "desc");
        }
        if self.page > 1 {
            push(&mut out, "page", &self.page.to_string());
        }
        if self.per != Self::SIZES[0] {
            push(&mut out, "per", &self.per.to_string());
        }
        if !self.cols.is_empty() {
            push(&mut out, "cols", &self.cols.join(","));
        }
        for (name, value) in &self.filters {
            push(&mut out, name, value);
        }
        out
    }

    /// The address of this state on a page.
    #[must_use]
    pub fn href(&self, path: &str) -> String {
        let query = self.to_query();
        if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        }
    }

    /// The same list on another page.
    #[must_use]
    pub fn with_page(&self, page: u64) -> Self {
        Self {
            page,
            ..self.clone()
        }
    }

    /// The same list sorted by a column; a second time turns the direction.
    #[must_use]
    pub fn with_sort(&self, key: &str) -> Self {
        Self {
            desc: self.sort == key && !self.desc,
            sort: key.to_owned(),
            page: 1,
            ..self.clone()
        }
    }

    /// The same list without one filter value.
    #[must_use]
    pub fn without(&self, name: &str, value: &str) -> Self {
        let mut list = self.with_page(1);
        list.filters.retain(|(n, v)| !(n == name && v == value));
        list
    }

    /// The same list with one filter set to a value only.
    #[must_use]
    pub fn with_filter(&self, name: &str, value: &str) -> Self {
        let mut list = self.with_page(1);
        list.filters.retain(|(n, _)| n != name);
        if !value.is_empty() {
            list.filters.push((name.to_owned(), value.to_owned()));
        }
        list
    }
}

/// The pairs of a urlencoded text.
#[must_use]
pub fn pairs(query: &str) -> Vec<(String, String)> {
    serde_urlencoded::from_str(query).unwrap_or_default()
}

fn push(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    encode(out, name);
    out.push('=');
    encode(out, value);
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' => {
                out.push(char::from(byte));
            }
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_survives_the_address() {
        let list = ListQuery {
            q: "a&b = ü".to_owned(),
            sort: "value".to_owned(),
            desc: true,
            page: 3,
            per: 50,
            cols: vec!["a".to_owned(), "b".to_owned()],
            filters: vec![
                ("status".to_owned(), "won".to_owned()),
                ("status".to_owned(), "lost".to_owned()),
                ("country".to_owned(), "DE".to_owned()),
            ],
        };
        assert_eq!(ListQuery::parse(&list.to_query()), list);
        assert_eq!(ListQuery::default().to_query(), "");
        assert_eq!(list.all("status"), ["won", "lost"]);
        assert_eq!(list.offset(), 100);
    }

    #[test]
    fn nonsense_falls_back() {
        let list = ListQuery::parse("page=-4&per=7&sort=%00&status=&dir=up");
        assert_eq!((list.page, list.per, list.desc), (1, 25, false));
        assert!(list.filters.is_empty());
        assert_eq!(list.sort_or(&["value"], "id"), "id");
        assert_eq!(ListQuery::parse("page=99999999999999999999").page, 1);
    }

    #[test]
    fn sorting_again_turns_the_direction_and_starts_over() {
        let once = ListQuery::parse("page=4").with_sort("value");
        assert_eq!((once.desc, once.page), (false, 1));
        assert!(once.with_sort("value").desc);
        assert!(!once.with_sort("value").with_sort("name").desc);
    }
}
