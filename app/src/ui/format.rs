//! How numbers, money and dates are written for the reader: by locale, always with currency or zone.

use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use domain::money::{Currency, Money, grouped};

/// How one reader writes numbers and dates. The words stay English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale {
    /// Separator of thousands.
    pub group: &'static str,
    /// Separator of the minor digits.
    pub decimal: &'static str,
    /// Currency sign before the number (`€5`) or after it (`5 €`).
    pub symbol_first: bool,
    /// `Mar 12, 2026` instead of `12 Mar 2026`.
    pub month_first: bool,
    /// Zone in which moments are shown.
    pub zone: Tz,
}

impl Default for Locale {
    fn default() -> Self {
        Self {
            group: ",",
            decimal: ".",
            symbol_first: true,
            month_first: false,
            zone: Tz::UTC,
        }
    }
}

impl Locale {
    /// Reads a language tag or an `Accept-Language` header; the first entry counts.
    #[must_use]
    pub fn parse(header: &str) -> Self {
        let first = header.split([',', ';']).next().unwrap_or("").trim();
        let language = first.split('-').next().unwrap_or("").to_ascii_lowercase();
        let region = first.split('-').nth(1).unwrap_or("").to_ascii_uppercase();
        let base = Self::default();
        match (language.as_str(), region.as_str()) {
            ("en", "US" | "") => Self {
                month_first: true,
                ..base
            },
            ("de", "CH" | "LI") => Self {
                group: "’", ..base
            },
            ("de" | "es" | "it" | "nl" | "pt" | "da" | "tr" | "el" | "id", _) => Self {
                group: ".",
                decimal: ",",
                symbol_first: false,
                ..base
            },
            ("fr" | "pl" | "cs" | "sk" | "sv" | "nb" | "no" | "fi" | "uk" | "ru" | "hu", _) => {
                Self {
                    group: "\u{202f}",
                    decimal: ",",
                    symbol_first: false,
                    ..base
                }
            }
            _ => base,
        }
    }

    /// The same locale with moments shown in another zone (IANA name); an unknown name stays UTC.
    #[must_use]
    pub fn in_zone(mut self, name: &str) -> Self {
        if let Ok(zone) = name.parse() {
            self.zone = zone;
        }
        self
    }

    /// A whole number with separators of thousands.
    #[must_use]
    pub fn count(&self, value: i64) -> String {
        let grouped = grouped(value.unsigned_abs(), self.group);
        if value < 0 {
            format!("−{grouped}")
        } else {
            grouped
        }
    }

    /// Money for people who look: `€1,234.50`, `−€3.00`, `¥1,200`, `CHF 20.00`.
    #[must_use]
    pub fn money(&self, minor: i64, currency: &str) -> String {
        let sign = if minor < 0 { "−" } else { "" };
        let number = match known(minor, currency) {
            Some(money) => money.number(self.group, self.decimal),
            None => grouped(minor.unsigned_abs(), self.group),
        };
        self.join(&format!("{sign}{number}"), symbol(currency))
    }

    /// Money in short for figures on an axis: `€12k`, `€1.5M`.
    #[must_use]
    pub fn money_short(&self, minor: i64, currency: &str) -> String {
        let unit = known(minor, currency).map_or(1, |money| money.currency.scale());
        let major = minor / unit;
        let (value, suffix) = match major.unsigned_abs() {
            0..1_000 if minor % unit == 0 => {
                return self.join(&self.count(major), symbol(currency));
            }
            0..1_000 => return self.money(minor, currency),
            1_000..1_000_000 => (major / 100, "k"),
            1_000_000..1_000_000_000 => (major / 100_000, "M"),
            _ => (major / 100_000_000, "bn"),
        };
        let text = if value % 10 == 0 {
            format!("{}{suffix}", self.count(value / 10))
        } else {
            format!(
                "{}{}{}{suffix}",
                self.count(value / 10),
                self.decimal,
                (value % 10).abs()
            )
        };
        self.join(&text, symbol(currency))
    }

    fn join(&self, number: &str, symbol: &str) -> String {
        let (sign, number) = match number.strip_prefix('−') {
            Some(rest) => ("−", rest),
            None => ("", number),
        };
        match (
            self.symbol_first,
            symbol.chars().all(|c| c.is_ascii_uppercase()),
        ) {
            (true, false) => format!("{sign}{symbol}{number}"),
            (true, true) => format!("{sign}{symbol}\u{a0}{number}"),
            (false, _) => format!("{sign}{number}\u{a0}{symbol}"),
        }
    }

    /// Basis points as a percentage without idle zeros: 2000 → `20%`, 1250 → `12.5%`.
    #[must_use]
    pub fn percent(&self, bp: i64) -> String {
        let (whole, rest) = (bp.unsigned_abs() / 100, bp.unsigned_abs() % 100);
        let fraction = format!("{rest:02}");
        let mut trimmed = grouped(whole, self.group);
        if rest > 0 {
            trimmed.push_str(self.decimal);
            trimmed.push_str(fraction.trim_end_matches('0'));
        }
        let sign = if bp < 0 { "−" } else { "" };
        // English writes no space before the sign, others do.
        let space = if self.symbol_first { "" } else { "\u{a0}" };
        format!("{sign}{trimmed}{space}%")
    }

    /// A day as people write it, never ambiguous: `12 Mar 2026`.
    #[must_use]
    pub fn date(&self, day: NaiveDate) -> String {
        if self.month_first {
            day.format("%b %-d, %Y").to_string()
        } else {
            day.format("%-d %b %Y").to_string()
        }
    }

    /// The day of a moment in the reader's zone.
    #[must_use]
    pub fn day(&self, at: DateTime<Utc>) -> String {
        self.date(at.with_timezone(&self.zone).date_naive())
    }

    /// A moment with its zone: `12 Mar 2026, 14:05 UTC`.
    #[must_use]
    pub fn moment(&self, at: DateTime<Utc>) -> String {
        let local = self.zone.from_utc_datetime(&at.naive_utc());
        format!(
            "{}, {}",
            self.date(local.date_naive()),
            local.format("%H:%M %Z")
        )
    }

    /// A month: `Mar 2026`.
    #[must_use]
    pub fn month(&self, day: NaiveDate) -> String {
        format!("{} {}", day.format("%b"), day.year())
    }
}

/// An amount whose currency is in the table ([`Currency`]); every code that is stored is.
fn known(minor: i64, code: &str) -> Option<Money> {
    let currency: Currency = code.parse().ok()?;
    Some(Money::new(minor, currency))
}

/// The sign of a currency where it is unmistakable, else its code.
#[must_use]
pub fn symbol(code: &str) -> &str {
    let currency: Option<Currency> = code.parse().ok();
    currency.and_then(Currency::symbol).unwrap_or(code)
}

/// Money in words for screen readers: `minus 3.05 euros`.
#[must_use]
pub fn money_words(minor: i64, currency: &str) -> String {
    known(minor, currency).map_or_else(|| format!("{minor} {currency}"), |money| money.words())
}

/// Money as it is typed into a field and written into a file: `1234.50`, without sign of currency or
/// thousands. [`Money::parse`] reads it back as it was.
#[must_use]
pub fn money_input(minor: i64, currency: &str) -> String {
    known(minor, currency).map_or_else(|| minor.to_string(), |money| money.plain())
}

/// Time between two moments in the two largest units: `2 d 4 h`, `35 min`.
#[must_use]
pub fn span(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let (days, hours, minutes) = (
        seconds / 86_400,
        seconds % 86_400 / 3_600,
        seconds % 3_600 / 60,
    );
    match (days, hours, minutes) {
        (0, 0, 0) => "under 1 min".to_owned(),
        (0, 0, m) => format!("{m} min"),
        (0, h, 0) => format!("{h} h"),
        (0, h, m) => format!("{h} h {m} min"),
        (d, 0, _) => format!("{d} d"),
        (d, h, _) if d < 7 => format!("{d} d {h} h"),
        (d, _, _) => format!("{d} d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_follows_locale_and_minor_digits() {
        let us = Locale::parse("en-US,en;q=0.9");
        let de = Locale::parse("de-DE");
        assert_eq!(us.money(123_450, "EUR"), "€1,234.50");
        assert_eq!(de.money(123_450, "EUR"), "1.234,50\u{a0}€");
        assert_eq!(us.money(-300, "USD"), "−$3.00");
        assert_eq!(us.money(1200, "JPY"), "¥1,200");
        assert_eq!(us.money(2000, "CHF"), "CHF\u{a0}20.00");
        assert_eq!(us.money(150_000, "ISK"), "ISK\u{a0}1,500");
        assert_eq!(us.money(150_000, "UGX"), "UGX\u{a0}1,500");
        assert_eq!(us.money(1_500, "MGA"), "MGA\u{a0}1,500");
        assert_eq!(de.money(500_050, "HUF"), "5.000,50\u{a0}HUF");
        assert_eq!(us.money_short(150_000_000, "ISK"), "ISK\u{a0}1.5M");
        assert_eq!(us.money_short(1_250_000, "EUR"), "€12.5k");
        assert_eq!(us.money_short(0, "EUR"), "€0");
        assert_eq!(us.percent(1250), "12.5%");
        assert_eq!(us.percent(2000), "20%");
        assert_eq!(de.percent(1250), "12,5\u{a0}%");
    }

    #[test]
    fn screen_readers_hear_the_sign_and_the_currency() {
        assert_eq!(money_words(-305, "EUR"), "minus 3.05 euros");
        assert_eq!(money_words(1200, "JPY"), "1200 yen");
    }

    /// What a form shows and a file says is read back as the same amount, in every currency.
    #[test]
    fn what_a_field_shows_is_read_back_unchanged() {
        for code in [
            "EUR", "JPY", "KWD", "ISK", "UGX", "MGA", "HUF", "TWD", "CLP", "BHD",
        ] {
            let currency: Currency = code.parse().unwrap();
            for minor in [0, 5, 100, 500_000, 1_234_567] {
                let shown = money_input(minor, code);
                assert_eq!(
                    Money::parse(&shown, currency),
                    Ok(Money::new(minor, currency))
                );
                let domain = Money::new(minor, currency).format("en");
                assert_eq!(Locale::default().money(minor, code), domain);
            }
        }
    }

    #[test]
    fn spans_use_two_units() {
        assert_eq!(span(30), "under 1 min");
        assert_eq!(span(3 * 3600 + 60), "3 h 1 min");
        assert_eq!(span(2 * 86_400 + 4 * 3600), "2 d 4 h");
        assert_eq!(span(40 * 86_400), "40 d");
    }
}
