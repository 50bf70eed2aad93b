-- What was taken from a broker's session and is not known to be acknowledged: after a crash the broker sends it again.
-- Each row holds the messages of one commit.

CREATE TABLE taken_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL,
    -- The number of its newest message.
    newest INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX taken_messages_by_session ON taken_messages (session, newest);
