//! `watchfire send`: what shell hooks call. One message from arguments, environment or standard input, or a stream of lines.
//!
//! It starts no runtime and loads no rules, so that a hook waits for nothing but the answer. What cannot be delivered
//! because the service is away is kept in a spool and goes out, in its order, before the next message.

mod lines;
mod message;
mod post;
mod reached;
mod sender;
mod spool;

use sender::Sender;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use post::Post;
use spool::Spool;

/// Sends an event to the service, for hooks and programs of other tools.
///
/// Without --source it is an event of watchfire's own form, made of the arguments: status, severity, summary, id, value,
/// occurred_at and generator_url are what they say, annotation.NAME is an annotation, and every other NAME is a label.
/// With --source the message is whatever that source reads: the arguments as an object, the environment, or standard
/// input as it is.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SendCommand {
    /// NAME=VALUE, as many as are wanted; without any (and without --env) standard input is the message
    #[arg(value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// The source file that reads the message
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Variables of the environment to send: a name, or the beginning of names and *; may stand several times
    #[arg(long, value_name = "NAME")]
    env: Vec<String>,
    /// Standard input becomes this field beside the others
    #[arg(long, value_name = "NAME", conflicts_with = "lines")]
    stdin_as: Option<String>,
    /// Every line of standard input is a message, until it ends
    #[arg(long)]
    lines: bool,
    /// With --lines: say OK to each, as rsyslog's omprog wants it (confirmMessages, useTransactions)
    #[arg(long, requires = "lines")]
    confirm: bool,
    /// Send what waits in the spool, and nothing new
    #[arg(long, conflicts_with_all = ["fields", "env", "stdin_as", "lines"])]
    flush: bool,
    /// Address of the service
    #[arg(long, env = "WATCHFIRE_URL", value_name = "URL", default_value = "http://127.0.0.1:7247")]
    url: String,
    /// Token that may send events (role ingest); a file's name with --token-file is safer
    #[arg(long, env = "WATCHFIRE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File whose first line is the token
    #[arg(long, env = "WATCHFIRE_TOKEN_FILE", value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// Where messages wait while the service is away [default: ~/.local/state/watchfire/spool]
    #[arg(long, env = "WATCHFIRE_SPOOL", value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Keep nothing: fail when the service is away
    #[arg(long, conflicts_with_all = ["spool", "flush"])]
    no_spool: bool,
    /// How long to wait for an answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

const EXAMPLES: &str = "\
Examples:
  watchfire send alertname=DiskFull host=db-01 severity=major summary='97 % of /data'
  watchfire send alertname=DiskFull host=db-01 status=resolved
  watchfire send --source nagios --env 'NAGIOS_*'
  watchfire send --source nut --env NOTIFYTYPE --env UPSNAME MESSAGE=\"$1\"
  watchfire send --source snmptrapd < trap.txt
  binary=\"/usr/local/bin/watchfire send --lines --confirm --source rsyslog\"      (rsyslog, omprog)

Exit codes: 0 taken, or kept in the spool; 1 refused, in whole or in part, or neither taken nor kept; 2 wrong usage.
What was refused is kept in the spool's directory refused/. What waits goes out with the next message, or with --flush
(from a timer, where messages are rare).";

/// Exit code 0: all taken or kept; 1: something was refused, or could not be kept.
pub fn run(command: SendCommand) -> Result<ExitCode, String> {
    let spool = if command.no_spool { None } else { Some(Spool::at(command.spool.clone())?) };
    let post = Post::new(&command.url, token(&command)?, Duration::from_secs(command.timeout))?;
    let mut sender = Sender { post, spool, refused: false };
    if command.flush {
        sender.flush();
    } else if command.lines {
        lines::run(&mut sender, command.source.as_deref(), command.confirm)?;
    } else {
        let parts =
            message::Parts { fields: &command.fields, env: &command.env, stdin_as: command.stdin_as.as_deref() };
        sender.send(&parts.message(command.source.as_deref())?)?;
    }
    Ok(if sender.refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn token(command: &SendCommand) -> Result<Option<String>, String> {
    let Some(file) = &command.token_file else { return Ok(command.token.clone()) };
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let first = text.lines().next().unwrap_or_default().trim().to_owned();
    if first.is_empty() { Err(format!("{}: no token in its first line", file.display())) } else { Ok(Some(first)) }
}
