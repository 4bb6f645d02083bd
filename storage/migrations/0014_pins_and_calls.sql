-- A personal PIN, hashed, and what was said at each turn of a call, so that whoever asks twice hears the same.

CREATE TABLE pin (
    person       TEXT PRIMARY KEY REFERENCES person (id),
    hash         TEXT NOT NULL,                  -- scrypt with its cost and salt
    set_at       INTEGER NOT NULL,
    wrong        INTEGER NOT NULL DEFAULT 0,     -- since the last right one
    locked_until INTEGER
) STRICT;
CREATE TABLE call_answer (
    external_id TEXT PRIMARY KEY,                -- of the request in the inbox
    twiml       TEXT NOT NULL
) STRICT;
