//! What a registration earns by itself, without an invoice: when it is won, and when a manager marks
//! its meeting as qualified. Same plan, tier on the day, caps, hold and ledger as what invoices earn.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::attribution::covers;
use domain::calendar;
use domain::commission::{Calculation, Facts, Outcome, Part, Rate, Shares, evaluate};
use domain::ledger::Entry;
use domain::money::{Bp, Currency, Money};
use domain::plan::Trigger;
use entity::{account, attribution, commission, deal, deal_product_line, partner};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::bookings::Bookings;
use super::finance::booked;
use super::history::History;
use super::month::Month;
use crate::billing::config::{Config, Version};
use crate::bulk;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event;
use crate::ledger::Links;

/// What happened with a registration.
pub(crate) struct Occasion<'a> {
    pub(crate) deal: &'a deal::Model,
    /// `DealWon` or `QualifiedMeeting`.
    pub(crate) trigger: Trigger,
    /// When: plan, tier and hold go by it.
    pub(crate) at: DateTime<Utc>,
    /// The first-year value the vendor confirmed, for what is a share of it.
    pub(crate) value: Option<i64>,
    /// What makes it unique: `won:7`, `meeting:3`.
    pub(crate) cause: String,
    /// What it is for, such as `the won deal with Acme`.
    pub(crate) words: String,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Earned {
    /// Partners with the reason why they earned nothing, where their plan pays for such an event.
    pub(crate) nothing: Vec<(i64, String)>,
    pub(crate) bookings: Bookings,
}

/// Partners with their parts of the credit, and how many parts there are in all.
type Credits = (BTreeMap<i64, u64>, u64);

/// What the occasion is part of; nothing, where it stands for itself.
#[derive(Default)]
pub(crate) struct Batch<'a> {
    /// What was read for the batch.
    pub(crate) config: Option<&'a Config>,
    /// What the same transaction has earned and not added to the months yet.
    pub(crate) earned: &'a [Month],
}

/// Writes what the occasion earns; doing it again writes nothing.
pub(crate) async fn earn(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    batch: &Batch<'_>,
    occasion: &Occasion<'_>,
) -> Result<Earned> {
    if batch.config.is_some_and(|c| !c.asks(occasion.trigger)) {
        return Ok(Earned::default());
    }
    let lines = product_lines(tx, occasion.deal.id).await?;
    let (credits, whole) = credits(tx, occasion, &lines).await?;
    let partners: BTreeSet<i64> = credits.keys().copied().collect();
    let own;
    let known = |config: &&Config| partners.iter().all(|id| config.partners.contains_key(id));
    let config = match batch.config.filter(known) {
        Some(config) => config,
        None => {
            own = Config::load(tx, &partners, &BTreeSet::new()).await?;
            &own
        }
    };
    let mut earned = Earned::default();
    if !config.asks(occasion.trigger) {
        return Ok(earned);
    }
    let accounts = occasion.deal.account_id.into_iter().collect();
    let mut history = History::locked(tx, config, &accounts).await?;
    for month in batch.earned {
        history.add(month.clone());
    }
    let country = country(tx, occasion.deal).await?;
    // Without a value everybody has nothing of it, which is enough for a fixed amount.
    let shares = Shares::new(credits.values().copied(), whole);
    let nets = shares.split(occasion.value.unwrap_or(0));
    let nets = nets.map_err(Error::internal)?;
    for (place, ((partner_id, weight), net)) in credits.into_iter().zip(nets).enumerate() {
        let Some(partner) = config.partners.get(&partner_id) else {
            continue;
        };
        let Some(version) = config.plan(partner, occasion.at) else {
            continue;
        };
        let mut rules = version.rules.rules.iter();
        if !rules.any(|r| r.trigger == occasion.trigger) || done(tx, occasion, partner_id).await? {
            continue;
        }
        if partner.status != "active" {
            let why = "The partner does not take part at the moment.";
            earned.nothing.push((partner_id, why.to_owned()));
            continue;
        }
        let credit = (net, shares.part(place));
        let facts = facts(
            config, &history, partner, version, occasion, credit, &country,
        )?;
        let calculation = match judge(config, version, facts, &lines)? {
            Ok(calculation) => calculation,
            Err(why) => {
                earned.nothing.push((partner_id, why));
                continue;
            }
        };
        let share = share(weight, whole);
        let row = row(
            ctx,
            tx,
            config,
            partner,
            version,
            occasion,
            &calculation,
            share,
        )
        .await?;
        write(ctx, tx, config, occasion, &row, &mut earned.bookings).await?;
        history.add(Month::of(&row));
    }
    Ok(earned)
}

async fn product_lines(tx: &impl ConnectionTrait, deal_id: i64) -> Result<Vec<i64>> {
    Ok(deal_product_line::Entity::find()
        .select_only()
        .column(deal_product_line::Column::ProductLineId)
        .filter(deal_product_line::Column::DealId.eq(deal_id))
        .order_by_asc(deal_product_line::Column::ProductLineId)
        .into_tuple()
        .all(tx)
        .await?)
}

/// Who is credited for the registration's product lines, each line counting the same. An attribution
/// to a line goes before one to everything. Where the partner that registered it is not credited
/// (yet), the whole credit is its own.
async fn credits(
    tx: &impl ConnectionTrait,
    occasion: &Occasion<'_>,
    lines: &[i64],
) -> Result<Credits> {
    let deal = occasion.deal;
    let running: Vec<attribution::Model> = attribution::Entity::find()
        .filter(attribution::Column::AccountId.eq(deal.account_id))
        .order_by_asc(attribution::Column::Id)
        .all(tx)
        .await?
        .into_iter()
        .filter(|a| covers(a.starts_at, a.ends_at, occasion.at))
        .collect();
    let mut credits: BTreeMap<i64, u64> = BTreeMap::new();
    for line in lines {
        let of = |wanted: Option<i64>| running.iter().filter(move |a| a.product_line_id == wanted);
        let wanted = if of(Some(*line)).next().is_some() {
            Some(*line)
        } else {
            None
        };
        for a in of(wanted) {
            let part = u64::try_from(a.share_bp).unwrap_or_default();
            let sum = credits.entry(a.partner_id).or_default();
            *sum = sum.saturating_add(part);
        }
    }
    let each = Bp::WHOLE.0.unsigned_abs();
    let whole = each.saturating_mul(lines.len().max(1) as u64);
    if !credits.contains_key(&deal.partner_id) {
        return Ok((BTreeMap::from([(deal.partner_id, whole)]), whole));
    }
    Ok((credits, whole))
}

/// The part of the credit in basis points.
fn share(weight: u64, whole: u64) -> i64 {
    let bp = u128::from(weight) * u128::from(Bp::WHOLE.0.unsigned_abs()) / u128::from(whole.max(1));
    i64::try_from(bp).unwrap_or(Bp::WHOLE.0)
}

async fn country(tx: &impl ConnectionTrait, deal: &deal::Model) -> Result<Option<String>> {
    let known = match deal.account_id {
        Some(id) => account::Entity::find_by_id(id).one(tx).await?,
        None => None,
    };
    let typed = Some(deal.customer_country.clone()).filter(|c| !c.is_empty());
    Ok(known.and_then(|a| a.country).or(typed))
}

fn reference(occasion: &Occasion<'_>, partner_id: i64) -> String {
    format!("{}:partner:{partner_id}", occasion.cause)
}

/// Whether the partner has earned by this already.
async fn done(tx: &impl ConnectionTrait, occasion: &Occasion<'_>, partner_id: i64) -> Result<bool> {
    Ok(commission::Entity::find()
        .filter(commission::Column::Reference.eq(reference(occasion, partner_id)))
        .count(tx)
        .await?
        > 0)
}

fn facts(
    config: &Config,
    history: &History,
    partner: &partner::Model,
    version: &Version,
    occasion: &Occasion<'_>,
    (net, credit): (i64, Part),
    country: &Option<String>,
) -> Result<Facts> {
    let deal = occasion.deal;
    let currency: Currency = deal.currency.parse().map_err(Error::internal)?;
    let zone = config.zone(deal.program_id);
    let account = deal.account_id.unwrap_or_default();
    let past = history.of(partner.id, account, currency, occasion.at, zone);
    let (volume, used) = past.for_plan(version);
    Ok(Facts {
        trigger: occasion.trigger,
        paid_at: occasion.at,
        net: Money::new(net, currency),
        credit,
        product: None,
        country: country.clone(),
        partner_type: partner.partner_type.parse().map_err(Error::internal)?,
        tier: config.tier_at(partner, occasion.at),
        registered_deal: true,
        certified: config.certified(partner.id, occasion.at),
        // Nothing has been paid: no year has begun.
        age: None,
        service: None,
        volume,
        used,
        plan_version: version.number,
    })
}

/// Asks the plan once for each product line, because a rule may be for one of them: the rule that
/// asks most conditions goes first, among equals that of the first line.
fn judge(
    config: &Config,
    version: &Version,
    facts: Facts,
    lines: &[i64],
) -> Result<Result<Calculation, String>> {
    let trigger = facts.trigger;
    let mut best: Option<(u32, Calculation)> = None;
    let mut reasons = BTreeSet::new();
    for line in lines {
        let facts = Facts {
            product: config.product_code(*line).map(str::to_owned),
            ..facts.clone()
        };
        match evaluate(&version.rules, &facts).map_err(Error::internal)? {
            Outcome::Earns(calculation) => {
                let rule = version.rules.rule(&calculation.rule_id);
                let asks = rule.map_or(0, |r| r.conditions.specificity());
                if best.as_ref().is_none_or(|(most, _)| asks > *most) {
                    best = Some((asks, *calculation));
                }
            }
            // Rules for other events say nothing about this one.
            Outcome::Nothing { reasons: why } => reasons.extend(
                why.into_iter()
                    .filter(|r| {
                        let rule = r.rule_id.as_deref().and_then(|id| version.rules.rule(id));
                        rule.is_none_or(|rule| rule.trigger == trigger)
                    })
                    .map(|r| r.sentence),
            ),
        }
    }
    Ok(match best {
        Some((_, calculation)) => Ok(calculation),
        None => Err(reasons.into_iter().collect::<Vec<_>>().join(" ")),
    })
}

async fn row(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    config: &Config,
    partner: &partner::Model,
    version: &Version,
    occasion: &Occasion<'_>,
    calculation: &Calculation,
    share: i64,
) -> Result<commission::Model> {
    let deal = occasion.deal;
    let zone = config.zone(deal.program_id);
    let hold = config.policy(deal.program_id, occasion.at)?.hold_days;
    let hold = u32::try_from(hold).unwrap_or(0);
    let tier = calculation.tier.as_ref();
    let mut explain = serde_json::to_value(calculation)?;
    if let Some(object) = explain.as_object_mut() {
        let credit = serde_json::json!({ "share_bp": share, "line_net": occasion.value });
        object.insert("credit".to_owned(), credit);
        object.insert("for".to_owned(), occasion.words.as_str().into());
    }
    Ok(commission::Model {
        id: bulk::reserve_one::<commission::Entity>(tx).await?,
        program_id: deal.program_id,
        partner_id: partner.id,
        account_id: deal.account_id,
        invoice_id: None,
        invoice_line_id: None,
        deal_id: Some(deal.id),
        kind: "accrual".to_owned(),
        reverses_id: None,
        reference: reference(occasion, partner.id),
        plan_version_id: Some(version.id),
        rule_name: calculation.rule_name.clone(),
        tier_name: tier.map(|t| t.name.clone()).unwrap_or_default(),
        // Revenue is what was paid, and is counted by the invoices' lines.
        basis: 0,
        rate_bp: match calculation.rate {
            Rate::Percent { rate } => Some(rate.0),
            _ => None,
        },
        amount: calculation.amount.minor,
        reversed: 0,
        currency: calculation.amount.currency.code().to_owned(),
        state: "pending".to_owned(),
        held_from: None,
        hold_until: calendar::add_days(occasion.at, hold, zone).unwrap_or(occasion.at),
        month: calendar::month_of(occasion.at, zone),
        payout_id: None,
        explain,
        note: None,
        earned_at: occasion.at,
        created_at: ctx.now(),
    })
}

/// Writes the row and its event, and adds what the caller has to book.
async fn write(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    config: &Config,
    occasion: &Occasion<'_>,
    row: &commission::Model,
    bookings: &mut Bookings,
) -> Result<()> {
    bulk::insert::<commission::Entity>(tx, std::slice::from_ref(row)).await?;
    let amount = super::finance::money(row)?;
    let zone = config.zone(row.program_id);
    event::Entry::new(
        "commission.earned",
        "commission",
        row.id,
        format!(
            "{} earned for {}; on hold until {}.",
            amount.format("en"),
            occasion.words,
            calendar::local_date(row.hold_until, zone).format("%-d %B %Y")
        ),
    )
    .partner(row.partner_id)
    .record(ctx, tx)
    .await?;
    bookings.months.push(Month::of(row));
    let links = Links {
        kind: "accrual",
        description: format!("{} for {}", row.rule_name, occasion.words),
        commission_id: Some(row.id),
        payout_id: None,
        effective_at: row.earned_at,
    };
    bookings.entries.push((
        booked(Entry::accrue(row.id, row.partner_id, amount))?,
        links,
    ));
    Ok(())
}
