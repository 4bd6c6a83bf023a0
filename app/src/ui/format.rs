//! How numbers, money and dates are written for the reader: by locale, always with currency or zone.

use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;

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
        let grouped = self.group_digits(&value.unsigned_abs().to_string());
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
        let number = self.decimal_number(minor, digits(currency));
        let symbol = symbol(currency);
        if symbol.chars().all(|c| c.is_ascii_uppercase()) {
            if self.symbol_first {
                format!("{sign}{symbol}\u{a0}{number}")
            } else {
                format!("{sign}{number}\u{a0}{symbol}")
            }
        } else if self.symbol_first {
            format!("{sign}{symbol}{number}")
        } else {
            format!("{sign}{number}\u{a0}{symbol}")
        }
    }

    /// Money in short for figures on an axis: `€12k`, `€1.5M`.
    #[must_use]
    pub fn money_short(&self, minor: i64, currency: &str) -> String {
        let unit = 10_i64.pow(digits(currency));
        let major = minor / unit;
        let (value, suffix) = match major.unsigned_abs() {
            0..1_000 if minor % unit == 0 => return self.join(self.count(major), symbol(currency)),
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
        self.join(text, symbol(currency))
    }

    fn join(&self, number: String, symbol: &str) -> String {
        let (sign, number) = match number.strip_prefix('−') {
            Some(rest) => ("−", rest.to_owned()),
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
        let number = self.decimal_number(bp, 2);
        let trimmed = match number.split_once(self.decimal) {
            Some((whole, fraction)) => {
                let fraction = fraction.trim_end_matches('0');
                if fraction.is_empty() {
                    whole.to_owned()
                } else {
                    format!("{whole}{}{fraction}", self.decimal)
                }
            }
            None => number,
        };
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

    fn decimal_number(&self, minor: i64, digits: u32) -> String {
        let unit = 10_u64.pow(digits);
        let value = minor.unsigned_abs();
        let whole = self.group_digits(&(value / unit).to_string());
        if digits == 0 {
            whole
        } else {
            format!(
                "{whole}{}{:0width$}",
                self.decimal,
                value % unit,
                width = digits as usize
            )
        }
    }

    fn group_digits(&self, digits: &str) -> String {
        let mut out = String::with_capacity(digits.len() + digits.len() / 3 * self.group.len());
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push_str(self.group);
            }
            out.push(digit);
        }
        out
    }
}

/// Number of minor digits (ISO 4217); two for a code that is not in the list.
#[must_use]
pub fn digits(currency: &str) -> u32 {
    Currency::from_code(&currency.to_ascii_uppercase())
        .and_then(|c| c.exponent())
        .map_or(2, u32::from)
}

/// The sign of a currency where it is unmistakable, else its code.
#[must_use]
pub fn symbol(currency: &str) -> &str {
    match currency {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        "INR" => "₹",
        "CAD" => "CA$",
        "AUD" => "A$",
        other => other,
    }
}

/// Money in words for screen readers: `minus 3 euros and 5 cents` would depend on the currency's
/// words, so the number is spoken and the currency named: `minus 3.05 Euro`.
#[must_use]
pub fn money_words(minor: i64, currency: &str) -> String {
    let plain = Locale {
        group: "",
        ..Locale::default()
    };
    let name = Currency::from_code(&currency.to_ascii_uppercase())
        .map_or_else(|| currency.to_owned(), |c| c.name().to_owned());
    let sign = if minor < 0 { "minus " } else { "" };
    format!(
        "{sign}{} {name}",
        plain.decimal_number(minor, digits(currency))
    )
}

/// Money as it is typed into a field: `1234.50`, without sign of currency or thousands.
#[must_use]
pub fn money_input(minor: i64, currency: &str) -> String {
    let plain = Locale {
        group: "",
        ..Locale::default()
    };
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}", plain.decimal_number(minor, digits(currency)))
}

/// Reads an amount as people type it (`1,234.50`, `1.234,50`, `1234`) into minor units.
///
/// # Errors
/// A sentence for the field when it is no amount or has more minor digits than the currency.
pub fn parse_money(text: &str, currency: &str) -> Result<i64, String> {
    let digits = digits(currency);
    let example = money_input(125_000, currency);
    let wrong = || format!("Write an amount in {currency}, for example {example}.");
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’' | '\u{202f}' | '\u{a0}'))
        .collect();
    let (negative, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest.to_owned()),
        None => (false, text),
    };
    // The last separator is the decimal one when at most `digits` figures follow it; a separator
    // followed by exactly three figures is a separator of thousands.
    let (whole, fraction) = match text.rfind(['.', ',']) {
        Some(at) if text.len() - at - 1 != 3 || digits == 3 => (&text[..at], &text[at + 1..]),
        _ => (text.as_str(), ""),
    };
    let whole: String = whole.chars().filter(|c| !matches!(c, '.' | ',')).collect();
    if whole.is_empty()
        || !whole.chars().all(|c| c.is_ascii_digit())
        || !fraction.chars().all(|c| c.is_ascii_digit())
    {
        return Err(wrong());
    }
    if fraction.len() > digits as usize {
        return Err(match digits {
            0 => format!("{currency} has no minor digits; write a whole number."),
            n => format!("{currency} has {n} minor digits; write for example {example}."),
        });
    }
    let padded = format!("{whole}{fraction:0<width$}", width = digits as usize);
    let value: i64 = padded
        .parse()
        .map_err(|_| "This amount is too large.".to_owned())?;
    Ok(if negative { -value } else { value })
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
        assert_eq!(us.money_short(1_250_000, "EUR"), "€12.5k");
        assert_eq!(us.money_short(0, "EUR"), "€0");
        assert_eq!(us.percent(1250), "12.5%");
        assert_eq!(us.percent(2000), "20%");
        assert_eq!(de.percent(1250), "12,5\u{a0}%");
    }

    #[test]
    fn screen_readers_hear_the_sign_and_the_currency() {
        assert_eq!(money_words(-305, "EUR"), "minus 3.05 Euro");
        assert_eq!(money_words(1200, "JPY"), "1200 Japanese yen");
    }

    #[test]
    fn amounts_are_read_as_people_type_them() {
        assert_eq!(parse_money("1,234.50", "EUR"), Ok(123_450));
        assert_eq!(parse_money("1.234,50", "EUR"), Ok(123_450));
        assert_eq!(parse_money("1.234", "EUR"), Ok(123_400));
        assert_eq!(parse_money("12.5", "EUR"), Ok(1_250));
        assert_eq!(parse_money("-3", "EUR"), Ok(-300));
        assert_eq!(parse_money("1 200", "JPY"), Ok(1_200));
        assert!(parse_money("12.50", "JPY").is_err());
        assert!(parse_money("12.3456", "EUR").is_err());
        assert!(parse_money("twelve", "EUR").is_err());
        assert!(parse_money("", "EUR").is_err());
        assert!(parse_money("99999999999999999999", "EUR").is_err());
    }

    #[test]
    fn spans_use_two_units() {
        assert_eq!(span(30), "under 1 min");
        assert_eq!(span(3 * 3600 + 60), "3 h 1 min");
        assert_eq!(span(2 * 86_400 + 4 * 3600), "2 d 4 h");
        assert_eq!(span(40 * 86_400), "40 d");
    }
}
