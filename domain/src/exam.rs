//! Certification: courses, exams, attempts, grading and certificates.

pub mod attempt;
pub mod certificate;
pub mod draw;
pub mod question;

pub use attempt::{AttemptStatus, ExamRules, StartRefusal, may_start};
pub use certificate::{CertificateStatus, certificate_status};
pub use draw::{Drawn, Shown, draw, show};
pub use question::{Feedback, Grade, Question, QuestionKind, grade};

use crate::transition::{Machine, Transition, Who, step};

crate::text_enum! {
    /// Where a course version stands.
    pub enum CourseStatus {
        /// Being written.
        Draft = "draft" => "Draft",
        /// Open to partners; no longer changed.
        Published = "published" => "Published",
        /// Not offered any more; its certificates stay valid.
        Retired = "retired" => "Retired",
    }
}

const COURSE_TABLE: &[Transition<CourseStatus>] = &[
    step(
        CourseStatus::Draft,
        CourseStatus::Published,
        "Publish",
        &[Who::Staff],
    ),
    step(
        CourseStatus::Published,
        CourseStatus::Retired,
        "Retire",
        &[Who::Staff],
    ),
];

impl CourseStatus {
    /// The allowed transitions. A change to a published course is a new version.
    pub const MACHINE: Machine<CourseStatus> = Machine {
        subject: "course",
        table: COURSE_TABLE,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_closed() {
        crate::transition::testing::assert_closed(CourseStatus::MACHINE, &[CourseStatus::Draft]);
    }
}
