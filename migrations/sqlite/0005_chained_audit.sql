-- The audit is append-only, and each entry's hash covers the entry before it. Entries of before this have neither
-- number nor hash.

ALTER TABLE audit ADD COLUMN seq INTEGER;
ALTER TABLE audit ADD COLUMN hash TEXT;
CREATE UNIQUE INDEX audit_by_seq ON audit (seq) WHERE seq IS NOT NULL;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- Only what is archived may go; the setting begins with its last number.
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
WHEN OLD.seq > COALESCE((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'audit_archived'), 0) BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
