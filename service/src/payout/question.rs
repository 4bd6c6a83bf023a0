//! What only a person can say about a payout: whether Stripe made its transfer.
//!
//! A question is put when Stripe lists what cannot be believed, and when an outcome stayed unclear for
//! longer than Stripe keeps the request's key. Stripe is asked again meanwhile: what fits is booked
//! whenever it appears, and closes the question. An answer moves no money to anybody: an amount that
//! is payable again leaves only with another run, which takes two people.

use domain::money::Money;
use domain::partner::StaffRole;
use domain::payout::{PayoutStatus, evidence};
use entity::{payout, payout_question};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};
use stripe_gateway::Gateway;
use stripe_gateway::billing::Transfer;

use super::send::{self, Said};
use super::{Next, sweep, watch};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::Letter;
use crate::notice::{self, tell_staff};

/// Who ends an open question, where there is one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Close<'a> {
    /// Stripe's own answer came, late.
    Machine,
    /// A person, with an answer and a reason.
    Person(i64, &'static str, &'a str),
}

/// The open question about a payout.
pub(super) async fn open(
    db: &impl ConnectionTrait,
    payout_id: i64,
) -> Result<Option<payout_question::Model>> {
    Ok(payout_question::Entity::find()
        .filter(payout_question::Column::PayoutId.eq(payout_id))
        .filter(payout_question::Column::AnsweredAt.is_null())
        .one(db)
        .await?)
}

/// Puts the question once and tells finance.
pub(super) async fn put(ctx: &Context, row: &payout::Model, why: &str) -> Result<()> {
    if open(ctx.reader(), row.id).await?.is_some() {
        return Ok(());
    }
    let tx = ctx.begin().await?;
    let made = payout_question::Entity::insert(payout_question::ActiveModel {
        payout_id: Set(row.id),
        why: Set(why.to_owned()),
        asked_at: Set(ctx.now()),
        ..Default::default()
    })
    .on_conflict(OnConflict::new().do_nothing().to_owned())
    .exec_without_returning(&*tx)
    .await?;
    if made == 1 {
        tracing::error!(payout = row.id, why, "a person has to decide");
        Entry::new("payout.question", "payout", row.id, why)
            .internal()
            .record(ctx, &*tx)
            .await?;
        let letter = Letter::new(format!("Payout {} needs your decision", row.id)).text(format!(
            "{why} Look at what Stripe lists and say whether the transfer was made. The amount stays \
             where it is until then."
        ));
        let path = format!("/finance/payouts/{}", row.id);
        tell_staff(ctx, &*tx, notice::FINANCE, letter, &path).await?;
        sweep::waits(
            ctx,
            &*tx,
            row.run_id,
            Some("A payout of this run needs a person’s decision: was its transfer made?"),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends the question in the transaction that settles its payout.
pub(super) async fn close(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    payout_id: i64,
    by: Close<'_>,
) -> Result<()> {
    use payout_question::Column;
    let (person, answer, reason) = match by {
        Close::Machine => (None, "found", "Stripe said so itself."),
        Close::Person(person, answer, reason) => (Some(person), answer, reason),
    };
    payout_question::Entity::update_many()
        .col_expr(Column::Answer, Expr::value(answer))
        .col_expr(Column::AnsweredAt, Expr::value(ctx.now()))
        .col_expr(Column::AnsweredBy, Expr::value(person))
        .col_expr(Column::Reason, Expr::value(reason))
        .filter(Column::PayoutId.eq(payout_id))
        .filter(Column::AnsweredAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// A transfer that may be the payout's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// `tr_…`.
    pub id: String,
    /// What was sent.
    pub amount: Money,
    /// What of it was taken back.
    pub reversed: Money,
    /// To which account.
    pub destination: Option<String>,
    /// When.
    pub created: chrono::DateTime<chrono::Utc>,
    /// What of it does not fit; none when everything does.
    pub misfit: Option<String>,
}

/// An open question with what Stripe lists now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The question.
    pub question: payout_question::Model,
    /// What Stripe lists in the payout's group, or why it does not say.
    pub listed: std::result::Result<Vec<Candidate>, String>,
}

fn candidate(own: &send::Own, transfer: &Transfer) -> Candidate {
    let amount = transfer.amount;
    Candidate {
        id: transfer.id.clone(),
        amount,
        reversed: Money::new(transfer.amount_reversed.minor, amount.currency),
        destination: transfer.destination.clone(),
        created: transfer.created,
        misfit: evidence::misfit(&own.as_ref(), &send::listed(transfer)),
    }
}

/// The open question about a payout, for staff, with what Stripe lists at this moment.
///
/// # Errors
/// [`Error::NotFound`] for a missing payout and for people outside the vendor.
pub async fn view(ctx: &Context, gateway: &dyn Gateway, payout_id: i64) -> Result<Option<View>> {
    ctx.any_staff()?;
    let row = send::find(ctx, payout_id).await?;
    let Some(question) = open(ctx.reader(), payout_id).await? else {
        return Ok(None);
    };
    let own = send::frozen(&row, &watch::installation(ctx).await?)?;
    let (said, found) = send::ask(ctx, gateway, &row).await?;
    let listed = match said {
        Said::Waits(waits) => Err(waits.sentence),
        _ => Ok(found.iter().map(|t| candidate(&own, t)).collect()),
    };
    Ok(Some(View { question, listed }))
}

/// The payout of an open question, and Stripe's answer of this moment, for a person who decides.
async fn decided(
    ctx: &Context,
    gateway: &dyn Gateway,
    payout_id: i64,
) -> Result<(payout::Model, Said, Vec<Transfer>)> {
    let row = send::find(ctx, payout_id).await?;
    if open(ctx.reader(), payout_id).await?.is_none() || row.status != "unknown" {
        return Err(Error::conflict(
            "Nothing is asked about this payout any more. Reload the page.",
        ));
    }
    let (said, found) = send::ask(ctx, gateway, &row).await?;
    if let Said::Waits(waits) = said {
        return Err(Error::Unavailable {
            message: format!("{} Nothing was decided.", waits.sentence),
            cause: "asked for a decision".to_owned(),
        });
    }
    Ok((row, said, found))
}

fn reason(text: &str) -> Result<&str> {
    match text.trim() {
        "" => Err(Error::field(
            "reason",
            "Say how you know; it stays with the payout.",
        )),
        reason => Ok(reason),
    }
}

/// “Stripe has it”: this transfer is the payout's. One that does not fit in account or metadata is
/// taken with the reason; its amount has to be the payout's.
///
/// # Errors
/// [`Error::Conflict`] when nothing is asked any more, when Stripe does not list the transfer in the
/// payout's group, and when its amount is another; [`Error::Invalid`] without a reason;
/// [`Error::Unavailable`] when Stripe does not answer.
pub async fn made(
    ctx: &Context,
    gateway: &dyn Gateway,
    payout_id: i64,
    transfer_id: &str,
    why: &str,
) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let why = reason(why)?;
    let (row, _, found) = decided(ctx, gateway, payout_id).await?;
    let transfer = found.iter().find(|t| t.id == transfer_id.trim());
    let Some(transfer) = transfer else {
        return Err(Error::field(
            "transfer",
            "Stripe does not list this transfer for the payout. Choose one that it lists.",
        ));
    };
    let amount = super::money(row.amount, &row.currency)?;
    if transfer.amount != amount {
        return Err(Error::Conflict(format!(
            "Transfer {} is of {}, the payout of {}. It cannot have paid this.",
            transfer.id,
            transfer.amount.format("en"),
            amount.format("en")
        )));
    }
    let closes = Close::Person(person_id, "made", why);
    let next = send::succeeded(ctx, &row, PayoutStatus::Unknown, transfer, closes).await?;
    ended(next)
}

/// “It was never made”: the amount is payable again. Asked of Stripe in the same step.
///
/// # Errors
/// [`Error::Conflict`] while Stripe lists a transfer that fits, and when nothing is asked any more;
/// [`Error::Invalid`] without a reason; [`Error::Unavailable`] when Stripe does not answer.
pub async fn never_made(
    ctx: &Context,
    gateway: &dyn Gateway,
    payout_id: i64,
    why: &str,
) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let why = reason(why)?;
    let (row, _, found) = decided(ctx, gateway, payout_id).await?;
    let own = send::frozen(&row, &watch::installation(ctx).await?)?;
    let fits = found.iter().map(|t| candidate(&own, t));
    if let Some(there) = fits.into_iter().find(|c| c.misfit.is_none()) {
        return Err(Error::Conflict(format!(
            "Stripe has it: transfer {} of {} fits. It was made.",
            there.id,
            there.amount.format("en")
        )));
    }
    let cause = "Stripe has no such transfer, a person decided.";
    let closes = Close::Person(person_id, "never_made", why);
    let next = send::failed(ctx, &row, PayoutStatus::Unknown, cause, closes).await?;
    ended(next)
}

/// “Ask again”: Stripe is asked now; what fits is booked.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not answer.
pub async fn ask_again(ctx: &Context, gateway: &dyn Gateway, payout_id: i64) -> Result<bool> {
    ctx.staff(StaffRole::Finance)?;
    let (row, said, _) = decided(ctx, gateway, payout_id).await?;
    match said {
        Said::Paid(transfer) => {
            let closes = Close::Machine;
            let next = send::succeeded(ctx, &row, PayoutStatus::Unknown, &transfer, closes).await?;
            ended(next).map(|()| true)
        }
        _ => Ok(false),
    }
}

fn ended(next: Next) -> Result<()> {
    match next {
        Next::Done => Ok(()),
        Next::Again(_) => Err(Error::conflict(
            "The payout changed meanwhile. Reload the page.",
        )),
    }
}

/// Every open question, oldest first, for staff.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn all_open(ctx: &Context) -> Result<Vec<payout_question::Model>> {
    ctx.any_staff()?;
    Ok(payout_question::Entity::find()
        .filter(payout_question::Column::AnsweredAt.is_null())
        .order_by_asc(payout_question::Column::Id)
        .all(ctx.reader())
        .await?)
}
