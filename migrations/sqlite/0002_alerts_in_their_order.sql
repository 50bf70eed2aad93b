-- Alerts lie in the order in which they were first seen: rows in the order of fingerprints, which are as good as drawn by
-- lot, touch a page each.

CREATE TABLE ordered_alerts (
    id INTEGER PRIMARY KEY,
    fingerprint INTEGER NOT NULL UNIQUE, -- the 64 bits as a signed number
    firing INTEGER NOT NULL,
    source TEXT NOT NULL,
    rule TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    search TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
INSERT INTO ordered_alerts (fingerprint, firing, source, rule, updated_at, search, body)
    SELECT fingerprint, firing, source, rule, updated_at, search, body FROM alerts ORDER BY updated_at;
DROP TABLE alerts;
ALTER TABLE ordered_alerts RENAME TO alerts;
CREATE INDEX alerts_by_update ON alerts (updated_at, fingerprint);
CREATE INDEX alerts_firing_by_update ON alerts (updated_at, fingerprint) WHERE firing = 1;
