//! What registrations earn by themselves: qualified meetings and won deals.

mod meeting;
mod together;
mod won;

use chrono::TimeDelta;
use domain::money::Bp;
use domain::plan::{Amount, Basis, PlanRules, Trigger, ready_made};
use service::deal::MeetingForm;

use crate::deal::world::World;

/// A plan that pays for won deals.
fn for_won(basis: Basis, amount: Amount) -> PlanRules {
    let mut rules = ready_made::agency();
    let rule = &mut rules.rules[0];
    rule.id = "won".to_owned();
    rule.name = "Won deal".to_owned();
    rule.trigger = Trigger::DealWon;
    (rule.basis, rule.amount, rule.bonus_points) = (basis, amount, Bp(0));
    rules
}

fn held(world: &World, days: i64) -> MeetingForm {
    MeetingForm {
        held_on: (world.now - TimeDelta::days(days)).date_naive().to_string(),
        note: "Budget, need and decision maker are known.".to_owned(),
    }
}
