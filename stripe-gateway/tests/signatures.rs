//! Is a webhook from Stripe?

use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use serde_json::json;
use stripe_gateway::webhook::{Envelope, EnvelopeError, Form, SignatureError, sign, verify};

const SECRET: &str = "whsec_now";
const BODY: &[u8] =
    br#"{"id":"evt_1","object":"event","type":"invoice.paid","created":1790000000}"#;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// The `v1` part of a header.
fn v1(secret: &str) -> String {
    sign(BODY, secret, now())
        .split_once(',')
        .unwrap()
        .1
        .to_owned()
}

fn time() -> String {
    format!("t={}", now().timestamp())
}

/// A value computed with OpenSSL, so that `sign` and `verify` cannot be
/// wrong together.
#[test]
fn the_scheme_is_hmac_sha256_over_time_dot_body() {
    assert_eq!(
        sign(
            b"{}",
            "whsec_test",
            DateTime::from_timestamp(1_492_774_577, 0).unwrap()
        ),
        "t=1492774577,v1=0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b"
    );
}

#[rstest]
#[case::plain(format!("{},{}", time(), v1(SECRET)))]
#[case::spaces(format!("{}, {}", time(), v1(SECRET)))]
#[case::second_of_several(format!("{},{},{}", time(), v1("whsec_old"), v1(SECRET)))]
#[case::first_of_several(format!("{},{},v1=zz", time(), v1(SECRET)))]
#[case::other_schemes(format!("{},v0=abc,{},v2=def", time(), v1(SECRET)))]
#[case::time_last(format!("{},{}", v1(SECRET), time()))]
fn accepted(#[case] header: String) {
    assert_eq!(verify(BODY, Some(&header), &[SECRET], now()), Ok(now()));
}

#[rstest]
#[case::none(None)]
#[case::empty(Some(""))]
#[case::blank(Some("  "))]
fn missing(#[case] header: Option<&str>) {
    assert_eq!(
        verify(BODY, header, &[SECRET], now()),
        Err(SignatureError::Missing)
    );
}

#[rstest]
#[case::nonsense("hello".to_owned())]
#[case::no_time(v1(SECRET))]
#[case::no_signature(time())]
#[case::only_an_old_scheme(format!("{},{}", time(), v1(SECRET).replace("v1", "v0")))]
#[case::time_is_text(format!("t=yesterday,{}", v1(SECRET)))]
#[case::time_is_empty(format!("t=,{}", v1(SECRET)))]
#[case::time_out_of_range(format!("t={},{}", i64::MAX, v1(SECRET)))]
#[case::two_times(format!("{},t=1,{}", time(), v1(SECRET)))]
fn malformed(#[case] header: String) {
    let err = verify(BODY, Some(&header), &[SECRET], now()).unwrap_err();
    assert!(matches!(err, SignatureError::Malformed(_)), "{err}");
}

#[rstest]
#[case::other_secret(BODY, format!("{},{}", time(), v1("whsec_other")))]
#[case::truncated_body(&BODY[..BODY.len() - 1], format!("{},{}", time(), v1(SECRET)))]
#[case::empty_body(b"", format!("{},{}", time(), v1(SECRET)))]
#[case::longer_body(b"{}{}", format!("{},{}", time(), v1(SECRET)))]
#[case::other_time(BODY, format!("t={},{}", now().timestamp() - 1, v1(SECRET)))]
#[case::not_hexadecimal(BODY, format!("{},v1=zz", time()))]
#[case::empty_value(BODY, format!("{},v1=", time()))]
#[case::half_a_value(BODY, format!("{},{}", time(), &v1(SECRET)[..35]))]
fn no_match(#[case] body: &[u8], #[case] header: String) {
    let refused = Err(SignatureError::NoMatch);
    assert_eq!(verify(body, Some(&header), &[SECRET], now()), refused);
}

#[rstest]
#[case::just_in_time(300, true)]
#[case::just_ahead(-300, true)]
#[case::stale(301, false)]
#[case::future(-301, false)]
#[case::far_future(-9_000_000, false)]
fn age(#[case] seconds_ago: i64, #[case] fine: bool) {
    let signed_at = now() - TimeDelta::seconds(seconds_ago);
    let header = sign(BODY, SECRET, signed_at);
    let result = verify(BODY, Some(&header), &[SECRET], now());
    if fine {
        assert_eq!(result, Ok(signed_at));
    } else {
        let off_by = TimeDelta::seconds(seconds_ago);
        assert_eq!(result, Err(SignatureError::Stale { off_by }));
    }
}

#[test]
fn a_stale_sentence_says_which_way() {
    let text = |seconds| {
        SignatureError::Stale {
            off_by: TimeDelta::seconds(seconds),
        }
        .to_string()
    };
    assert!(text(301).contains("301 s behind"), "{}", text(301));
    assert!(text(-400).contains("400 s ahead"), "{}", text(-400));
    assert!(text(301).contains("only 300 s"), "{}", text(301));
}

#[test]
fn a_wrong_signature_is_never_called_stale() {
    let header = sign(BODY, "whsec_other", now() - TimeDelta::days(1));
    assert_eq!(
        verify(BODY, Some(&header), &[SECRET], now()),
        Err(SignatureError::NoMatch)
    );
}

#[rstest]
#[case::one_of_three(&["whsec_a", SECRET, "whsec_b"], true)]
#[case::none_of_two(&["whsec_a", "whsec_b"], false)]
#[case::no_secret_at_all(&[], false)]
#[case::an_empty_secret_matches_nothing(&[""], false)]
fn several_secrets(#[case] secrets: &[&str], #[case] fine: bool) {
    let signer = if secrets == [""] { "" } else { SECRET };
    let header = sign(BODY, signer, now());
    assert_eq!(verify(BODY, Some(&header), secrets, now()).is_ok(), fine);
}

#[test]
fn a_snapshot_event_is_read() {
    let raw = json!({
        "id": "evt_1", "object": "event", "type": "payout.paid", "created": 1_790_000_000,
        "livemode": true, "account": "acct_1",
        "data": {"object": {"id": "po_1", "object": "payout"}},
    });
    let event = Envelope::parse(raw.to_string().as_bytes()).unwrap();
    assert_eq!(event.form, Form::Snapshot);
    assert_eq!(
        (event.id.as_str(), event.event_type.as_str()),
        ("evt_1", "payout.paid")
    );
    assert_eq!((event.created, event.livemode), (now(), true));
    assert_eq!(event.account.as_deref(), Some("acct_1"));
    assert_eq!(event.object_id(), Some("po_1"));
    assert_eq!(event.raw, raw);
}

#[rstest]
#[case::cut_off(r#"{"id":"evt_1","object":"ev"#)]
#[case::noise("\u{1}\u{2}")]
#[case::empty("")]
fn not_json(#[case] body: &str) {
    assert!(matches!(
        Envelope::parse(body.as_bytes()),
        Err(EnvelopeError::NotJson(_))
    ));
}

#[rstest]
#[case::list("[]", "event")]
#[case::nothing("{}", "event.object")]
#[case::other_object(r#"{"object":"invoice"}"#, "event.object")]
#[case::no_id(r#"{"object":"event","type":"a","created":1}"#, "event.id")]
#[case::no_type(r#"{"object":"event","id":"evt_1","created":1}"#, "event.type")]
#[case::no_time(r#"{"object":"event","id":"evt_1","type":"a"}"#, "event.created")]
#[case::text_time(
    r#"{"object":"event","id":"e","type":"a","created":"now"}"#,
    "event.created"
)]
fn not_an_event(#[case] body: &str, #[case] path: &str) {
    match Envelope::parse(body.as_bytes()) {
        Err(EnvelopeError::NotAnEvent(bad)) => assert_eq!(bad.path, path),
        other => panic!("{other:?}"),
    }
}
