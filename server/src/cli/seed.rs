//! `portico seed` and `portico demo-sign-ins`: data for demonstrations and measurements.

use clap::{Args, Subcommand};
use stripe_gateway::{Config as StripeConfig, StripeGateway};
use url::Url;

use super::{Failure, context, context_to_load, demo_only, said};
use crate::config;
use crate::seed::{self, Sandbox};

#[derive(Debug, Subcommand)]
pub(crate) enum Seed {
    /// The demonstration program after 18 months: partners, deals, invoices, commissions, payouts
    ///
    /// A database that has a program already is left as it is.
    Demo,
    /// A large program, to measure with
    Bench {
        /// How many partners
        #[arg(long, default_value_t = 50)]
        partners: u32,
        /// How many paid invoices
        #[arg(long, default_value_t = 100_000)]
        invoices: u32,
    },
}

impl Seed {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        demo_only("Made-up data")?;
        let ctx = context_to_load().await?;
        let gateway = gateway()?;
        let made = match self {
            Self::Demo => {
                let sandbox = sandbox().await;
                if sandbox.is_none() {
                    eprintln!(
                        "No Stripe sandbox answers at STRIPE_API_BASE: nobody is connected or paid \
                         in this demonstration."
                    );
                }
                seed::demo(&ctx, &gateway, sandbox.as_ref()).await
            }
            Self::Bench { partners, invoices } => {
                seed::bench(&ctx, &gateway, partners, invoices).await
            }
        };
        println!("{}", made.map_err(said)?);
        Ok(())
    }
}

/// Stripe, or what stands in for it, as the settings say.
fn gateway() -> Result<StripeGateway, Failure> {
    let key = std::env::var("STRIPE_SECRET_KEY").unwrap_or_else(|_| "sk_test_none".to_owned());
    let mut settings = StripeConfig::new(key);
    settings.api_base = api_base();
    StripeGateway::new(settings).map_err(|e| e.to_string())
}

fn api_base() -> Option<String> {
    std::env::var("STRIPE_API_BASE")
        .ok()
        .filter(|base| !base.is_empty())
}

/// The sandbox, where it is one that answers at the settings' address.
async fn sandbox() -> Option<Sandbox> {
    let base = Url::parse(&api_base()?).ok()?;
    if !config::is_loopback_host(&base) {
        return None;
    }
    Sandbox::find(&base).await
}

#[derive(Debug, Args)]
pub(crate) struct SignIns {
    /// As JSON: a list of role, name, email, password
    #[arg(long)]
    json: bool,
}

impl SignIns {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        demo_only("Printing sign-ins")?;
        let ctx = context().await?;
        let people = seed::sign_ins(&ctx).await.map_err(said)?;
        if people.is_empty() {
            return Err(
                "There is no demonstration program yet: run `portico seed demo`.".to_owned(),
            );
        }
        if self.json {
            let text = serde_json::to_string(&people).map_err(|e| e.to_string())?;
            println!("{text}");
            return Ok(());
        }
        println!("  {}/sign-in\n", config::address_from_env());
        let width = people
            .iter()
            .map(|p| p.role.len())
            .max()
            .unwrap_or_default();
        let email = people
            .iter()
            .map(|p| p.email.len())
            .max()
            .unwrap_or_default();
        for person in people {
            let role = person.role.replace('_', " ");
            println!(
                "  {role:width$}  {:email$}  {}",
                person.email, person.password
            );
        }
        Ok(())
    }
}
