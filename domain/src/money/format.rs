//! Amounts as people read them.

use super::Money;

const NBSP: char = '\u{a0}';
const NARROW_NBSP: char = '\u{202f}';

/// How a language writes numbers. Anything unknown is written as English.
struct Style {
    group: char,
    decimal: char,
    symbol_first: bool,
}

fn style(locale: &str) -> Style {
    match locale.split(['-', '_']).next().unwrap_or_default() {
        "de" | "es" | "it" | "nl" => Style {
            group: '.',
            decimal: ',',
            symbol_first: false,
        },
        "fr" => Style {
            group: NARROW_NBSP,
            decimal: ',',
            symbol_first: false,
        },
        _ => Style {
            group: ',',
            decimal: '.',
            symbol_first: true,
        },
    }
}

impl Money {
    /// The amount with its currency, for a reader of `locale` (a BCP 47 tag; `en`, `de`, `es`,
    /// `fr`, `it`, `nl` are known): `€1,234.56`, `1.234,56 €`, `¥1,200`, `CHF 10.00`. Spaces do
    /// not break.
    pub fn format(&self, locale: &str) -> String {
        let style = style(locale);
        let number = self.number(&style.group.to_string(), &style.decimal.to_string());
        let sign = if self.minor < 0 { "-" } else { "" };
        let code = self.currency.code();
        match (self.currency.symbol(), style.symbol_first) {
            (Some(symbol), true) => format!("{sign}{symbol}{number}"),
            (None, true) => format!("{sign}{code}{NBSP}{number}"),
            (symbol, false) => format!("{sign}{number}{NBSP}{}", symbol.unwrap_or(code)),
        }
    }

    /// The bare number as machines read it: `-1234.50`. For CSV files and form fields.
    pub fn plain(&self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        format!("{sign}{}", self.number("", "."))
    }

    /// The amount in words for a screen reader: `minus 12.50 euros`.
    pub fn words(&self) -> String {
        let sign = if self.minor < 0 { "minus " } else { "" };
        let one = self.minor.unsigned_abs() == self.currency.scale().unsigned_abs();
        let (single, plural) = match self.currency.code() {
            "EUR" => ("euro", "euros"),
            "USD" => ("US dollar", "US dollars"),
            "GBP" => ("pound", "pounds"),
            "JPY" => ("yen", "yen"),
            "CHF" => ("Swiss franc", "Swiss francs"),
            "SEK" => ("Swedish krona", "Swedish kronor"),
            "CAD" => ("Canadian dollar", "Canadian dollars"),
            "AUD" => ("Australian dollar", "Australian dollars"),
            _ => {
                let name = self.currency.name();
                return format!("{sign}{} {name}", self.number("", "."));
            }
        };
        let noun = if one { single } else { plural };
        format!("{sign}{} {noun}", self.number("", "."))
    }

    /// The number without its sign, with a reader's own marks between thousands and before the
    /// decimals: the one place that knows how many decimals an amount shows.
    pub fn number(&self, group: &str, decimal: &str) -> String {
        let scale = self.currency.scale().unsigned_abs();
        let (whole, rest) = (
            self.minor.unsigned_abs() / scale,
            self.minor.unsigned_abs() % scale,
        );
        let mut text = grouped(whole, group);
        let width = self.currency.exponent() as usize;
        if width > 0 && !(rest == 0 && self.currency.hides_fraction()) {
            text.push_str(decimal);
            text.push_str(&format!("{rest:0width$}"));
        }
        text
    }
}

/// A whole number with a mark between thousands.
pub fn grouped(number: u64, group: &str) -> String {
    let plain = number.to_string();
    let mut text = String::with_capacity(plain.len() * 2);
    for (i, digit) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i).is_multiple_of(3) {
            text.push_str(group);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use rstest::rstest;

    #[rstest]
    #[case(123_456, "EUR", "en", "€1,234.56")]
    #[case(123_456, "EUR", "de-DE", "1.234,56\u{a0}€")]
    #[case(123_456, "EUR", "fr", "1\u{202f}234,56\u{a0}€")]
    #[case(1_200, "JPY", "en-US", "¥1,200")]
    #[case(-5, "USD", "en", "-$0.05")]
    #[case(1_000, "CHF", "en", "CHF\u{a0}10.00")]
    #[case(1_234_567, "KWD", "en", "KWD\u{a0}1,234.567")]
    #[case(50_000, "ISK", "en", "ISK\u{a0}500")]
    #[case(50_001, "ISK", "en", "ISK\u{a0}500.01")]
    #[case(500_000, "UGX", "en", "UGX\u{a0}5,000")]
    #[case(5_000, "MGA", "en", "MGA\u{a0}5,000")]
    #[case(500_050, "HUF", "de", "5.000,50\u{a0}HUF")]
    #[case(0, "EUR", "xx", "€0.00")]
    #[case(i64::MIN, "EUR", "en", "-€92,233,720,368,547,758.08")]
    fn formats(#[case] minor: i64, #[case] code: &str, #[case] loc: &str, #[case] text: &str) {
        assert_eq!(Money::new(minor, code.parse().unwrap()).format(loc), text);
    }

    #[rstest]
    #[case(-1_250, "EUR", "minus 12.50 euros")]
    #[case(100, "EUR", "1.00 euro")]
    #[case(1_200, "JPY", "1200 yen")]
    #[case(1_000, "NOK", "10.00 Norwegian krone")]
    fn reads_aloud(#[case] minor: i64, #[case] code: &str, #[case] text: &str) {
        assert_eq!(Money::new(minor, code.parse().unwrap()).words(), text);
    }

    #[test]
    fn machines_read_plain_numbers() {
        assert_eq!(Money::new(-123_450, Currency::EUR).plain(), "-1234.50");
        assert_eq!(Money::new(12, Currency::JPY).plain(), "12");
    }
}
