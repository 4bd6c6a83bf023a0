//! The engine held against a second, plain one: random programs of what customers, Stripe and
//! finance do are taken with the service, and what is booked is compared with what is worked out
//! again from what happened.
//!
//! `PORTICO_TEST_CASES` is how many programs each database gets; `PORTICO_TEST_SEED` is the first
//! one's number. A program that goes wrong is made shorter and printed.

mod expect;
mod facts;
mod ops;
mod replay;
mod run;
mod stripe;

use ops::Program;
use rstest::rstest;
use run::Run;

use crate::support::Engine;

/// Programs that are tried to make one that goes wrong shorter.
const SHORTER: usize = 150;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(default)
}

/// What goes wrong with a program, if anything does; a panic counts, too.
async fn wrong(engine: Engine, program: &Program) -> Option<String> {
    let program = program.clone();
    let run = tokio::spawn(async move {
        let mut run = Run::new(engine, &program).await.expect("a database");
        run.all(&program).await
    });
    match run.await {
        Ok(result) => result.err(),
        Err(panic) => Some(panic.to_string()),
    }
}

/// Leaves out steps as long as it still goes wrong.
async fn shortest(engine: Engine, mut program: Program, mut why: String) -> (Program, String) {
    let mut tries = 0;
    let mut size = program.steps.len() / 2;
    while size > 0 {
        let mut from = 0;
        while from < program.steps.len() && tries < SHORTER {
            let mut shorter = program.clone();
            shorter
                .steps
                .drain(from..(from + size).min(program.steps.len()));
            tries += 1;
            match wrong(engine, &shorter).await {
                Some(still) => (program, why) = (shorter, still),
                None => from += size,
            }
        }
        size /= 2;
    }
    (program, why)
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn any_program_books_what_it_should(#[case] engine: Engine) {
    if crate::support::TestDb::new(engine).await.is_none() {
        return;
    }
    let first = number("PORTICO_TEST_SEED", 1);
    for seed in first..first + number("PORTICO_TEST_CASES", 20) {
        let program = ops::program(seed);
        if let Some(why) = wrong(engine, &program).await {
            let (shorter, why) = shortest(engine, program, why).await;
            let steps: Vec<String> = shorter.steps.iter().map(|s| format!("{s:?}")).collect();
            let order = if shorter.orderly {
                "in order"
            } else {
                "in any order"
            };
            panic!(
                "PORTICO_TEST_SEED={seed}, {order}:\n{}\n{why}",
                steps.join("\n")
            );
        }
    }
}
