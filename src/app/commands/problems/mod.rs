//! `watchfire problems`: the review queue of second line at a terminal.

mod render;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::explain::Service;

/// Reviews recurring problems on a running service: what recurs, its possible causes, and the decisions about it.
///
/// A problem goes new → investigating → known_error → fix_in_progress → observing → closed. A known error needs its
/// root cause and workaround, which first line then sees on the next incident; closing needs root cause, fix, and that
/// it stayed away while it was observed. A recurrence reopens it by itself. Decisions need role second line.
#[derive(Args, Debug)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "Typical review:\n  \
watchfire problems                                      what is due, the most overdue first\n  \
watchfire problems show PRB-7                           episodes, rhythm, hints, incidents, draft workaround\n  \
watchfire problems accept PRB-7                         take it on\n  \
watchfire problems describe PRB-7 --root-cause 光模块老化 --workaround 切换备用链路\n  \
watchfire problems move PRB-7 known_error               first line is offered the workaround from now on\n  \
watchfire problems describe PRB-7 --fix 更换模块 --change CHG-17\n  \
watchfire problems move PRB-7 observing                 its quiet window begins\n  \
watchfire problems draft --month 2026-05 > manual.md    the ten commonest causes with their steps"
)]
pub struct ProblemsCommand {
    #[command(subcommand)]
    verb: Option<ProblemsAction>,
    /// The running service [default: http://127.0.0.1:7247]
    #[arg(long, value_name = "URL", env = "WATCHFIRE_URL", global = true)]
    url: Option<String>,
    /// A token, if the service has tokens; viewer reads, second line decides
    #[arg(long, value_name = "TOKEN", env = "WATCHFIRE_TOKEN", hide_env_values = true, global = true)]
    token: Option<String>,
    /// Print the service's answer as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum ProblemsAction {
    /// The review queue: open problems, the first due review first (the default)
    List {
        /// Only of this team
        #[arg(long)]
        team: Option<String>,
    },
    /// One problem: its episodes and periodicity, hints, similar problems, incidents and a draft workaround
    Show { id: String },
    /// Accept a new problem: it is investigated, with you as its owner unless it has one
    Accept { id: String },
    /// Reject it as no problem: closed at once, repeats count from zero
    Reject {
        id: String,
        #[arg(long)]
        reason: String,
    },
    /// Merge it into another problem with the same fault, which takes over its causes and incidents
    Merge {
        id: String,
        /// The problem that continues
        #[arg(long)]
        into: String,
        #[arg(long)]
        reason: String,
    },
    /// Split some of its incidents off into a new problem, as another fault
    Split {
        id: String,
        /// INC-12 INC-15 …
        #[arg(required = true, value_name = "INCIDENT")]
        incidents: Vec<String>,
        #[arg(long)]
        reason: String,
    },
    /// Assign it to a person
    Own { id: String, owner: String },
    /// Write its texts; only given ones change, an empty text removes one
    Describe {
        id: String,
        #[arg(long)]
        root_cause: Option<String>,
        /// Steps for first line until the fix
        #[arg(long)]
        workaround: Option<String>,
        /// The permanent fix
        #[arg(long)]
        fix: Option<String>,
        /// The number of the change that brings the fix
        #[arg(long)]
        change: Option<String>,
    },
    /// Change its state: investigating, known_error, fix_in_progress, observing, closed, accepted_risk or duplicate
    Move {
        id: String,
        to: String,
        /// Required for accepted_risk and duplicate, and to reopen
        #[arg(long)]
        reason: Option<String>,
    },
    /// Record a review; the next one is due later
    Review {
        id: String,
        #[arg(long)]
        note: String,
    },
    /// The ten commonest causes of a month with their steps, in Markdown
    Draft {
        /// 2026-05
        #[arg(long)]
        month: String,
        /// Time zone of the month [default: Asia/Shanghai]
        #[arg(long, value_name = "ZONE")]
        zone: Option<String>,
    },
}

pub async fn run(command: ProblemsCommand) -> Result<ExitCode, String> {
    let service = Service::at(command.url.as_deref(), command.token.as_deref());
    let (answer, text): (Value, String) = match command.verb.unwrap_or(ProblemsAction::List { team: None }) {
        ProblemsAction::List { team } => {
            let query = [("queue", Some("review")), ("team", team.as_deref())];
            let answer = service.get("problems", &query).await?;
            let text = render::queue(&answer);
            (answer, text)
        }
        ProblemsAction::Show { id } => {
            let answer = service.get(&format!("problems/{}/evidence", checked(&id)?), &[]).await?;
            let text = render::problem(&answer);
            (answer, text)
        }
        ProblemsAction::Draft { month, zone } => {
            let query = [("month", Some(month.as_str())), ("zone", zone.as_deref())];
            let answer: Value = service.get("problems/monthly-digest", &query).await?;
            let text = answer["markdown"].as_str().unwrap_or_default().to_owned();
            (answer, text)
        }
        ProblemsAction::Describe { id, root_cause, workaround, fix, change } => {
            let texts = [("root_cause", root_cause), ("workaround", workaround), ("fix", fix), ("change", change)];
            let answer = service.patch(&format!("problems/{}", checked(&id)?), &given(texts)?).await?;
            let text = render::done(&answer);
            (answer, text)
        }
        verb => {
            let (id, action, body) = decision(verb)?;
            let answer = service.post(&format!("problems/{id}/{action}"), &body).await?;
            let text = render::done(&answer);
            (answer, text)
        }
    };
    if command.json {
        println!("{answer}");
    } else {
        print!("{text}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The route and the body of a decision.
fn decision(verb: ProblemsAction) -> Result<(String, &'static str, Value), String> {
    let (id, action, body) = match verb {
        ProblemsAction::Accept { id } => (id, "accept", json!({})),
        ProblemsAction::Reject { id, reason } => (id, "reject", json!({ "note": reason })),
        ProblemsAction::Merge { id, into, reason } => (id, "merge", json!({ "into": into, "note": reason })),
        ProblemsAction::Split { id, incidents, reason } => {
            (id, "split", json!({ "incidents": incidents, "note": reason }))
        }
        ProblemsAction::Own { id, owner } => (id, "assign", json!({ "assignee": owner })),
        ProblemsAction::Move { id, to, reason } => (id, "transition", json!({ "to": to, "note": reason })),
        ProblemsAction::Review { id, note } => (id, "review", json!({ "note": note })),
        // They only read or write down: see `run`.
        ProblemsAction::List { .. }
        | ProblemsAction::Show { .. }
        | ProblemsAction::Draft { .. }
        | ProblemsAction::Describe { .. } => return Err("it decides nothing".to_owned()),
    };
    Ok((checked(&id)?, action, body))
}

/// The texts that were given; at least one.
fn given<const N: usize>(texts: [(&str, Option<String>); N]) -> Result<Value, String> {
    let given: serde_json::Map<String, Value> =
        texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))).collect();
    if given.is_empty() {
        return Err("nothing to write down: give --root-cause, --workaround, --fix or --change".to_owned());
    }
    Ok(Value::Object(given))
}

/// An id, checked for use in a path.
fn checked(id: &str) -> Result<String, String> {
    let parsed = id.parse::<crate::core::model::ProblemId>().map_err(|bad| bad.to_string())?;
    Ok(parsed.to_string())
}
