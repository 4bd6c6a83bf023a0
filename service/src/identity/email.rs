//! E-mail addresses as they are kept: trimmed and in lower case.

/// The address as it is stored and compared.
///
/// # Errors
/// A sentence for the field. The check is coarse on purpose: the confirmation mail is the real one.
pub fn normalise(typed: &str) -> Result<String, &'static str> {
    let email = typed.trim().to_lowercase();
    if email.is_empty() {
        return Err("Please enter your e-mail address.");
    }
    let well_formed = email.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !local.contains('@')
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains("..")
    });
    let printable =
        email.len() <= 254 && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    // The mail library is the one that has to take it in the end.
    if well_formed && printable && email.parse::<lettre::Address>().is_ok() {
        Ok(email)
    } else {
        Err("This does not look like an e-mail address, such as name@example.com.")
    }
}

/// A person's name, trimmed.
///
/// # Errors
/// A sentence for the field.
pub fn name(typed: &str) -> Result<String, &'static str> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.chars().count() {
        0 => Err("Please enter your name."),
        1..=120 if !name.chars().any(char::is_control) => Ok(name),
        _ => Err("Please use at most 120 characters."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_in_lower_case() {
        assert_eq!(
            normalise(" Ana.Silva@Example.COM "),
            Ok("ana.silva@example.com".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for typed in [
            "",
            "ana",
            "@example.com",
            "ana@",
            "ana@localhost",
            "a b@example.com",
            "a@b@example.com",
            "ana@example..com",
            "ana@example.com\r\nBcc: x@example.com",
        ] {
            assert!(normalise(typed).is_err(), "{typed:?}");
        }
    }
}
