//! What was said and done about a deal: its timeline, comments, questions, requests for more time.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{comment, deal, event, extension_request};
use sea_orm::ActiveValue::Set;
use serde_json::json;
use service::{Result, notice};

use super::deals::Course;
use super::{Stage, days, insert};

const NEEDS: [&str; 8] = [
    "Support answers from a shared mailbox and loses track of who does what.",
    "The contract with the present vendor ends this quarter, and the team wants something simpler.",
    "A new product launches in spring, and twice as many requests are expected.",
    "Customers complain about waiting times; management wants to see figures.",
    "Three teams in two countries need one history of every customer.",
    "An audit asked for a record of who may see which customer’s data.",
    "The company has bought a competitor and has to bring two help desks together.",
    "Field engineers need the customer’s history on the telephone, also without a network.",
];

/// What the nth customer needs.
pub(super) fn need(n: usize) -> &'static str {
    NEEDS[n % NEEDS.len()]
}

/// Why a deal ended as it did, in words that the partner reads.
pub(super) fn reason(state: &str) -> Option<&'static str> {
    Some(match state {
        "rejected" => "Not enough detail: we could not find out what the company needs.",
        "revoked" => {
            "There was no activity for two months and the customer asked for somebody else."
        }
        "duplicate" => domain_sentence(),
        "lost" => "The customer stays with what it has for another year.",
        "withdrawn" => "The project was called off.",
        _ => return None,
    })
}

/// The portal's own words about a duplicate.
fn domain_sentence() -> &'static str {
    use domain::deal::{Conflict, ConflictKind};
    Conflict::new(ConflictKind::Duplicate, "").sentence_for_partner()
}

/// Questions to a partner, with what the manager keeps to the team.
const TALK: [[&str; 3]; 5] = [
    [
        "The demo went well; they want an offer by Friday.",
        "Good. I can join the next call if that helps.",
        "Ask finance about a longer payment term.",
    ],
    [
        "Their head of support is on leave until the end of the month.",
        "Then let us plan the workshop for the week after.",
        "Second project with this partner; the first one went live on time.",
    ],
    [
        "They would like to speak to a customer of the same size.",
        "I will introduce you to one in the same industry tomorrow.",
        "Check whether the reference customer agrees.",
    ],
    [
        "Procurement asks for the data processing agreement.",
        "It is in the library under contracts. Tell me if they want changes.",
        "Legal needs a week if they change anything.",
    ],
    [
        "They want to begin with one team and add the others in autumn.",
        "That works. Register the add-ons when they are decided.",
        "Expect more seats at the first renewal.",
    ],
];

/// Writes down a deal's past.
pub(super) async fn tell(
    stage: &mut Stage<'_>,
    deal: &deal::Model,
    manager: i64,
    course: &Course,
    n: usize,
) -> Result<()> {
    extensions(stage, deal, manager, course, n).await?;
    notices(stage, deal, manager, course).await?;
    timeline(stage, deal, manager, course).await?;
    if course.state == "information_requested" {
        let question = "Who decides at the customer, and by when do they want to start?";
        say(stage, deal, manager, question, false, course.decided).await?;
    }
    if deal.decided_at.is_some() && stage.chance(35) {
        let talk = *stage.one(&TALK);
        let begun = days(course.decided, 1);
        for (place, text) in talk.into_iter().enumerate() {
            let who = if place == 0 { deal.person_id } else { manager };
            let at = begun + TimeDelta::minutes(45 * place as i64);
            if at < stage.ctx.now() {
                say(stage, deal, who, text, place == 2, at).await?;
            }
        }
    }
    Ok(())
}

/// Who was told of what: the portal's own sentences.
async fn notices(
    stage: &Stage<'_>,
    deal: &deal::Model,
    manager: i64,
    course: &Course,
) -> Result<()> {
    let company = &deal.customer_name;
    let link = format!("/partner/deals/{}", deal.id);
    let ctx = stage.at(course.decided);
    let db = ctx.reader();
    match course.state {
        "submitted" => {
            let ctx = stage.at(course.registered);
            let text = format!("{company} waits for your review.");
            let link = format!("/manager/deals/{}", deal.id);
            notice::tell(&ctx, db, manager, text, link).await
        }
        "information_requested" => {
            let text = format!("There is a question about {company}.");
            notice::tell(&ctx, db, deal.person_id, text, link).await
        }
        "duplicate" => {
            let text = format!("{company} is already registered.");
            notice::tell(&ctx, db, deal.person_id, text, link).await
        }
        "approved" => {
            let until = course.expiry.format("%-d %B %Y");
            let text = format!("{company} is approved and protected until {until}.");
            notice::tell(&ctx, db, deal.person_id, text, link).await
        }
        _ => Ok(()),
    }
}

async fn say(
    stage: &Stage<'_>,
    deal: &deal::Model,
    person_id: i64,
    text: &str,
    internal: bool,
    at: DateTime<Utc>,
) -> Result<()> {
    let row = comment::ActiveModel {
        subject_type: Set("deal".to_owned()),
        subject_id: Set(deal.id),
        person_id: Set(person_id),
        body: Set(text.to_owned()),
        internal: Set(internal),
        created_at: Set(at),
        ..Default::default()
    };
    insert::one(stage.ctx.reader(), row).await?;
    Ok(())
}

/// When an extension was asked for; None: it is open.
struct Extension {
    asked: DateTime<Utc>,
    granted: Option<DateTime<Utc>>,
}

/// Two approved deals wait for more time, Brightpath's among them; others have got it.
fn extension(stage: &Stage<'_>, course: &Course, n: usize) -> Option<Extension> {
    if course.state != "approved" {
        return None;
    }
    let now = stage.ctx.now();
    if course.extensions > 0 {
        let asked = (course.decided + TimeDelta::days(3)).min(now - TimeDelta::hours(3));
        let granted = Some((asked + TimeDelta::hours(2)).min(now));
        return Some(Extension { asked, granted });
    }
    matches!(n, 1 | 6).then(|| Extension {
        asked: (stage.today - TimeDelta::hours(9)).max(course.decided),
        granted: None,
    })
}

async fn extensions(
    stage: &Stage<'_>,
    deal: &deal::Model,
    manager: i64,
    course: &Course,
    n: usize,
) -> Result<()> {
    let Some(extension) = extension(stage, course, n) else {
        return Ok(());
    };
    let granted = extension.granted;
    let row = extension_request::ActiveModel {
        deal_id: Set(deal.id),
        person_id: Set(deal.person_id),
        evidence: Set(
            "Second workshop held on site; the trial has 14 users and ends next week.".to_owned(),
        ),
        status: Set(if granted.is_some() { "granted" } else { "open" }.to_owned()),
        decided_by: Set(granted.map(|_| manager)),
        created_at: Set(extension.asked),
        decided_at: Set(granted),
        ..Default::default()
    };
    insert::one(stage.ctx.reader(), row).await?;
    Ok(())
}

/// One step: what, in words, when, by whom.
type Step = (&'static str, String, DateTime<Utc>, i64);

async fn timeline(
    stage: &Stage<'_>,
    deal: &deal::Model,
    manager: i64,
    course: &Course,
) -> Result<()> {
    let partner = deal.person_id;
    let mut steps: Vec<Step> = Vec::new();
    let mut add = |action, text: &str, at, who| steps.push((action, text.to_owned(), at, who));
    if deal.submitted_at.is_some() {
        add(
            "deal.submitted",
            "Registration sent.",
            course.registered,
            partner,
        );
    }
    if course.taken() {
        let taken = course.registered + (course.decided - course.registered) / 2;
        add("deal.taken", "Review begun.", taken, manager);
    }
    match course.state {
        "rejected" => add("deal.rejected", "Rejected.", course.decided, manager),
        "duplicate" => {
            let text = reason("duplicate").unwrap_or_default();
            add("deal.duplicate", text, course.decided, manager);
        }
        "information_requested" => add(
            "deal.asked",
            "Information requested.",
            course.decided,
            manager,
        ),
        _ if course.approved() => {
            let until = days(course.decided, 90).format("%-d %B %Y");
            let text = format!("Approved and protected until {until}.");
            add("deal.approved", &text, course.decided, manager);
        }
        _ => {}
    }
    if let Some(at) = deal.waiting_since {
        add("deal.waiting", "Joined the waiting list.", at, partner);
    }
    if let Some(at) = course.closed {
        match course.state {
            "won" => add(
                "deal.won",
                "Won. The customer is linked; its invoices earn.",
                at,
                manager,
            ),
            "lost" => add("deal.lost", "Lost.", at, partner),
            "expired" => add("deal.expired", "Protection ended.", at, manager),
            "withdrawn" => add("deal.withdrawn", "Withdrawn.", at, partner),
            "revoked" => add("deal.revoked", "Protection revoked.", at, manager),
            _ => {}
        }
    }
    let rows = steps
        .into_iter()
        .map(|(action, summary, at, who)| event::ActiveModel {
            at: Set(at),
            // Nobody ends a protection: its time is over.
            actor_id: Set((action != "deal.expired").then_some(who)),
            action: Set(action.to_owned()),
            subject_type: Set("deal".to_owned()),
            subject_id: Set(deal.id),
            partner_id: Set(Some(deal.partner_id)),
            internal: Set(false),
            summary: Set(summary),
            detail: Set(json!({})),
            request_id: Set("seed".to_owned()),
            ..Default::default()
        })
        .collect();
    insert::many(stage.ctx.reader(), rows).await
}
