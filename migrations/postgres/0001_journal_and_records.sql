-- The journal: one row per partition and committed batch, and where each partition stands.

CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    holder TEXT NOT NULL
);
INSERT INTO lease (name, epoch, holder) VALUES ('writer', 0, '');

CREATE TABLE heads (
    partition BIGINT NOT NULL PRIMARY KEY,
    next_offset BIGINT NOT NULL,
    bytes BIGINT NOT NULL -- of all its blocks that are kept
);

CREATE TABLE blocks (
    partition BIGINT NOT NULL,
    first_offset BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    engine_version BIGINT NOT NULL,
    effects_hash BYTEA NOT NULL,
    written_at BIGINT NOT NULL, -- microseconds since 1970, as every moment here
    bytes BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, first_offset)
);

CREATE TABLE rulebooks (
    hash TEXT NOT NULL PRIMARY KEY,
    texts TEXT NOT NULL
);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Snapshots: sections by content, valid by the manifest that names them.

CREATE TABLE sections (
    partition BIGINT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (partition, name, digest)
);

CREATE TABLE manifests (
    partition BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    taken_at BIGINT NOT NULL,
    engine_version BIGINT NOT NULL,
    rulebook TEXT NOT NULL,
    PRIMARY KEY (partition, next_offset)
);

CREATE TABLE manifest_sections (
    partition BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (partition, next_offset, position)
);

-- Records: the columns that filters and order need, and the record itself as JSON. `search` is lower-case (ASCII).

CREATE TABLE alerts (
    fingerprint BIGINT NOT NULL PRIMARY KEY, -- the 64 bits as a signed number
    firing BIGINT NOT NULL,
    source TEXT NOT NULL,
    rule TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    search TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX alerts_by_update ON alerts (updated_at, fingerprint);
CREATE INDEX alerts_firing_by_update ON alerts (updated_at, fingerprint) WHERE firing = 1;

CREATE TABLE incidents (
    id BIGINT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    tier BIGINT NOT NULL,
    priority TEXT NOT NULL,
    team TEXT NOT NULL,
    assignee TEXT,
    rule TEXT NOT NULL,
    problem BIGINT,
    opened_at BIGINT NOT NULL,
    search TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX incidents_by_state ON incidents (state, id);
CREATE INDEX incidents_by_problem ON incidents (problem, id) WHERE problem IS NOT NULL;

CREATE TABLE memberships (
    incident BIGINT NOT NULL,
    fingerprint BIGINT NOT NULL,
    firing BIGINT NOT NULL,
    link_only BIGINT NOT NULL,
    PRIMARY KEY (incident, fingerprint)
);
CREATE INDEX memberships_by_alert ON memberships (fingerprint, incident);

CREATE TABLE timeline (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX timeline_by_incident ON timeline (incident, id);

CREATE TABLE evidence (
    incident BIGINT NOT NULL,
    n BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (incident, n)
);

CREATE TABLE problems (
    id BIGINT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    team TEXT NOT NULL,
    search TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE runs (
    id BIGINT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    plan TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX runs_by_plan ON runs (plan, id);

CREATE TABLE silences (
    id TEXT NOT NULL PRIMARY KEY,
    ends_at BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX audit_by_subject ON audit (subject, id);
CREATE INDEX audit_by_actor ON audit (actor, id);

CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cause TEXT NOT NULL UNIQUE, -- the idempotency key
    subject TEXT NOT NULL,
    settled BIGINT NOT NULL DEFAULT 0, -- 1: delivered or dead-lettered
    attempts BIGINT NOT NULL DEFAULT 0,
    outcome TEXT,
    delivered_at BIGINT,
    body TEXT NOT NULL
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE settled = 0;
CREATE INDEX outbox_by_subject ON outbox (subject, id);

CREATE TABLE dead_letters (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE tokens (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    sha256 TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
