//! Countries that Stripe does not pay to: what it said once is remembered, said in our words, and
//! leaves the partner out of runs instead of failing in each of them.

use domain::payout::reach;
use domain::validate::country_name;
use entity::{partner, payout_account, payout_country_refusal};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::OnConflict,
};
use stripe_gateway::CallError;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::{self, Letter};
use crate::notice;

/// Whether Stripe refused because of the country.
pub(super) fn is_refusal(error: &CallError) -> bool {
    let CallError::Definite { code, message, .. } = error else {
        return false;
    };
    if code.as_deref() == Some("country_unsupported") {
        return true;
    }
    let said = message.to_lowercase();
    [
        "not currently supported by stripe",
        "accounts located in",
        "platform's region",
        "cross-border",
        "country is not supported",
        "to this country",
    ]
    .iter()
    .any(|words| said.contains(words))
}

fn name(country: &str) -> &str {
    country_name(country).unwrap_or(country)
}

/// What to do where it is not sure that Stripe pays.
pub const ASK: &str = "Ask us how you would be paid before you count on it.";

/// What the partner reads.
fn sentence(country: &str) -> String {
    format!(
        "Stripe does not pay to {}. Your earnings stay in your balance. Ask your partner manager how \
         else you can be paid.",
        name(country)
    )
}

/// Remembers that Stripe refused a partner's country, for an account or for making one, and tells the
/// owners and finance. Told once: as long as country and account are the same, nothing is asked again.
///
/// # Errors
/// When the database refuses.
pub(super) async fn remember(
    ctx: &Context,
    partner_id: i64,
    account: Option<&str>,
    said: &str,
) -> Result<String> {
    let tx = ctx.begin().await?;
    let partner = partner::Entity::find_by_id(partner_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let before = of(&*tx, partner_id).await?;
    let known = before
        .is_some_and(|row| row.country == partner.country && row.account.as_deref() == account);
    let sentence = sentence(&partner.country);
    if known {
        return Ok(sentence);
    }
    payout_country_refusal::Entity::insert(payout_country_refusal::ActiveModel {
        partner_id: Set(partner_id),
        country: Set(partner.country.clone()),
        account: Set(account.map(str::to_owned)),
        said: Set(said.to_owned()),
        refused_at: Set(ctx.now()),
        ..Default::default()
    })
    .on_conflict(
        OnConflict::column(payout_country_refusal::Column::PartnerId)
            .update_columns([
                payout_country_refusal::Column::Country,
                payout_country_refusal::Column::Account,
                payout_country_refusal::Column::Said,
                payout_country_refusal::Column::RefusedAt,
            ])
            .to_owned(),
    )
    .exec_without_returning(&*tx)
    .await?;
    let summary = format!("Stripe does not pay to {}.", name(&partner.country));
    Entry::new(
        "payout_account.country_refused",
        "partner",
        partner_id,
        summary,
    )
    .partner(partner_id)
    .detail(serde_json::json!({ "stripe": said }))
    .record(ctx, &*tx)
    .await?;
    let letter = Letter::new("Stripe cannot pay you")
        .text(sentence.clone())
        .link("Payout account", "/partner/payout-account");
    mail::send_to_owners(ctx, &*tx, partner_id, letter).await?;
    let letter = Letter::new(format!(
        "Stripe does not pay to {}: {} is left out of payout runs",
        name(&partner.country),
        partner.name
    ));
    let path = format!("/manager/partners/{partner_id}");
    notice::tell_staff(ctx, &*tx, notice::FINANCE, letter, &path).await?;
    tx.commit().await?;
    Ok(sentence)
}

async fn of(
    db: &impl ConnectionTrait,
    partner_id: i64,
) -> Result<Option<payout_country_refusal::Model>> {
    Ok(payout_country_refusal::Entity::find()
        .filter(payout_country_refusal::Column::PartnerId.eq(partner_id))
        .one(db)
        .await?)
}

/// What a partner should know about being paid in its country: that Stripe has refused it, or that it
/// is none of those Stripe pays without an arrangement. None where there is nothing to say.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn notice_for(
    db: &impl ConnectionTrait,
    partner_id: i64,
    account: Option<&payout_account::Model>,
) -> Result<Option<String>> {
    let partner = partner::Entity::find_by_id(partner_id).one(db).await?;
    let Some(partner) = partner else {
        return Ok(None);
    };
    let stripe_id = account.map(|a| a.stripe_id.as_str());
    let refused = of(db, partner_id)
        .await?
        .is_some_and(|row| row.country == partner.country && row.account.as_deref() == stripe_id);
    if refused {
        return Ok(Some(sentence(&partner.country)));
    }
    let unknown = account.is_none().then(|| beforehand(&partner.country));
    Ok(unknown.flatten().map(|said| format!("{said} {ASK}")))
}

/// What is known about a country before Stripe is asked; none where Stripe pays there.
pub fn beforehand(country: &str) -> Option<String> {
    if country.is_empty() || reach::stripe_pays(country) {
        return None;
    }
    Some(format!(
        "Stripe pays to {} only by special arrangement, if at all (as of {}).",
        name(country),
        reach::as_of()
    ))
}
