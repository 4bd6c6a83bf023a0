//! `portico audit`.

use std::process::ExitCode;
use std::time::Instant;

use service::{ledger, system};

use super::{Failure, context, said};

/// Recomputes the books and prints what was compared and what differs.
pub(crate) async fn audit() -> Result<ExitCode, Failure> {
    let ctx = context().await?;
    let started = Instant::now();
    let report = ledger::audit(&ctx.db).await.map_err(said)?;
    println!(
        "{} transactions, {} postings, {} accounts, {} commissions, {} payouts in {:.1?}.",
        report.transactions,
        report.postings,
        report.accounts,
        report.commissions,
        report.payouts,
        started.elapsed()
    );
    // A copy that cannot be written to is audited just as well.
    if let Err(error) = system::note_audit(&ctx, &report).await {
        eprintln!("The result could not be noted for the page “System health”: {error}");
    }
    if report.is_clean() {
        println!("The books are right.");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} differences. The first: {}",
        report.differences,
        match report.findings.first() {
            Some(first) => first.to_string(),
            None => "not listed".to_owned(),
        }
    );
    for finding in report.findings.iter().skip(1) {
        println!("  {finding}");
    }
    Ok(ExitCode::FAILURE)
}
