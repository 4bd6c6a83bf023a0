//! The companies that pay: who brought them, what they buy, how long they stay.

use chrono::{DateTime, TimeDelta, Utc};
use domain::registrable::normalised_name;
use entity::{account, account_domain, attribution};
use sea_orm::ActiveValue::Set;
use service::Result;

use super::partners::Made as Partner;
use super::program::{Made as Program, PRODUCTS};
use super::{About, Stage, days, insert, names};

/// A company that pays, or is hoped to pay, and for what.
#[derive(Clone)]
pub(super) struct Customer {
    /// None: Stripe bills it, and the portal has never heard of it.
    pub(super) account_id: Option<i64>,
    /// None: nobody is credited.
    pub(super) partner: Option<usize>,
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) country: &'static str,
    pub(super) currency: &'static str,
    /// Places in [`PRODUCTS`].
    pub(super) products: Vec<usize>,
    pub(super) seats: i64,
    /// The day from which it pays.
    pub(super) since: DateTime<Utc>,
    /// The time of day at which Stripe bills it.
    pub(super) billed: TimeDelta,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) yearly: bool,
}

impl Customer {
    /// What a month costs at the list price, in minor units.
    pub(super) fn monthly(&self) -> i64 {
        self.products
            .iter()
            .map(|place| price(PRODUCTS[*place].3, self.currency) * self.seats / 10)
            .sum()
    }
}

/// Money in other currencies: whole units for one euro, roughly, and the smallest coins in one.
pub(super) fn price(euros: i64, currency: &str) -> i64 {
    let (rate, scale) = match currency {
        "JPY" => (160, 1),
        "SEK" => (11, 100),
        "PLN" => (4, 100),
        _ => (1, 100),
    };
    euros * rate * scale
}

/// How many customers a partner brings along when it joins, by tier.
const BROUGHT: [usize; 5] = [1, 3, 6, 8, 13];

/// Partners by how much they sell, each as often as it brings customers.
pub(super) fn busy(partners: &[Partner]) -> Vec<usize> {
    partners
        .iter()
        .enumerate()
        .filter(|(_, p)| p.partner.status == "active")
        .flat_map(|(n, p)| std::iter::repeat_n(n, BROUGHT[p.company.tier - 1]))
        .collect()
}

/// Customers that no registered deal has brought.
pub(super) async fn brought(
    stage: &mut Stage<'_>,
    program: &Program,
    partners: &[Partner],
    names: &mut usize,
) -> Result<Vec<Customer>> {
    let mut made = Vec::new();
    for (n, partner) in partners.iter().enumerate() {
        // The first visitor is shown Brightpath.
        let more = if n == 0 { 4 } else { 0 };
        stage.take_dice(About::Brought, n);
        for _ in 0..BROUGHT[partner.company.tier - 1] + more {
            let since = days(partner.joined, 1 + u64::from(stage.dice(25)));
            if since >= stage.today {
                continue;
            }
            let one = new(stage, partners, names, Some(n), since).await?;
            let reason = if partner.joined < days(stage.start, 31) {
                "Brought before deal registration was introduced."
            } else {
                "Was the partner’s customer when it joined the program."
            };
            credit(stage, program, partners, &one, None, reason).await?;
            made.push(one);
        }
    }
    Ok(made)
}

/// Companies that came by themselves and are not known to belong to anybody.
pub(super) async fn unknown(
    stage: &mut Stage<'_>,
    partners: &[Partner],
    names: &mut usize,
) -> Result<Vec<Customer>> {
    let mut made = Vec::new();
    for n in 0..7 {
        stage.take_dice(About::Unknown, n);
        let month = 11 + stage.dice(6);
        let since = days(stage.month(month), 2 + u64::from(stage.dice(20)));
        made.push(new(stage, partners, names, None, since).await?);
    }
    Ok(made)
}

/// A company, and its account where a partner is credited for it.
pub(super) async fn new(
    stage: &mut Stage<'_>,
    partners: &[Partner],
    names: &mut usize,
    partner: Option<usize>,
    since: DateTime<Utc>,
) -> Result<Customer> {
    let (plain, domain) = names::customer(*names);
    *names += 1;
    let home = partner.map_or(&partners[7], |p| &partners[p]);
    // One customer in four is in Germany and pays in euros, wherever its partner is.
    let (country, currency) = if stage.chance(25) {
        ("DE", "EUR")
    } else {
        (home.company.country, home.company.currency)
    };
    let name = if stage.chance(35) {
        format!("{plain} {}", names::legal_form(country))
    } else {
        plain
    };
    let add_on = 1 + stage.dice(2) as usize;
    let products = if stage.chance(35) {
        vec![0, add_on]
    } else {
        vec![0]
    };
    let account_id = match partner {
        Some(_) => Some(account(stage, &name, &domain, country, since).await?),
        None => None,
    };
    let until = stage
        .chance(9)
        .then(|| days(since, 150 + u64::from(stage.dice(200))));
    Ok(Customer {
        account_id,
        partner,
        name,
        domain,
        country,
        currency,
        products,
        seats: 3 + i64::from(stage.dice(38)),
        since,
        billed: TimeDelta::seconds(i64::from(5 * 3_600 + stage.dice(13 * 3_600))),
        until: until.filter(|at| *at < stage.today),
        yearly: stage.chance(12),
    })
}

async fn account(
    stage: &Stage<'_>,
    name: &str,
    domain: &str,
    country: &str,
    at: DateTime<Utc>,
) -> Result<i64> {
    let db = stage.ctx.reader();
    let row = account::ActiveModel {
        name: Set(name.to_owned()),
        normalised_name: Set(normalised_name(name)),
        country: Set(Some(country.to_owned())),
        house: Set(false),
        created_at: Set(at),
        ..Default::default()
    };
    let id = insert::one(db, row).await?.id;
    let row = account_domain::ActiveModel {
        id: Set(domain.to_owned()),
        account_id: Set(id),
    };
    insert::one(db, row).await?;
    Ok(id)
}

/// Credits a customer to its partner.
pub(super) async fn credit(
    stage: &Stage<'_>,
    program: &Program,
    partners: &[Partner],
    customer: &Customer,
    deal_id: Option<i64>,
    reason: &str,
) -> Result<()> {
    let (Some(partner), Some(account_id)) = (customer.partner, customer.account_id) else {
        return Ok(());
    };
    let row = attribution::ActiveModel {
        program_id: Set(program.program.id),
        account_id: Set(account_id),
        partner_id: Set(partners[partner].partner.id),
        deal_id: Set(deal_id),
        part: Set("sourced".to_owned()),
        share_bp: Set(10_000),
        reason: Set(reason.to_owned()),
        starts_at: Set(customer.since),
        created_at: Set(customer.since),
        ..Default::default()
    };
    insert::one(stage.ctx.reader(), row).await?;
    Ok(())
}
