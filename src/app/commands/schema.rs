//! `watchfire schema`: the JSON Schema of rule files for editors.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use crate::core::rules;

/// Prints the JSON Schema of rule files, by which editors complete, explain and check them while they are written.
#[derive(Args, Debug)]
#[command(after_help = "\
Keep it beside your rules, and name it in the first line of each file:

    watchfire schema > rules/schema.json
    # yaml-language-server: $schema=schema.json        (../schema.json from rules/sources/)

or, in Visual Studio Code's settings, once for all files:

    \"yaml.schemas\": {\"rules/schema.json\": \"rules/**/*.yaml\"}

It belongs to this version: print it anew after an upgrade. What only all files together can say (a team
that nobody defines), and what is inside matchers and expressions, `watchfire check` says.")]
pub struct SchemaCommand {}

/// Exit code 0: printed.
pub fn run(_: &SchemaCommand) -> Result<ExitCode, String> {
    let printed = writeln!(std::io::stdout(), "{:#}", rules::schema());
    printed.map(|()| ExitCode::SUCCESS).map_err(|error| format!("the schema cannot be printed: {error}"))
}
