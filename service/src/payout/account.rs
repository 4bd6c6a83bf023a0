//! The partner's Stripe account: connecting it, and following what Stripe still needs.

use chrono::{DateTime, Utc};
use domain::payout::PayoutAccountState;
use entity::{partner, payout_account, payout_account_request, person};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use serde::{Deserialize, Serialize};
use stripe_gateway::{CallError, Gateway, NewRecipient, RecipientAccount};

use super::{country, jobs, new_account};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::job;
use crate::mail::{self, Letter};

/// One thing Stripe still needs, as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needed {
    /// In words.
    pub what: String,
    /// Why what was given was not good enough.
    pub problems: Vec<String>,
    /// `user` (the partner) or `stripe`.
    pub awaiting: String,
    /// `currently_due`, `past_due` or `eventually_due`.
    pub deadline: String,
    /// By when, where Stripe says so.
    pub due: Option<DateTime<Utc>>,
}

/// A partner's payout account as last retrieved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Where it stands.
    pub state: PayoutAccountState,
    /// `acct_…`; none before the first connection.
    pub stripe_id: Option<String>,
    /// What Stripe still needs.
    pub needed: Vec<Needed>,
    /// By when the most pressing of it is due.
    pub deadline_at: Option<DateTime<Utc>>,
    /// Until when the first payout to it waits, as long as it does: the account is new.
    pub waits_until: Option<DateTime<Utc>>,
    /// When it was last retrieved.
    pub checked_at: Option<DateTime<Utc>>,
    /// What is to be known about being paid in the partner's country, if there is something.
    pub country: Option<String>,
}

/// The payout account of the actor's own organisation.
///
/// # Errors
/// [`Error::NotFound`] for people who act for no partner.
pub async fn own(ctx: &Context) -> Result<View> {
    let (partner_id, ..) = ctx.partner()?;
    let db = ctx.reader();
    let row = find(db, partner_id).await?;
    let country = country::notice_for(db, partner_id, row.as_ref()).await?;
    let Some(row) = row else {
        return Ok(View {
            state: PayoutAccountState::None,
            stripe_id: None,
            needed: Vec::new(),
            deadline_at: None,
            waits_until: None,
            checked_at: None,
            country,
        });
    };
    let wait = new_account::wait(ctx, db, partner_id).await?;
    Ok(View {
        state: row.state.parse().map_err(Error::internal)?,
        stripe_id: Some(row.stripe_id),
        needed: serde_json::from_value(row.requirements)?,
        deadline_at: row.deadline_at,
        waits_until: new_account::waits_until(ctx, row.connected_at, wait),
        checked_at: Some(row.checked_at),
        country,
    })
}

async fn find(db: &impl ConnectionTrait, partner_id: i64) -> Result<Option<payout_account::Model>> {
    Ok(payout_account::Entity::find()
        .filter(payout_account::Column::PartnerId.eq(partner_id))
        .one(db)
        .await?)
}

/// Connects a payout account, or goes on with one that was begun, and answers with Stripe's page
/// to send the owner to. `base_url` is the portal's own address.
///
/// # Errors
/// [`Error::Forbidden`] for members who do not own the organisation, [`Error::Unavailable`] when
/// Stripe does not answer; a second try goes on where the first one stopped.
pub async fn connect(ctx: &Context, gateway: &dyn Gateway, base_url: &str) -> Result<String> {
    let (partner_id, person_id) = ctx.owner()?;
    let stripe_id = match find(ctx.reader(), partner_id).await? {
        Some(row) if row.state != PayoutAccountState::Closed.as_str() => row.stripe_id,
        closed => create(ctx, gateway, partner_id, person_id, closed).await?,
    };
    let back = format!("{base_url}/partner/payout-account/returned");
    let again = format!("{base_url}/partner/payout-account/continue");
    let link = match gateway.account_link(&stripe_id, &back, &again).await {
        // The account is gone, and nobody has told the portal: another one is begun.
        Err(e) if e.is_missing() => {
            refresh(ctx, gateway, &stripe_id).await?;
            let closed = find(ctx.reader(), partner_id).await?;
            let closed = closed.filter(|row| row.state == PayoutAccountState::Closed.as_str());
            let Some(closed) = closed else {
                return Err(unavailable(
                    "Nothing was changed. Try again in a minute.",
                    e,
                ));
            };
            let another = create(ctx, gateway, partner_id, person_id, Some(closed)).await?;
            gateway.account_link(&another, &back, &again).await
        }
        answer => answer,
    };
    let link = link.map_err(|e| unavailable("Nothing was changed. Try again in a minute.", e))?;
    Ok(link.url)
}

/// The request for a partner's account, kept before it is sent and until its answer is: whoever
/// connects again after a lost answer sends the same, to the letter and under the same key, and gets
/// the account that was made, whatever was renamed meanwhile.
async fn request(
    ctx: &Context,
    partner_id: i64,
    person_id: i64,
) -> Result<payout_account_request::Model> {
    use payout_account_request::{ActiveModel, Column, Entity};
    let partner = partner::Entity::find_by_id(partner_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    let person = person::Entity::find_by_id(person_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    let body = Body {
        display_name: partner.name,
        email: person.email,
        country: partner.country,
    };
    let tx = ctx.begin().await?;
    Entity::insert(ActiveModel {
        partner_id: Set(partner_id),
        // Random: another database at the same Stripe account has its own.
        idempotency_key: Set(format!(
            "portico:recipient:{partner_id}:{:032x}",
            rand::random::<u128>()
        )),
        body: Set(serde_json::to_value(body)?),
        made_at: Set(ctx.now()),
    })
    .on_conflict(
        OnConflict::column(Column::PartnerId)
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(&*tx)
    .await?;
    let kept = Entity::find_by_id(partner_id).one(&*tx).await?;
    tx.commit().await?;
    kept.ok_or(Error::NotFound)
}

/// What is sent to make an account.
#[derive(Serialize, Deserialize)]
struct Body {
    display_name: String,
    email: String,
    country: String,
}

/// Forgets a request that was answered; one made since under another key is left.
async fn answered(
    tx: &impl ConnectionTrait,
    request: &payout_account_request::Model,
) -> Result<()> {
    use payout_account_request::{Column, Entity};
    Entity::delete_many()
        .filter(Column::PartnerId.eq(request.partner_id))
        .filter(Column::IdempotencyKey.eq(&request.idempotency_key))
        .exec(tx)
        .await?;
    Ok(())
}

async fn create(
    ctx: &Context,
    gateway: &dyn Gateway,
    partner_id: i64,
    person_id: i64,
    closed: Option<payout_account::Model>,
) -> Result<String> {
    let request = request(ctx, partner_id, person_id).await?;
    let body: Body = serde_json::from_value(request.body.clone())?;
    let new = NewRecipient {
        display_name: body.display_name,
        email: body.email,
        country: body.country,
        entity_type: None,
    };
    let account = match gateway
        .create_recipient(&new, &request.idempotency_key)
        .await
    {
        Ok(account) => account,
        Err(e) => {
            // Nothing was made of it, so what is corrected may be sent as a new request.
            if !e.is_passing() && !e.refuses_key() {
                answered(ctx.reader(), &request).await?;
            }
            if country::is_refusal(&e) {
                let old = closed.as_ref().map(|row| row.stripe_id.as_str());
                let said = country::remember(ctx, partner_id, old, &e.to_string()).await?;
                return Err(Error::Conflict(said));
            }
            let sentence = "Your account was not connected. Try again in a minute.";
            return Err(unavailable(sentence, e));
        }
    };
    let tx = ctx.begin().await?;
    answered(&*tx, &request).await?;
    let replaced = closed.is_some();
    if let Some(old) = closed {
        payout_account::Entity::delete_by_id(old.id)
            .exec(&*tx)
            .await?;
    }
    // Another click of the same owner may have stored it meanwhile; it is the same account then.
    if find(&*tx, partner_id).await?.is_none() {
        insert(ctx, &*tx, partner_id, &account).await?;
        new_account::told(ctx, &*tx, partner_id, person_id, replaced).await?;
    }
    tx.commit().await?;
    Ok(account.id)
}

async fn insert(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    partner_id: i64,
    account: &RecipientAccount,
) -> Result<()> {
    let kept = Kept::of(account)?;
    payout_account::Entity::insert(payout_account::ActiveModel {
        partner_id: Set(partner_id),
        stripe_id: Set(account.id.clone()),
        state: Set(kept.state.as_str().to_owned()),
        requirements: Set(kept.needed),
        deadline_at: Set(account.minimum_deadline_at),
        checked_at: Set(ctx.now()),
        created_at: Set(ctx.now()),
        connected_at: Set(Some(ctx.now())),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Entry::new(
        "payout_account.connected",
        "partner",
        partner_id,
        "Began to connect a payout account at Stripe.",
    )
    .partner(partner_id)
    .detail(serde_json::json!({ "stripe_id": account.id }))
    .record(ctx, tx)
    .await
}

/// The way into the partner's Express dashboard at Stripe.
///
/// # Errors
/// [`Error::Conflict`] before an account is connected, [`Error::Unavailable`] when Stripe does not
/// answer.
pub async fn dashboard(ctx: &Context, gateway: &dyn Gateway) -> Result<String> {
    let (partner_id, _) = ctx.owner()?;
    let row = find(ctx.reader(), partner_id)
        .await?
        .ok_or_else(|| Error::conflict("Connect a payout account first."))?;
    let link = gateway
        .express_login_link(&row.stripe_id)
        .await
        .map_err(|e| unavailable("Stripe could not open your dashboard. Try again.", e))?;
    Ok(link.url)
}

/// Retrieves the actor's own account after the owner came back from Stripe. Coming back proves
/// nothing; what Stripe says now counts.
///
/// # Errors
/// As [`refresh`].
pub async fn returned(ctx: &Context, gateway: &dyn Gateway) -> Result<View> {
    let (partner_id, ..) = ctx.partner()?;
    if let Some(row) = find(ctx.reader(), partner_id).await? {
        refresh(ctx, gateway, &row.stripe_id).await?;
    }
    own(ctx).await
}

/// Asks for an account to be retrieved soon: an event said that it changed.
///
/// # Errors
/// When the database refuses.
pub async fn changed(ctx: &Context, tx: &impl ConnectionTrait, stripe_id: &str) -> Result<()> {
    let payload = jobs::StripeObject {
        stripe_id: stripe_id.to_owned(),
    };
    job::enqueue(ctx, tx, jobs::REFRESH_ACCOUNT, &payload, None, ctx.now()).await
}

/// Retrieves an account and keeps what Stripe says. An account that is nobody's is left alone.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not answer.
pub async fn refresh(ctx: &Context, gateway: &dyn Gateway, stripe_id: &str) -> Result<()> {
    let known = payout_account::Entity::find()
        .filter(payout_account::Column::StripeId.eq(stripe_id))
        .one(ctx.reader())
        .await?;
    let Some(known) = known else { return Ok(()) };
    let (kept, deadline_at) = match gateway.recipient(stripe_id).await {
        Ok(account) => (Kept::of(&account)?, account.minimum_deadline_at),
        // Deleted at Stripe, or taken away from the portal by its owner: it never comes back, and the
        // partner may connect another.
        Err(e) if e.is_gone_account() => (Kept::closed(), None),
        Err(e) => {
            let sentence = "Stripe does not answer. The state shown may be old.";
            return Err(unavailable(sentence, e));
        }
    };
    let tx = ctx.begin().await?;
    // An answer that was asked for earlier must not overwrite a later one.
    let updated = payout_account::Entity::update_many()
        .col_expr(
            payout_account::Column::State,
            Expr::value(kept.state.as_str()),
        )
        .col_expr(
            payout_account::Column::Requirements,
            Expr::value(kept.needed),
        )
        .col_expr(payout_account::Column::DeadlineAt, Expr::value(deadline_at))
        .col_expr(payout_account::Column::CheckedAt, Expr::value(ctx.now()))
        .filter(payout_account::Column::Id.eq(known.id))
        .filter(payout_account::Column::CheckedAt.lte(ctx.now()))
        .exec(&*tx)
        .await?
        .rows_affected;
    if updated == 1 && kept.state.as_str() != known.state {
        Entry::new(
            "payout_account.changed",
            "partner",
            known.partner_id,
            format!("Payout account: {}.", kept.state.label()),
        )
        .partner(known.partner_id)
        .detail(serde_json::json!({ "from": known.state, "to": kept.state.as_str() }))
        .record(ctx, &*tx)
        .await?;
        mail::send_to_owners(ctx, &*tx, known.partner_id, letter(kept.state)).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn letter(state: PayoutAccountState) -> Letter {
    Letter::new(format!(
        "Your payout account: {}",
        state.label().to_lowercase()
    ))
    .text(state.sentence())
    .link("Payout account", "/partner/payout-account")
}

/// What of Stripe's answer is kept.
struct Kept {
    state: PayoutAccountState,
    needed: serde_json::Value,
}

impl Kept {
    /// Of an account that is gone.
    fn closed() -> Self {
        Self {
            state: PayoutAccountState::Closed,
            needed: serde_json::json!([]),
        }
    }

    fn of(account: &RecipientAccount) -> Result<Self> {
        let requirements: Vec<domain::payout::Requirement> = account
            .requirements
            .iter()
            .map(|r| domain::payout::Requirement {
                what: r.code.clone(),
                awaiting: r.awaiting.as_str().to_owned(),
                deadline: r.deadline.as_str().to_owned(),
            })
            .collect();
        let state = PayoutAccountState::from_stripe(
            Some(account.transfers_status.as_str()),
            &requirements,
            account.closed,
        );
        let needed: Vec<Needed> = account
            .requirements
            .iter()
            .map(|r| Needed {
                what: r.what.clone(),
                problems: r.problems.clone(),
                awaiting: r.awaiting.as_str().to_owned(),
                deadline: r.deadline.as_str().to_owned(),
                due: r.due,
            })
            .collect();
        Ok(Self {
            state,
            needed: serde_json::to_value(needed)?,
        })
    }
}

/// A call that did not go well, as a sentence with what it means.
pub(super) fn unavailable(sentence: &str, cause: CallError) -> Error {
    match cause {
        CallError::Definite { ref message, .. } => {
            Error::Conflict(format!("Stripe refused: {message}"))
        }
        other => Error::Unavailable {
            message: sentence.to_owned(),
            cause: other.to_string(),
        },
    }
}
