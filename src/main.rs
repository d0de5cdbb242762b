//! The binary: parses the command line and hands over to the library.

use std::alloc::System;
use std::process::ExitCode;

use millstream::allocations::Counting;

#[global_allocator]
static ALLOCATOR: Counting<System> = Counting(System);

fn main() -> ExitCode {
    millstream::cli::main()
}
