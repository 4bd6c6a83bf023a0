//! What the portal is connected with: Stripe and mail, without anything secret about them.

use super::may_change;
use crate::{
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    state::Setup,
    ui::*,
};
use leptos::prelude::*;
use service::system::{self, FromStripe};

const HERE: &str = "/admin/integrations";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new().get(HERE, Access::Admin, show).post(
        "/admin/integrations/test-mail",
        Access::Admin,
        test_mail,
    )
}

async fn show(page: Page) -> PageResult {
    let from = system::from_stripe(&page.ctx).await?;
    let setup = page.state.setup.clone();
    let endpoint = format!("{}/webhooks/stripe", page.state.site.base_url);
    let can = may_change(&page);
    let head = Head::new("Integrations")
        .text("Settings are made where the portal is started; this page shows how they are.");
    Ok(page.render(head, move || {
        view! {
            <Grid>
                {stripe(&setup, from, endpoint)}
                {mail(&setup, can)}
            </Grid>
        }
    }))
}

fn stripe(setup: &Setup, from: FromStripe, endpoint: String) -> AnyView {
    let (mode, tone) = if setup.stripe_live {
        ("Live: real money", Tone::Good)
    } else {
        ("Test: no real money", Tone::Info)
    };
    let kind = if setup.stripe_restricted {
        "Restricted key"
    } else {
        "Secret key"
    };
    let base = setup
        .stripe_api
        .clone()
        .unwrap_or_else(|| "api.stripe.com, Stripe itself".to_owned());
    let secrets = &setup.webhook_secrets;
    let none = secrets.iter().all(|s| s.count == 0).then(|| {
        view! { <Notice tone=Tone::Bad title="Every webhook is refused">"No signing secret is set: set STRIPE_WEBHOOK_SECRET and start the portal again."</Notice> }
    });
    let secrets: Vec<_> = secrets
        .iter()
        .map(|s| {
            let label = format!("Secrets for {}", s.events);
            let text = match s.count {
                0 => format!("None: set {}", s.setting),
                n => count_text(n as i64),
            };
            view! { <Fact label>{text}</Fact> }
        })
        .collect();
    let last = match from.last {
        Some((kind, at)) => view! { <Ago at/> ": " <code>{kind}</code> }.into_any(),
        None => "Nothing has come yet".into_any(),
    };
    let refused = match from.refused {
        Some(refused) => view! { <Ago at=refused.at/> ": " {refused.reason} }.into_any(),
        None => "Nothing was refused".into_any(),
    };
    view! {
        <Panel title="Stripe">
            {none}
            <Facts>
                <Fact label="Mode"><Status of="" label=mode.to_owned() tone=tone/></Fact>
                <Fact label="Key">{kind}</Fact>
                <Fact label="API">{base}</Fact>
                <Fact label="Webhooks go to"><code>{endpoint}</code></Fact>
                {secrets}
                <Fact label="Last webhook taken">{last}</Fact>
                <Fact label="Last webhook refused">{refused}</Fact>
            </Facts>
            <div class="buttons"><ButtonLink href="/admin/webhooks" label="Webhook inbox"/></div>
        </Panel>
    }
    .into_any()
}

fn mail(setup: &Setup, can: bool) -> AnyView {
    let way = setup.mail.clone();
    let (kind, place) = if way.folder {
        ("Not sent: to a folder", "Folder")
    } else {
        ("By a mail server", "Server")
    };
    let tone = if way.folder { Tone::Warn } else { Tone::Good };
    let test = can.then(|| {
        view! { <PostButton action="/admin/integrations/test-mail" label="Send me a test mail" primary=true/> }
    });
    view! {
        <Panel title="Mail">
            <Facts>
                <Fact label="Goes"><Status of="" label=kind.to_owned() tone=tone/></Fact>
                <Fact label=place><code>{way.to}</code></Fact>
                <Fact label="Sender">{way.from}</Fact>
            </Facts>
            <div class="buttons">{test}<ButtonLink href="/admin/mail" label="Mail log"/></div>
        </Panel>
    }
    .into_any()
}

async fn test_mail(page: Page) -> PageResult {
    match system::send_test_mail(&page.ctx).await {
        Ok(address) => {
            page.done(
                HERE,
                format!("A mail to {address} is on its way. The mail log says when it has left."),
            )
            .await
        }
        Err(e) => page.refused(HERE, e, &[]).await,
    }
}
