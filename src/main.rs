//! The `watchfire` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    watchfire::app::main()
}
