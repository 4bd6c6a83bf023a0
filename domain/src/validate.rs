//! Checks of typed fields. Each gives back what was meant, or a sentence for the field.

use std::collections::BTreeMap;

mod country;

pub use country::{countries, country_name};

/// Sentences by field name, in the order of the names.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct FieldErrors(pub BTreeMap<String, String>);

impl FieldErrors {
    /// No errors yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sentence; a field keeps its first.
    pub fn add(&mut self, field: impl Into<String>, sentence: impl Into<String>) {
        self.0
            .entry(field.into())
            .or_insert_with(|| sentence.into());
    }

    /// Takes the value of a check, or notes its sentence and goes on.
    pub fn take<T>(&mut self, field: &str, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|sentence| self.add(field, sentence)).ok()
    }

    /// The sentence at a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends a form: `value` when nothing is wrong.
    ///
    /// # Errors
    /// The collected sentences.
    pub fn finish<T>(self, value: impl FnOnce() -> T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value())
        } else {
            Err(self)
        }
    }
}

/// A text that must be there, without spaces around it and at most `max` characters. `what`
/// completes "Enter …": `"the company’s legal name"`.
///
/// # Errors
/// A sentence.
pub fn required(text: &str, what: &str, max: usize) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err(format!("Enter {what}."))
    } else {
        optional(text, max)
    }
}

/// A text that may be missing, without spaces around it and at most `max` characters. Control
/// characters other than line breaks and tabs are refused.
///
/// # Errors
/// A sentence.
pub fn optional(text: &str, max: usize) -> Result<String, String> {
    let text = text.trim();
    let count = text.chars().count();
    if count > max {
        return Err(format!("Use at most {max} characters; this has {count}."));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err("Remove the invisible characters; type the text instead of pasting it.".into());
    }
    Ok(text.to_owned())
}

/// An e-mail address by its shape, with the domain in lower case. Whether it exists only a mail to
/// it can tell.
///
/// # Errors
/// A sentence.
pub fn email(text: &str) -> Result<String, String> {
    let example = || "Enter an e-mail address such as name@company.com.".to_owned();
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@').ok_or_else(example)?;
    let bad_local = local.is_empty()
        || local.len() > 64
        || local.starts_with('.')
        || local.ends_with('.')
        || local.contains("..")
        || local
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "\"(),:;<>@[\\]".contains(c));
    if bad_local || text.len() > 254 || !host_shape(domain) {
        return Err(example());
    }
    Ok(format!("{local}@{}", domain.to_lowercase()))
}

/// A web address; `https://` is added when missing. Only http and https, no user name in it.
///
/// # Errors
/// A sentence.
pub fn url(text: &str) -> Result<String, String> {
    let example = || "Enter a web address such as https://company.com.".to_owned();
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => ("https".to_owned(), text),
    };
    if !matches!(scheme.as_str(), "http" | "https") || text.len() > 500 {
        return Err(example());
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let bad_char = |c: char| c.is_whitespace() || c.is_control() || "\"<>\\^`{|}".contains(c);
    if !port_ok || !host_shape(host) || path.chars().any(bad_char) {
        return Err(example());
    }
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{}{port}{path}", host.to_lowercase()))
}

/// A country by its ISO 3166-1 alpha-2 code, in upper case.
///
/// # Errors
/// A sentence.
pub fn country(text: &str) -> Result<String, String> {
    let code = text.trim().to_ascii_uppercase();
    if country_name(&code).is_some() {
        Ok(code)
    } else {
        Err("Choose a country from the list.".to_owned())
    }
}

/// A whole number between `min` and `max`.
///
/// # Errors
/// A sentence.
pub fn whole_number(text: &str, min: i64, max: i64) -> Result<i64, String> {
    let number: i64 = text
        .trim()
        .parse()
        .map_err(|_| format!("Enter a whole number from {min} to {max}."))?;
    if (min..=max).contains(&number) {
        Ok(number)
    } else {
        Err(format!("Enter a number from {min} to {max}."))
    }
}

/// A date as browsers send it, `2026-03-31`.
///
/// # Errors
/// A sentence.
pub fn date(text: &str) -> Result<chrono::NaiveDate, String> {
    chrono::NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
        .ok()
        .filter(|date| (1900..=9999).contains(&chrono::Datelike::year(date)))
        .ok_or_else(|| "Enter a date as year-month-day, such as 2026-03-31.".to_owned())
}

/// True for something that looks like a host name with at least one dot. Letters of any script.
fn host_shape(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let label_ok = |label: &&str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let last_ok = labels
        .last()
        .is_some_and(|tld| tld.chars().any(char::is_alphabetic));
    host.len() <= 253 && labels.len() >= 2 && last_ok && labels.iter().all(label_ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("a@b.co", Some("a@b.co"))]
    #[case(" Ann.Lee+x@ACME.Com ", Some("Ann.Lee+x@acme.com"))]
    #[case("ü@müller.de", Some("ü@müller.de"))]
    #[case("a@b", None)]
    #[case("a@@b.co", None)]
    #[case("a b@c.de", None)]
    #[case(".a@b.de", None)]
    #[case("a@b..de", None)]
    #[case("a@-b.de", None)]
    #[case("a@1.2.3.4", None)]
    #[case("a\r\nBcc: x@b.de", None)]
    #[case("", None)]
    fn emails(#[case] text: &str, #[case] meant: Option<&str>) {
        assert_eq!(email(text).ok().as_deref(), meant);
    }

    #[rstest]
    #[case("acme.com", Some("https://acme.com"))]
    #[case("HTTP://Acme.com:8080/A?b#c", Some("http://acme.com:8080/A?b#c"))]
    #[case("javascript://acme.com", None)]
    #[case("https://user@acme.com", None)]
    #[case("https://acme.com:0", None)]
    #[case("https://acme .com", None)]
    #[case("https://acme.com/<script>", None)]
    #[case("localhost", None)]
    #[case("", None)]
    fn urls(#[case] text: &str, #[case] meant: Option<&str>) {
        assert_eq!(url(text).ok().as_deref(), meant);
    }

    #[test]
    fn texts_and_numbers() {
        assert_eq!(required("  ", "a name", 5), Err("Enter a name.".into()));
        assert_eq!(
            required("abcdef", "a name", 5).unwrap_err(),
            "Use at most 5 characters; this has 6."
        );
        assert_eq!(required(" äöüßé ", "a name", 5), Ok("äöüßé".into()));
        assert!(optional("a\u{0}b", 9).is_err());
        assert_eq!(country("de"), Ok("DE".into()));
        assert!(country("XX").is_err());
        assert_eq!(whole_number(" 7 ", 1, 9), Ok(7));
        assert!(whole_number("10", 1, 9).is_err() && whole_number("x", 1, 9).is_err());
        assert!(date("2026-02-30").is_err() && date("2028-02-29").is_ok());
    }

    #[test]
    fn a_form_collects_its_errors() {
        let mut errors = FieldErrors::new();
        assert_eq!(
            errors.take("name", required("x", "a name", 5)).as_deref(),
            Some("x")
        );
        errors.take("mail", email("x"));
        errors.add("mail", "second");
        assert!(
            errors
                .get("mail")
                .is_some_and(|s| s.starts_with("Enter an e-mail"))
        );
        assert!(errors.finish(|| 1).is_err());
        assert_eq!(FieldErrors::new().finish(|| 1), Ok(1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn what_is_accepted_is_accepted_again(text in "\\PC{0,40}") {
            if let Ok(address) = email(&text) {
                prop_assert_eq!(email(&address), Ok(address.clone()));
            }
            if let Ok(address) = url(&text) {
                prop_assert_eq!(url(&address), Ok(address.clone()));
            }
        }
    }
}
