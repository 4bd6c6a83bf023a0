//! The `portico` binary. What it does is in the library beside it.

use std::process::ExitCode;

/// Pages are many small strings that live for one request: this hands memory out twice as fast as
/// the C library's allocator, and gives it back. SQLite takes its memory from it too (`override`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::main()
}
