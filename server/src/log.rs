//! Log lines: one per request and per thing worth knowing, each with the request's id.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// What is logged when `RUST_LOG` says nothing. tower-sessions warns of every cookie of a session
/// that has ended, which is everyday life.
const LEVELS: &str = "info,tower_sessions=warn,tower_sessions_core=error,sqlx=warn,\
                      sea_orm_migration=warn,hyper=warn";

/// Starts logging to standard error. A second call does nothing.
pub fn init(format: LogFormat) {
    let levels = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LEVELS));
    let registry = tracing_subscriber::registry().with(levels);
    // Colours are for eyes, not for files.
    let colours = std::io::stderr().is_terminal();
    let writer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // A log that cannot be written, on a full disk, must not end what it was to tell of: the
        // layer would say so on the same standard error, and that panics.
        .log_internal_errors(false)
        .with_ansi(colours);
    // An error only says that logging was started before.
    let _ = match format {
        LogFormat::Json => registry
            .with(
                writer
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false),
            )
            .try_init(),
        LogFormat::Text => registry.with(writer.with_target(false)).try_init(),
    };
}
