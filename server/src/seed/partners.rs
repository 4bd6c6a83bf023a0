//! Forty organisations with their people, certificates, agreements and payout accounts.

use std::collections::BTreeMap;

use chrono::{DateTime, Months, TimeDelta, Utc};
use domain::exam::{self, Drawn};
use entity::{
    agreement, application, attempt, certificate, lesson, lesson_progress, member, partner,
    payout_account, person, tier_change,
};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use service::{Result, tier};

use super::companies::{Company, PARTNERS};
use super::names::{COLLEAGUES, legal_form};
use super::program::Made as Program;
use super::{About, Stage, course, days, insert};

/// A partner with what the rest of the story needs.
pub(super) struct Made {
    pub(super) partner: partner::Model,
    pub(super) company: &'static Company,
    /// The owner first.
    pub(super) people: Vec<person::Model>,
    pub(super) joined: DateTime<Utc>,
    /// `acct_…`, where one is connected or begun.
    pub(super) stripe_id: Option<String>,
}

pub(super) async fn make(
    stage: &mut Stage<'_>,
    program: &Program,
    course: &course::Made,
    hash: &str,
) -> Result<Vec<Made>> {
    let lessons: Vec<i64> = lesson::Entity::find()
        .filter(lesson::Column::CourseVersionId.eq(course.version.id))
        .all(stage.ctx.reader())
        .await?
        .into_iter()
        .map(|l| l.id)
        .collect();
    let mut made = Vec::new();
    let mut colleague = 0;
    for (n, company) in PARTNERS.iter().enumerate() {
        stage.take_dice(About::Partner, n);
        let joined = days(stage.month(month_joined(n)), 2 + u64::from(stage.dice(20)));
        let one = organisation(stage, program, company, n, joined, hash, &mut colleague).await?;
        // Newcomers are still learning, and the entry tier is where some never get certified.
        if n < 30 || stage.chance(50) {
            let certified = 1 + usize::from(company.tier > 2);
            for person in one.people.iter().take(certified) {
                certify(stage, course, &lessons, &one, person).await?;
            }
        }
        made.push(one);
    }
    Ok(made)
}

/// The first dozen were there from the start; the others came month by month.
fn month_joined(n: usize) -> u32 {
    (n as u32).saturating_sub(12) / 2
}

async fn organisation(
    stage: &mut Stage<'_>,
    program: &Program,
    company: &'static Company,
    n: usize,
    joined: DateTime<Utc>,
    hash: &str,
    colleague: &mut usize,
) -> Result<Made> {
    let db = stage.ctx.reader();
    let domain = format!("{}.example", company.host);
    let owner = someone(stage, company.owner, &domain, joined, hash).await?;
    let tier = &program.tiers[company.tier - 1 - usize::from(rises(n).is_some())];
    let plan = match company.kind {
        "agency" => &program.plans[1],
        "consultant" if n.is_multiple_of(3) => &program.plans[2],
        _ => &program.plans[0],
    };
    let manager = if n.is_multiple_of(2) {
        &program.manager
    } else {
        &program.second_manager
    };
    let status = match n {
        37 => "deactivated",
        38 => "banned",
        _ => "active",
    };
    let reason = match n {
        37 => Some("The company has closed its services business.".to_owned()),
        38 => Some("Repeated bids on our brand names after two warnings.".to_owned()),
        _ => None,
    };
    let partner = insert::one(
        db,
        partner::ActiveModel {
            program_id: Set(program.program.id),
            name: Set(company.name.to_owned()),
            legal_name: Set(legal_name(company)),
            website: Set(format!("https://www.{domain}")),
            domain: Set(domain.clone()),
            country: Set(company.country.to_owned()),
            currency: Set(company.currency.to_owned()),
            partner_type: Set(company.kind.to_owned()),
            size: Set(company.size.to_owned()),
            status: Set(status.to_owned()),
            status_reason: Set(reason),
            tier_id: Set(tier.id),
            tier_since: Set(joined),
            plan_id: Set(plan.id),
            manager_id: Set(Some(manager.id)),
            members_see_earnings: Set(n != 1),
            profile: Set(profile(company)),
            created_at: Set(joined),
            ..Default::default()
        },
    )
    .await?;
    insert::one(db, applied(program, company, &partner, &owner, joined)).await?;
    let change = tier_change::ActiveModel {
        partner_id: Set(partner.id),
        to_tier_id: Set(tier.id),
        kind: Set("entry".to_owned()),
        explanation: Set(format!(
            "Joined as {} by agreement with {}.",
            tier.name, manager.name
        )),
        figures: Set(json!({
            "revenue_minor": 0, "customers": 0, "won_deals": 0, "certified": 0
        })),
        effective_at: Set(joined),
        created_at: Set(joined),
        ..Default::default()
    };
    insert::one(db, change).await?;
    let signed = agreement::ActiveModel {
        partner_id: Set(partner.id),
        person_id: Set(owner.id),
        terms_version_id: Set(program.terms.id),
        signed_name: Set(owner.name.clone()),
        ip: Set(format!("192.0.2.{}", 11 + 5 * n)),
        signed_at: Set(days(joined, 1)),
        ..Default::default()
    };
    insert::one(db, signed).await?;
    let mut people = vec![owner.clone()];
    // Brightpath's second person is the one to sign in as.
    let more = if n == 0 { 3 } else { stage.dice(3) as usize };
    for _ in 0..more {
        let name = COLLEAGUES[*colleague % COLLEAGUES.len()];
        *colleague += 1;
        people.push(someone(stage, name, &domain, days(joined, 5), hash).await?);
    }
    for (place, person) in people.iter().enumerate() {
        let row = member::ActiveModel {
            partner_id: Set(partner.id),
            person_id: Set(person.id),
            role: Set(if place == 0 { "owner" } else { "member" }.to_owned()),
            joined_at: Set(person.created_at),
            ..Default::default()
        };
        insert::one(db, row).await?;
    }
    let stripe_id = connect(stage, &partner, &owner, n, joined).await?;
    Ok(Made {
        partner,
        company,
        people,
        joined,
        stripe_id,
    })
}

/// The month of the program in which a partner's manager has raised it to its tier; the others
/// had it from the beginning.
fn rises(n: usize) -> Option<u32> {
    (n.is_multiple_of(3) && PARTNERS[n].tier > 1).then(|| month_joined(n) + 4)
}

/// Raises the partners whose month it is.
pub(super) async fn raise(
    stage: &Stage<'_>,
    program: &Program,
    partners: &[Made],
    month: u32,
    at: DateTime<Utc>,
) -> Result<()> {
    for (n, one) in partners.iter().enumerate() {
        if rises(n) != Some(month) || one.partner.status != "active" {
            continue;
        }
        let manager = if one.partner.manager_id == Some(program.manager.id) {
            &program.manager
        } else {
            &program.second_manager
        };
        let tier = &program.tiers[one.company.tier - 1];
        let why = "Two roll-outs went live on time, and their customers have said so.";
        let at = at - TimeDelta::days(2 + n as i64 % 20);
        tier::set_by_hand(&stage.staff(manager, at), one.partner.id, tier.id, why).await?;
    }
    Ok(())
}

/// What the directory says of a partner.
fn profile(company: &Company) -> String {
    let country = domain::validate::country_name(company.country).unwrap_or("Europe");
    let (name, people) = (company.name, company.size);
    match company.kind {
        "agency" => format!(
            "{name} designs, builds and looks after digital services for companies in {country}, \
             from the first workshop to the daily work of the support team."
        ),
        "reseller" => format!(
            "{name} supplies companies in {country} with software and everything around it: \
             choice, roll-out, training, one invoice."
        ),
        "integrator" => format!(
            "{name} connects service desks with telephony, shops and warehouses. {people} people, \
             most of them engineers, work from {country}."
        ),
        "technology" => {
            format!("{name} makes software that service teams in {country} use beside their desk.")
        }
        _ => format!(
            "{name} advises service teams in {country}: processes, figures, and the software that \
             fits them."
        ),
    }
}

fn legal_name(company: &Company) -> String {
    format!("{} {}", company.name, legal_form(company.country))
}

async fn someone(
    stage: &Stage<'_>,
    name: &str,
    domain: &str,
    at: DateTime<Utc>,
    hash: &str,
) -> Result<person::Model> {
    let first = name.split(' ').next().unwrap_or(name);
    let first: String = domain::slug::slugify(first);
    let row = person::ActiveModel {
        email: Set(format!("{first}@{domain}")),
        name: Set(name.to_owned()),
        password_hash: Set(Some(hash.to_owned())),
        locale: Set("en".to_owned()),
        time_zone: Set("Europe/Berlin".to_owned()),
        email_verified_at: Set(Some(at)),
        created_at: Set(at),
        ..Default::default()
    };
    insert::one(stage.ctx.reader(), row).await
}

/// The application each of them came in by.
fn applied(
    program: &Program,
    company: &Company,
    partner: &partner::Model,
    owner: &person::Model,
    joined: DateTime<Utc>,
) -> application::ActiveModel {
    let sent = joined - TimeDelta::hours(53);
    application::ActiveModel {
        program_id: Set(program.program.id),
        person_id: Set(owner.id),
        status: Set("approved".to_owned()),
        legal_name: Set(partner.legal_name.clone()),
        website: Set(partner.website.clone()),
        domain: Set(partner.domain.clone()),
        country: Set(partner.country.clone()),
        partner_type: Set(company.kind.to_owned()),
        size: Set(company.size.to_owned()),
        services: Set("Roll-out of service software, training, support".to_owned()),
        regions: Set(domain::validate::country_name(company.country)
            .unwrap_or("")
            .to_owned()),
        expected_business: Set("Five to ten customers a year".to_owned()),
        contact_name: Set(owner.name.clone()),
        answers: Set(json!({})),
        terms_version_id: Set(Some(program.terms.id)),
        policy_version_id: Set(Some(program.policy.id)),
        reviewer_id: Set(partner.manager_id),
        partner_id: Set(Some(partner.id)),
        submitted_at: Set(Some(sent)),
        review_due_at: Set(Some(days(sent, 7))),
        decided_at: Set(Some(joined)),
        created_at: Set(sent),
        updated_at: Set(joined),
        ..Default::default()
    }
}

/// Partners that have not connected a payout account; [`NOT_FINISHED`] has begun.
const NOT_CONNECTED: [usize; 7] = [3, 7, 23, 27, 35, 38, 39];
const NOT_FINISHED: usize = 13;

/// Most have connected a payout account, Brightpath among them.
/// What Stripe asks of others later on is in [`super::payouts`].
async fn connect(
    stage: &mut Stage<'_>,
    partner: &partner::Model,
    owner: &person::Model,
    n: usize,
    joined: DateTime<Utc>,
) -> Result<Option<String>> {
    let (outcome, state) = match n {
        NOT_FINISHED => ("new", "incomplete"),
        _ if NOT_CONNECTED.contains(&n) => return Ok(None),
        _ => ("complete", "ready"),
    };
    let Some(sandbox) = stage.sandbox else {
        return Ok(None);
    };
    let id = format!(
        "acct_demo{:02}{}",
        n + 1,
        partner.domain.replace(['.', '-'], "")
    );
    let body = json!({
        "id": id, "contact_email": owner.email, "display_name": partner.name,
        "country": partner.country.to_lowercase(), "outcome": outcome,
        "at": days(joined, 3).timestamp(), "silent": true,
    });
    sandbox.ask("accounts", &body).await?;
    let row = payout_account::ActiveModel {
        partner_id: Set(partner.id),
        stripe_id: Set(id.clone()),
        state: Set(state.to_owned()),
        requirements: Set(json!([])),
        checked_at: Set(days(joined, 3)),
        created_at: Set(days(joined, 3)),
        ..Default::default()
    };
    insert::one(stage.ctx.reader(), row).await?;
    if state != "ready" {
        // What is missing is said in Stripe's words.
        let at = stage.at(days(joined, 4));
        service::payout::account::refresh(&at, stage.gateway, &id).await?;
    }
    Ok(Some(id))
}

/// Draws a paper and answers it; the first `wrong` questions not right.
fn sit(course: &course::Made, seed: i64, wrong: usize) -> (Vec<Drawn>, BTreeMap<i64, Vec<u16>>) {
    let count = usize::try_from(course.version.question_count).unwrap_or(0);
    let paper = exam::draw(&course.pool, count, seed.unsigned_abs());
    let answers = paper.iter().enumerate().map(|(place, drawn)| {
        let question = course.pool.iter().find(|q| q.id == drawn.question_id);
        let shown = question.into_iter().flat_map(|q| &q.answer).map(|option| {
            let position = drawn.options.iter().position(|o| o == option);
            let next = usize::from(place < wrong);
            (position.unwrap_or(0) + next) % drawn.options.len().max(1)
        });
        let shown = shown.map(|position| u16::try_from(position).unwrap_or(0));
        (drawn.question_id, shown.collect())
    });
    let answers = answers.collect();
    (paper, answers)
}

/// A passed exam and its certificate, renewed when it ran out before today.
async fn certify(
    stage: &mut Stage<'_>,
    course: &course::Made,
    lessons: &[i64],
    one: &Made,
    person: &person::Model,
) -> Result<()> {
    let db = stage.ctx.reader();
    stage.take_dice(About::Certificates, usize::try_from(person.id).unwrap_or(0));
    let first = days(one.joined, 6 + u64::from(stage.dice(12)));
    let progress = lessons
        .iter()
        .map(|lesson_id| lesson_progress::ActiveModel {
            lesson_id: Set(*lesson_id),
            person_id: Set(person.id),
            completed_at: Set(first),
            ..Default::default()
        })
        .collect();
    insert::many(db, progress).await?;
    let mut at = first;
    let mut number = 1;
    while at < stage.today {
        // Of eight answers at most two are wrong.
        let wrong = 2 - stage.dice(6) / 2;
        let (paper, answers) = sit(course, person.id.wrapping_mul(31) + number, wrong as usize);
        let given = |id| answers.get(&id).cloned().unwrap_or_default();
        let pass = u32::try_from(course.version.pass_percent).unwrap_or(100);
        let grade = exam::grade(&course.pool, &paper, given, pass);
        let row = attempt::ActiveModel {
            course_version_id: Set(course.version.id),
            person_id: Set(person.id),
            partner_id: Set(one.partner.id),
            number: Set(number),
            status: Set("passed".to_owned()),
            paper: Set(serde_json::to_value(&paper)?),
            answers: Set(serde_json::to_value(&answers)?),
            score_percent: Set(Some(i64::from(grade.percent()))),
            started_at: Set(at),
            deadline_at: Set(at + TimeDelta::minutes(30)),
            finished_at: Set(Some(at + TimeDelta::minutes(17))),
            ..Default::default()
        };
        let attempt = insert::one(db, row).await?;
        let issued = at + TimeDelta::minutes(17);
        let expires = issued.checked_add_months(Months::new(12)).unwrap_or(issued);
        let row = certificate::ActiveModel {
            number: Set(format!(
                "C-{:08X}{:08X}",
                stage.dice(u32::MAX),
                stage.dice(u32::MAX)
            )),
            course_id: Set(course.course.id),
            course_version_id: Set(course.version.id),
            person_id: Set(person.id),
            attempt_id: Set(attempt.id),
            issued_at: Set(issued),
            expires_at: Set(expires),
            grace_until: Set(days(expires, 30)),
            ..Default::default()
        };
        insert::one(db, row).await?;
        number += 1;
        // Most renew a little before the end; a few let it lapse.
        if stage.chance(12) {
            break;
        }
        at = expires - TimeDelta::days(10);
    }
    Ok(())
}
