//! One commission: what the plan says of it, and its rows.

use domain::calendar;
use domain::commission::{Calculation, Facts, Outcome, Part, Rate, ServicePeriod, evaluate};
use domain::money::Money;
use domain::plan::Trigger;
use entity::{commission, invoice_line, partner};

use super::accrue::{Credit, Sale};
use super::month::Month;
use super::nothing::{Nothing, NothingKind, Reasons};
use super::settle::bad;
use crate::billing::apply::Trouble;
use crate::billing::unit::{Booking, InvoiceState, Movement, Note, Row, Unit};

/// What is judged: one line, or the first payment as a whole.
pub(super) struct Subject<'a> {
    pub(super) line: Option<&'a invoice_line::Model>,
    pub(super) net: i64,
    /// The partner's part of the credit for it.
    pub(super) part: Part,
    pub(super) trigger: Trigger,
    pub(super) reference: String,
}

/// Books one commission, or notes why there is none.
pub(super) fn earn(
    unit: &mut Unit,
    state: &mut InvoiceState,
    sale: &Sale,
    credit: &Credit,
    subject: &Subject<'_>,
    reasons: &mut Reasons,
) -> Result<bool, Trouble> {
    if state
        .commissions
        .iter()
        .any(|c| c.reference == subject.reference)
    {
        return Ok(true);
    }
    let Some(partner) = unit.config.partners.get(&credit.partner_id) else {
        return Err(Trouble::Bad(format!(
            "partner {} is not there",
            credit.partner_id
        )));
    };
    let why = |kind, sentence: String| Nothing {
        kind,
        partner: Some((partner.id, partner.name.clone())),
        sentence,
    };
    if partner.status != "active" {
        let sentence = "the partner does not take part at the moment.".to_owned();
        reasons.insert(why(NothingKind::Inactive, sentence));
        return Ok(false);
    }
    let Some(version) = unit.config.plan(partner, sale.paid_at) else {
        let sentence = "no plan was in force on that day.".to_owned();
        reasons.insert(why(NothingKind::NoPlan, sentence));
        return Ok(false);
    };
    let facts = facts(unit, partner, version.number, sale, credit, subject)?;
    let calculation = match evaluate(&version.rules, &facts)? {
        Outcome::Earns(calculation) => *calculation,
        Outcome::Nothing { reasons: found } => {
            // Rules for other events say nothing about this one.
            let sentences: Vec<String> = found
                .into_iter()
                .filter(|r| {
                    r.rule_id
                        .as_deref()
                        .and_then(|id| version.rules.rule(id))
                        .is_none_or(|rule| rule.trigger == subject.trigger)
                })
                .map(|r| r.sentence)
                .collect();
            if !sentences.is_empty() {
                reasons.insert(why(NothingKind::Rules, sentences.join(" ")));
            } else if !version.pays_first {
                let sentence = "the plan has no rule for paid invoices.".to_owned();
                reasons.insert(why(NothingKind::Rules, sentence));
            }
            return Ok(false);
        }
    };
    if calculation.rate == Rate::Flat
        && subject.line.is_some()
        && state.commissions.iter().any(|c| {
            c.kind == "accrual"
                && c.partner_id == credit.partner_id
                && c.explain["rule_id"] == calculation.rule_id.as_str()
        })
    {
        let sentence = format!(
            "“{}” is paid once for an invoice, and another of its lines has earned it.",
            calculation.rule_name
        );
        reasons.insert(why(NothingKind::Rules, sentence));
        return Ok(false);
    }
    let version_id = version.id;
    book(unit, state, sale, credit, subject, calculation, version_id)?;
    Ok(true)
}

fn facts(
    unit: &Unit,
    partner: &partner::Model,
    plan_version: i64,
    sale: &Sale,
    credit: &Credit,
    subject: &Subject<'_>,
) -> Result<Facts, Trouble> {
    let zone = unit.config.zone(credit.program_id);
    let service = subject.line.and_then(|line| {
        Some(ServicePeriod {
            start: line.period_start?,
            end: line.period_end?,
        })
    });
    let history = unit.history.of(
        partner.id,
        sale.account_id,
        sale.currency,
        sale.paid_at,
        zone,
    );
    let version = unit.config.plan(partner, sale.paid_at);
    let (volume, used) = version
        .map(|version| history.for_plan(version))
        .unwrap_or_default();
    Ok(Facts {
        trigger: subject.trigger,
        paid_at: sale.paid_at,
        net: Money::new(subject.net, sale.currency),
        credit: subject.part.clone(),
        product: subject
            .line
            .and_then(|line| unit.config.product_code(line.product_line_id?))
            .map(str::to_owned),
        country: sale.country.clone(),
        partner_type: partner.partner_type.parse().map_err(bad)?,
        tier: unit.config.tier_at(partner, sale.paid_at),
        registered_deal: credit.deal_id.is_some(),
        certified: unit.config.certified(partner.id, sale.paid_at),
        age: Some(calendar::customer_age(
            sale.first_paid_at,
            sale.paid_at,
            zone,
        )),
        service,
        volume,
        used,
        plan_version,
    })
}

fn book(
    unit: &mut Unit,
    state: &mut InvoiceState,
    sale: &Sale,
    credit: &Credit,
    subject: &Subject<'_>,
    calculation: Calculation,
    version_id: i64,
) -> Result<(), Trouble> {
    let zone = unit.config.zone(credit.program_id);
    let hold = unit
        .config
        .policy(credit.program_id, sale.paid_at)
        .map_err(bad)?
        .hold_days;
    let hold_until = calendar::add_days(sale.paid_at, u32::try_from(hold).unwrap_or(0), zone)
        .unwrap_or(sale.paid_at);
    let amount = calculation.amount;
    // The revenue behind a first payment is counted by its lines.
    let basis = if subject.line.is_some() {
        subject.net
    } else {
        0
    };
    let mut explain = serde_json::to_value(&calculation).map_err(bad)?;
    if let Some(object) = explain.as_object_mut() {
        let line_net = subject.line.map(|line| line.net);
        object.insert(
            "credit".to_owned(),
            serde_json::json!({ "share_bp": credit.share_bp, "line_net": line_net }),
        );
        let balance = state.row.balance.as_deref();
        if let Some(balance) = balance.and_then(|text| serde_json::from_str(text).ok()) {
            object.insert("balance".to_owned(), balance);
        }
    }
    let row = commission::Model {
        id: unit.fresh_id(),
        program_id: credit.program_id,
        partner_id: credit.partner_id,
        account_id: Some(sale.account_id),
        invoice_id: Some(state.row.id),
        invoice_line_id: subject.line.map(|line| line.id),
        deal_id: credit.deal_id,
        kind: "accrual".to_owned(),
        reverses_id: None,
        reference: subject.reference.clone(),
        plan_version_id: Some(version_id),
        rule_name: calculation.rule_name.clone(),
        tier_name: calculation
            .tier
            .as_ref()
            .map(|t| t.name.clone())
            .unwrap_or_default(),
        basis,
        rate_bp: match calculation.rate {
            Rate::Percent { rate } => Some(rate.0),
            _ => None,
        },
        amount: amount.minor,
        reversed: 0,
        currency: amount.currency.code().to_owned(),
        state: "pending".to_owned(),
        held_from: None,
        hold_until,
        month: calendar::month_of(sale.paid_at, zone),
        payout_id: None,
        explain,
        note: None,
        earned_at: sale.paid_at,
        created_at: unit.now,
    };
    let invoice = state.row.number.as_deref().unwrap_or(&state.row.stripe_id);
    unit.effects.bookings.push(Booking {
        commission_id: row.id,
        partner_id: row.partner_id,
        amount,
        movement: Movement::Accrue,
        description: format!("{} on invoice {invoice}", row.rule_name),
        effective_at: sale.paid_at,
    });
    unit.history.add(Month::of(&row));
    unit.effects.notes.push(Note {
        action: "commission.earned",
        subject_type: "commission",
        subject_id: row.id,
        partner_id: Some(row.partner_id),
        internal: false,
        summary: format!(
            "{} earned on invoice {invoice}; on hold until {}.",
            amount.format("en"),
            calendar::local_date(hold_until, zone).format("%-d %B %Y")
        ),
        detail: serde_json::json!({}),
    });
    state.commissions.push(Row::fresh(row));
    Ok(())
}
