//! What is told at once about payouts: to finance, and to the partner whose money it is.
//!
//! Whoever decides the occurrence calls the one function for it, in the same transaction. What is only
//! found out while sending (questions, shortage, differences) is told there. What can be retried, or happens to hundreds of payouts of one run, is told once.

use chrono::{DateTime, Utc};
use domain::money::Money;
use domain::payout::{PayoutStatus, RunStatus};
use entity::{partner, payout, payout_run, person};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use super::money;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::mail::{self, Letter};
use crate::notice::{self, FINANCE, first_time, tell_staff};

fn run_path(run_id: i64) -> String {
    format!("/finance/runs/{run_id}")
}

fn listed(amounts: &[Money]) -> String {
    let amounts: Vec<String> = amounts.iter().map(|m| m.format("en")).collect();
    amounts.join(", ")
}

async fn run_of(tx: &impl ConnectionTrait, run_id: i64) -> Result<payout_run::Model> {
    payout_run::Entity::find_by_id(run_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)
}

/// Finance: a run was submitted and waits for an approval. `second` says why two people have to.
pub(crate) async fn approval_asked(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    totals: &[Money],
    second: Option<&str>,
) -> Result<()> {
    let mut letter =
        Letter::new(format!("Payout run {} waits for approval", run.number)).text(format!(
            "It pays {}. Somebody who had no hand in it has to approve it before anything is sent.",
            listed(totals)
        ));
    if let Some(why) = second {
        letter = letter.text(format!("Two people have to approve it: {why}"));
    }
    tell_staff(ctx, tx, FINANCE, letter, &run_path(run.id)).await
}

/// Finance: one person approved a run, and a second one has to.
pub(crate) async fn second_asked(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    why: &str,
) -> Result<()> {
    let letter = Letter::new(format!(
        "Payout run {} waits for a second approval",
        run.number
    ))
    .text(format!(
        "One person has approved it. A second one has to: {why}"
    ));
    tell_staff(ctx, tx, FINANCE, letter, &run_path(run.id)).await
}

/// Finance: a booking by hand waits for a second person.
pub(crate) async fn adjustment_waits(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    commission_id: i64,
    partner: &str,
    amount: Money,
    why: &str,
) -> Result<()> {
    let amount = amount.format("en");
    let letter = Letter::new(format!(
        "{amount} for {partner} wait for a second person’s approval"
    ))
    .text(format!(
        "It was booked by hand and is held until another person of finance approves it: {why}"
    ));
    let path = format!("/finance/commissions/{commission_id}");
    tell_staff(ctx, tx, FINANCE, letter, &path).await
}

/// Finance: the calendar drafted a run, and which drafts have waited since before.
pub(crate) async fn drafted(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    last_day: &str,
) -> Result<()> {
    let others: Vec<String> = payout_run::Entity::find()
        .filter(payout_run::Column::ProgramId.eq(run.program_id))
        .filter(payout_run::Column::Status.eq(RunStatus::Draft.as_str()))
        .filter(payout_run::Column::Id.ne(run.id))
        .order_by_asc(payout_run::Column::Id)
        .all(tx)
        .await?
        .into_iter()
        .map(|other| other.number)
        .collect();
    let mut letter = Letter::new(format!("Payout run {} was drafted", run.number)).text(format!(
        "The calendar drafted the month’s run. It pays what was payable up to {last_day}. Look \
         through it and submit it for approval; nothing is paid before that."
    ));
    if !others.is_empty() {
        letter = letter.text(format!(
            "Older drafts are still open: {}. Submit or cancel them; what they pay is in this run \
             too, and nobody is paid twice.",
            others.join(", ")
        ));
    }
    tell_staff(ctx, tx, FINANCE, letter, &run_path(run.id)).await
}

/// The partner’s owners: a payout failed. Finance: once for the run, at its first failure;
/// [`ended`] says how many there were.
pub(crate) async fn failed(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    cause: &str,
) -> Result<()> {
    let amount = money(row.amount, &row.currency)?.format("en");
    let path = format!("/partner/payouts/{}", row.id);
    let subject = format!("A payout of {amount} did not go through");
    let letter = Letter::new(subject.clone())
        .text(format!(
            "We could not transfer {amount} to your Stripe account. The amount is in your balance \
             again and is part of the next payout. Please look whether Stripe needs something from \
             you; if not, you need not do anything."
        ))
        .link("The payout", &path)
        .link("Payout account", "/partner/payout-account");
    mail::send_to_owners(ctx, tx, row.partner_id, letter).await?;
    notice::tell_partner(ctx, tx, row.partner_id, true, &subject, &path).await?;
    if !first_time(ctx, tx, format!("run:{}:failed", row.run_id)).await? {
        return Ok(());
    }
    let run = run_of(tx, row.run_id).await?;
    let letter = Letter::new(format!("A payout of run {} failed", run.number))
        .text(format!(
            "{amount} was not transferred: {cause} The amount is payable again."
        ))
        .text("If more of the same run fail, the run’s page counts them; you get one more message when the run has ended.");
    tell_staff(ctx, tx, FINANCE, letter, &run_path(run.id)).await
}

/// Finance: a run has ended; how many of its payouts failed, if any did.
pub(crate) async fn ended(ctx: &Context, tx: &impl ConnectionTrait, run_id: i64) -> Result<()> {
    let all = payout::Entity::find().filter(payout::Column::RunId.eq(run_id));
    let failed = all
        .clone()
        .filter(payout::Column::Status.eq(PayoutStatus::Failed.as_str()))
        .count(tx)
        .await?;
    if failed == 0 || !first_time(ctx, tx, format!("run:{run_id}:ended")).await? {
        return Ok(());
    }
    let of = all.count(tx).await?;
    let run = run_of(tx, run_id).await?;
    let letter = Letter::new(format!(
        "Payout run {} has ended: {failed} of {of} payouts failed",
        run.number
    ))
    .text("What failed is payable again and can go into the next run. The run’s page names each with its reason.");
    tell_staff(ctx, tx, FINANCE, letter, &run_path(run_id)).await
}

/// Finance: an approved run has ended without a payout, and why.
pub(crate) async fn nobody_paid(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run_id: i64,
    why: &str,
) -> Result<()> {
    let run = run_of(tx, run_id).await?;
    let letter = Letter::new(format!("Payout run {} paid nobody", run.number))
        .text(why.to_owned())
        .text("Every amount stays payable and can go into the next run. The run’s page names each partner with its reason.");
    tell_staff(ctx, tx, FINANCE, letter, &run_path(run_id)).await
}

/// The partner’s owners: a transfer was taken back, whole or in part.
pub(crate) async fn reversed(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    came_back: Money,
) -> Result<()> {
    let back = came_back.format("en");
    let path = format!("/partner/payouts/{}", row.id);
    let subject = format!("{back} of a payout was taken back");
    let letter = Letter::new(subject.clone())
        .text(format!(
            "{back} that we had transferred to your Stripe account was taken back there. It is in \
             your balance again."
        ))
        .link("The payout", &path);
    mail::send_to_owners(ctx, tx, row.partner_id, letter).await?;
    notice::tell_partner(ctx, tx, row.partner_id, true, &subject, &path).await
}

async fn partner_of(tx: &impl ConnectionTrait, partner_id: i64) -> Result<partner::Model> {
    partner::Entity::find_by_id(partner_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)
}

/// A payout account that has just been connected.
pub(crate) struct Connected {
    /// `partner.id`.
    pub(crate) partner_id: i64,
    /// `person.id` of the owner who did it.
    pub(crate) by: i64,
    /// Whether there was another one before.
    pub(crate) replaced: bool,
    /// When its first payout may leave; none where it need not wait.
    pub(crate) pays_from: Option<DateTime<Utc>>,
}

/// Everybody who owns the partner or did so lately, its manager, and finance: who connected an account
/// and what to do if that was not them. `former` are people who were owners until a short time ago.
pub(crate) async fn account_connected(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    connected: &Connected,
    former: &[i64],
) -> Result<()> {
    let partner = partner_of(tx, connected.partner_id).await?;
    let by = person::Entity::find_by_id(connected.by)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let at = ctx.now().format("%-d %B %Y, %H:%M UTC");
    let did = if connected.replaced {
        "replaced the payout account"
    } else {
        "connected a payout account"
    };
    let subject = format!("{} {did} of {}", by.name, partner.name);
    let facts = format!(
        "{} ({}) {did} of {} on {at}. Commission is paid to this account at Stripe.",
        by.name, by.email, partner.name
    );
    let waits = connected.pays_from.map_or_else(
        || "Payouts to it can leave at once.".to_owned(),
        |from| {
            let from = from.format("%-d %B %Y, %H:%M UTC");
            format!("The first payout to it leaves on {from} at the earliest.")
        },
    );
    let owners = Letter::new(subject.clone())
        .text(facts.clone())
        .text(waits.clone())
        .text(
            "If that was none of you, tell your partner manager at once: finance can hold your \
             payouts until it is cleared up. Then set a new password and look who your owners are.",
        )
        .link("Payout account", "/partner/payout-account")
        .link(
            "Your organisation’s people",
            "/partner/organisation/members",
        );
    mail::send_to_owners(ctx, tx, partner.id, owners.clone()).await?;
    notice::tell_partner(
        ctx,
        tx,
        partner.id,
        true,
        &subject,
        "/partner/payout-account",
    )
    .await?;
    for person_id in former {
        mail::send_to(ctx, tx, *person_id, owners.clone()).await?;
    }
    let path = format!("/manager/partners/{}", partner.id);
    let staff = Letter::new(subject.clone()).text(facts).text(waits).text(
        "If you doubt that it is the partner, hold its payouts first and call an owner whom you \
         know, at a number from before.",
    );
    let mut told = Vec::new();
    if let Some(manager) = partner.manager_id {
        notice::tell(ctx, tx, manager, subject, path.clone()).await?;
        mail::send_to(ctx, tx, manager, staff.clone().link("The partner", &path)).await?;
        told.push(manager);
    }
    notice::tell_staff_but(ctx, tx, FINANCE, &told, staff, &path).await
}
