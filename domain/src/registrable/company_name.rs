//! Company names, made comparable.

use crate::fold::fold_char;

/// Similarity from which two names are shown to a person as perhaps the same company.
pub const SIMILAR_FROM: f64 = 0.92;

/// Legal forms as they look when written without dots, in lower case. Sorted.
const LEGAL_FORMS: &[&str] = &[
    "ab",
    "ag",
    "aps",
    "as",
    "asa",
    "bv",
    "bvba",
    "co",
    "company",
    "corp",
    "corporation",
    "doo",
    "dooel",
    "eg",
    "ehf",
    "ek",
    "eood",
    "eurl",
    "ev",
    "gbr",
    "gesmbh",
    "ggmbh",
    "gmbh",
    "hf",
    "inc",
    "incorporated",
    "kft",
    "kg",
    "kgaa",
    "kk",
    "lda",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "mbh",
    "nv",
    "nyrt",
    "ohg",
    "ood",
    "oy",
    "oyj",
    "plc",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sapa",
    "sarl",
    "sas",
    "sasu",
    "scs",
    "se",
    "sl",
    "slu",
    "spa",
    "spk",
    "spol",
    "spzoo",
    "srl",
    "srls",
    "sro",
    "ua",
    "ug",
    "zoo",
    "zrt",
];

/// Forms of several words, as they look in lower case without dots.
const LONG_FORMS: &[&[&str]] = &[
    &["sp", "z", "o", "o"],
    &["sp", "z", "oo"],
    &["sp", "zoo"],
    &["s", "r", "o"],
];

/// The name in lower case without marks, punctuation and legal form: `Müller & Söhne GmbH & Co. KG`
/// → `mueller soehne`. A name that is nothing but a legal form is kept, and letters of other
/// scripts stay as they are.
pub fn normalised_name(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match fold_char(c) {
            Some(folded) => text.push_str(&folded),
            // `S.A.` and `O'Neil` are one word each.
            None if matches!(c, '.' | '\'' | '’') => {}
            None if c.is_alphanumeric() => text.push(c),
            None => text.push(' '),
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut kept = words.as_slice();
    if kept.len() > 1 && kept[0] == "the" {
        kept = &kept[1..];
    }
    while kept.len() > 1 {
        let long = LONG_FORMS
            .iter()
            .find(|form| kept.len() > form.len() && kept.ends_with(form));
        let last = kept[kept.len() - 1];
        let drop = match long {
            Some(form) => form.len(),
            None if LEGAL_FORMS.binary_search(&last).is_ok() || last == "and" => 1,
            None => break,
        };
        kept = &kept[..kept.len() - drop];
    }
    kept.join(" ")
}

/// How alike two names are, 0 to 1: Jaro-Winkler (Winkler 1990) of the normalised names, without
/// regard to spaces. Only ever a hint for a person.
pub fn similarity(a: &str, b: &str) -> f64 {
    let squeeze = |name: &str| normalised_name(name).replace(' ', "");
    let (a, b) = (squeeze(a), squeeze(b));
    if a.is_empty() || b.is_empty() {
        0.0
    } else {
        strsim::jaro_winkler(&a, &b)
    }
}

/// True when two names may be the same company.
pub fn similar_names(a: &str, b: &str) -> bool {
    similarity(a, b) >= SIMILAR_FROM
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn the_list_can_be_searched() {
        assert!(LEGAL_FORMS.is_sorted());
    }

    #[rstest]
    #[case("Acme, Inc.", "acme")]
    #[case("ACME Ltd", "acme")]
    #[case("Müller & Söhne GmbH & Co. KG", "mueller soehne")]
    #[case("Société Générale S.A.", "societe generale")]
    #[case("Foo Bar B.V.", "foo bar")]
    #[case("Żubr Sp. z o.o.", "zubr")]
    #[case("Škoda s. r. o.", "skoda")]
    #[case("Volvo AB (publ)", "volvo ab publ")]
    #[case("The Crown Company Limited", "crown")]
    #[case("O’Neil's PLC", "oneils")]
    #[case("GmbH", "gmbh")]
    #[case("株式会社アクメ", "株式会社アクメ")]
    #[case("", "")]
    fn names(#[case] name: &str, #[case] normalised: &str) {
        assert_eq!(normalised_name(name), normalised);
    }

    #[rstest]
    #[case("Acme Inc", "ACME GmbH", true)]
    #[case("Northwind Traders", "North Wind Traders Ltd", true)]
    #[case("Northwind Traders", "Northwind Trader", true)]
    #[case("Acme", "Zenith", false)]
    #[case("Blue River", "Red Mountain", false)]
    #[case("", "", false)]
    fn similar(#[case] a: &str, #[case] b: &str, #[case] expected: bool) {
        assert_eq!(similar_names(a, b), expected, "{}", similarity(a, b));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn normal_stays_normal(name in "\\PC{0,40}") {
            let once = normalised_name(&name);
            prop_assert!(!once.starts_with(' ') && !once.ends_with(' ') && !once.contains("  "));
            let same = similarity(&name, &name);
            prop_assert!(same == 1.0 || once.is_empty());
        }
    }
}
