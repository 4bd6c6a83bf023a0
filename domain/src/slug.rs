//! Short names in addresses: lower-case letters, digits and single dashes.

/// Longest slug.
pub const MAX_LEN: usize = 60;

/// Checks a slug somebody typed.
///
/// # Errors
/// A sentence that says what a slug looks like.
pub fn check(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() {
        Err("Give a short name for the address, such as “agency-partners”.")
    } else if text.len() > MAX_LEN {
        Err("Use at most 60 characters.")
    } else if !text.chars().all(allowed) {
        Err("Use lower-case letters, digits and dashes only.")
    } else if text.starts_with('-') || text.ends_with('-') || text.contains("--") {
        Err("Use single dashes, and none at the start or end.")
    } else {
        Ok(())
    }
}

/// A slug made of a name: `Müller & Söhne GmbH` → `mueller-soehne-gmbh`. Empty when nothing of it
/// can be written with letters and digits.
pub fn slugify(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        let folded = crate::fold::fold_char(c);
        let written = folded.as_deref().unwrap_or("-");
        for c in written.chars() {
            if c != '-' || !(slug.is_empty() || slug.ends_with('-')) {
                slug.push(c);
            }
        }
    }
    slug.truncate(MAX_LEN);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_slugs() {
        assert_eq!(slugify("Müller & Söhne GmbH"), "mueller-soehne-gmbh");
        assert_eq!(slugify("  Café  Olé! "), "cafe-ole");
        assert_eq!(slugify("株式会社"), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_made_slug_is_a_slug(name in "\\PC{0,80}") {
            let slug = slugify(&name);
            prop_assert!(slug.is_empty() || check(&slug).is_ok(), "{slug}");
        }
    }
}
