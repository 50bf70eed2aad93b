//! `watchfire token`: tokens and their permissions. Secrets are shown once and kept only as SHA-256.

use std::process::ExitCode;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::api;
use crate::api::{Permission, RoleKind};
use crate::app::config::{Config, ServeFlags};
use crate::app::runtime::clock::Clock;
use crate::app::terminal::table::TextTable;
use crate::core::incidents::IncidentState;
use crate::store::{IncidentFilter, PageRequest, Store, TokenRole, TokenRow};

/// Maximum length of a name, as wherever people write one.
const NAME_MAX_BYTES: usize = 200;

/// Makes, lists and revokes the tokens of tools and people.
#[derive(Args, Debug)]
pub struct TokenCommand {
    #[command(subcommand)]
    verb: TokenAction,
    /// Configuration file of the service [default: ./watchfire.yaml if it is there]
    #[arg(long, env = "WATCHFIRE_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Directory of its embedded database [default: ./watchfire-data]
    #[arg(long, env = "WATCHFIRE_DATA_DIR", value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// Its PostgreSQL database instead: postgres://user@host/database
    #[arg(long, env = "WATCHFIRE_DATABASE_URL", value_name = "URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
}

#[derive(Subcommand, Debug)]
enum TokenAction {
    /// Make a token; its secret is printed once
    Create {
        /// Person or tool that it is for; the name in the audit, and for a person the name in the rules
        #[arg(value_parser = name)]
        name: String,
        /// ingest or ingest:SOURCE, monitoring or monitoring:SOURCE, viewer, first_line, second_line, third_line,
        /// incident_manager, problem_manager, change_manager, configuration_manager, process_manager or admin; `token
        /// roles` says what each may do
        #[arg(long)]
        role: String,
    },
    /// List tokens, without their secrets
    List,
    /// List roles and what each may do
    Roles,
    /// Make a token worthless
    Revoke {
        name: String,
        /// Also if open incidents are assigned to that name: for a leaked secret
        #[arg(long)]
        force: bool,
    },
}

pub async fn run(command: TokenCommand) -> Result<ExitCode, String> {
    let TokenCommand { verb, config, data_dir, database_url } = command;
    if let TokenAction::Roles = verb {
        print!("{}", roles());
        return Ok(ExitCode::SUCCESS);
    }
    let flags = ServeFlags { config, data_dir, database_url, ..ServeFlags::default() };
    let config = Config::resolve(flags).map_err(|error| error.to_string())?;
    let store = Store::open(&config.database_url).await.map_err(|error| error.to_string())?;
    let now = Clock::system().now();
    match verb {
        TokenAction::Create { name, role } => {
            let role = TokenRole::parse(&role).map_err(|error| error.to_string())?;
            let (secret, sha256) = api::new_token().map_err(|error| error.to_string())?;
            let row = TokenRow { name, role, sha256, created_at: now, revoked_at: None };
            let was_open = store.tokens().await.map_err(|error| error.to_string())?.is_empty();
            store.add_token(&row).await.map_err(|error| error.to_string())?;
            if was_open {
                eprintln!("{}", closing(&row.role));
            }
            eprintln!("token {} with role {}; keep the secret, it is not shown again:", row.name, row.role.as_str());
            println!("{secret}");
        }
        TokenAction::Roles => {}
        TokenAction::List => print!("{}", shown(&store.tokens().await.map_err(|error| error.to_string())?)),
        TokenAction::Revoke { name, force } => {
            if !force {
                refuse_with_open_work(&store, &name).await?;
            }
            if !store.revoke_token(&name, now).await.map_err(|error| error.to_string())? {
                return Err(format!("there is no valid token named {name}"));
            }
            eprintln!("token {name} is revoked; a running service forgets it within seconds");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A name that the audit, a page and a table can show.
fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a token needs a name: whom or what it is for".to_owned());
    }
    if text.len() > NAME_MAX_BYTES {
        return Err(format!("{} bytes; at most {NAME_MAX_BYTES} are kept", text.len()));
    }
    if text.contains(char::is_control) {
        return Err("a name is one line without control characters".to_owned());
    }
    if text == "anonymous" {
        return Err("that is who asks without a token; choose another name".to_owned());
    }
    Ok(text.to_owned())
}

/// What the first token changes: everything that worked without one stops.
fn closing(role: &TokenRole) -> String {
    let mut text = "\
This is the first token: from now on nobody passes without one. Within seconds everything that pushes, reads or
acknowledges without a token is refused (HTTP 401; MQTT: connection refused), until it is given one of its own:
  tools that push          watchfire token create NAME --role ingest:SOURCE    (SOURCE as in rules/sources; v2, native)
  Prometheus               watchfire token create NAME --role monitoring       (pushes, and reads /metrics)
  people                   watchfire token create NAME --role first_line       (watchfire token roles lists all)
HTTP takes it as `Authorization: Bearer TOKEN`, as the password of Basic, or as `X-API-Key`; Prometheus as
`authorization: {credentials_file: FILE}` under alertmanagers; MQTT as the password, whatever the user name."
        .to_owned();
    if !matches!(role, TokenRole::Admin) {
        text.push_str("\nNo token is an administrator's yet: watchfire token create NAME --role admin makes one.");
    }
    text
}

/// Each role with its permissions, and what these mean.
fn roles() -> String {
    let mut table = TextTable::new(["ROLE", "MAY"]);
    for role in RoleKind::ALL {
        table.row([role.as_str().to_owned(), permissions(role)]);
    }
    let mut meanings = TextTable::new(["PERMISSION", "MEANS TO"]);
    for door in Permission::all() {
        if let Some(permission) = door.permission() {
            meanings.row([permission.to_owned(), door.meaning().to_owned()]);
        }
    }
    format!("{table}\n{meanings}")
}

/// What it may do, in the words of the table.
fn permissions(role: RoleKind) -> String {
    let doors = Permission::all().filter(|door| door.roles().contains(&role));
    doors.filter_map(Permission::permission).collect::<Vec<_>>().join(", ")
}

fn shown(tokens: &[TokenRow]) -> TextTable {
    let mut table = TextTable::new(["NAME", "ROLE", "MADE", "STATE"]);
    for token in tokens {
        let role = match &token.role {
            TokenRole::Ingest { source } => format!("ingest:{source}"),
            TokenRole::Monitoring { source } => format!("monitoring:{source}"),
            role => role.as_str().to_owned(),
        };
        let state = token.revoked_at.map_or("valid".to_owned(), |at| format!("revoked {at:.0}"));
        table.row([token.name.clone(), role, format!("{:.0}", token.created_at), state]);
    }
    table
}

/// A person hands over first: open work keeps a reachable owner.
async fn refuse_with_open_work(store: &Store, name: &str) -> Result<(), String> {
    let open = IncidentState::ALL.into_iter().filter(|state| state.is_open()).collect();
    let filter = IncidentFilter { states: open, assignee: Some(name.to_owned()), ..IncidentFilter::default() };
    let page = store.incidents(&filter, &PageRequest::default()).await.map_err(|error| error.to_string())?;
    if page.items.is_empty() {
        return Ok(());
    }
    let ids = page.items.iter().map(|incident| incident.id.to_string()).collect::<Vec<_>>().join(", ");
    let more = if page.next.is_some() { " and more" } else { "" };
    Err(format!(
        "{name} holds open work: {ids}{more}; assign it to somebody else first, or revoke with --force if the secret has become known"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Timestamp;

    #[test]
    fn a_name_is_something_that_can_be_read() {
        let check = |text: &str, is_good: bool| assert_eq!(name(text).is_ok(), is_good, "{text:?}");
        check("一线值班甲", true);
        check("Zabbix of GZ01", true);
        check("", false);
        check("  ", false);
        check("甲\n乙", false);
        check("anonymous", false);
        check(&"甲".repeat(67), false);
    }

    #[test]
    fn tokens_align_and_say_of_what_source_they_are() {
        let row = |name: &str, role: &str, revoked_at| TokenRow {
            name: name.to_owned(),
            role: TokenRole::parse(role).unwrap(),
            sha256: [0; 32],
            created_at: Timestamp::EPOCH,
            revoked_at,
        };
        let table =
            shown(&[row("一线值班甲", "first_line", None), row("zbx", "ingest:zabbix", Some(Timestamp::EPOCH))]);
        let expected = "NAME        ROLE           MADE                  STATE\n\
                        一线值班甲  first_line     1970-01-01T00:00:00Z  valid\n\
                        zbx         ingest:zabbix  1970-01-01T00:00:00Z  revoked 1970-01-01T00:00:00Z\n";
        assert_eq!(table.to_string(), expected);
    }

    /// As the tables of README.md have them.
    #[test]
    fn the_readme_has_every_role_and_permission() {
        let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
        for role in RoleKind::ALL {
            let row = format!("| `{}` | {} |", role.as_str(), permissions(role));
            assert!(readme.contains(&row), "README.md lacks the row {row}");
        }
        for door in Permission::all() {
            let Some(permission) = door.permission() else { continue };
            let row = format!("| {permission} | {} |", door.meaning());
            assert!(readme.contains(&row), "README.md lacks the row {row}");
        }
    }
}
