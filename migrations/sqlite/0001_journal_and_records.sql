-- The journal: one row per partition and committed batch, and where each partition stands.

CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    holder TEXT NOT NULL
) STRICT;
INSERT INTO lease (name, epoch, holder) VALUES ('writer', 0, '');

CREATE TABLE heads (
    partition INTEGER NOT NULL PRIMARY KEY,
    next_offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL -- of all its blocks that are kept
) STRICT;

CREATE TABLE blocks (
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    engine_version INTEGER NOT NULL,
    effects_hash BLOB NOT NULL,
    written_at INTEGER NOT NULL, -- microseconds since 1970, as every moment here
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (partition, first_offset)
) STRICT;

CREATE TABLE rulebooks (
    hash TEXT NOT NULL PRIMARY KEY,
    texts TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Snapshots: sections by content, valid by the manifest that names them.

CREATE TABLE sections (
    partition INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (partition, name, digest)
) STRICT;

CREATE TABLE manifests (
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    engine_version INTEGER NOT NULL,
    rulebook TEXT NOT NULL,
    PRIMARY KEY (partition, next_offset)
) STRICT;

CREATE TABLE manifest_sections (
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (partition, next_offset, position)
) STRICT, WITHOUT ROWID;

-- Records: the columns that filters and order need, and the record itself as JSON. `search` is lower-case (ASCII).

CREATE TABLE alerts (
    fingerprint INTEGER NOT NULL PRIMARY KEY, -- the 64 bits as a signed number
    firing INTEGER NOT NULL,
    source TEXT NOT NULL,
    rule TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    search TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_by_update ON alerts (updated_at, fingerprint);
CREATE INDEX alerts_firing_by_update ON alerts (updated_at, fingerprint) WHERE firing = 1;

CREATE TABLE incidents (
    id INTEGER NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    tier INTEGER NOT NULL,
    priority TEXT NOT NULL,
    team TEXT NOT NULL,
    assignee TEXT,
    rule TEXT NOT NULL,
    problem INTEGER,
    opened_at INTEGER NOT NULL,
    search TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_by_state ON incidents (state, id);
CREATE INDEX incidents_by_problem ON incidents (problem, id) WHERE problem IS NOT NULL;

CREATE TABLE memberships (
    incident INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    firing INTEGER NOT NULL,
    link_only INTEGER NOT NULL,
    PRIMARY KEY (incident, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_alert ON memberships (fingerprint, incident);

CREATE TABLE timeline (
    id INTEGER PRIMARY KEY,
    incident INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX timeline_by_incident ON timeline (incident, id);

CREATE TABLE evidence (
    incident INTEGER NOT NULL,
    n INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (incident, n)
) STRICT;

CREATE TABLE problems (
    id INTEGER NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    team TEXT NOT NULL,
    search TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    id INTEGER NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    plan TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_plan ON runs (plan, id);

CREATE TABLE silences (
    id TEXT NOT NULL PRIMARY KEY,
    ends_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_subject ON audit (subject, id);
CREATE INDEX audit_by_actor ON audit (actor, id);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    cause TEXT NOT NULL UNIQUE, -- the idempotency key
    subject TEXT NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0, -- 1: delivered or dead-lettered
    attempts INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    delivered_at INTEGER,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_waiting ON outbox (id) WHERE settled = 0;
CREATE INDEX outbox_by_subject ON outbox (subject, id);

CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    sha256 TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
