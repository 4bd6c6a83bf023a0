//! What can or must be done about a payout run now, and by whom.

use crate::ui::*;
use domain::payout::RunStatus;
use entity::payout_run;
use leptos::prelude::*;
use service::payout::list::Progress;

use super::run::{May, address};

/// What can or must be done now, and by whom. `stays` is what of it was sent already.
pub(super) fn next_step(
    run: &payout_run::Model,
    status: RunStatus,
    progress: Option<Progress>,
    may: &May,
    stays: Option<String>,
) -> AnyView {
    let waits = run.waits_for.is_some();
    // Views keep what they show.
    let cancel = may.change.then(|| {
        let cancel = cancel(run.id, stays.as_deref());
        view! { <div class="buttons">{cancel}</div> }
    });
    match status {
        RunStatus::Draft => may.change.then(|| drafted(run)).into_any(),
        RunStatus::Submitted => may.change.then(|| submitted(run, may)).into_any(),
        RunStatus::Approved => view! {
            <Notice tone=Tone::Info title="Approved">
                <p>{frozen(progress, waits)}</p>
                {cancel}
            </Notice>
        }
        .into_any(),
        RunStatus::WaitingForBalance => view! {
            <Notice tone=Tone::Warn title="Waiting for balance">
                <p>"Stripe’s balance is too low for what this run has still to send. Top it up; the run goes on by itself."</p>
                {stays.map(|stays| view! { <p>{stays}</p> })}
                {cancel}
            </Notice>
        }
        .into_any(),
        RunStatus::Sending => view! {
            <Notice tone=Tone::Info title="Transfers are being made">
                "Each payout below shows how far it is. What is not clear is settled by asking Stripe, never by sending again blindly."
            </Notice>
        }
        .into_any(),
        RunStatus::Canceled => canceled(progress, stays),
        RunStatus::Done => ().into_any(),
    }
}

/// What of a canceled run stays, and how far the rest is given back.
fn canceled(progress: Option<Progress>, stays: Option<String>) -> AnyView {
    if progress.is_none() && stays.is_none() {
        return ().into_any();
    }
    let (tone, title) = match stays {
        Some(_) => (Tone::Warn, "Canceled after some of it was sent"),
        None => (Tone::Info, "Canceled"),
    };
    let stays = stays.map(|stays| {
        view! { <p>{stays}" What was not sent is payable again."</p> }
    });
    let progress = progress.map(|progress| view! { <p>{frozen(Some(progress), false)}</p> });
    view! { <Notice tone=tone title=title>{stays}{progress}</Notice> }.into_any()
}

fn drafted(run: &payout_run::Model) -> AnyView {
    let here = address(run.id);
    let (shown, cancel) = (shown(run), cancel(run.id, None));
    view! {
        <Notice title="A draft: nothing is paid yet">
            <p>"Look at who is in it and who is left out. Then submit it; somebody else approves it."</p>
            <div class="buttons">
                <PostButton action=format!("{here}/submit") label="Submit for approval" fields=shown primary=true/>
                <PostButton action=format!("{here}/refresh") label="Count anew"/>
                {cancel}
            </div>
        </Notice>
    }
    .into_any()
}

fn submitted(run: &payout_run::Model, may: &May) -> AnyView {
    let send_back = format!("{}/send-back", address(run.id));
    let back = view! {
        <Confirm id="send-back" label="Send back" title="Send this run back to its author?">
            <PostForm action=send_back name="send-back">
                <TextArea name="reason" label="What should change?" rows=2 required=true max=500/>
                <Submit label="Send back"/>
            </PostForm>
        </Confirm>
    };
    let (words, approve) = match &may.approve {
        Ok(last) => {
            let confirm = approval(run, *last);
            (
                "Check the figures. With your approval it is paid.".to_owned(),
                Some(confirm),
            )
        }
        Err(why) => (why.clone(), None),
    };
    let second = (run.needs_second && run.approved_by.is_some())
        .then_some(" One approval is there; the second is missing.");
    let cancel = cancel(run.id, None);
    view! {
        <Notice tone=Tone::Info title="Waiting for approval">
            <p>{words}{second}</p>
            <div class="buttons">{approve}{back}{cancel}</div>
        </Notice>
    }
    .into_any()
}

fn cancel(run_id: i64, stays: Option<&str>) -> AnyView {
    let action = format!("{}/cancel", address(run_id));
    let text = stays.map_or_else(
        || "Nothing is paid; every amount stays payable.".to_owned(),
        |stays| format!("{stays} Nothing more is paid; every other amount stays payable."),
    );
    view! {
        <Confirm id="cancel" label="Cancel the run" title="Cancel this run?" text=text danger=true>
            <PostForm action=action name="cancel">
                <TextArea name="reason" label="Why?" rows=2 required=true max=500/>
                <Submit label="Cancel the run" danger=true/>
            </PostForm>
        </Confirm>
    }
    .into_any()
}

/// The fingerprint of what this page shows, for the forms that decide about it.
fn shown(run: &payout_run::Model) -> Vec<(&'static str, String)> {
    vec![("shown", run.fingerprint.clone().unwrap_or_default())]
}

fn approval(run: &payout_run::Model, last: bool) -> AnyView {
    let text = if last {
        "The amounts are frozen and the transfers are made at once. Who cannot be paid any more is left out, with the reason."
    } else {
        "The amount is above the limit: after you, a second person has to approve it too."
    };
    let action = format!("{}/approve", address(run.id));
    let shown = run.fingerprint.clone().unwrap_or_default();
    view! {
        <Confirm id="approve" label="Approve" title="Approve this run?" text=text primary=true>
            <PostForm action=action name="approve">
                <Hidden name="shown" value=shown/>
                <Submit label="Approve and pay"/>
            </PostForm>
        </Confirm>
    }
    .into_any()
}

/// How far a run is that is frozen, or gives its amounts back.
fn frozen(progress: Option<Progress>, waits: bool) -> String {
    let count = |n: u64| count_text(i64::try_from(n).unwrap_or(i64::MAX));
    match progress {
        Some(Progress::Freezing(done, all)) => format!(
            "The payouts are being frozen: {} of {}. The transfers start when all are.",
            count(done),
            count(all)
        ),
        Some(Progress::GivingBack(done, all)) => format!(
            "The amounts are being given back: {} of {}.",
            count(done),
            count(all)
        ),
        None if waits => {
            "The payouts are frozen; the transfers start as soon as nothing is in their way."
                .to_owned()
        }
        None => "The payouts are frozen; the transfers start in a moment.".to_owned(),
    }
}
