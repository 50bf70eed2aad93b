//! SQL common to both databases. Differing statements are in `sqlite_statements.rs` and `postgres.rs`.

/// Declares the statements, and the list of all of them for preparation at the start.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = $sql;)*
        pub(super) const ALL: &[&str] = &[$($name),*];
    };
}
pub(super) use statements;

statements! {
    TAKE_LEASE = "UPDATE lease SET epoch = epoch + 1, holder = $1 WHERE name = 'writer' RETURNING epoch";
    GIVE_LEASE_BACK = "UPDATE lease SET holder = '' WHERE name = 'writer' AND epoch = $1";
    LEASE = "SELECT l.epoch, h.beats, l.holder FROM lease l JOIN heartbeats h ON h.name = l.name WHERE l.name = 'writer'";
    HEARTBEAT = "UPDATE heartbeats SET beats = beats + 1 WHERE name = 'writer' AND epoch = $1";
    LOCK_HEARTBEATS = "UPDATE heartbeats SET beats = beats + 1 WHERE name = 'writer' AND epoch = $1 AND beats = $2";
    BEGIN_HEARTBEATS = "UPDATE heartbeats SET epoch = $1, beats = beats + 1 WHERE name = 'writer'";
    HEADS = "SELECT partition, next_offset FROM heads ORDER BY partition";
    HEAD = "SELECT next_offset FROM heads WHERE partition = $1";
    MOVE_HEAD = "INSERT INTO heads (partition, next_offset, bytes) VALUES ($1, $2, $3)
        ON CONFLICT (partition) DO UPDATE SET next_offset = excluded.next_offset, bytes = heads.bytes + excluded.bytes";
    PUT_BLOCK = "INSERT INTO blocks
        (partition, first_offset, entries, engine_version, effects_hash, written_at, bytes, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// Starts with the block that contains the offset.
    READ_BLOCKS = "SELECT first_offset, body FROM blocks WHERE partition = $1 AND first_offset >= COALESCE(
            (SELECT MAX(first_offset) FROM blocks WHERE partition = $1 AND first_offset <= $2), 0)
        ORDER BY first_offset LIMIT $3";
    COUNT_BLOCKS = "SELECT COUNT(*) FROM blocks WHERE partition = $1";
    READ_BLOCK_ROWS = "SELECT first_offset, entries, engine_version, effects_hash, written_at, bytes
        FROM blocks WHERE partition = $1 AND first_offset >= $2 ORDER BY first_offset LIMIT $3";

    PUT_RULEBOOK = "INSERT INTO rulebooks (hash, texts) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    RULEBOOK = "SELECT texts FROM rulebooks WHERE hash = $1";
    PUT_SETTING = "INSERT INTO settings (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    PUT_SETTING_ONCE = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    SETTING = "SELECT value FROM settings WHERE name = $1";
    AUDIT_LINKS = "SELECT seq, hash, body FROM audit WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
    UNLINKED_AUDIT = "SELECT COUNT(*) FROM audit WHERE seq IS NULL";

    PUT_SECTION = "INSERT INTO sections (partition, name, digest, body) VALUES ($1, $2, $3, $4)
        ON CONFLICT (partition, name, digest) DO NOTHING";
    SECTION = "SELECT body FROM sections WHERE partition = $1 AND name = $2 AND digest = $3";
    PUT_MANIFEST = "INSERT INTO manifests (partition, next_offset, taken_at, engine_version, rulebook)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (partition, next_offset) DO UPDATE SET
        taken_at = excluded.taken_at, engine_version = excluded.engine_version, rulebook = excluded.rulebook";
    CLEAR_MANIFEST_SECTIONS = "DELETE FROM manifest_sections WHERE partition = $1 AND next_offset = $2";
    /// Number of a manifest's sections that exist.
    PRESENT_SECTIONS = "SELECT COUNT(*) FROM manifest_sections m JOIN sections s
        ON s.partition = m.partition AND s.name = m.name AND s.digest = m.digest
        WHERE m.partition = $1 AND m.next_offset = $2";
    MANIFESTS = "SELECT m.next_offset, m.taken_at, m.engine_version, m.rulebook, s.name, s.digest
        FROM manifests m LEFT JOIN manifest_sections s
        ON s.partition = m.partition AND s.next_offset = m.next_offset
        WHERE m.partition = $1 ORDER BY m.next_offset DESC, s.position";
    /// All but the two newest; nothing while there are fewer.
    DROP_MANIFEST_SECTIONS = "DELETE FROM manifest_sections WHERE partition = $1 AND next_offset <
        (SELECT next_offset FROM manifests WHERE partition = $1 ORDER BY next_offset DESC LIMIT 1 OFFSET 1)";
    DROP_MANIFESTS = "DELETE FROM manifests WHERE partition = $1 AND next_offset <
        (SELECT next_offset FROM manifests WHERE partition = $1 ORDER BY next_offset DESC LIMIT 1 OFFSET 1)";
    DROP_SECTIONS = "DELETE FROM sections WHERE partition = $1 AND NOT EXISTS (SELECT 1 FROM manifest_sections m
        WHERE m.partition = sections.partition AND m.name = sections.name AND m.digest = sections.digest)";

    /// Start of each partition's older manifest, for those that have two.
    RETENTION_BOUNDS = "SELECT partition, MIN(next_offset) FROM manifests
        GROUP BY partition HAVING COUNT(*) >= 2 ORDER BY partition";
    JOURNAL_BYTES = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM heads";
    OLDEST_BLOCKS = "SELECT first_offset, bytes, written_at FROM blocks
        WHERE partition = $1 AND first_offset < $2 AND first_offset + entries <= $2 ORDER BY first_offset LIMIT $3";
    DROP_BLOCKS = "DELETE FROM blocks WHERE partition = $1 AND first_offset <= $2";
    SHRINK_HEAD = "UPDATE heads SET bytes = bytes - $2 WHERE partition = $1";
    PUT_TAKEN = "INSERT INTO taken_messages (session, newest, body) VALUES ($1, $2, $3)";
    DROP_TAKEN = "DELETE FROM taken_messages WHERE session = $1 AND newest < $2";
    TAKEN = "SELECT id, body FROM taken_messages WHERE session = $1 ORDER BY id";
    DROP_DEAD_LETTERS = "DELETE FROM dead_letters WHERE id <= (SELECT MAX(id) FROM dead_letters) - $1";

    INCIDENT = "SELECT body FROM incidents WHERE id = $1";
    /// The newest, in their order.
    TIMELINE = "SELECT id, body FROM
        (SELECT id, body FROM timeline WHERE incident = $1 ORDER BY id DESC LIMIT $2) AS newest ORDER BY id";
    EVIDENCE = "SELECT n, body FROM evidence WHERE incident = $1 ORDER BY n LIMIT $2";
    MEMBERS = "SELECT a.fingerprint, a.body, m.link_only FROM memberships m
        JOIN alerts a ON a.fingerprint = m.fingerprint WHERE m.incident = $1 ORDER BY m.fingerprint LIMIT $2";
    ALERT = "SELECT body FROM alerts WHERE fingerprint = $1";
    PROBLEM = "SELECT body FROM problems WHERE id = $1";
    RUN = "SELECT body FROM runs WHERE id = $1";
    OUTBOX = "SELECT cause, attempts, body FROM outbox
        WHERE settled = 0 AND id > coalesce((SELECT id FROM outbox WHERE cause = $2), 0) ORDER BY id LIMIT $1";
    DELIVERIES = "SELECT cause, attempts, outcome, delivered_at, body FROM
        (SELECT id, cause, attempts, outcome, delivered_at, body FROM outbox WHERE subject = $1
        ORDER BY id DESC LIMIT $2) AS newest ORDER BY id";

    UNSETTLED = "SELECT COUNT(*) FROM outbox WHERE subject = $1 AND settled = 0";
    OLD_ALERTS = "SELECT fingerprint, body FROM alerts WHERE firing = 0 AND updated_at < $1 AND NOT EXISTS (
        SELECT 1 FROM memberships m JOIN incidents i ON i.id = m.incident WHERE m.fingerprint = alerts.fingerprint)
        ORDER BY updated_at, fingerprint LIMIT $2";
    DROP_TIMELINE = "DELETE FROM timeline WHERE incident = $1";
    DROP_EVIDENCE = "DELETE FROM evidence WHERE incident = $1";
    DROP_MEMBERSHIPS = "DELETE FROM memberships WHERE incident = $1";
    DROP_INCIDENT = "DELETE FROM incidents WHERE id = $1";
    DROP_NOTICES = "DELETE FROM outbox WHERE subject = $1 AND settled = 1";
    DROP_ALERT = "DELETE FROM alerts WHERE fingerprint = $1 AND firing = 0";
    DROP_AUDIT = "DELETE FROM audit WHERE seq <= $1";

    TOKENS = "SELECT name, role, sha256, created_at, revoked_at FROM tokens";
    PUT_TOKEN = "INSERT INTO tokens (name, role, sha256, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (name) DO UPDATE SET role = excluded.role, sha256 = excluded.sha256,
            created_at = excluded.created_at, revoked_at = excluded.revoked_at
        WHERE tokens.revoked_at IS NOT NULL AND tokens.sha256 <> excluded.sha256";
    REVOKE_TOKEN = "UPDATE tokens SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL";
}
