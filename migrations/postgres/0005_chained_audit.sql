-- The audit is append-only, and each entry's hash covers the entry before it. Entries of before this have neither
-- number nor hash.

ALTER TABLE audit ADD COLUMN seq BIGINT;
ALTER TABLE audit ADD COLUMN hash TEXT;
CREATE UNIQUE INDEX audit_by_seq ON audit (seq) WHERE seq IS NOT NULL;

-- Only what is archived may go; the setting begins with its last number.
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND COALESCE(OLD.seq, 0) <= COALESCE(
        (SELECT CAST(split_part(value, ' ', 1) AS BIGINT) FROM settings WHERE name = 'audit_archived'), 0) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit is append-only';
END;
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
