//! Pooler check: a pooler in front of PostgreSQL must keep a client on one connection; otherwise the refusal names the
//! required settings.

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};

/// Required settings of a pooler, in pgbouncer's terms.
const NEEDED: &str = "behind pgbouncer set pool_mode = session (pool_mode = transaction only from pgbouncer 1.21 on, with \
                      max_prepared_statements above 0) and ignore_startup_parameters = extra_float_digits; or connect to \
                      PostgreSQL itself";

/// The settings to change, for an error caused by a pooler's setup. `None` for any other.
pub(super) fn explain(error: &sqlx::Error) -> Option<String> {
    let refusal = error.as_database_error()?;
    let code = refusal.code().unwrap_or_default();
    // An unknown prepared statement, or one that another client has prepared under our name.
    let is_pooled = ["26000", "42P05"].contains(&code.as_ref());
    (is_pooled || refusal.message().contains("unsupported startup parameter"))
        .then(|| format!("{}: {NEEDED}", refusal.message()))
}

/// Checks that a connection's prepared statement is still its own while another connection is busy. A pooler in
/// transaction mode passes the server's connections around.
pub(super) async fn check(first: &mut PgConnection, options: &PgConnectOptions) -> Result<(), String> {
    let reason = |error: sqlx::Error| explain(&error).unwrap_or_else(|| error.to_string());
    let ask = "SELECT 1 AS prepared_before_the_pooler";
    sqlx::query(ask).execute(&mut *first).await.map_err(reason)?;
    // With a limit of one connection there is no other one to be mixed up with.
    let Ok(mut second) = PgConnection::connect_with(options).await else { return Ok(()) };
    // While busy, it holds the server's connection that was free before.
    second.execute("BEGIN").await.map_err(reason)?;
    let asked_again = sqlx::query(ask).execute(&mut *first).await.map_err(reason);
    drop(second.close().await);
    asked_again.map(drop)
}
