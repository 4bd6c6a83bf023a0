//! How far a version of a plan has come.

use crate::transition::{Machine, Transition, Who, step};

crate::text_enum! {
    /// Where a version of a plan stands.
    pub enum PlanStatus {
        /// Being written; pays nobody.
        Draft = "draft" => "Draft",
        /// Counts from its date on; no longer changed.
        Published = "published" => "Published",
        /// Taken back before it began.
        Retired = "retired" => "Withdrawn",
    }
}

const PLAN_TABLE: &[Transition<PlanStatus>] = &[
    step(
        PlanStatus::Draft,
        PlanStatus::Published,
        "Publish",
        &[Who::Staff],
    ),
    step(
        PlanStatus::Published,
        PlanStatus::Retired,
        "Withdraw",
        &[Who::Staff],
    ),
];

impl PlanStatus {
    /// The allowed transitions. A change to a published version is a new version.
    pub const MACHINE: Machine<PlanStatus> = Machine {
        subject: "plan version",
        table: PLAN_TABLE,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_closed() {
        crate::transition::testing::assert_closed(PlanStatus::MACHINE, &[PlanStatus::Draft]);
    }
}
