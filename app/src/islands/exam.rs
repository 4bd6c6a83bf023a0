//! The time left in an exam.

use leptos::prelude::*;

/// Counts down, says so at five minutes and one minute, and hands the exam in at the end. The
/// server keeps the time too: a page without scripts only loses the display.
#[component]
pub fn ExamTimer(
    /// End as Unix seconds, by the portal's clock.
    due: i64,
    /// The portal's time when the page was made, as Unix seconds.
    now: i64,
    /// `id` of the form that is handed in.
    form: String,
) -> impl IntoView {
    let left = (due - now).max(0);
    view! {
        <div class="exam-timer" data-exam=form data-end=due>
            <span class="num" aria-hidden="true">{format!("{}:{:02}", left / 60, left % 60)}</span>
            <span class="sr" aria-live="assertive"></span>
        </div>
    }
}
