//! Why an invoice earned nothing: for whom, in a sentence, with what can be done.
//!
//! The invoice is worked out again in memory by the code that books, so the answer is what the plan
//! of that day says, also about one of several partners of whom another has earned.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::invoice;
use sea_orm::ConnectionTrait;

use super::config::Config;
use super::load;
use crate::commission::history::History;
use crate::commission::{Nothing, NothingKind, accrue};
use crate::error::{Error, Result};

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Why {
    /// The partner it is about; none where it is about the whole invoice.
    pub partner: Option<String>,
    /// The reason.
    pub sentence: String,
    /// What to do.
    pub next: &'static str,
}

/// Who reads the reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// All of them, with what staff can do.
    Staff,
    /// Those of one partner, without anybody's name.
    Partner(i64),
}

/// The reasons why an invoice earned nothing, for one reader; none where everybody who is credited
/// has earned.
pub(super) async fn whys(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    row: &invoice::Model,
    reader: Reader,
) -> Result<Vec<Why>> {
    let whole = |sentence: &str, next: &'static str| {
        Ok(vec![Why {
            partner: None,
            sentence: sentence.to_owned(),
            next,
        }])
    };
    match row.status.as_str() {
        "paid" => {}
        "void" => {
            return whole(
                "It was annulled before it was paid.",
                "Nothing has to be done: an annulled invoice earns nothing.",
            );
        }
        "uncollectible" => {
            return whole(
                "It was given up; nothing was paid.",
                "It earns if the customer pays after all.",
            );
        }
        _ => {
            return whole("It has not been paid yet.", "It earns when it is paid.");
        }
    }
    if row.outcome == "open" {
        return whole("It is being worked on.", "Look again in a minute.");
    }
    let mut unit = load::unit_for_reading(db, now, BTreeSet::from([row.id])).await?;
    let Some(mut state) = unit.invoices.get(&row.stripe_id).cloned() else {
        return Err(Error::NotFound);
    };
    let earned: BTreeSet<i64> = state
        .commissions
        .iter()
        .filter(|c| c.kind == "accrual" && c.state != "canceled")
        .map(|c| c.partner_id)
        .collect();
    let canceled: BTreeSet<i64> = state
        .commissions
        .iter()
        .filter(|c| c.state == "canceled" && !earned.contains(&c.partner_id))
        .map(|c| c.partner_id)
        .collect();
    let partners: BTreeSet<i64> = unit
        .accounts
        .values()
        .flat_map(|a| {
            let credited = a.attributions.iter().map(|a| a.partner_id);
            credited.chain(a.protections.iter().map(|(p, _)| p.partner_id))
        })
        .chain(earned.iter().chain(&canceled).copied())
        .collect();
    unit.config = Config::load(db, &partners, &BTreeSet::new()).await?;
    let accounts = unit.accounts.keys().copied().collect();
    unit.history = History::load(db, &unit.config, &accounts).await?;
    let name = |id: i64| unit.config.partners.get(&id).map(|p| p.name.clone());
    let mut found: Vec<Nothing> = canceled
        .iter()
        .map(|id| Nothing {
            kind: NothingKind::Canceled,
            partner: Some((*id, name(*id).unwrap_or_default())),
            sentence: "Its commission was canceled; the line says why.".to_owned(),
        })
        .collect();
    state.commissions.clear();
    let reasons = accrue(&mut unit, &mut state)
        .map_err(|t| Error::Internal(format!("invoice {} worked out again: {t:?}", row.id)))?;
    let now_earning: BTreeSet<i64> = state.commissions.iter().map(|c| c.partner_id).collect();
    for id in now_earning
        .difference(&earned)
        .filter(|id| !canceled.contains(id))
    {
        found.push(Nothing {
            kind: NothingKind::NotBooked,
            partner: Some((
                *id,
                unit.config
                    .partners
                    .get(id)
                    .map(|p| p.name.clone())
                    .unwrap_or_default(),
            )),
            sentence: "By what is known today it earns, but it has not been looked at again."
                .to_owned(),
        });
    }
    found.extend(reasons.into_iter().filter(|n| match &n.partner {
        Some((id, _)) => {
            !now_earning.contains(id) && !earned.contains(id) && !canceled.contains(id)
        }
        // About lines nobody is credited for, although others earned.
        None => true,
    }));
    Ok(told(found, reader, &earned))
}

/// The reasons as one reader is told them.
fn told(found: Vec<Nothing>, reader: Reader, earned: &BTreeSet<i64>) -> Vec<Why> {
    let staff = reader == Reader::Staff;
    let mut whys: Vec<Why> = Vec::new();
    for reason in found {
        let partner = match (&reason.partner, reader) {
            (Some((id, _)), Reader::Partner(own)) if *id != own => continue,
            // Somebody else's lines are nobody else's business.
            (None, Reader::Partner(own)) if earned.contains(&own) => continue,
            (Some((_, name)), Reader::Staff) => Some(name.clone()),
            _ => None,
        };
        // Who else is credited for the company is nobody's business but the vendor's.
        let sentence = match (reason.kind, reader) {
            (NothingKind::UnknownProduct, Reader::Partner(_)) => {
                "The invoice does not say which product it is for.".to_owned()
            }
            _ => reason.sentence,
        };
        let why = Why {
            partner,
            sentence,
            next: reason.kind.next(staff),
        };
        if !whys.contains(&why) {
            whys.push(why);
        }
    }
    if whys.is_empty()
        && let Reader::Partner(own) = reader
        && !earned.contains(&own)
    {
        whys.push(Why {
            partner: None,
            sentence: "You were not credited for what this invoice bills on the day it was paid."
                .to_owned(),
            next: NothingKind::NotCredited.next(false),
        });
    }
    whys
}
