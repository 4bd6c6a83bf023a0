//! Lists as CSV files (RFC 4180) that a spreadsheet can open without harm.

use crate::ui::format::money_input;
use chrono::{DateTime, SecondsFormat, Utc};

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
