//! The command line.

mod books;
mod demo;
mod lists;
mod people;
mod sandbox;
mod seed;
mod span;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service::{Clock, Context, Db};
use stripe_gateway::webhook::Destination;

use crate::config::{self, Config, LogFormat, VARIABLES};
use crate::log;
use crate::portal::Portal;
use crate::schema::{self, Schema};

/// Partner portal: applications, certification, deal registration, commission, payouts.
#[derive(Debug, Parser)]
#[command(name = "portico", version, after_help = variables(), after_long_help = variables())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the portal: pages, webhooks and background workers, until SIGTERM or Ctrl-C
    #[command(after_help = variables(), after_long_help = variables())]
    Serve,
    /// Brings the database's schema up to date; doing it again changes nothing
    Migrate,
    /// Fills an empty database
    #[command(subcommand)]
    Seed(seed::Seed),
    /// Recomputes every balance from the journal; exit code 1 on any difference
    Audit,
    /// Domains that say nothing about a company: mail services, shared websites, public suffixes
    #[command(subcommand)]
    Lists(lists::Lists),
    /// The vendor's own people
    #[command(subcommand)]
    User(people::User),
    /// The demonstration's clock
    #[command(subcommand)]
    Clock(demo::ClockCommand),
    /// Runs a local stand-in for Stripe, until SIGTERM or Ctrl-C
    StripeSandbox(sandbox::Sandbox),
    /// Prints the demonstration's address and a sign-in for every role
    DemoSignIns(seed::SignIns),
}

/// The settings, for `--help`.
fn variables() -> String {
    let width = VARIABLES
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    let mut text = "Settings, from the environment:\n".to_owned();
    for (name, meaning) in VARIABLES {
        text.push_str(&format!("  {name:width$}  {meaning}\n"));
    }
    text
}

/// Why a command ended badly: a sentence for standard error.
type Failure = String;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads can be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(sentence) => {
            eprintln!("error: {}", sentence.trim_end());
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve => serve().await?,
        Command::StripeSandbox(sandbox) => sandbox.run().await?,
        Command::Migrate => migrate().await?,
        Command::Seed(seed) => seed.run().await?,
        Command::Audit => return books::audit().await,
        Command::Lists(lists) => lists.run().await?,
        Command::User(user) => user.run().await?,
        Command::Clock(clock) => clock.run().await?,
        Command::DemoSignIns(sign_ins) => sign_ins.run().await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve() -> Result<(), Failure> {
    let config = Config::from_env().map_err(|problems| problems.to_string())?;
    log::init(config.log);
    let address = config.origin();
    let (demo, workers) = (config.demo, config.workers);
    for (kind, secrets) in config.stripe.webhook_secrets.kinds() {
        match kind {
            Destination::Platform if secrets.is_empty() => {
                tracing::warn!("STRIPE_WEBHOOK_SECRET is not set: no invoice is heard of");
            }
            Destination::Thin if secrets.is_empty() => {
                tracing::warn!("STRIPE_THIN_WEBHOOK_SECRET is not set: thin events are refused");
            }
            _ => {}
        }
    }
    if config.stripe.secrets_by_place {
        tracing::warn!(
            "STRIPE_WEBHOOK_SECRET holds two secrets: the first is taken for the webhook endpoint's, \
             the second for that of the event destination for thin events, which belongs into \
             STRIPE_THIN_WEBHOOK_SECRET"
        );
    }
    if config.site.is_none() {
        tracing::warn!("there is no built site: pages have no styles; set PORTICO_SITE");
    }
    let stopped = stop_signal()?;
    let portal = Portal::start(config)
        .await
        .map_err(|error| error.to_string())?;
    tracing::info!(listening = %portal.addr(), %address, demo, workers, "Portico is ready");
    stopped.await;
    tracing::info!("stopping: finishing what is under way");
    portal.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// Resolves at the first SIGTERM or Ctrl-C. A second one ends the process at once.
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let no_signals = |error: std::io::Error| format!("signals cannot be received: {error}");
    let mut term = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(130);
        });
    })
}

async fn migrate() -> Result<(), Failure> {
    let db = open().await?;
    let steps = schema::migrate(&db)
        .await
        .map_err(|e| format!("the schema step failed: {e}"))?;
    match steps.as_slice() {
        [] => println!("The schema is up to date."),
        steps => println!("Migrated: {}.", steps.join(", ")),
    }
    Ok(())
}

/// Opens `DATABASE_URL` for a command, whatever its schema.
async fn open() -> Result<Db, Failure> {
    Db::connect(address()?.reveal()).await.map_err(not_open)
}

/// The address of the database, with logging begun.
fn address() -> Result<config::Secret, Failure> {
    log::init(LogFormat::Text);
    config::database_url(std::env::var("DATABASE_URL").ok())
}

fn not_open(error: impl std::fmt::Display) -> Failure {
    format!("The database cannot be opened: {error}. Check DATABASE_URL, and that its server runs.")
}

/// The same, with this version's schema, and a context for what the command line does.
async fn context() -> Result<Context, Failure> {
    context_on(open().await?).await
}

/// The same for made-up data, which is loaded anew when the machine fails meanwhile.
async fn context_to_load() -> Result<Context, Failure> {
    let db = Db::connect_to_load(address()?.reveal()).await;
    context_on(db.map_err(not_open)?).await
}

async fn context_on(db: Db) -> Result<Context, Failure> {
    match schema::state(&db).await.map_err(|e| e.to_string())? {
        Schema::Current => {}
        Schema::Older(_) => {
            return Err(
                "The database is older than this version of Portico: run `portico migrate` \
                        first."
                    .to_owned(),
            );
        }
        Schema::Newer(_) => {
            return Err(
                "The database was migrated by a newer Portico: use that version.".to_owned(),
            );
        }
    }
    let clock = if config::demo_from_env() {
        Clock::demo(db.reader()).await.map_err(|e| e.to_string())?
    } else {
        Clock::system()
    };
    Ok(Context::system(&db, clock, "command-line"))
}

/// Refuses outside a demonstration.
fn demo_only(what: &str) -> Result<(), Failure> {
    if config::demo_from_env() {
        return Ok(());
    }
    Err(format!(
        "{what} is for demonstrations only: set PORTICO_DEMO=1 if this is one."
    ))
}

/// A service's refusal as sentences.
fn said(error: service::Error) -> Failure {
    match error {
        service::Error::Invalid(errors) => {
            let lines: Vec<String> = errors
                .0
                .iter()
                .map(|(field, sentence)| match field.as_str() {
                    "" => sentence.clone(),
                    field => format!("--{field}: {sentence}"),
                })
                .collect();
            lines.join("\n       ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_lists_every_setting() {
        for mut command in [
            Cli::command(),
            Cli::command()
                .find_subcommand("serve")
                .cloned()
                .expect("serve is a command"),
        ] {
            let help = command.render_long_help().to_string();
            for (name, _) in VARIABLES {
                assert!(help.contains(name), "{name} is missing in:\n{help}");
            }
        }
    }
}
