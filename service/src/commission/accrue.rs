//! What a paid invoice earns, line by line and partner by partner.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::attribution::covers;
use domain::commission::{Part, Shares};
use domain::money::{Bp, Currency, MoneyError};
use domain::plan::Trigger;
use entity::{attribution, deal, invoice_line, protection};

use super::below_zero;
use super::book::{Subject, earn};
use super::nothing::{self, Nothing, NothingKind, Reasons};
use crate::billing::apply::Trouble;
use crate::billing::unit::{AccountState, InvoiceState, Row, Unit, WonDeal};

/// Why an invoice that Stripe calls paid earns nothing.
const NO_MONEY: &str = "No money arrived for it: it was paid from the customer’s balance with credit \
                        that was given or of unknown source, or became a debt of the customer’s.";

/// One partner's part of the credit for a line.
#[derive(Clone, Debug)]
pub(super) struct Credit {
    pub(super) partner_id: i64,
    pub(super) program_id: i64,
    pub(super) deal_id: Option<i64>,
    pub(super) share_bp: i64,
}

/// What is common to the lines of one invoice.
pub(super) struct Sale {
    pub(super) account_id: i64,
    pub(super) country: Option<String>,
    pub(super) currency: Currency,
    pub(super) paid_at: DateTime<Utc>,
    pub(super) first_paid_at: DateTime<Utc>,
    /// What money arrived for, net, minor units.
    pub(super) net: i64,
}

/// Books what the invoice earns and says why, where it earns nothing, also to one of several.
pub(crate) fn accrue(unit: &mut Unit, state: &mut InvoiceState) -> Result<Reasons, Trouble> {
    let Some(paid_at) = state.row.paid_at else {
        return Ok(Reasons::new());
    };
    let customer = unit.customer_of(&state.row);
    let country = customer.and_then(|c| c.country.clone());
    let Some(account_id) = customer.and_then(|c| c.account_id) else {
        let question = customer.and_then(|c| c.question.clone());
        let why = question
            .as_deref()
            .unwrap_or("The customer does not belong to an account yet.");
        return Ok(whole(state, "unmatched", NothingKind::Unmatched, why));
    };
    let currency: Currency = state.row.currency.parse()?;
    if state.lines.iter().all(|line| line.net == 0) {
        let why = match state.row.unearning {
            0 => "Nothing is left of the invoice after tax, discount and credit.",
            _ => NO_MONEY,
        };
        return Ok(whole(state, "nothing", NothingKind::NothingLeft, why));
    }
    if state.row.net == 0 && state.row.total > 0 && state.row.amount_paid == 0 {
        let why = "All of it was credited before it was paid.";
        return Ok(whole(state, "nothing", NothingKind::NothingLeft, why));
    }
    if let Some(why) = undecided(unit, account_id, paid_at, state) {
        return Ok(whole(state, "unmatched", NothingKind::UnknownProduct, &why));
    }
    let first_paid_at = first_payment(unit, account_id, paid_at, state.row.net);
    let sale = Sale {
        account_id,
        country,
        currency,
        paid_at,
        first_paid_at,
        net: state.row.net,
    };
    let mut reasons = Reasons::new();
    let mut earned = 0;
    let mut by_partner: BTreeMap<i64, (Credit, i64)> = BTreeMap::new();
    let mut credited: i64 = 0;
    let lines: Vec<invoice_line::Model> = state.lines.iter().map(|line| (**line).clone()).collect();
    for line in lines.iter().filter(|line| line.net != 0) {
        let credits = credits(unit, &sale, line.product_line_id)?;
        if credits.is_empty() {
            reasons.insert(Nothing {
                kind: NothingKind::NotCredited,
                partner: None,
                sentence: "No partner is credited for this customer.".to_owned(),
            });
            continue;
        }
        credited = credited.checked_add(line.net).ok_or(MoneyError::Overflow)?;
        let shares = shares(&credits);
        for (place, (credit, net)) in credits.iter().zip(shares.split(line.net)?).enumerate() {
            if net == 0 {
                continue;
            }
            if state.row.net < 0 && !below_zero::has_earned_before(unit, state, credit.partner_id) {
                reasons.insert(Nothing {
                    kind: NothingKind::NothingLeft,
                    partner: None,
                    sentence: below_zero::WHY.to_owned(),
                });
                continue;
            }
            let sum = &mut by_partner
                .entry(credit.partner_id)
                .or_insert((credit.clone(), 0))
                .1;
            *sum = sum.checked_add(net).ok_or(MoneyError::Overflow)?;
            let subject = Subject {
                line: Some(line),
                net,
                part: shares.part(place),
                trigger: Trigger::InvoicePaid,
                reference: format!("line:{}:partner:{}", line.stripe_id, credit.partner_id),
            };
            earned += u32::from(earn(unit, state, &sale, credit, &subject, &mut reasons)?);
        }
    }
    // What is paid once for all lines is divided like the money on them.
    let positive = |net: i64| u64::try_from(net).unwrap_or_default();
    let shares = Shares::new(
        by_partner.values().map(|(_, net)| positive(*net)),
        positive(credited),
    );
    for (place, (credit, net)) in by_partner.values().enumerate() {
        let part = shares.part(place);
        earned += u32::from(first(
            unit,
            state,
            &sale,
            credit,
            (*net, part),
            &mut reasons,
        )?);
    }
    if earned > 0 {
        state.row.outcome = "earned".to_owned();
        let open = reasons
            .iter()
            .any(|reason| reason.sentence == below_zero::WHY);
        state.row.outcome_reason = open.then(|| below_zero::WHY.to_owned());
    } else {
        state.row.outcome = "nothing".to_owned();
        state.row.outcome_reason = Some(nothing::text(&reasons));
    }
    Ok(reasons)
}

/// A reason that is about the whole invoice.
fn whole(state: &mut InvoiceState, outcome: &str, kind: NothingKind, why: &str) -> Reasons {
    state.row.outcome = outcome.to_owned();
    state.row.outcome_reason = Some(why.to_owned());
    Reasons::from([Nothing {
        kind,
        partner: None,
        sentence: why.to_owned(),
    }])
}

/// The question that only a person can answer: the invoice does not say which product it is for, and
/// several partners hold different ones at the account. None is credited until it is answered.
fn undecided(
    unit: &Unit,
    account_id: i64,
    paid_at: DateTime<Utc>,
    state: &InvoiceState,
) -> Option<String> {
    let unknown = |line: &Row<invoice_line::Model>| line.net != 0 && line.product_line_id.is_none();
    if !state.lines.iter().any(unknown) {
        return None;
    }
    let account = unit.accounts.get(&account_id)?;
    let running = || {
        let all = account.attributions.iter();
        all.filter(|a| covers(a.starts_at, a.ends_at, paid_at))
    };
    if running().any(|a| a.product_line_id.is_none()) {
        return None;
    }
    let credited = running().filter_map(|a| Some((a.partner_id, a.product_line_id?)));
    let kept = protected(account, paid_at).map(|(p, _)| (p.partner_id, p.product_line_id));
    let held: BTreeSet<(i64, i64)> = credited.chain(kept).collect();
    let mut partners: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (partner, line) in held {
        partners.entry(partner).or_default().push(line);
    }
    if partners.len() < 2 {
        return None;
    }
    let holders: Vec<String> = partners
        .iter()
        .map(|(id, lines)| {
            let name = unit
                .config
                .partners
                .get(id)
                .map_or("a partner", |p| &p.name);
            let lines: Vec<&str> = lines
                .iter()
                .filter_map(|line| unit.config.product_name(*line))
                .collect();
            format!("{name} for {}", lines.join(" and "))
        })
        .collect();
    Some(format!(
        "The invoice does not say which product it is for, and several partners are credited for \
         this customer: {}. Somebody has to say which product it is.",
        holders.join(", ")
    ))
}

/// When the account paid first, this invoice included; invoices that came to nothing do not count.
fn first_payment(
    unit: &mut Unit,
    account_id: i64,
    paid_at: DateTime<Utc>,
    net: i64,
) -> DateTime<Utc> {
    let known = unit.accounts.get(&account_id).and_then(|a| a.first_paid_at);
    let first = known.map_or(paid_at, |known| known.min(paid_at));
    if net > 0 && known != Some(first) {
        unit.account_mut(account_id).first_paid_at = Some(first);
    }
    first
}

/// Who is credited for a line. An attribution to the line's product goes before one to everything.
/// Where there is none, a registration that still protects the account is won by the payment.
fn credits(
    unit: &mut Unit,
    sale: &Sale,
    product_line_id: Option<i64>,
) -> Result<Vec<Credit>, Trouble> {
    let found = attributed(unit, sale, product_line_id);
    if !found.is_empty() {
        return Ok(found);
    }
    // A deal is won by money.
    if sale.net > 0 {
        win_deals(unit, sale, product_line_id);
    }
    Ok(attributed(unit, sale, product_line_id))
}

fn attributed(unit: &Unit, sale: &Sale, product_line_id: Option<i64>) -> Vec<Credit> {
    let Some(account) = unit.accounts.get(&sale.account_id) else {
        return Vec::new();
    };
    let running: Vec<&attribution::Model> = account
        .attributions
        .iter()
        .map(|a| &**a)
        .filter(|a| covers(a.starts_at, a.ends_at, sale.paid_at))
        .collect();
    let mut chosen: Vec<&attribution::Model> = running
        .iter()
        .filter(|a| a.product_line_id.is_some() && a.product_line_id == product_line_id)
        .copied()
        .collect();
    if chosen.is_empty() {
        chosen = running
            .iter()
            .filter(|a| a.product_line_id.is_none())
            .copied()
            .collect();
    }
    if chosen.is_empty() && product_line_id.is_none() {
        // The invoice does not say which product it is for: whoever has the customer alone has the
        // line; of several, see `undecided`.
        let partners: BTreeSet<i64> = running.iter().map(|a| a.partner_id).collect();
        if partners.len() == 1 {
            chosen = running.first().copied().into_iter().collect();
        }
    }
    let mut credits: Vec<Credit> = Vec::new();
    for a in chosen {
        match credits.iter_mut().find(|c| c.partner_id == a.partner_id) {
            Some(credit) => {
                credit.share_bp = credit.share_bp.saturating_add(a.share_bp);
                credit.deal_id = credit.deal_id.or(a.deal_id);
            }
            None => credits.push(Credit {
                partner_id: a.partner_id,
                program_id: a.program_id,
                deal_id: a.deal_id,
                share_bp: a.share_bp,
            }),
        }
    }
    credits
}

/// What registrations protected when the money arrived, as far as no credit has come of it.
fn protected(
    account: &AccountState,
    paid_at: DateTime<Utc>,
) -> impl Iterator<Item = &(protection::Model, deal::Model)> {
    let used: BTreeSet<i64> = account
        .attributions
        .iter()
        .filter_map(|a| a.deal_id)
        .collect();
    account.protections.iter().filter(move |(p, deal)| {
        // It ends when its time is over or somebody ends it, whichever comes first.
        let ends = [p.expires_at, p.released_at].into_iter().flatten().min();
        covers(p.starts_at, ends, paid_at) && !used.contains(&deal.id)
    })
}

/// Turns the protection of a registration into attributions, because its customer paid meanwhile.
fn win_deals(unit: &mut Unit, sale: &Sale, product_line_id: Option<i64>) {
    let Some(account) = unit.accounts.get(&sale.account_id) else {
        return;
    };
    let live: Vec<_> = protected(account, sale.paid_at).cloned().collect();
    let wanted = |p: i64| product_line_id.is_none_or(|wanted| wanted == p);
    let Some(deal) = live
        .iter()
        .find(|(p, _)| wanted(p.product_line_id))
        .map(|(_, deal)| deal.clone())
    else {
        return;
    };
    for (protection, _) in live.iter().filter(|(p, _)| p.deal_id == deal.id) {
        let row = attribution::Model {
            id: unit.fresh_id(),
            program_id: deal.program_id,
            account_id: sale.account_id,
            partner_id: deal.partner_id,
            product_line_id: Some(protection.product_line_id),
            deal_id: Some(deal.id),
            part: "sourced".to_owned(),
            share_bp: Bp::WHOLE.0,
            reason: "The registered deal was won: its customer paid.".to_owned(),
            starts_at: protection.starts_at,
            ends_at: None,
            created_at: unit.now,
        };
        unit.account_mut(sale.account_id)
            .attributions
            .push(Row::fresh(row));
    }
    unit.account_mut(sale.account_id)
        .protections
        .retain(|(p, _)| p.deal_id != deal.id);
    unit.effects.won.push(WonDeal {
        deal_id: deal.id,
        company: match deal.customer_name.as_str() {
            "" => deal.customer_domain.clone(),
            name => name.to_owned(),
        },
        partner_id: deal.partner_id,
        status: deal.status,
        at: sale.paid_at,
    });
}

fn shares(credits: &[Credit]) -> Shares {
    let parts = credits
        .iter()
        .map(|c| u64::try_from(c.share_bp).unwrap_or(0));
    Shares::new(parts, Bp::WHOLE.0.unsigned_abs())
}

/// What the customer's first payment earns beside its lines, where the plan pays for it; once per
/// customer and partner.
fn first(
    unit: &mut Unit,
    state: &mut InvoiceState,
    sale: &Sale,
    credit: &Credit,
    (net, part): (i64, Part),
    reasons: &mut Reasons,
) -> Result<bool, Trouble> {
    let partner = unit.config.partners.get(&credit.partner_id);
    let pays = partner
        .and_then(|p| unit.config.plan(p, sale.paid_at))
        .is_some_and(|v| v.pays_first);
    let given = unit
        .accounts
        .get(&sale.account_id)
        .is_some_and(|a| a.first_paid_to.contains(&credit.partner_id));
    if !pays || given || sale.first_paid_at < sale.paid_at || net <= 0 {
        if let Some(partner) = partner.filter(|p| pays && p.status == "active") {
            reasons.insert(Nothing {
                kind: NothingKind::Rules,
                partner: Some((partner.id, partner.name.clone())),
                sentence:
                    "The plan pays for a customer’s first payment, and this is not the first."
                        .to_owned(),
            });
        }
        return Ok(false);
    }
    let subject = Subject {
        line: None,
        net,
        part,
        trigger: Trigger::FirstPayment,
        reference: format!("first:{}:partner:{}", sale.account_id, credit.partner_id),
    };
    let earned = earn(unit, state, sale, credit, &subject, reasons)?;
    if earned {
        unit.account_mut(sale.account_id)
            .first_paid_to
            .insert(credit.partner_id);
    }
    Ok(earned)
}
