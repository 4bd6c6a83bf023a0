//! Sending a registration, and answering the reviewer.

use domain::deal::{
    AutoApproval, AutoFacts, Conflict, ConflictKind, DealStatus as D, auto_approve,
};
use domain::transition::Who;
use entity::deal::{Column, Entity, Model};
use entity::{account, partner, policy_version, program as programs, tier};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait};

use super::fields::Checked;
use super::{
    Fields, NewFile, approve, as_system, check, conflict, draft, file, letters, note,
    note_internal, own, policy, review_due, status, step, tell, tell_staff,
};
use crate::account as accounts;
use crate::application::{questions, say, written};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::learning::missing_for_deals;
use crate::lists;
use crate::program;

/// What became of a registration that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is looked at: by a person, or by the program's rule once Stripe has been asked.
    Waits,
    /// Somebody else has the company; there is a waiting list.
    Duplicate,
}

/// Begins a registration and sends it with its files, in one: what is refused leaves nothing behind.
///
/// # Errors
/// As [`submit`], and [`Error::Invalid`] at `file` as [`super::attach`].
pub async fn register(
    ctx: &Context,
    fields: &Fields,
    files: &[NewFile<'_>],
) -> Result<(i64, Sent)> {
    let tx = ctx.begin().await?;
    let deal = draft::begun(ctx, &*tx, fields).await?;
    for file in files {
        file::add(ctx, &*tx, &deal, file).await?;
    }
    let sent = send(ctx, &*tx, &deal, fields).await?;
    tx.commit().await?;
    Ok((deal.id, sent))
}

/// Sends a registration that is kept as a draft. What was typed is kept in any case.
///
/// # Errors
/// [`Error::Invalid`] by field, among them the customer's domain when it is the partner's own;
/// [`Error::Conflict`] when a certificate is missing or it was sent already.
pub async fn submit(ctx: &Context, id: i64, fields: &Fields) -> Result<Sent> {
    // Kept first and in a transaction of its own: a refused form is not lost.
    if status(&own(ctx, ctx.reader(), id).await?)? == D::Draft {
        draft::save(ctx, id, fields).await?;
    }
    let tx = ctx.begin().await?;
    let deal = own(ctx, &*tx, id).await?;
    let sent = send(ctx, &*tx, &deal, fields).await?;
    tx.commit().await?;
    Ok(sent)
}

/// Checks the form, and sends the registration or marks it as a duplicate.
async fn send(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    fields: &Fields,
) -> Result<Sent> {
    let id = deal.id;
    D::MACHINE
        .check_by(status(deal)?, D::Submitted, Who::Partner)
        .map_err(|refusal| Error::conflict(refusal.sentence))?;
    if let Some(missing) = missing_for_deals(tx, deal.partner_id, ctx.now()).await? {
        return Err(Error::conflict(format!(
            "Registering deals needs the certificate “{}”. One of you has to pass the course \
             first; it is under Learning. You can save what you typed as a draft meanwhile.",
            missing.title
        )));
    }
    let program = program::by_id(tx, deal.program_id).await?;
    let policy = program::policy_at(tx, program.id, ctx.now()).await?;
    let judged = judge(ctx, tx, deal, &program, fields).await?;
    let mut values = judged.checked.columns;
    values.extend([
        (Column::AccountId, Expr::value(judged.account.id)),
        (
            Column::Conflicts,
            Expr::value(serde_json::to_value(&judged.conflicts)?),
        ),
        (Column::PolicyVersionId, Expr::value(policy.id)),
        (Column::SubmittedAt, Expr::value(ctx.now())),
        (
            Column::ReviewDueAt,
            Expr::value(review_due(ctx, &policy, program::zone(&program))),
        ),
    ]);
    let deal = step(ctx, tx, deal, D::Submitted, Who::Partner, values).await?;
    draft::set_lines(tx, id, &judged.checked.lines).await?;
    note(ctx, tx, &deal, "deal.submitted", "Registration sent.").await?;
    let rival = conflict::rival(
        tx,
        judged.account.id,
        deal.partner_id,
        &judged.checked.lines,
        ctx.now(),
    )
    .await?;
    if let Some(rival) = rival {
        let system = as_system(ctx);
        let deal = step(&system, tx, &deal, D::InReview, Who::System, vec![]).await?;
        mark_duplicate(&system, tx, &deal, rival, None, "").await?;
        return Ok(Sent::Duplicate);
    }
    let words = format!("{} waits for your review.", deal.customer_name);
    tell_staff(ctx, tx, &deal, &words).await?;
    check::begin(ctx, tx, id).await?;
    Ok(Sent::Waits)
}

/// A form with what was found about it.
struct Judged {
    checked: Checked,
    account: account::Model,
    conflicts: Vec<Conflict>,
}

/// Checks the form and finds the account and what stands in the way.
async fn judge(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    program: &programs::Model,
    fields: &Fields,
) -> Result<Judged> {
    let partner = partner::Entity::find_by_id(deal.partner_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    if partner.status != "active" {
        return Err(Error::conflict(
            "Your organisation is not active, so it cannot register deals.",
        ));
    }
    let today = domain::calendar::local_date(ctx.now(), program::zone(program));
    let asked = questions(&program.deal_questions)?;
    let offered = program::product_lines(tx, program.id).await?;
    let lists = lists::current(tx).await?;
    let checked = fields.checked(&lists, &asked, &offered, today, &program.currency)?;
    let own = conflict::own_domains(tx, &lists, &partner).await?;
    let is_own = |domain: &String| own.contains(domain);
    let itself = Conflict::new(ConflictKind::SelfReferral, &checked.domain);
    let mut account_domains = vec![checked.domain.clone()];
    if let Some(known) = accounts::by_domain(tx, &checked.domain).await? {
        account_domains.extend(accounts::domains(tx, known.id).await?);
    }
    if account_domains.iter().any(is_own) {
        return Err(Error::field(
            "customer_domain",
            itself.sentence_for_partner(),
        ));
    }
    if checked.contact_domain.as_ref().is_some_and(is_own) {
        return Err(Error::field(
            "contact_email",
            "This is one of your own addresses. Name somebody at the customer.",
        ));
    }
    let account = accounts::find_or_create(
        ctx,
        tx,
        &checked.domain,
        &checked.name,
        Some(&checked.country),
    )
    .await?;
    if conflict::own_open(
        tx,
        account.id,
        partner.id,
        &checked.lines,
        deal.id,
        ctx.now(),
    )
    .await?
    {
        return Err(Error::field(
            "customer_domain",
            "You have already registered this company for one of these product lines; see your \
             list of deals.",
        ));
    }
    let form = conflict::Judged {
        deal_id: deal.id,
        partner_id: partner.id,
        name: &checked.name,
        lines: &checked.lines,
    };
    let conflicts = conflict::find(tx, &account, &form, ctx.now()).await?;
    Ok(Judged {
        checked,
        account,
        conflicts,
    })
}

/// Keeps a corrected form while the reviewer waits for information.
pub(super) async fn correct(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    fields: &Fields,
) -> Result<()> {
    let program = program::by_id(tx, deal.program_id).await?;
    let judged = judge(ctx, tx, deal, &program, fields).await?;
    if deal.account_id != Some(judged.account.id) {
        // It has its place by when it was sent, which is of that company only.
        return Err(Error::field(
            "customer_domain",
            "This registration is of another company. Register this one by itself, and withdraw or \
             let go of the other.",
        ));
    }
    let mut values = judged.checked.columns;
    values.extend([
        (Column::AccountId, Expr::value(judged.account.id)),
        (
            Column::Conflicts,
            Expr::value(serde_json::to_value(&judged.conflicts)?),
        ),
    ]);
    draft::update(ctx, tx, deal, values).await?;
    draft::set_lines(tx, deal.id, &judged.checked.lines).await?;
    check::begin(ctx, tx, deal.id).await
}

/// Ends a registration as a duplicate of another one; `words` are added for the partner.
pub(super) async fn mark_duplicate(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    of: i64,
    reviewer: Option<i64>,
    words: &str,
) -> Result<()> {
    let sentence = Conflict::new(ConflictKind::Duplicate, "").sentence_for_partner();
    let reason = if words.is_empty() {
        sentence.to_owned()
    } else {
        format!("{sentence} {words}")
    };
    let mut values = vec![
        (Column::DuplicateOfId, Expr::value(of)),
        (Column::DecisionReason, Expr::value(reason.as_str())),
        (Column::DecidedAt, Expr::value(ctx.now())),
        (Column::ClosedAt, Expr::value(ctx.now())),
    ];
    if let Some(reviewer) = reviewer {
        values.push((Column::ReviewerId, Expr::value(reviewer)));
    }
    let deal = step(ctx, tx, deal, D::Duplicate, super::who(ctx), values).await?;
    note(ctx, tx, &deal, "deal.duplicate", reason.as_str()).await?;
    let detail = serde_json::json!({ "duplicate_of": of });
    let of = format!("Duplicate of registration {of}.");
    note_internal(ctx, tx, &deal, "deal.duplicate_of", of, detail).await?;
    let letter = letters::duplicate(super::company(&deal), &reason, deal.id);
    let text = format!("{} is already registered.", super::company(&deal));
    tell(ctx, tx, &deal, &text, Some(letter)).await
}

/// Approves what nobody has taken yet without a person, where the program allows it. Stripe has been
/// asked by then.
pub(super) async fn at_once(ctx: &Context, id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    let deal = Entity::find_by_id(id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    if status(&deal)? != D::Submitted {
        return Ok(());
    }
    let conflicts = conflict::of_deal(&*tx, &deal, ctx.now()).await?;
    let policy = policy(ctx, &*tx, &deal).await?;
    let rule = rule(&policy);
    let program = program::by_id(&*tx, deal.program_id).await?;
    let partner = partner::Entity::find_by_id(deal.partner_id)
        .one(&*tx)
        .await?;
    let tier = match partner {
        Some(partner) => tier::Entity::find_by_id(partner.tier_id).one(&*tx).await?,
        None => None,
    };
    let facts = AutoFacts {
        tier_rank: tier.and_then(|t| i32::try_from(t.rank).ok()),
        value_minor: deal.value.filter(|_| deal.currency == program.currency),
        conflicts: &conflicts,
    };
    match auto_approve(rule.as_ref(), &facts) {
        Ok(()) => {
            let deal = step(ctx, &*tx, &deal, D::InReview, Who::System, vec![]).await?;
            approve::protect(ctx, &*tx, &deal, None, None, "").await?;
            tx.commit().await?;
        }
        Err(why) if rule.is_some() => {
            let none = serde_json::Value::Null;
            note_internal(ctx, &*tx, &deal, "deal.for_a_person", why, none).await?;
            tx.commit().await?;
        }
        Err(_) => {}
    }
    Ok(())
}

fn rule(policy: &policy_version::Model) -> Option<AutoApproval> {
    let below = policy.auto_approve_below?;
    Some(AutoApproval {
        min_tier_rank: i32::try_from(policy.auto_approve_min_tier.unwrap_or(0)).unwrap_or(i32::MAX),
        max_value_minor: below.saturating_sub(1),
    })
}

/// Answers the reviewer's question; the review goes on, with its time counted anew.
///
/// # Errors
/// [`Error::Invalid`] for an empty answer, [`Error::Conflict`] when nothing was asked.
pub async fn answer(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    let text = written("answer", typed, "your answer")?;
    let tx = ctx.begin().await?;
    let deal = own(ctx, &*tx, id).await?;
    let program = program::by_id(&*tx, deal.program_id).await?;
    let policy = policy(ctx, &*tx, &deal).await?;
    let values = vec![
        (
            Column::ReviewDueAt,
            Expr::value(review_due(ctx, &policy, program::zone(&program))),
        ),
        (
            Column::EscalatedAt,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        ),
    ];
    let deal = step(ctx, &*tx, &deal, D::InReview, Who::Partner, values).await?;
    say(ctx, &tx, "deal", id, &text, false).await?;
    note(ctx, &*tx, &deal, "deal.answered", "The partner answered.").await?;
    let words = format!("Your question about {} was answered.", deal.customer_name);
    tell_staff(ctx, &*tx, &deal, &words).await?;
    tx.commit().await?;
    Ok(())
}
