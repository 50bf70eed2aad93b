//! Statements in SQLite's dialect; those that write records run once per row.

use super::columns::BulkTable;
use super::statements::statements;

statements! {
    EPOCH = "SELECT epoch FROM lease WHERE name = 'writer'";
    ALERTS = "INSERT INTO alerts (fingerprint, firing, source, rule, updated_at, search, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (fingerprint) DO UPDATE SET firing = excluded.firing, source = excluded.source,
        rule = excluded.rule, updated_at = excluded.updated_at, search = excluded.search, body = excluded.body";
    INCIDENTS = "INSERT INTO incidents
        (id, state, tier, priority, team, assignee, rule, problem, opened_at, search, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, tier = excluded.tier, priority = excluded.priority,
        team = excluded.team, assignee = excluded.assignee, rule = excluded.rule, problem = excluded.problem,
        opened_at = excluded.opened_at, search = excluded.search, body = excluded.body";
    MEMBERSHIPS = "INSERT INTO memberships (incident, fingerprint, firing, link_only) VALUES ($1, $2, $3, $4)
        ON CONFLICT (incident, fingerprint) DO UPDATE SET
        firing = excluded.firing, link_only = excluded.link_only";
    TIMELINE = "INSERT INTO timeline (incident, body) VALUES ($1, $2)";
    EVIDENCE = "INSERT INTO evidence (incident, n, body) VALUES ($1, $2, $3)
        ON CONFLICT (incident, n) DO UPDATE SET body = excluded.body";
    PROBLEMS = "INSERT INTO problems (id, state, team, search, body) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, team = excluded.team, search = excluded.search,
        body = excluded.body";
    RUNS = "INSERT INTO runs (id, state, plan, body) VALUES ($1, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, plan = excluded.plan, body = excluded.body";
    SILENCES = "INSERT INTO silences (id, ends_at, body) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at, body = excluded.body";
    AUDIT = "INSERT INTO audit (actor, subject, action, body, seq, hash) VALUES ($1, $2, $3, $4, $5, $6)";
    OUTBOX = "INSERT INTO outbox (cause, subject, body) VALUES ($1, $2, $3)";
    DELIVERIES = "UPDATE outbox SET settled = $2, attempts = $3, outcome = $4, delivered_at = $5
        WHERE cause = $1 AND settled = 0";
    DEAD_LETTERS = "INSERT INTO dead_letters (body) VALUES ($1)";
    MANIFEST_SECTIONS = "INSERT INTO manifest_sections (partition, next_offset, position, name, digest)
        VALUES ($1, $2, $3, $4, $5)";
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
