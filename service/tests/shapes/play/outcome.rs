//! What a shape has come to, in the words shapes are written in.

use std::collections::BTreeMap;

use entity::{invoice, invoice_line};
use sea_orm::EntityTrait;

use super::Play;

/// What a shape has come to.
#[derive(Debug)]
pub struct Outcome {
    /// `north:pending EUR 2250`.
    pub postings: Vec<String>,
    /// `il_1a north 2250 pending`.
    pub commissions: Vec<String>,
    /// Everything else that must not depend on the order: months, invoices.
    pub state: Vec<String>,
}

impl Play {
    /// As it stands now.
    pub async fn outcome(&self) -> Outcome {
        let db = self.world.test.db.reader();
        let [north, south] = self.world.partners;
        let names = BTreeMap::from([(north, "north"), (south, "south")]);
        let postings = self
            .world
            .balances()
            .await
            .into_iter()
            .map(|(code, currency, amount)| {
                let mut code = code;
                for (id, name) in &names {
                    code = code.replace(&format!("partner:{id}:"), &format!("{name}:"));
                }
                format!("{code} {currency} {amount}")
            });
        let lines: BTreeMap<i64, String> = invoice_line::Entity::find()
            .all(db)
            .await
            .expect("reads")
            .into_iter()
            .map(|line| (line.id, line.stripe_id))
            .collect();
        let accruals = self.world.commissions().await.into_iter();
        let mut commissions: Vec<String> = accruals
            .filter(|c| c.kind == "accrual")
            .map(|c| {
                let what = c.invoice_line_id.map_or("first payment", |id| &lines[&id]);
                let back = match c.reversed {
                    0 => String::new(),
                    back => format!(" back {back}"),
                };
                let partner = names[&c.partner_id];
                format!("{what} {partner} {}{back} {}", c.amount, c.state)
            })
            .collect();
        let invoices = invoice::Entity::find().all(db).await.expect("reads");
        commissions.extend(
            invoices
                .into_iter()
                .filter(|i| i.outcome != "earned")
                .map(|i| {
                    let why = if i.status == "paid" {
                        i.outcome
                    } else {
                        i.status
                    };
                    format!("{} {why}", i.stripe_id)
                }),
        );
        Outcome {
            postings: postings.collect(),
            commissions,
            // A month in which what came and went is the same may be there or not.
            state: self
                .world
                .state()
                .await
                .into_iter()
                .filter(|line| !line.ends_with(": 0 0 0"))
                .collect(),
        }
    }
}
