//! Every refusal, and what it says.

use rstest::rstest;

use super::*;

/// A production that starts: each case changes what it is about.
const PRODUCTION: &[(&str, &str)] = &[
    ("DATABASE_URL", "postgres://portico:secret@db/portico"),
    ("PORTICO_ADDR", "0.0.0.0:3000"),
    ("PORTICO_BASE_URL", "https://partners.example.com"),
    ("SMTP_URL", "smtps://user:secret@mail.example.com"),
    ("PORTICO_MAIL_FROM", "partners@example.com"),
    ("STRIPE_SECRET_KEY", "sk_live_abcdefgh"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_snapshot1, whsec_rolling01"),
    ("STRIPE_CONNECT_WEBHOOK_SECRET", "whsec_connect01"),
    ("STRIPE_THIN_WEBHOOK_SECRET", "whsec_thin00001"),
];

/// A demonstration that starts.
const DEMO: &[(&str, &str)] = &[
    ("PORTICO_DEMO", "1"),
    ("DATABASE_URL", "sqlite://demo.db"),
    ("STRIPE_SECRET_KEY", "sk_test_demo"),
    ("STRIPE_API_BASE", "http://127.0.0.1:12111"),
];

fn read(base: &[(&str, &str)], changes: &[(&str, &str)]) -> Result<Config, Problems> {
    Config::from_lookup(|name| {
        changes
            .iter()
            .chain(base)
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

#[rstest]
#[case::production(PRODUCTION, &[])]
#[case::demo(DEMO, &[])]
#[case::demo_with_stripe_itself(DEMO, &[("STRIPE_API_BASE", "")])]
#[case::no_workers(PRODUCTION, &[("PORTICO_WORKERS", "0")])]
#[case::short_claims_in_a_demonstration(DEMO, &[("PORTICO_CLAIM_SECONDS", "3")])]
#[case::loopback_without_base_url(DEMO, &[("PORTICO_ADDR", "[::1]:8080")])]
#[case::localhost(DEMO, &[("PORTICO_BASE_URL", "http://localhost:3000/")])]
#[case::smtp_with_required_tls(PRODUCTION, &[("SMTP_URL", "smtp://mail.example.com?tls=required")])]
#[case::smtp_on_this_machine(PRODUCTION, &[("SMTP_URL", "smtp://127.0.0.1:1025")])]
#[case::mail_into_a_folder(PRODUCTION, &[("SMTP_URL", ""), ("PORTICO_MAIL_DIR", "mail")])]
#[case::restricted_test_key(PRODUCTION, &[("STRIPE_SECRET_KEY", "rk_test_abc")])]
#[case::sandbox_with_test_key(
    PRODUCTION,
    &[("STRIPE_SECRET_KEY", "sk_test_abc"), ("STRIPE_API_BASE", "https://sandbox.example.com")]
)]
fn starts(#[case] base: &[(&str, &str)], #[case] changes: &[(&str, &str)]) {
    if let Err(problems) = read(base, changes) {
        panic!("refused: {problems}");
    }
}

#[rstest]
#[case::demo_with_live_key(DEMO, &[("STRIPE_SECRET_KEY", "sk_live_x"), ("STRIPE_API_BASE", "")], "turn PORTICO_DEMO off")]
#[case::demo_with_live_restricted_key(DEMO, &[("STRIPE_SECRET_KEY", "rk_live_x"), ("STRIPE_API_BASE", "")], "turn PORTICO_DEMO off")]
#[case::no_webhook_secret(PRODUCTION, &[("STRIPE_WEBHOOK_SECRET", " , ")], "Copy whsec_…")]
#[case::odd_webhook_secret(PRODUCTION, &[("STRIPE_WEBHOOK_SECRET", "whsec_good0000,oops")], "no signing secret")]
#[case::odd_thin_secret(PRODUCTION, &[("STRIPE_THIN_WEBHOOK_SECRET", "oops")], "STRIPE_THIN_WEBHOOK_SECRET has a value")]
#[case::one_secret_for_two(PRODUCTION, &[("STRIPE_CONNECT_WEBHOOK_SECRET", "whsec_snapshot1")], "given twice")]
#[case::secrets_of_no_kind(
    PRODUCTION,
    &[
        ("STRIPE_WEBHOOK_SECRET", "whsec_one00001,whsec_two00001,whsec_three001"),
        ("STRIPE_CONNECT_WEBHOOK_SECRET", ""),
        ("STRIPE_THIN_WEBHOOK_SECRET", ""),
    ],
    "more than two"
)]
#[case::plain_http(PRODUCTION, &[("PORTICO_BASE_URL", "http://partners.example.com")], "must begin with https://")]
#[case::base_url_with_path(PRODUCTION, &[("PORTICO_BASE_URL", "https://example.com/partners")], "remove what follows the host")]
#[case::base_url_with_user(PRODUCTION, &[("PORTICO_BASE_URL", "https://me:pw@example.com")], "user or password")]
#[case::base_url_of_no_kind(PRODUCTION, &[("PORTICO_BASE_URL", "partners.example.com")], "must begin with https://")]
#[case::no_base_url_outside_loopback(PRODUCTION, &[("PORTICO_BASE_URL", "")], "PORTICO_BASE_URL is not set")]
#[case::both_mail_settings(PRODUCTION, &[("PORTICO_MAIL_DIR", "mail")], "both set")]
#[case::no_mail_setting(PRODUCTION, &[("SMTP_URL", "")], "Set SMTP_URL to your mail server")]
#[case::mail_in_the_clear(PRODUCTION, &[("SMTP_URL", "smtp://mail.example.com")], "?tls=required")]
#[case::mail_of_no_kind(PRODUCTION, &[("SMTP_URL", "mail.example.com")], "must begin with smtps://")]
#[case::no_sender(PRODUCTION, &[("PORTICO_MAIL_FROM", "")], "without PORTICO_MAIL_FROM")]
#[case::odd_sender(PRODUCTION, &[("PORTICO_MAIL_FROM", "partners")], "must be a mail address")]
#[case::no_key(PRODUCTION, &[("STRIPE_SECRET_KEY", "")], "STRIPE_SECRET_KEY is not set")]
#[case::publishable_key(PRODUCTION, &[("STRIPE_SECRET_KEY", "pk_live_x")], "not a secret key")]
#[case::live_key_for_a_sandbox(PRODUCTION, &[("STRIPE_API_BASE", "http://127.0.0.1:12111")], "the live key stays with Stripe")]
#[case::plain_sandbox(DEMO, &[("STRIPE_API_BASE", "http://sandbox.example.com")], "the secret key travels")]
#[case::odd_sandbox(DEMO, &[("STRIPE_API_BASE", "sandbox")], "Remove it to use Stripe itself")]
#[case::no_database(PRODUCTION, &[("DATABASE_URL", "")], "DATABASE_URL is not set")]
#[case::other_database(PRODUCTION, &[("DATABASE_URL", "mysql://x/y")], "not supported")]
#[case::forgetful_database(DEMO, &[("DATABASE_URL", "sqlite::memory:")], "forget everything")]
#[case::no_port(DEMO, &[("PORTICO_ADDR", "127.0.0.1")], "an IP address and a port")]
#[case::unclear_demo(DEMO, &[("PORTICO_DEMO", "maybe")], "set it to 1 or 0")]
#[case::odd_log(DEMO, &[("PORTICO_LOG", "xml")], "json or text")]
#[case::odd_workers(DEMO, &[("PORTICO_WORKERS", "many")], "from 0 to 64")]
#[case::short_claims(PRODUCTION, &[("PORTICO_CLAIM_SECONDS", "30")], "from 60 to 3600")]
#[case::no_claim(DEMO, &[("PORTICO_CLAIM_SECONDS", "0")], "from 2 to 3600")]
#[case::odd_proxy(DEMO, &[("PORTICO_TRUSTED_PROXY", "10.0.0.0/8, proxy")], "“proxy” is not an IP address")]
#[case::no_site(DEMO, &[("PORTICO_SITE", "/nowhere/at/all")], "build the site first")]
fn refuses(#[case] base: &[(&str, &str)], #[case] changes: &[(&str, &str)], #[case] says: &str) {
    let Err(problems) = read(base, changes) else {
        panic!("started")
    };
    assert_eq!(problems.0.len(), 1, "one problem was made: {problems}");
    assert!(problems.0[0].contains(says), "{problems}");
}

/// As it was before each kind had a setting of its own: the first for ordinary events, the second
/// for thin ones.
#[test]
fn two_secrets_in_one_setting_are_told_apart_by_their_places() {
    let old = [
        ("STRIPE_WEBHOOK_SECRET", "whsec_snapshot1,whsec_thin00001"),
        ("STRIPE_CONNECT_WEBHOOK_SECRET", ""),
        ("STRIPE_THIN_WEBHOOK_SECRET", ""),
    ];
    let stripe = read(PRODUCTION, &old).unwrap().stripe;
    let of = |secrets: &[Secret]| -> Vec<String> {
        secrets.iter().map(|s| s.reveal().to_owned()).collect()
    };
    assert_eq!(of(&stripe.webhook_secrets.platform), ["whsec_snapshot1"]);
    assert_eq!(of(&stripe.webhook_secrets.thin), ["whsec_thin00001"]);
    assert!(stripe.webhook_secrets.connect.is_empty() && stripe.secrets_by_place);
    let named = read(PRODUCTION, &[]).unwrap().stripe;
    assert_eq!(
        named.webhook_secrets.platform.len(),
        2,
        "old and new while rolling"
    );
    assert!(!named.secrets_by_place);
}

#[test]
fn all_problems_are_said_at_once() {
    let Err(problems) = read(&[], &[("PORTICO_LOG", "xml")]) else {
        panic!("started")
    };
    let text = problems.to_string();
    for name in [
        "DATABASE_URL",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "SMTP_URL",
        "PORTICO_LOG",
    ] {
        assert!(text.contains(name), "{name} is missing in:\n{text}");
    }
}

#[test]
fn secrets_do_not_show() {
    let shown = format!("{:?}", read(PRODUCTION, &[]));
    for secret in ["sk_live_abcdefgh", "whsec_", "secret"] {
        assert!(
            !shown
                .replace("secret_key", "")
                .replace("webhook_secrets", "")
                .replace("secrets_by_place", "")
                .contains(secret)
        );
    }
}

#[test]
fn every_variable_is_in_the_list_that_help_shows() {
    let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let _ = Config::from_lookup(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    let listed: std::collections::BTreeSet<String> = VARIABLES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(asked.into_inner(), listed);
}
