//! What finance does by hand: a bonus, a hold, a line taken back; and what went wrong elsewhere.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{commission, job, mail, person, webhook_event};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;
use service::commission::{AdjustForm, adjust, cancel, hold};
use service::payout::run;
use service::{Error, Result};
use stripe_gateway::billing::Invoice;
use stripe_sandbox::config::API_VERSION;

use super::partners::Made as Partner;
use super::program::Made as Program;
use super::{Stage, insert};

/// The subject of the mail that its address refuses.
pub(super) const UNDELIVERED: &str = "What is new in Lumen Desk";

/// A bonus and a correction in the course of the program, and a partner whose payouts wait.
pub(super) async fn earlier(
    stage: &Stage<'_>,
    program: &Program,
    partners: &[Partner],
    at: DateTime<Utc>,
) -> Result<()> {
    let felix = stage.staff(&program.finance[0], at);
    let book = |place: usize, kind: &str, amount: &str, reason: &str| AdjustForm {
        partner_id: partners[place].partner.id,
        kind: kind.to_owned(),
        amount: amount.to_owned(),
        currency: partners[place].company.currency.to_owned(),
        reason: reason.to_owned(),
    };
    for form in [
        book(0, "bonus", "750", "Talk at the user conference in Lisbon."),
        book(2, "bonus", "1200", "Three go-lives in one quarter."),
        book(
            26,
            "clawback",
            "85.40",
            "Paid twice for the same add-on in spring.",
        ),
    ] {
        adjust(&felix, &form).await?;
    }
    let why = "The owner has changed. We wait for the new bank details in writing.";
    run::hold_partner(&felix, partners[18].partner.id, Some(why)).await
}

/// Two days ago: lines held and taken back.
pub(super) async fn lately(
    stage: &Stage<'_>,
    program: &Program,
    partners: &[Partner],
    at: DateTime<Utc>,
) -> Result<()> {
    let ines = stage.staff(&program.finance[1], at);
    for (place, skip, canceled, why) in [
        (
            39,
            0,
            false,
            "Two partners say that they introduced this customer.",
        ),
        (
            6,
            0,
            false,
            "We check the reseller price on this invoice with Stripe’s tax report.",
        ),
        (
            0,
            1,
            true,
            "The order was entered twice; the right one follows with the next invoice.",
        ),
        (
            21,
            0,
            true,
            "The customer is a subsidiary of the partner: see 5 of the terms.",
        ),
    ] {
        let line = commission::Entity::find()
            .filter(commission::Column::PartnerId.eq(partners[place].partner.id))
            .filter(commission::Column::State.eq("pending"))
            .filter(commission::Column::Amount.gt(0))
            .filter(commission::Column::Reversed.eq(0))
            .order_by_desc(commission::Column::Id)
            .offset(skip)
            .one(stage.ctx.reader())
            .await?;
        let Some(line) = line else { continue };
        if canceled {
            cancel(&ines, &[line.id], why).await?;
        } else {
            hold(&ines, &[line.id], why).await?;
        }
    }
    Ok(())
}

/// An event that could not be read and a mail that could not be delivered, for those who look
/// after the portal itself.
pub(super) async fn failures(stage: &Stage<'_>) -> Result<()> {
    let db = stage.ctx.reader();
    let at = stage.today - TimeDelta::hours(31);
    let payload = json!({
        "id": "evt_demo_unreadable", "object": "event", "type": "invoice.paid",
        "created": at.timestamp(), "livemode": false, "api_version": API_VERSION,
        "data": {"object": {"id": "in_demo_unreadable", "object": "invoice", "status": "paid"}},
    });
    let cause = Invoice::parse(&payload["data"]["object"]).err();
    let cause = cause.map(|bad| bad.to_string());
    let row = webhook_event::ActiveModel {
        event_id: Set("evt_demo_unreadable".to_owned()),
        r#type: Set("invoice.paid".to_owned()),
        payload: Set(payload.to_string()),
        livemode: Set(false),
        happened_at: Set(at),
        received_at: Set(at + TimeDelta::seconds(1)),
        status: Set("failed".to_owned()),
        attempts: Set(1),
        error: Set(cause),
        processed_at: Set(Some(at + TimeDelta::seconds(2))),
        ..Default::default()
    };
    insert::one(db, row).await?;
    let to = person::Entity::find()
        .filter(person::Column::Email.eq("tyler@oakline.example"))
        .one(db)
        .await?
        .ok_or_else(|| Error::internal("nobody to write to"))?;
    let at = stage.today - TimeDelta::hours(55);
    let letter = mail::ActiveModel {
        person_id: Set(Some(to.id)),
        to_address: Set(to.email.clone()),
        subject: Set(UNDELIVERED.to_owned()),
        body: Set(format!(
            "Hello {},\n\nthe release notes of this month are in the portal.\n\nKind regards\nThe \
             partner team\n",
            to.name
        )),
        created_at: Set(at),
        ..Default::default()
    };
    let letter = insert::one(db, letter).await?;
    let dead = job::ActiveModel {
        kind: Set(service::mail::SEND.to_owned()),
        payload: Set(json!({ "mail_id": letter.id })),
        dedupe_key: Set(Some(service::mail::job_key(letter.id))),
        run_at: Set(at + TimeDelta::hours(6)),
        attempts: Set(12),
        status: Set("dead".to_owned()),
        error: Set(Some(
            "550 5.1.1 The mailbox of tyler@oakline.example does not exist.".to_owned(),
        )),
        created_at: Set(at),
        ..Default::default()
    };
    insert::one(db, dead).await?;
    Ok(())
}
