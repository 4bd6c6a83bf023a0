//! Amounts as people type them.

use super::{Currency, Money, MoneyError};

impl Money {
    /// Reads a typed amount: `1,234.50`, `1 234,50`, `1.234,50`, `€12`, `12 EUR`, `-3`. Commas and
    /// dots are told apart by what is unambiguous; what is not is refused, not guessed.
    ///
    /// # Errors
    /// A sentence that says how to write it.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let example = Money::new(1_234 * currency.scale() + currency.scale() / 2, currency).plain();
        let unreadable =
            || MoneyError::Unreadable(format!("Write the amount as a number, like {example}."));
        let mut rest = text.trim();
        let negative = rest.starts_with(['-', '−']);
        rest = rest.trim_start_matches(['-', '−', '+']).trim();
        rest = strip_currency(rest, currency)?.trim();
        let compact: String = rest
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’'))
            .collect();
        if compact.is_empty()
            || !compact
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        {
            return Err(unreadable());
        }
        let decimal = decimal_mark(&compact, currency)?;
        let (whole, fraction) = match decimal {
            Some(at) => (&compact[..at], &compact[at + 1..]),
            None => (compact.as_str(), ""),
        };
        if !well_grouped(whole) || fraction.contains(['.', ',']) {
            return Err(unreadable());
        }
        let width = currency.exponent() as usize;
        if fraction.len() > width {
            return Err(MoneyError::Unreadable(match width {
                0 => format!("{currency} has no decimals. Write a whole number."),
                n => format!("{currency} has {n} decimals. Write the amount like {example}."),
            }));
        }
        let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
        if digits.is_empty() && fraction.is_empty() {
            return Err(unreadable());
        }
        let number = format!(
            "{}{digits}{fraction:0<width$}",
            if negative { "-" } else { "" }
        );
        let minor = number.parse().map_err(|_| {
            MoneyError::Unreadable("That amount is too large. Check the number of digits.".into())
        })?;
        Ok(Self { minor, currency })
    }
}

fn strip_currency(text: &str, currency: Currency) -> Result<&str, MoneyError> {
    const SYMBOLS: [(&str, &str); 4] = [("€", "EUR"), ("$", "USD"), ("£", "GBP"), ("¥", "JPY")];
    let is_mark = |c: char| c.is_alphabetic() || SYMBOLS.iter().any(|(s, _)| s.starts_with(c));
    let start = text.trim_start_matches(is_mark);
    let mark = &text[..text.len() - start.len()];
    let (mark, number) = if mark.is_empty() {
        let end = text.trim_end_matches(is_mark);
        (&text[end.len()..], end)
    } else {
        (mark, start)
    };
    let named = SYMBOLS
        .iter()
        .find(|(s, _)| *s == mark)
        .map_or(mark, |(_, code)| code);
    // A dollar sign is fine for every dollar.
    let same = named.is_empty()
        || named.eq_ignore_ascii_case(currency.code())
        || (mark == "$" && currency.code().ends_with('D'));
    if same {
        Ok(number)
    } else {
        Err(MoneyError::Unreadable(format!(
            "Write the amount in {currency}, without “{mark}”."
        )))
    }
}

/// Where the decimal mark is, if there is one.
fn decimal_mark(text: &str, currency: Currency) -> Result<Option<usize>, MoneyError> {
    let (dot, comma) = (text.rfind('.'), text.rfind(','));
    let at = match (dot, comma) {
        (None, None) => return Ok(None),
        (Some(dot), Some(comma)) => return Ok(Some(dot.max(comma))),
        (Some(at), None) | (None, Some(at)) => at,
    };
    let mark = &text[at..=at];
    if text.matches(mark).count() > 1 {
        return Ok(None);
    }
    let digits_after = text.len() - at - 1;
    match (digits_after, mark, currency.exponent()) {
        // Three digits after a comma: thousands, unless the currency itself has three decimals.
        (3, ",", 0 | 2) => Ok(None),
        (3, ".", 0 | 2) | (3, ",", _) => Err(MoneyError::Unreadable(format!(
            "“{text}” can be read in two ways. Leave out the mark between thousands."
        ))),
        _ => Ok(Some(at)),
    }
}

/// True for digits alone, or digits in groups of three after the first.
fn well_grouped(whole: &str) -> bool {
    let mut groups = whole.split(['.', ',']);
    let first = groups.next().unwrap_or_default();
    let marks: Vec<char> = whole.chars().filter(|c| !c.is_ascii_digit()).collect();
    let one_kind = marks.windows(2).all(|w| w[0] == w[1]);
    one_kind
        && groups.all(|group| group.len() == 3)
        && (marks.is_empty() || (1..=3).contains(&first.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("1,234.50", "EUR", 123_450)]
    #[case("1.234,50", "EUR", 123_450)]
    #[case("1 234,5", "EUR", 123_450)]
    #[case("1,234", "EUR", 123_400)]
    #[case("1,234,567", "EUR", 123_456_700)]
    #[case("1.234.567", "EUR", 123_456_700)]
    #[case("12", "EUR", 1_200)]
    #[case("€12", "EUR", 1_200)]
    #[case("12 eur", "EUR", 1_200)]
    #[case("-0.05", "USD", -5)]
    #[case(".5", "USD", 50)]
    #[case("5.", "USD", 500)]
    #[case("1,200", "JPY", 1_200)]
    #[case("1.234", "KWD", 1_234)]
    #[case("1'000.00", "CHF", 100_000)]
    fn reads(#[case] text: &str, #[case] code: &str, #[case] minor: i64) {
        assert_eq!(
            Money::parse(text, code.parse().unwrap()).unwrap().minor,
            minor
        );
    }

    #[rstest]
    #[case("", "EUR", "like 1234.50")]
    #[case("ten", "EUR", "without “ten”")]
    #[case("1.234", "EUR", "two ways")]
    #[case("1,234", "KWD", "two ways")]
    #[case("12.345.6", "EUR", "like")]
    #[case("1.2345", "EUR", "2 decimals")]
    #[case("1.5", "JPY", "no decimals")]
    #[case("12 USD", "EUR", "in EUR")]
    #[case("99999999999999999999", "EUR", "too large")]
    #[case("1e5", "EUR", "like")]
    #[case("1,2,3.00", "EUR", "like")]
    #[case(".", "EUR", "like")]
    fn refuses(#[case] text: &str, #[case] code: &str, #[case] part: &str) {
        let error = Money::parse(text, code.parse().unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{error}");
    }

    /// Every currency that money is paid in.
    fn currencies() -> Vec<Currency> {
        let letters = || (b'A'..=b'Z').map(char::from);
        let codes = letters().flat_map(|a| {
            letters().flat_map(move |b| letters().map(move |c| String::from_iter([a, b, c])))
        });
        let found: Vec<Currency> = codes.filter_map(|code| code.parse().ok()).collect();
        assert!(found.len() > 140, "{}", found.len());
        found
    }

    /// A form shows [`Money::plain`]; saved as it is, it changes nothing.
    #[test]
    fn what_a_form_shows_is_read_as_it_was_in_every_currency() {
        for currency in currencies() {
            for minor in [
                0,
                1,
                10,
                99,
                100,
                1_000,
                12_345,
                25_000_000,
                -7,
                i64::MAX,
                i64::MIN + 1,
            ] {
                let money = Money::new(minor, currency);
                assert_eq!(Money::parse(&money.plain(), currency), Ok(money));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn what_is_shown_can_be_typed(
            minor: i64,
            currency in prop::sample::select(currencies()),
            locale in prop::sample::select(vec!["en", "de", "fr"]),
        ) {
            let money = Money::new(minor, currency);
            prop_assert_eq!(Money::parse(&money.plain(), money.currency).unwrap(), money);
            // Yen without decimals are ambiguous in German ("1.200") and refused, never misread.
            if let Ok(read) = Money::parse(&money.format(locale), money.currency) {
                prop_assert_eq!(read, money);
            }
        }

        #[test]
        fn nothing_typed_panics(text in "\\PC{0,24}") {
            let _ = Money::parse(&text, Currency::EUR);
        }
    }
}
