//! Applications that wait for an answer, one of them with a question to it, and some that do not
//! wait any more.

use chrono::TimeDelta;
use entity::{application, comment, person};
use sea_orm::ActiveValue::Set;
use serde_json::json;
use service::Result;

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

const APPLICATIONS: [Waiting; 10] = [
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
    (
        "Ana Horvat",
        "ana",
        "Studio Horvat",
        "studiohorvat",
        "HR",
        "agency",
        "draft",
        4,
    ),
    (
        "Declan Moore",
        "declan",
        "Moore Rank Boost",
        "moorerankboost",
        "IE",
        "agency",
        "rejected",
        34,
    ),
    (
        "Annika Saar",
        "annika",
        "Saar Digital",
        "saardigital",
        "EE",
        "consultant",
        "withdrawn",
        51,
    ),
    (
        "Paulo Freitas",
        "paulo",
        "Freitas Sistemas",
        "freitassistemas",
        "BR",
        "integrator",
        "rejected",
        140,
    ),
];

/// What applicants say of themselves: services, regions, business to expect, desks rolled out.
const WORDS: [[&str; 4]; 5] = [
    [
        "Customer service consulting and roll-out of support software",
        "Our own country and its neighbours",
        "Three customers in the first year",
        "Mostly shared mailboxes, one Zendrive",
    ],
    [
        "Managed IT for companies of 20 to 200 people",
        "Wherever our engineers can be within two hours",
        "Five or six of our present customers have asked already",
        "HelpBarn, for nine years",
    ],
    [
        "Websites, shops and everything that comes after the launch",
        "The whole country, in person; the rest by video",
        "One customer a month once the team is trained",
        "None yet, we have always recommended others",
    ],
    [
        "Process consulting for service teams, interim management",
        "Capital region and abroad",
        "Two large customers a year rather than many small ones",
        "Zendrive and two desks that customers built themselves",
    ],
    [
        "Integration of telephony, shop and warehouse with service desks",
        "All regions, and the neighbouring countries in their languages",
        "Four projects a year of 30 seats and more",
        "Seven roll-outs of three products",
    ],
];

/// Why an application was turned down, in words that the applicant reads.
const REFUSED: &str = "Our program is for companies that advise and support service teams. We could \
                       not find any such work on your website.";

pub(super) async fn make(stage: &Stage<'_>, program: &Program, hash: &str) -> Result<usize> {
    let db = stage.ctx.reader();
    let mut waiting = 0;
    for (n, (name, address, company, host, country, kind, state, ago)) in
        APPLICATIONS.into_iter().enumerate()
    {
        let minute = TimeDelta::minutes(430 + 47 * n as i64);
        let at = stage.today - TimeDelta::days(ago) + minute;
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
        let [services, regions, business, desks] = WORDS[n % WORDS.len()];
        let sent = state != "draft";
        let taken = !matches!(state, "draft" | "submitted" | "withdrawn");
        let decided =
            matches!(state, "rejected" | "withdrawn").then(|| at + TimeDelta::minutes(3_211));
        waiting += usize::from(sent && decided.is_none());
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
                size: Set(["11-50", "2-10", "51-200"][n % 3].to_owned()),
                services: Set(services.to_owned()),
                regions: Set(regions.to_owned()),
                expected_business: Set(business.to_owned()),
                contact_name: Set(name.to_owned()),
                answers: Set(json!({ "desks": desks })),
                terms_version_id: Set(sent.then_some(program.terms.id)),
                policy_version_id: Set(sent.then_some(program.policy.id)),
                reviewer_id: Set(taken.then_some(program.manager.id)),
                decision_reason: Set((state == "rejected").then(|| REFUSED.to_owned())),
                submitted_at: Set(sent.then_some(at)),
                review_due_at: Set(sent.then_some(due)),
                decided_at: Set(decided),
                created_at: Set(at),
                updated_at: Set(decided.unwrap_or(at)),
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
    Ok(waiting)
}
