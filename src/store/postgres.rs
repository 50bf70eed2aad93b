//! PostgreSQL: one writing connection, a pool that only reads.
//!
//! Many rows at once are sent as arrays through UNNEST, because COPY stalls on small batches. The lease's row lock
//! orders the writers, so that a transaction whose answer was lost is over before its outcome is read.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, Executor, PgConnection, Postgres, Row, SqlStr};

use super::columns::{Column, ColumnRows, Value};
use super::dirty_rows::WriteBehind;
use super::pooler;
use super::readers::Readers;
use super::writer::{Session, Writer};
use super::{CommitError, StoreError, statements};
use crate::core::model::TimeDelta;

const READERS: u32 = 8;
/// Number of attempts, with the pause after each, by which the writer takes a connection slot that was just released.
const CROWDED_TRIES: u32 = 20;
const CROWDED_PAUSE: Duration = Duration::from_millis(50);
/// Multiple of the time limit for a reading statement: lists search a lot, and no one waits behind them.
const READ_PATIENCE: i64 = 3;

/// An opened PostgreSQL database.
pub struct PostgresStore {
    pub(super) readers: Arc<Readers<Postgres>>,
    pub(super) writer: Writer<PostgresSession>,
    /// The heartbeats' own connection: a long commit does not hold them up.
    pub(super) heartbeat_writer: Writer<PostgresSession>,
    pub(super) patience: TimeDelta,
    pub(super) late: WriteBehind,
}

impl PostgresStore {
    pub(super) async fn open(url: &str, patience: TimeDelta) -> Result<PostgresStore, StoreError> {
        let cannot = |reason: String| StoreError::Open { url: redacted(url), reason };
        let refused = |error: sqlx::Error| cannot(pooler::explain(&error).unwrap_or_else(|| error.to_string()));
        let options = PgConnectOptions::from_str(url).map_err(refused)?.application_name("watchfire");
        let mut connection = PgConnection::connect_with(&options).await.map_err(refused)?;
        // A pooler may pass on the settings of a reader.
        connection.execute("SET default_transaction_read_only = off").await.map_err(refused)?;
        check_server(&mut connection, url).await?;
        pooler::check(&mut connection, &options).await.map_err(cannot)?;
        migrator().run_direct(None, &mut connection, false).await?;
        let places = places(&mut connection).await.map_err(refused)?;
        connection.close().await?;
        if places < 3 {
            return Err(cannot(format!(
                "it allows this user {places} connections; watchfire needs 3 at least, and {} to read without waiting \
                 (ALTER ROLE … CONNECTION LIMIT, max_connections)",
                READERS + 2
            )));
        }
        let readers = Arc::new(Readers::new(READERS.min(places - 2), reading_pool(options.clone(), patience)));
        Ok(PostgresStore {
            readers: Arc::clone(&readers),
            writer: Writer::new(PostgresTarget { options: options.clone(), patience, readers: Arc::clone(&readers) }),
            heartbeat_writer: Writer::new(PostgresTarget { options, patience, readers }),
            patience,
            late: WriteBehind::default(),
        })
    }

    /// Ends the connections of others to this database that have locked the lease's row and not committed.
    pub(super) async fn end_stuck_writers(&self) -> Result<(), StoreError> {
        let readers = self.readers.lend().await;
        sqlx::query(own::END_STUCK_WRITERS).execute(&*readers.pool).await?;
        Ok(())
    }
}

fn reading_pool(
    options: PgConnectOptions,
    patience: TimeDelta,
) -> impl Fn(u32) -> sqlx::PgPool + Send + Sync + 'static {
    let limit = millis(TimeDelta::from_micros(patience.as_micros() * READ_PATIENCE));
    move |most| {
        let limit = limit.clone();
        PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(patience.to_std())
            .after_connect(move |connection, _| {
                let limit = limit.clone();
                Box::pin(async move { sqlx::query(own::LIMIT_READER).bind(limit).execute(connection).await.map(drop) })
            })
            .connect_lazy_with(options.clone())
    }
}

/// Maximum number of this user's connections to this database.
async fn places(connection: &mut PgConnection) -> Result<u32, sqlx::Error> {
    let places: i64 = sqlx::query_scalar(own::PLACES).fetch_one(connection).await?;
    Ok(u32::try_from(places).unwrap_or(0))
}

/// True if the server has no slot left for another connection.
fn is_crowded(error: &sqlx::Error) -> bool {
    // Too many connections, of the server, the database, or the role.
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "53300")
}

/// Server settings that no release of ours can compensate: refused or warned of at the start.
async fn check_server(connection: &mut PgConnection, url: &str) -> Result<(), StoreError> {
    let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut *connection).await?;
    if encoding != "UTF8" {
        let reason = format!("its encoding is {encoding}; create the database with ENCODING 'UTF8'");
        return Err(StoreError::Open { url: redacted(url), reason });
    }
    for setting in ["SHOW fsync", "SHOW full_page_writes"] {
        let value: String = sqlx::query_scalar(setting).fetch_one(&mut *connection).await?;
        if value != "on" {
            tracing::warn!(setting, value, "this server may lose acknowledged events in a power cut");
        }
    }
    Ok(())
}

/// The URL without its password and parameters.
pub(super) fn redacted(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return "(not a URL)".to_owned() };
    match rest.rsplit_once('@') {
        Some((user, place)) => format!("{scheme}://{}:***@{place}", user.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

fn millis(span: TimeDelta) -> String {
    (span.as_micros() / 1_000).max(1).to_string()
}

pub(super) fn migrator() -> Migrator {
    let migration = |version, description: &'static str, text| {
        Migration::new(version, description.into(), MigrationType::Simple, SqlStr::from_static(text), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "journal and records", include_str!("../../migrations/postgres/0001_journal_and_records.sql")),
        migration(2, "alerts in their order", include_str!("../../migrations/postgres/0002_alerts_in_their_order.sql")),
        migration(
            3,
            "heartbeats of the lease",
            include_str!("../../migrations/postgres/0003_heartbeats_of_the_lease.sql"),
        ),
        migration(5, "chained audit", include_str!("../../migrations/postgres/0005_chained_audit.sql")),
        migration(6, "taken messages", include_str!("../../migrations/postgres/0006_taken_messages.sql")),
    ])
}

/// The address, and the time limit of a statement.
pub(super) struct PostgresTarget {
    options: PgConnectOptions,
    patience: TimeDelta,
    readers: Arc<Readers<Postgres>>,
}

impl PostgresTarget {
    /// The writer has priority: without a slot for it, the readers release theirs.
    async fn connect_before_readers(&self) -> Result<PgConnection, sqlx::Error> {
        let fewer = (self.readers.most() / 2).max(1);
        tracing::warn!(
            readers = fewer,
            "the database has no place for the connection that writes; those that read give up theirs. Allow more \
             connections (max_connections, ALTER ROLE … CONNECTION LIMIT)"
        );
        let connecting = async {
            let mut tries = 1;
            loop {
                match PgConnection::connect_with(&self.options).await {
                    // The server notices a closed connection with a delay.
                    Err(error) if is_crowded(&error) && tries < CROWDED_TRIES => {
                        tokio::time::sleep(CROWDED_PAUSE).await
                    }
                    done => return done,
                }
                tries += 1;
            }
        };
        self.readers.stand_back(fewer, connecting).await
    }
}

/// The writing connection.
pub(super) struct PostgresSession(PgConnection);

impl Session for PostgresSession {
    type Target = PostgresTarget;
    const EPOCH: &'static str = own::EPOCH;
    const OWN_STATEMENTS: &'static [&'static str] = own::ALL;
    const NOT_DURABLE: Option<&'static str> = Some(own::NOT_DURABLE);

    async fn connect(target: &PostgresTarget) -> Result<PostgresSession, StoreError> {
        let mut connection = match PgConnection::connect_with(&target.options).await {
            Err(error) if is_crowded(&error) => target.connect_before_readers().await?,
            done => done?,
        };
        let (limit, half) = (millis(target.patience), millis(target.patience.half()));
        sqlx::query(own::LIMIT_WRITER).bind(limit).bind(half).execute(&mut connection).await?;
        Ok(PostgresSession(connection))
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        // One round trip; the transaction is durable whatever the defaults of server and role.
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on";
        sqlx::raw_sql(begin).execute(&mut self.0).await?;
        Ok(())
    }

    fn is_dead(_error: &StoreError) -> bool {
        true
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        sqlx::raw_sql("COMMIT").execute(&mut self.0).await?;
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<(), StoreError> {
        sqlx::raw_sql("ROLLBACK").execute(&mut self.0).await?;
        Ok(())
    }

    async fn run(&mut self, statement: &'static str, values: Vec<Value>) -> Result<u64, CommitError> {
        Ok(bound(sqlx::query(statement), values).execute(&mut self.0).await?.rows_affected())
    }

    async fn integers(&mut self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Vec<i64>>, CommitError> {
        let rows = bound(sqlx::query(statement), values).fetch_all(&mut self.0).await?;
        let integers = |row: &PgRow| (0..row.len()).map(|column| Ok(row.try_get(column)?)).collect();
        rows.iter().map(integers).collect()
    }

    async fn text(&mut self, statement: &'static str, values: Vec<Value>) -> Result<Option<String>, CommitError> {
        let row = bound(sqlx::query(statement), values).fetch_optional(&mut self.0).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    async fn write(&mut self, rows: ColumnRows) -> Result<(), CommitError> {
        let query = rows.columns.iter().fold(sqlx::query(own::of(rows.table)), |query, column| match column {
            Column::Int(values) => query.bind(values.as_slice()),
            Column::MaybeInt(values) => query.bind(values.as_slice()),
            Column::Text(values) => query.bind(values.as_slice()),
            Column::MaybeText(values) => query.bind(values.as_slice()),
        });
        query.execute(&mut self.0).await?;
        Ok(())
    }

    async fn prepare(&mut self, statement: &'static str) -> Result<(), StoreError> {
        Executor::prepare(&mut self.0, SqlStr::from_static(statement)).await?;
        Ok(())
    }

    async fn durability(&mut self) -> Result<String, StoreError> {
        Ok(sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&mut self.0).await?)
    }
}

fn bound<'q>(query: Query<'q, Postgres, PgArguments>, values: Vec<Value>) -> Query<'q, Postgres, PgArguments> {
    values.into_iter().fold(query, |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::MaybeInt(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
    })
}

/// Statements in PostgreSQL's dialect: many rows at once are one array per column.
mod own {
    use super::statements::statements;
    use crate::store::columns::BulkTable;

    statements! {
        /// The smallest limit of the server, the database and the role.
        PLACES = "SELECT LEAST(NULLIF(r.rolconnlimit, -1), NULLIF(d.datconnlimit, -1),
            CAST(current_setting('max_connections') AS int))::bigint
            FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()";
        LIMIT_READER = "SELECT set_config('default_transaction_read_only', 'on', false),
            set_config('statement_timeout', $1, false)";
        LIMIT_WRITER = "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),
            set_config('idle_in_transaction_session_timeout', $1, false)";
        NOT_DURABLE = "SELECT set_config('synchronous_commit', 'off', true)";
        END_STUCK_WRITERS = "SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND relation = 'lease'::regclass AND mode IN ('RowShareLock', 'RowExclusiveLock') AND granted
            AND pid <> pg_backend_pid()";
        EPOCH = "SELECT epoch FROM lease WHERE name = 'writer' FOR UPDATE";
        ALERTS = "INSERT INTO alerts (fingerprint, firing, source, rule, updated_at, search, body)
            SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[],
            $7::text[])
            ON CONFLICT (fingerprint) DO UPDATE SET firing = excluded.firing, source = excluded.source,
            rule = excluded.rule, updated_at = excluded.updated_at, search = excluded.search, body = excluded.body";
        INCIDENTS = "INSERT INTO incidents
            (id, state, tier, priority, team, assignee, rule, problem, opened_at, search, body)
            SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::text[])
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, tier = excluded.tier, priority = excluded.priority,
            team = excluded.team, assignee = excluded.assignee, rule = excluded.rule, problem = excluded.problem,
            opened_at = excluded.opened_at, search = excluded.search, body = excluded.body";
        MEMBERSHIPS = "INSERT INTO memberships (incident, fingerprint, firing, link_only)
            SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
            ON CONFLICT (incident, fingerprint) DO UPDATE SET
            firing = excluded.firing, link_only = excluded.link_only";
        TIMELINE = "INSERT INTO timeline (incident, body) SELECT incident, body
            FROM UNNEST($1::bigint[], $2::text[]) WITH ORDINALITY AS new (incident, body, n) ORDER BY n";
        EVIDENCE = "INSERT INTO evidence (incident, n, body)
            SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::text[])
            ON CONFLICT (incident, n) DO UPDATE SET body = excluded.body";
        PROBLEMS = "INSERT INTO problems (id, state, team, search, body)
            SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, team = excluded.team, search = excluded.search,
            body = excluded.body";
        RUNS = "INSERT INTO runs (id, state, plan, body)
            SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[])
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, plan = excluded.plan, body = excluded.body";
        SILENCES = "INSERT INTO silences (id, ends_at, body)
            SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::text[])
            ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at, body = excluded.body";
        AUDIT = "INSERT INTO audit (actor, subject, action, body, seq, hash)
            SELECT actor, subject, action, body, seq, hash
            FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
            WITH ORDINALITY AS new (actor, subject, action, body, seq, hash, n) ORDER BY n";
        OUTBOX = "INSERT INTO outbox (cause, subject, body) SELECT cause, subject, body
            FROM UNNEST($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS new (cause, subject, body, n)
            ORDER BY n";
        DELIVERIES = "UPDATE outbox SET settled = new.settled, attempts = new.attempts, outcome = new.outcome,
            delivered_at = new.delivered_at
            FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[])
            AS new (cause, settled, attempts, outcome, delivered_at)
            WHERE outbox.cause = new.cause AND outbox.settled = 0";
        DEAD_LETTERS = "INSERT INTO dead_letters (body)
            SELECT body FROM UNNEST($1::text[]) WITH ORDINALITY AS new (body, n) ORDER BY n";
        MANIFEST_SECTIONS = "INSERT INTO manifest_sections (partition, next_offset, position, name, digest)
            SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])";
    }

    pub(super) const fn of(table: BulkTable) -> &'static str {
        match table {
            BulkTable::Alerts => ALERTS,
            BulkTable::Incidents => INCIDENTS,
            BulkTable::Memberships => MEMBERSHIPS,
            BulkTable::Timeline => TIMELINE,
            BulkTable::Evidence => EVIDENCE,
            BulkTable::Problems => PROBLEMS,
            BulkTable::Runs => RUNS,
            BulkTable::Silences => SILENCES,
            BulkTable::Audit => AUDIT,
            BulkTable::Outbox => OUTBOX,
            BulkTable::Deliveries => DELIVERIES,
            BulkTable::DeadLetters => DEAD_LETTERS,
            BulkTable::ManifestSections => MANIFEST_SECTIONS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn a_shown_url_has_no_password() {
        let check = |url: &str, shown: &str| assert_eq!(redacted(url), shown);
        check("postgres://me:s3cret@db:5432/w?password=s3cret", "postgres://me:***@db:5432/w");
        check("postgres://me:p@ss@db/w", "postgres://me:***@db/w");
        check("postgres://db/w", "postgres://db/w");
        check("s3cret", "(not a URL)");
    }
}
