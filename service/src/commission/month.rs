//! A partner's sums per month, kept in step with the lines.

use entity::partner_month;
use sea_orm::ConnectionTrait;

use crate::bulk;
use crate::error::Result;

/// What is added to one partner's month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// `partner.id`.
    pub partner_id: i64,
    /// The currency.
    pub currency: String,
    /// `YYYY-MM` in the program's zone.
    pub month: String,
    /// Earned, given back, revenue; see [`month_effect`].
    pub parts: [i64; 3],
}

/// What a commission line means for its partner's month: earned, given back, revenue, all in minor
/// units. Canceled lines and the lines by which a payout moves its own rest mean nothing; neither
/// does a debt that is given up.
pub fn month_effect(kind: &str, state: &str, reference: &str, amount: i64, basis: i64) -> [i64; 3] {
    if state == "canceled" || reference.starts_with("payout:") {
        return [0; 3];
    }
    match kind {
        "accrual" | "bonus" => [amount, 0, basis],
        "reversal" | "clawback" => [0, amount, basis],
        "adjustment" if amount >= 0 => [amount, 0, 0],
        "adjustment" => [0, amount, 0],
        _ => [0; 3],
    }
}

/// Adds to the months, in one order for every process.
///
/// # Errors
/// When the database refuses.
pub async fn add(tx: &impl ConnectionTrait, months: &[Month]) -> Result<()> {
    let mut months: Vec<&Month> = months.iter().filter(|m| m.parts != [0; 3]).collect();
    months.sort_by(|a, b| {
        (a.partner_id, &a.currency, &a.month).cmp(&(b.partner_id, &b.currency, &b.month))
    });
    let ids = bulk::reserve::<partner_month::Entity>(tx, months.len()).await?;
    let rows: Vec<partner_month::Model> = months
        .into_iter()
        .zip(ids)
        .map(|(m, id)| partner_month::Model {
            id,
            partner_id: m.partner_id,
            month: m.month.clone(),
            currency: m.currency.clone(),
            earned: m.parts[0],
            given_back: m.parts[1],
            revenue: m.parts[2],
        })
        .collect();
    bulk::insert_with::<partner_month::Entity>(
        tx,
        &rows,
        " ON CONFLICT (partner_id, currency, month) DO UPDATE SET \
         earned = partner_month.earned + excluded.earned, \
         given_back = partner_month.given_back + excluded.given_back, \
         revenue = partner_month.revenue + excluded.revenue",
    )
    .await?;
    Ok(())
}
