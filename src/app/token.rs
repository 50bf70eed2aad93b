//! `watchfire token`: who may do what. Secrets are shown once and kept only as SHA-256.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::clock::Clock;
use super::config::{Config, ServeFlags};
use crate::api;
use crate::incidents::IncidentState;
use crate::store::{IncidentFilter, PageRequest, Role, Store, TokenRow};

/// Makes, lists and revokes the tokens of tools and people.
#[derive(Args, Debug)]
pub struct TokenCommand {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    serve: ServeFlags,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Make a token; its secret is printed once
    Create {
        /// Whom or what it is for; the name in the audit
        name: String,
        /// ingest or ingest:SOURCE, viewer, first_line, second_line, third_line, incident_manager,
        /// problem_manager, change_manager, configuration_manager, process_manager or admin
        #[arg(long)]
        role: String,
    },
    /// List tokens, without their secrets
    List,
    /// Make a token worthless
    Revoke {
        name: String,
        /// Also if open incidents are assigned to that name: for a secret that has become known
        #[arg(long)]
        force: bool,
    },
}

pub async fn run(command: TokenCommand) -> Result<ExitCode, String> {
    let config = Config::resolve(command.serve).map_err(|error| error.to_string())?;
    let store = Store::open(&config.database_url).await.map_err(|error| error.to_string())?;
    let now = Clock::system().now();
    match command.verb {
        Verb::Create { name, role } => {
            let role = Role::parse(&role).map_err(|error| error.to_string())?;
            let (secret, sha256) = api::new_token().map_err(|error| error.to_string())?;
            let row = TokenRow { name, role, sha256, created_at: now, revoked_at: None };
            store.add_token(&row).await.map_err(|error| error.to_string())?;
            eprintln!("token {} with role {}; keep the secret, it is not shown again:", row.name, row.role.as_str());
            println!("{secret}");
        }
        Verb::List => {
            for token in store.tokens().await.map_err(|error| error.to_string())? {
                let state = token.revoked_at.map_or("valid".to_owned(), |at| format!("revoked {at:.0}"));
                println!("{:<24} {:<16} {:.0}  {state}", token.name, token.role.as_str(), token.created_at);
            }
        }
        Verb::Revoke { name, force } => {
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

/// Whoever goes hands over first: open work keeps an owner who can be reached.
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
