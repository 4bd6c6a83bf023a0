//! Applications that wait for an answer, one of them with a question to it.

use chrono::TimeDelta;
use entity::{application, comment, person};
use sea_orm::ActiveValue::Set;
use serde_json::json;
use service::Result;

use super::partners::Made as Partner;
use super::program::Made as Program;
use super::{Stage, insert, names};

/// Name, address, company, host, country, type, size, state, days ago.
type Waiting = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i64,
);

const WAITING: [Waiting; 6] = [
    (
        "Elena Novak",
        "elena",
        "Cascadia Digital",
        "cascadia-digital",
        "US",
        "agency",
        "submitted",
        1,
    ),
    (
        "Tom Hargreaves",
        "tom",
        "Hargreaves & Sons",
        "hargreaves-it",
        "GB",
        "reseller",
        "submitted",
        6,
    ),
    (
        "Mia Johansson",
        "mia",
        "Norrsken Byrå",
        "norrskenbyra",
        "SE",
        "agency",
        "in_review",
        3,
    ),
    (
        "Rafael Pinto",
        "rafael",
        "Pinto Consultores",
        "pintoconsultores",
        "PT",
        "consultant",
        "information_requested",
        5,
    ),
    (
        "Yusuf Demir",
        "yusuf",
        "Bosphorus Tech",
        "bosphorustech",
        "TR",
        "integrator",
        "submitted",
        0,
    ),
    (
        "Klara Weiss",
        "klara",
        "Brightpath Labs",
        "brightpath-labs",
        "DE",
        "technology",
        "submitted",
        2,
    ),
];

pub(super) async fn make(
    stage: &mut Stage<'_>,
    program: &Program,
    partners: &[Partner],
    hash: &str,
) -> Result<usize> {
    debug_assert!(!partners.is_empty());
    let db = stage.ctx.reader();
    for (name, address, company, host, country, kind, state, ago) in WAITING {
        let at = stage.today - TimeDelta::days(ago) + TimeDelta::hours(8);
        let at = at.min(stage.ctx.now());
        let domain = format!("{host}.example");
        let person = insert::one(
            db,
            person::ActiveModel {
                email: Set(format!("{address}@{domain}")),
                name: Set(name.to_owned()),
                password_hash: Set(Some(hash.to_owned())),
                locale: Set("en".to_owned()),
                time_zone: Set("UTC".to_owned()),
                email_verified_at: Set(Some(at)),
                created_at: Set(at),
                ..Default::default()
            },
        )
        .await?;
        debug_assert!(address != "elena" || person.email == names::APPLICANT);
        let due = domain::calendar::add_business_hours(at, 40, chrono_tz::Europe::Berlin);
        let row = insert::one(
            db,
            application::ActiveModel {
                program_id: Set(program.program.id),
                person_id: Set(person.id),
                status: Set(state.to_owned()),
                legal_name: Set(company.to_owned()),
                website: Set(format!("https://{domain}")),
                domain: Set(domain),
                country: Set(country.to_owned()),
                partner_type: Set(kind.to_owned()),
                size: Set("11-50".to_owned()),
                services: Set("Consulting and roll-out of support software".to_owned()),
                regions: Set("Our own country and its neighbours".to_owned()),
                expected_business: Set("Three customers in the first year".to_owned()),
                contact_name: Set(name.to_owned()),
                answers: Set(json!({"desks": "Mostly shared mailboxes, one Zendrive"})),
                terms_version_id: Set(Some(program.terms.id)),
                policy_version_id: Set(Some(program.policy.id)),
                reviewer_id: Set((state != "submitted").then_some(program.manager.id)),
                submitted_at: Set(Some(at)),
                review_due_at: Set(Some(due)),
                created_at: Set(at),
                updated_at: Set(at),
                ..Default::default()
            },
        )
        .await?;
        if state == "information_requested" {
            let question = comment::ActiveModel {
                subject_type: Set("application".to_owned()),
                subject_id: Set(row.id),
                person_id: Set(program.manager.id),
                body: Set("Which two customers could we call as references?".to_owned()),
                internal: Set(false),
                created_at: Set(at + TimeDelta::hours(5)),
                ..Default::default()
            };
            insert::one(db, question).await?;
        }
    }
    Ok(WAITING.len())
}
