//! Subscriptions: how long a customer stayed.

use serde_json::json;

use super::Stripe;

#[derive(Clone, Copy)]
pub struct Subscription {
    pub started: i64,
    pub ended: Option<i64>,
}

impl Subscription {
    /// Whether it lasted less than so many days; never where none are asked for.
    pub fn was_short(&self, days: i64) -> bool {
        self.ended
            .is_some_and(|at| at < self.started + days * 86_400)
    }
}

pub(super) fn subscription_id(customer: usize, which: usize) -> String {
    format!("sub_{customer}_{which}")
}

impl Stripe {
    /// Begins a subscription of a customer.
    pub fn subscribe(&mut self, at: i64, customer: usize) {
        let of = &mut self.customers[customer].subscriptions;
        of.push(Subscription {
            started: at,
            ended: None,
        });
        let which = of.len() - 1;
        self.tell_subscription(at, customer, which, "customer.subscription.created");
    }

    pub(super) fn tell_subscription(&mut self, at: i64, customer: usize, which: usize, kind: &str) {
        let Subscription { started, ended } = self.customers[customer].subscriptions[which];
        let object = json!({
            "id": subscription_id(customer, which), "object": "subscription",
            "customer": format!("cus_{customer}"), "created": started, "start_date": started,
            "ended_at": ended, "status": if ended.is_some() { "canceled" } else { "active" },
            "currency": "eur", "items": { "object": "list", "data": [] }, "livemode": false, "metadata": {},
        });
        self.shelf.push(object.clone());
        self.tell(at, kind, object);
    }
}
