use super::*;
use domain::money::Currency;
use domain::plan::ready_made::*;

fn known() -> Known {
    Known {
        products: ["suite".to_owned()].into(),
        courses: ["implementation".to_owned()].into(),
        tiers: (1..=5).collect(),
    }
}

fn pairs(pairs: &[(&str, &str)]) -> RuleFields {
    let mut fields = RuleFields::fresh("EUR").0;
    for (name, value) in pairs {
        fields.insert((*name).to_owned(), vec![(*value).to_owned()]);
    }
    RuleFields(fields)
}

fn wrong(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    match pairs(fields).read("x", &known()) {
        Err(Error::Invalid(errors)) => errors.0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_ready_made_rule_survives_its_form() {
    let flat = |minor| amounts(minor, Currency::EUR);
    let mut capped = agency();
    capped.rules[0].caps.per_customer = flat(500_050);
    capped.rules[0].caps.per_partner = Some(PeriodCap {
        period: Period::Month,
        amounts: flat(1_000),
    });
    capped.rules[0].conditions = Conditions {
        partner_types: [domain::application::PartnerType::Agency].into(),
        tiers: [2, 3].into(),
        products: ["suite".to_owned()].into(),
        registered_deal: Some(false),
        certification: Some("implementation".to_owned()),
        countries: ["DE".to_owned(), "AT".to_owned()].into(),
    };
    for plan in [
        referral(),
        reseller(),
        agency(),
        implementation("implementation"),
        bounty(flat(15_000), flat(50_000)),
        bracketed(Currency::USD),
        capped,
    ] {
        for rule in plan.rules {
            let again = RuleFields::of(&rule, "EUR").read(&rule.id, &known());
            assert_eq!(again.expect("readable"), rule);
        }
    }
}

#[test]
fn what_is_wrong_is_said_at_its_field() {
    let base = ("name", "A rule");
    for (fields, field, part) in [
        (vec![base, ("rate", "101")], "rate", "100%"),
        (vec![base, ("rate", "-1")], "rate", "negative"),
        (vec![base, ("rate", "")], "rate", "percentage"),
        (vec![("rate", "10")], "name", "name"),
        (
            vec![base, ("rate", "99"), ("bonus_points", "5")],
            "rate",
            "points",
        ),
        (
            vec![base, ("pays", "by_tier"), ("tier_rate_9", "10")],
            "tier_rate_9",
            "no such tier",
        ),
        (vec![base, ("pays", "by_tier")], "pays", "at least one tier"),
        (
            vec![base, ("pays", "flat"), ("amounts", "150")],
            "amounts",
            "currency",
        ),
        (
            vec![
                base,
                ("pays", "flat"),
                ("trigger", "first_payment"),
                ("amounts", "-5 EUR"),
            ],
            "amounts",
            "above zero",
        ),
        (
            vec![base, ("pays", "flat"), ("amounts", "10 EUR; 20 EUR")],
            "amounts",
            "twice",
        ),
        (
            vec![base, ("pays", "flat"), ("amounts", "10 EUR")],
            "duration",
            "cap",
        ),
        (
            vec![base, ("rate", "5"), ("trigger", "deal_won")],
            "pays",
            "of nothing",
        ),
        (
            vec![base, ("rate", "5"), ("duration", "months"), ("months", "0")],
            "months",
            "number",
        ),
        (
            vec![base, ("rate", "5"), ("products", "nope")],
            "products",
            "not a product",
        ),
        (
            vec![base, ("rate", "5"), ("countries", "DE, Atlantis")],
            "countries",
            "country code",
        ),
        (
            vec![base, ("rate", "5"), ("certification", "nope")],
            "certification",
            "not a course",
        ),
        (
            vec![base, ("rate", "5"), ("cap_all", "0 EUR")],
            "cap_all",
            "above zero",
        ),
    ] {
        let errors = wrong(&fields);
        let said = errors.get(field).unwrap_or_else(|| panic!("{errors:?}"));
        assert!(said.contains(part), "{errors:?}");
    }
}

#[test]
fn gaps_between_brackets_are_said_at_the_row() {
    let base = [("name", "A rule"), ("pays", "brackets")];
    let with = |rows: &[(&'static str, &'static str)]| wrong(&[&base[..], rows].concat());
    // Row 1 is left empty, row 2 ends below row 0.
    let errors = with(&[
        ("step_0_up_to", "50000"),
        ("step_0_rate", "15"),
        ("step_2_up_to", "40000"),
        ("step_2_rate", "20"),
        ("step_3_rate", "25"),
    ]);
    assert!(errors["step_2_up_to"].contains("above the one before"));
    let errors = with(&[("step_0_up_to", "50000"), ("step_0_rate", "15")]);
    assert!(errors["step_0_up_to"].contains("above"));
    let errors = with(&[("step_0_rate", "15"), ("step_1_rate", "20")]);
    assert!(errors["step_0_up_to"].contains("Only the last"));
    let errors = with(&[("step_0_up_to", "50000"), ("step_1_rate", "20")]);
    assert!(errors["step_0_rate"].contains("percentage"));
    assert!(with(&[])["step_0_rate"].contains("at least one bracket"));
}

#[test]
fn keys_are_made_of_names_and_are_new() {
    let plan = agency();
    assert_eq!(fresh_id("Größe & mehr", &plan), "groesse-mehr");
    assert_eq!(fresh_id("Agency", &plan), "agency-2");
    assert_eq!(fresh_id("株式会社", &plan), "rule");
}
