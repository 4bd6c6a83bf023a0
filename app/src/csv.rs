//! Lists as CSV files (RFC 4180) that a spreadsheet can open without harm.

use crate::{page::PageError, ui::format::money_input};
use chrono::{DateTime, SecondsFormat, Utc};

/// The most rows one file holds. Every file is whole: what is longer is refused with a sentence.
const MOST: u64 = 100_000;

/// Rows that are asked for at a time.
const PART: u64 = 10_000;

/// Every row of a list for a file, read in parts: never a part of it as if it were all.
#[derive(Debug)]
pub struct Whole<T> {
    /// What has been read; all of it once nothing is next.
    pub rows: Vec<T>,
    complete: bool,
}

impl<T> Default for Whole<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            complete: false,
        }
    }
}

impl<T> Whole<T> {
    /// How many rows to leave out and how many to ask for; none when every row is there.
    pub fn wanted(&self) -> Option<(u64, u64)> {
        (!self.complete).then_some((self.rows.len() as u64, PART))
    }

    /// Takes what was asked for, with how many rows there are in all.
    ///
    /// # Errors
    /// [`PageError::Invalid`] where the list is longer than a file may be, [`PageError::Conflict`]
    /// where it changed while it was read.
    pub fn take(&mut self, (part, total): (Vec<T>, u64)) -> Result<(), PageError> {
        fits(total)?;
        let nothing_came = part.is_empty();
        self.rows.extend(part);
        let so_far = self.rows.len() as u64;
        self.complete = so_far == total;
        if so_far > total || (nothing_came && !self.complete) {
            return Err(PageError::Conflict(
                "The list changed while the file was written. Download it again.".to_owned(),
            ));
        }
        Ok(())
    }
}

/// Whether so many rows fit into one file.
fn fits(total: u64) -> Result<(), PageError> {
    if total <= MOST {
        return Ok(());
    }
    Err(PageError::Invalid(format!(
        "This list has {total} rows, and one file holds at most {MOST}. Narrow the list by search or \
         filters, then download it in parts."
    )))
}

/// A CSV file as it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Csv(String);

impl Csv {
    /// A file with this head.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        let mut csv = Self::default();
        csv.row(head);
        csv
    }

    /// Adds a row.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        for (index, text) in cells.into_iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.cell(text.as_ref());
        }
        self.0.push_str("\r\n");
    }

    /// The whole file.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }

    fn cell(&mut self, text: &str) {
        // A spreadsheet would run text that begins like a formula (OWASP, CSV injection); a negative
        // number is none.
        let formula =
            text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
        if !formula && !text.contains(['"', ',', '\n', '\r']) {
            self.0.push_str(text);
            return;
        }
        self.0.push('"');
        if formula {
            self.0.push('\'');
        }
        self.0.push_str(&text.replace('"', "\"\""));
        self.0.push('"');
    }
}

/// An amount in major units with a point, such as `-12.50`; its currency is a column of its own.
#[must_use]
pub fn amount(minor: i64, currency: &str) -> String {
    money_input(minor, currency)
}

/// A moment in UTC (RFC 3339).
#[must_use]
pub fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A moment, or nothing.
#[must_use]
pub fn moment_or_none(at: Option<DateTime<Utc>>) -> String {
    at.map(moment).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a list of that many rows, of which so many are really there, comes to as a file.
    fn file(there: u64, total: u64) -> Result<Vec<u64>, PageError> {
        let mut whole = Whole::default();
        while let Some((offset, limit)) = whole.wanted() {
            let part = offset.min(there)..offset.saturating_add(limit).min(there);
            whole.take((part.collect(), total))?;
        }
        Ok(whole.rows)
    }

    #[test]
    fn a_file_is_whole_or_says_that_it_is_not() {
        assert_eq!(file(25_001, 25_001), Ok((0..25_001).collect()));
        assert_eq!(file(0, 0), Ok(Vec::new()));
        let longer = file(100_001, 100_001);
        assert!(matches!(longer, Err(PageError::Invalid(text)) if text.contains("100001 rows")));
        assert!(matches!(file(25_001, 30_000), Err(PageError::Conflict(_))));
    }

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        let mut csv = Csv::new(&["Name", "Amount"]);
        csv.row(["Müller, \"Söhne\"", "-12.50"]);
        csv.row(["=HYPERLINK(\"x\")", "-1+1"]);
        assert_eq!(
            csv.finish(),
            "Name,Amount\r\n\"Müller, \"\"Söhne\"\"\",-12.50\r\n\"'=HYPERLINK(\"\"x\"\")\",\"'-1+1\"\r\n"
        );
    }
}
