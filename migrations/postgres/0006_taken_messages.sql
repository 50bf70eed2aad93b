-- What was taken from a broker's session and is not known to be acknowledged: after a crash the broker sends it again.
-- Each row holds the messages of one commit.

CREATE TABLE taken_messages (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session TEXT NOT NULL,
    -- The number of its newest message.
    newest BIGINT NOT NULL,
    body BYTEA NOT NULL
);
CREATE INDEX taken_messages_by_session ON taken_messages (session, newest);
