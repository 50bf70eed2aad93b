-- The holder of the lease counts here twice a second; whoever waits for the lease sees by it that the holder lives.

CREATE TABLE heartbeats (
    name TEXT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL, -- whose heartbeats they are
    beats BIGINT NOT NULL
);
INSERT INTO heartbeats (name, epoch, beats) SELECT name, epoch, 0 FROM lease;
