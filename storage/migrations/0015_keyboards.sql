-- What the buttons of one Telegram message stand for is one row and not one a button, and none is found but by its token.
-- Buttons from before say so when they are pressed; every one has a typed form.

DROP TABLE button;
CREATE TABLE keyboard (
    token      TEXT PRIMARY KEY,               -- of the message: the tokens of its buttons begin with it
    case_id    TEXT,
    person     TEXT NOT NULL,
    prompt_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    meanings   TEXT NOT NULL                   -- JSON: [action, check, value] of each button, in their order
) STRICT;
CREATE TABLE pressed (
    token   TEXT PRIMARY KEY,                  -- of the button
    used_at INTEGER NOT NULL,
    used_by TEXT NOT NULL
) STRICT;
