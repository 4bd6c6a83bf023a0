//! The people and companies of the demonstration. None of them exists.

/// The partner owner to sign in as.
pub(super) const OWNER: &str = "sofia@brightpath.example";
/// A member of the same organisation.
pub(super) const MEMBER: &str = "jonas@brightpath.example";
/// Somebody whose application waits for an answer.
pub(super) const APPLICANT: &str = "elena@cascadia-digital.example";

/// Colleagues, dealt out in turn; the first one is [`MEMBER`].
pub(super) const COLLEAGUES: [&str; 64] = [
    "Jonas Weber",
    "Mila Kovač",
    "Adrian Cole",
    "Freya Lund",
    "Theo Martin",
    "Isla Grant",
    "Ravi Menon",
    "Clara Roth",
    "Diego Santos",
    "Emma Lindholm",
    "Felipe Rocha",
    "Grace Kim",
    "Hana Sato",
    "Ivan Petrov",
    "Julia Krause",
    "Kofi Mensah",
    "Lena Fischer",
    "Mateo Ruiz",
    "Nora Haddad",
    "Oscar Blom",
    "Paula Conti",
    "Rosa Vidal",
    "Samir Aziz",
    "Tara Quinn",
    "Anton Vries",
    "Beatriz Leal",
    "Carl Engström",
    "Dora Szabo",
    "Edgar Novy",
    "Fiona Walsh",
    "Goran Babić",
    "Heidi Zimmer",
    "Ilse Brandl",
    "Jakub Kowal",
    "Kaito Endo",
    "Leila Amari",
    "Manuel Prieto",
    "Nadine Faure",
    "Otis Greene",
    "Petra Hahn",
    "Quentin Roy",
    "Ruben Smit",
    "Selma Aydin",
    "Tobias Frey",
    "Ursula Kern",
    "Vera Olsson",
    "Wim Peeters",
    "Ximena Soto",
    "Yara Nunes",
    "Zoe Marshall",
    "Arjun Rao",
    "Bianca Moretti",
    "Cyril Blanc",
    "Dagny Holm",
    "Elif Kaya",
    "Filip Dvorak",
    "Gemma Price",
    "Henri Castel",
    "Iris Vogt",
    "Jasper Mol",
    "Karin Steiner",
    "Lars Dahl",
    "Mona Farouk",
    "Noel Baker",
];

const CONTACT_FIRST: [&str; 23] = [
    "Ruth", "Alan", "Birgit", "Cedric", "Delia", "Erik", "Flora", "Gustav", "Helen", "Ian",
    "Judith", "Konrad", "Lydia", "Martin", "Nina", "Oliver", "Pia", "Robert", "Sarah", "Thomas",
    "Ulla", "Victor", "Wanda",
];
const CONTACT_LAST: [&str; 29] = [
    "Adler", "Becker", "Carver", "Dorn", "Evers", "Forster", "Gallo", "Hayes", "Iversen", "Jung",
    "Keller", "Lambert", "Morris", "Nolan", "Ortiz", "Palmer", "Reuter", "Sutter", "Turner",
    "Urban", "Varga", "Winter", "York", "Zeller", "Barnes", "Costa", "Duval", "Ekman", "Foster",
];

/// Whom a partner talks to at its customer: first and last name.
pub(super) fn contact(n: usize) -> (&'static str, &'static str) {
    (
        CONTACT_FIRST[n % CONTACT_FIRST.len()],
        CONTACT_LAST[(n * 7 + 3) % CONTACT_LAST.len()],
    )
}

/// First words of customers' names.
const CUSTOMERS_A: [&str; 40] = [
    "Alder", "Beacon", "Cinder", "Dovetail", "Ember", "Foxglove", "Gable", "Hazel", "Ironwood",
    "Juniper", "Kiln", "Lantern", "Marlow", "Nettle", "Orchard", "Pebble", "Quill", "Rowan",
    "Sable", "Thistle", "Umber", "Velvet", "Willow", "Yarrow", "Zephyr", "Anchor", "Birch",
    "Copper", "Drift", "Elm", "Fern", "Garnet", "Heron", "Ivy", "Jasper", "Keystone", "Linden",
    "Moss", "North", "Opal",
];

/// Second words: what the company does.
const CUSTOMERS_B: [&str; 12] = [
    "Logistics",
    "Health",
    "Foods",
    "Studios",
    "Insurance",
    "Robotics",
    "Travel",
    "Energy",
    "Textiles",
    "Publishing",
    "Mobility",
    "Dental",
];

/// How many customers have names of their own.
pub(super) const CUSTOMERS: usize = CUSTOMERS_A.len() * CUSTOMERS_B.len();

/// A customer's name, without its legal form, and its domain by number.
pub(super) fn customer(n: usize) -> (String, String) {
    // Neighbours differ in both words, and no pair comes twice.
    let (a, b) = (
        CUSTOMERS_A[n % CUSTOMERS_A.len()],
        CUSTOMERS_B[(n / CUSTOMERS_A.len() + n) % CUSTOMERS_B.len()],
    );
    let name = format!("{a} {b}");
    let domain = format!("{}.example", name.to_lowercase().replace(' ', "-"));
    (name, domain)
}

/// The usual legal form of a country's companies.
pub(super) fn legal_form(country: &str) -> &'static str {
    match country {
        "DE" => "GmbH",
        "FR" => "SAS",
        "NL" => "B.V.",
        "ES" => "S.L.",
        "IT" => "S.r.l.",
        "GB" => "Ltd",
        "CH" => "AG",
        "SE" => "AB",
        "JP" => "K.K.",
        "PL" => "Sp. z o.o.",
        _ => "Inc.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_customers_share_a_domain_and_no_two_people_a_name() {
        let customers: HashSet<_> = (0..CUSTOMERS).map(|n| customer(n).1).collect();
        assert_eq!(customers.len(), CUSTOMERS);
        let people: HashSet<_> = COLLEAGUES.iter().collect();
        assert_eq!(people.len(), COLLEAGUES.len());
    }
}
