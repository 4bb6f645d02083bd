-- What must be remembered of a number that texts: replies made, answers not understood, wrong digits, a choice that waits.

CREATE TABLE texter_mark (
    number TEXT NOT NULL,
    kind   TEXT NOT NULL,                      -- neutral reply unread wrong stranger_code
    about  TEXT NOT NULL,                      -- the case or question it is about, or empty
    at     INTEGER NOT NULL
) STRICT;
CREATE INDEX texter_mark_number ON texter_mark (number, kind, at);
CREATE INDEX texter_mark_about ON texter_mark (kind, about) WHERE about <> '';

-- "Which child?" was asked: the words that wait for the choice lie with the other words, by id.
CREATE TABLE texter_choice (
    number   TEXT PRIMARY KEY,
    words_id TEXT NOT NULL REFERENCES words (words_id),
    alarms   TEXT NOT NULL,                    -- ids of letters to people on call that the choice makes needless
    asked_at INTEGER NOT NULL
) STRICT;
