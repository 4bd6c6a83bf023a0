//! The partner's Stripe account: where it stands, what Stripe still needs, and the way there.

use crate::{
    flash::Tone,
    page::{Head, Page, PageError, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use chrono::{DateTime, Utc};
use domain::payout::{PayoutAccountState as State, Requirement};
use leptos::prelude::*;
use service::payout::account::{self, Needed, View};

const HERE: &str = "/partner/payout-account";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Partner, show)
        .post(
            "/partner/payout-account/connect",
            Access::PartnerOwner,
            connect,
        )
        .post(
            "/partner/payout-account/dashboard",
            Access::PartnerOwner,
            dashboard,
        )
        .get_by_stripe(
            "/partner/payout-account/continue",
            Access::PartnerOwner,
            go_on,
        )
        .get_by_stripe(
            "/partner/payout-account/returned",
            Access::Partner,
            returned,
        )
}

async fn show(page: Page) -> PageResult {
    let view = account::own(&page.ctx).await?;
    let owner = page.ctx.owner().is_ok();
    let head = Head::new("Payout account")
        .text("Your earnings are paid to a Stripe account in your name; Stripe pays them on to your bank.")
        .crumb("Payouts", "/partner/payouts")
        .status_as(view.state.label(), tone(view.state));
    Ok(page.render(head, move || {
        let deadline = view.deadline_at.map(|at| {
            view! { <p>"Stripe wants it by " <Day at/> ". " <Clock due=at warn_hours=72/></p> }
        });
        let waits = view.waits_until.map(first_payout_waits);
        let country = view.country.clone().map(|said| {
            view! { <Notice tone=Tone::Warn title="Your country"><p>{said}</p></Notice> }
        });
        let checked = view.checked_at.map(|at| {
            view! { <Fact label="Last checked with Stripe"><Ago at/></Fact> }
        });
        let id = view.stripe_id.clone().map(|id| {
            view! { <Fact label="Account at Stripe"><code>{id}</code></Fact> }
        });
        let ways = if owner {
            ways(view.state).into_any()
        } else {
            view! {
                <p class="muted">"An owner of your organisation connects and changes the account."</p>
            }
            .into_any()
        };
        let needed = (!view.needed.is_empty()).then(|| {
            view! {
                <Panel title="What Stripe needs" text="Given at Stripe, never to us.">
                    {needs(view.needed)}
                </Panel>
            }
        });
        view! {
            <Record>
                <RecordMain>
                    <Panel title="Where it stands">
                        {country}
                        {waits}
                        <p>{view.state.sentence()}</p>
                        {deadline}
                        {ways}
                    </Panel>
                    {needed}
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="State"><Status of=view.state.as_str() label=view.state.label() tone=tone(view.state)/></Fact>
                            {id}
                            {checked}
                        </Facts>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

/// Until when nothing is paid to an account because it is new.
pub(super) fn first_payout_waits(until: DateTime<Utc>) -> AnyView {
    view! {
        <Notice title="The first payout waits">
            <p>"The payout account is new. The first payout to it leaves at the earliest on "<Moment at=until/>", so that an account that none of you connected is noticed before money is sent. Nothing is lost: what is payable by then is in the first payout run after that."</p>
        </Notice>
    }
    .into_any()
}

/// How a state of the account is judged.
pub(crate) const fn tone(state: State) -> Tone {
    match state {
        State::Ready => Tone::Good,
        State::UnderReview => Tone::Info,
        State::None | State::Incomplete => Tone::Warn,
        State::Restricted | State::Closed => Tone::Bad,
    }
}

fn ways(state: State) -> impl IntoView {
    let connect = match state {
        State::None => "Connect a payout account",
        State::Closed => "Connect another account",
        State::Incomplete | State::Restricted | State::UnderReview => "Continue at Stripe",
        State::Ready => "Change details at Stripe",
    };
    let first = matches!(
        state,
        State::None | State::Closed | State::Incomplete | State::Restricted
    );
    let dashboard = matches!(state, State::Ready | State::UnderReview | State::Restricted).then(|| {
        view! {
            <PostButton action="/partner/payout-account/dashboard" label="Open the Stripe dashboard"/>
        }
    });
    view! {
        <div class="buttons">
            <PostButton action="/partner/payout-account/connect" label=connect primary=first/>
            {dashboard}
        </div>
    }
}

fn needs(needed: Vec<Needed>) -> AnyView {
    Table::plain(needed)
        .caption("What Stripe needs")
        .col("What", |n: &Needed| {
            let words = requirement(n).words();
            let problems = n.problems.join(" ");
            view! {
                {words}
                {(!problems.is_empty()).then(|| view! { <p class="muted">{problems}</p> })}
            }
        })
        .col("From", |n| {
            if n.awaiting == "stripe" {
                "Stripe"
            } else {
                "You"
            }
        })
        .col("When", |n| match n.deadline.as_str() {
            "past_due" => view! { <Status of="overdue"/> }.into_any(),
            "eventually_due" => view! { "Later" }.into_any(),
            _ => view! { <Status of="now" label="Now" tone=Tone::Warn/> }.into_any(),
        })
        .col("By", |n| n.due.map(|at| view! { <Day at/> }))
        .view()
}

fn requirement(n: &Needed) -> Requirement {
    Requirement {
        what: n.what.clone(),
        awaiting: n.awaiting.clone(),
        deadline: n.deadline.clone(),
    }
}

async fn connect(page: Page) -> PageResult {
    let gateway = match page.gateway() {
        Ok(gateway) => gateway,
        Err(error) => return unset(&page, error).await,
    };
    match account::connect(&page.ctx, gateway, &page.state.site.base_url).await {
        Ok(url) => page.leave_to(&url),
        Err(error) => page.refused(HERE, error, &[]).await,
    }
}

/// Stripe sends people here when a link has run out: they get a fresh one. It only goes on with an
/// account that is there, because following a link must not make one.
async fn go_on(page: Page) -> PageResult {
    if account::own(&page.ctx).await?.stripe_id.is_none() {
        return Ok(page.redirect(HERE));
    }
    connect(page).await
}

async fn returned(page: Page) -> PageResult {
    let gateway = match page.gateway() {
        Ok(gateway) => gateway,
        Err(error) => return unset(&page, error).await,
    };
    match account::returned(&page.ctx, gateway).await {
        Ok(View { state, .. }) => page.toast(HERE, tone(state), state.sentence()).await,
        Err(error) => page.refused(HERE, error, &[]).await,
    }
}

async fn dashboard(page: Page) -> PageResult {
    let gateway = match page.gateway() {
        Ok(gateway) => gateway,
        Err(error) => return unset(&page, error).await,
    };
    match account::dashboard(&page.ctx, gateway).await {
        Ok(url) => page.leave_to(&url),
        Err(error) => page.refused(HERE, error, &[]).await,
    }
}

async fn unset(page: &Page, error: PageError) -> PageResult {
    match error {
        PageError::Unavailable(text) => page.toast(HERE, Tone::Bad, text).await,
        other => Err(other),
    }
}
