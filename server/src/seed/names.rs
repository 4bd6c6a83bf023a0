//! The people and companies of the demonstration. None of them exists.

/// The partner owner to sign in as.
pub(super) const OWNER: &str = "sofia@brightpath.example";
/// A member of the same organisation.
pub(super) const MEMBER: &str = "jonas@brightpath.example";
/// Somebody whose application waits for an answer.
pub(super) const APPLICANT: &str = "elena@cascadia-digital.example";

/// A partner: name, host part of its domain, country, currency, type, size, tier rank, owner.
pub(super) struct Company {
    pub(super) name: &'static str,
    pub(super) host: &'static str,
    pub(super) country: &'static str,
    pub(super) currency: &'static str,
    pub(super) kind: &'static str,
    pub(super) size: &'static str,
    pub(super) tier: usize,
    pub(super) owner: &'static str,
}

const fn company(
    name: &'static str,
    host: &'static str,
    place: (&'static str, &'static str),
    kind: &'static str,
    size: &'static str,
    tier: usize,
    owner: &'static str,
) -> Company {
    Company {
        name,
        host,
        country: place.0,
        currency: place.1,
        kind,
        size,
        tier,
        owner,
    }
}

const DE: (&str, &str) = ("DE", "EUR");
const FR: (&str, &str) = ("FR", "EUR");
const NL: (&str, &str) = ("NL", "EUR");
const ES: (&str, &str) = ("ES", "EUR");
const IT: (&str, &str) = ("IT", "EUR");
const US: (&str, &str) = ("US", "USD");
const GB: (&str, &str) = ("GB", "GBP");
const CH: (&str, &str) = ("CH", "CHF");
const SE: (&str, &str) = ("SE", "SEK");
const JP: (&str, &str) = ("JP", "JPY");
const PL: (&str, &str) = ("PL", "PLN");
const CA: (&str, &str) = ("CA", "CAD");

/// Forty partners over five tiers.
pub(super) const PARTNERS: [Company; 40] = [
    company(
        "Brightpath",
        "brightpath",
        DE,
        "agency",
        "11-50",
        3,
        "Sofia Brandt",
    ),
    company(
        "Kestrel Partners",
        "kestrelpartners",
        GB,
        "consultant",
        "11-50",
        4,
        "Oliver Hughes",
    ),
    company(
        "Nordlicht Systeme",
        "nordlicht-systeme",
        DE,
        "reseller",
        "51-200",
        5,
        "Henrik Vogel",
    ),
    company(
        "Atelier Onze",
        "atelieronze",
        FR,
        "agency",
        "2-10",
        2,
        "Camille Laurent",
    ),
    company(
        "Harborline",
        "harborline",
        US,
        "reseller",
        "51-200",
        5,
        "Denise Carter",
    ),
    company(
        "Polder & Co",
        "polderco",
        NL,
        "agency",
        "11-50",
        3,
        "Bram de Wit",
    ),
    company(
        "Sakura Works",
        "sakuraworks",
        JP,
        "integrator",
        "51-200",
        4,
        "Haruka Tanaka",
    ),
    company(
        "Clearwater Digital",
        "clearwaterdigital",
        US,
        "agency",
        "11-50",
        3,
        "Marcus Reed",
    ),
    company(
        "Fjällräven Konsult",
        "fjallkonsult",
        SE,
        "consultant",
        "2-10",
        2,
        "Elsa Nyström",
    ),
    company(
        "Ridgeway Consulting",
        "ridgewayconsulting",
        GB,
        "consultant",
        "11-50",
        2,
        "Priya Shah",
    ),
    company(
        "Studio Mezzanotte",
        "studiomezzanotte",
        IT,
        "agency",
        "2-10",
        1,
        "Giulia Ferri",
    ),
    company(
        "Altura Integración",
        "altura-integracion",
        ES,
        "integrator",
        "11-50",
        3,
        "Javier Molina",
    ),
    company(
        "Bluestem",
        "bluestem",
        US,
        "agency",
        "11-50",
        2,
        "Hannah Olsen",
    ),
    company(
        "Zürcher & Meier",
        "zuerchermeier",
        CH,
        "consultant",
        "11-50",
        4,
        "Lukas Meier",
    ),
    company(
        "Wisła Soft",
        "wislasoft",
        PL,
        "integrator",
        "51-200",
        3,
        "Łukasz Nowak",
    ),
    company(
        "Maple Ridge IT",
        "mapleridgeit",
        CA,
        "reseller",
        "11-50",
        3,
        "Amélie Tremblay",
    ),
    company(
        "Tidewater Labs",
        "tidewaterlabs",
        US,
        "technology",
        "51-200",
        2,
        "Jordan Blake",
    ),
    company(
        "Granit Conseil",
        "granitconseil",
        FR,
        "consultant",
        "11-50",
        3,
        "Hugo Moreau",
    ),
    company(
        "Lindenhof Digital",
        "lindenhof-digital",
        DE,
        "agency",
        "2-10",
        1,
        "Greta Sommer",
    ),
    company(
        "Ferrous",
        "ferrous",
        GB,
        "technology",
        "11-50",
        2,
        "Niamh Byrne",
    ),
    company(
        "Canal Street Media",
        "canalstreetmedia",
        NL,
        "agency",
        "11-50",
        2,
        "Sanne Bakker",
    ),
    company(
        "Meridian Cloud",
        "meridiancloud",
        US,
        "reseller",
        "201-500",
        5,
        "Alicia Gomez",
    ),
    company(
        "Hinode Partners",
        "hinodepartners",
        JP,
        "reseller",
        "11-50",
        3,
        "Kenji Mori",
    ),
    company(
        "Oakline",
        "oakline",
        US,
        "consultant",
        "2-10",
        1,
        "Tyler Brooks",
    ),
    company(
        "Brücke Beratung",
        "bruecke-beratung",
        DE,
        "consultant",
        "11-50",
        4,
        "Anke Lorenz",
    ),
    company(
        "Sol y Sombra",
        "solysombra",
        ES,
        "agency",
        "2-10",
        1,
        "Lucía Ortega",
    ),
    company(
        "Stonebridge IT",
        "stonebridgeit",
        GB,
        "reseller",
        "51-200",
        4,
        "Gareth Owens",
    ),
    company(
        "Aurora Kollektiv",
        "aurorakollektiv",
        SE,
        "agency",
        "11-50",
        2,
        "Nils Berg",
    ),
    company(
        "Quartier Numérique",
        "quartier-numerique",
        FR,
        "agency",
        "11-50",
        2,
        "Inès Petit",
    ),
    company(
        "Pinecrest",
        "pinecrest",
        US,
        "agency",
        "2-10",
        1,
        "Dana Whitfield",
    ),
    company(
        "Helvetic Systems",
        "helveticsystems",
        CH,
        "integrator",
        "51-200",
        3,
        "Nadia Keller",
    ),
    company(
        "Prairie Data",
        "prairiedata",
        CA,
        "consultant",
        "11-50",
        2,
        "Owen Fraser",
    ),
    company(
        "Torre Digitale",
        "torredigitale",
        IT,
        "integrator",
        "11-50",
        2,
        "Marco Bianchi",
    ),
    company(
        "Lakeshore Growth",
        "lakeshoregrowth",
        US,
        "agency",
        "11-50",
        3,
        "Renee Castillo",
    ),
    company(
        "Vistula Partners",
        "vistulapartners",
        PL,
        "consultant",
        "2-10",
        1,
        "Marta Zielińska",
    ),
    company(
        "Kobe Consulting",
        "kobeconsulting",
        JP,
        "consultant",
        "11-50",
        2,
        "Yui Nakamura",
    ),
    company(
        "Saltmarsh Digital",
        "saltmarshdigital",
        GB,
        "agency",
        "11-50",
        2,
        "Chloe Bennett",
    ),
    company(
        "Grünwerk",
        "gruenwerk",
        DE,
        "technology",
        "11-50",
        2,
        "Moritz Albrecht",
    ),
    company(
        "Cobalt & Clay",
        "cobaltandclay",
        US,
        "agency",
        "2-10",
        1,
        "Simone Ellis",
    ),
    company(
        "Delta Reseller Group",
        "deltaresellers",
        NL,
        "reseller",
        "51-200",
        4,
        "Pieter Jansen",
    ),
];

/// Colleagues, dealt out in turn.
pub(super) const COLLEAGUES: [&str; 24] = [
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
];

/// First words of customers' names.
pub(super) const CUSTOMERS_A: [&str; 40] = [
    "Alder", "Beacon", "Cinder", "Dovetail", "Ember", "Foxglove", "Gable", "Hazel", "Ironwood",
    "Juniper", "Kiln", "Lantern", "Marlow", "Nettle", "Orchard", "Pebble", "Quill", "Rowan",
    "Sable", "Thistle", "Umber", "Velvet", "Willow", "Yarrow", "Zephyr", "Anchor", "Birch",
    "Copper", "Drift", "Elm", "Fern", "Garnet", "Heron", "Ivy", "Jasper", "Keystone", "Linden",
    "Moss", "North", "Opal",
];

/// Second words, with what the company does in the third place of the domain.
pub(super) const CUSTOMERS_B: [&str; 6] = [
    "Logistics",
    "Health",
    "Foods",
    "Studios",
    "Insurance",
    "Robotics",
];

/// A customer's name and domain by number.
pub(super) fn customer(n: usize) -> (String, String) {
    let (a, b) = (
        CUSTOMERS_A[n % CUSTOMERS_A.len()],
        CUSTOMERS_B[(n / CUSTOMERS_A.len() + n) % CUSTOMERS_B.len()],
    );
    // The number keeps two customers of the same words apart.
    let more = n / (CUSTOMERS_A.len() * CUSTOMERS_B.len());
    let name = if more == 0 {
        format!("{a} {b}")
    } else {
        format!("{a} {b} {}", more + 1)
    };
    let domain = format!("{}.example", name.to_lowercase().replace(' ', "-"));
    (name, domain)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_customers_or_partners_share_a_domain() {
        let customers: HashSet<_> = (0..240).map(|n| customer(n).1).collect();
        assert_eq!(customers.len(), 240);
        let partners: HashSet<_> = PARTNERS.iter().map(|p| p.host).collect();
        assert_eq!(partners.len(), PARTNERS.len());
    }
}
