//! The certification course of the demonstration.

use domain::exam::Question;
use entity::{course, course_version, lesson, question};
use sea_orm::ActiveValue::Set;
use serde_json::json;
use service::{Error, Result};

use super::{Stage, insert};

/// A course with its published version.
pub(super) struct Made {
    pub(super) course: course::Model,
    pub(super) version: course_version::Model,
    pub(super) pool: Vec<Question>,
}

pub(super) async fn make(stage: &Stage<'_>, program_id: i64) -> Result<Made> {
    let db = stage.ctx.reader();
    let row = course::ActiveModel {
        program_id: Set(program_id),
        slug: Set("lumen-fundamentals".to_owned()),
        gates_deals: Set(true),
        created_at: Set(stage.start),
        ..Default::default()
    };
    let course = insert::one(db, row).await?;
    let row = course_version::ActiveModel {
        course_id: Set(course.id),
        version: Set(1),
        status: Set("published".to_owned()),
        title: Set("Lumen Fundamentals".to_owned()),
        summary: Set(
            "What Lumen Desk does, who it is for, and how to bring a customer on board. It opens \
             deal registration."
                .to_owned(),
        ),
        pass_percent: Set(75),
        question_count: Set(8),
        time_limit_minutes: Set(30),
        attempts_allowed: Set(5),
        retry_wait_hours: Set(12),
        valid_months: Set(12),
        grace_days: Set(30),
        published_at: Set(Some(stage.start)),
        created_at: Set(stage.start),
        ..Default::default()
    };
    let version = insert::one(db, row).await?;
    for (position, (module, title, minutes, body)) in (1..).zip(LESSONS) {
        let row = lesson::ActiveModel {
            course_version_id: Set(version.id),
            position: Set(position),
            module: Set(module.to_owned()),
            title: Set(title.to_owned()),
            body: Set(body.to_owned()),
            minutes: Set(minutes),
            ..Default::default()
        };
        insert::one(db, row).await?;
    }
    let mut pool = Vec::new();
    for (position, (kind, prompt, options, answer, feedback)) in (1..).zip(QUESTIONS) {
        let row = question::ActiveModel {
            course_version_id: Set(version.id),
            position: Set(position),
            kind: Set(kind.to_owned()),
            prompt: Set(prompt.to_owned()),
            options: Set(json!(options)),
            answer: Set(json!(answer)),
            feedback: Set(feedback.to_owned()),
            ..Default::default()
        };
        let row = insert::one(db, row).await?;
        pool.push(Question {
            id: row.id,
            kind: kind.parse().map_err(Error::internal)?,
            prompt: row.prompt,
            options: serde_json::from_value(row.options)?,
            answer: serde_json::from_value(row.answer)?,
            explanation: row.feedback,
        });
    }
    Ok(Made {
        course,
        version,
        pool,
    })
}

const LESSONS: [(&str, &str, i64, &str); 5] = [
    (
        "The product",
        "What Lumen Desk is",
        4,
        "Lumen Desk is a **shared inbox with memory**. Every message from a customer becomes a \
         conversation that has one owner, a due time and a history.\n\n\
         | Part | What it does |\n|---|---|\n| Desk | conversations, due times, answers |\n\
         | Insights | what customers ask about, and how fast they are answered |\n\
         | Care | onboarding and a named contact |\n",
    ),
    (
        "The product",
        "Insights and Care",
        3,
        "**Insights** reads the conversations of a Desk and shows topics, waiting times and what \
         changed since last month. It needs a Desk.\n\n**Care** adds a named contact and an \
         onboarding of four weeks. It pays for itself where a team moves from another product.",
    ),
    (
        "The customer",
        "Who it is for",
        4,
        "The best customers have **20 to 500 people**, three or more of whom answer customers all \
         day. Ask three questions:\n\n1. How many people answer customers?\n2. What happens when one \
         of them is ill?\n3. What has to be different by the end of the quarter?\n\nA team of two, \
         or a call centre of a thousand, is better served elsewhere. Say so.",
    ),
    (
        "Working with us",
        "Registering a deal",
        5,
        "Register a deal **before** you introduce us. Give the company's domain, the need and the \
         expected close. We answer within two business days.\n\nAn approved deal is protected for \
         90 days. It can be extended twice by 30 days, with evidence that you are at it: a meeting, \
         an offer, a trial.",
    ),
    (
        "Working with us",
        "How you are paid",
        4,
        "You earn on what your customer **paid**, without tax, after discounts and credits. The \
         amount is on hold for 30 days. After that it is payable, and on the fifth of the month it \
         is transferred.\n\nWhen a customer gets money back, the commission goes back in the same \
         proportion. You see every line with its calculation.",
    ),
];

type Asked = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [u16],
    &'static str,
);

const QUESTIONS: [Asked; 12] = [
    (
        "single",
        "What becomes of a customer's message in Lumen Desk?",
        &[
            "A ticket without an owner",
            "A conversation with one owner and a due time",
            "An e-mail to the whole team",
        ],
        &[1],
        "One owner and a due time are what keeps messages from getting lost.",
    ),
    (
        "single",
        "What does Insights need?",
        &["A Desk", "Care", "Nothing else"],
        &[0],
        "Insights reads the conversations of a Desk.",
    ),
    (
        "multiple",
        "Which are part of Care?",
        &[
            "A named contact",
            "An onboarding of four weeks",
            "A discount on Desk",
        ],
        &[0, 1],
        "Care is about people and time, not about price.",
    ),
    (
        "true_false",
        "A team of two is a good customer for Lumen Desk.",
        &["True", "False"],
        &[1],
        "Three or more people who answer customers is where it starts to help.",
    ),
    (
        "single",
        "When do you register a deal?",
        &[
            "After the customer has signed",
            "Before you introduce us",
            "When the first invoice is paid",
        ],
        &[1],
        "Protection starts with our approval, so register first.",
    ),
    (
        "single",
        "For how long is an approved deal protected?",
        &["30 days", "90 days", "A year"],
        &[1],
        "90 days, and it can be extended twice.",
    ),
    (
        "multiple",
        "What is evidence for an extension?",
        &["A meeting", "An offer", "That time is short", "A trial"],
        &[0, 1, 3],
        "Evidence is something that happened with the customer.",
    ),
    (
        "single",
        "What do you earn on?",
        &[
            "The amount you typed into the deal",
            "What the customer paid, without tax",
            "The list price",
        ],
        &[1],
        "Only money that arrived earns commission.",
    ),
    (
        "ordering",
        "Put the life of a commission in order.",
        &[
            "The customer pays",
            "The amount is on hold",
            "It is payable",
            "It is transferred",
        ],
        &[0, 1, 2, 3],
        "Hold comes first, so that refunds can be settled before anything is paid out.",
    ),
    (
        "true_false",
        "When a customer is refunded half, half of the commission goes back.",
        &["True", "False"],
        &[0],
        "In the same proportion, whatever the steps.",
    ),
    (
        "single",
        "How long is the hold?",
        &["7 days", "30 days", "90 days"],
        &[1],
        "Thirty days from the day the money arrived.",
    ),
    (
        "multiple",
        "Which questions tell you whether a customer fits?",
        &[
            "How many people answer customers?",
            "What happens when one of them is ill?",
            "What is the company's share price?",
        ],
        &[0, 1],
        "You want to know about the team and its work.",
    ),
];
