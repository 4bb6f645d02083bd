-- Canaries: flights through everything that an alert goes through. They are no cases, and no view shows them as such.

CREATE TABLE canary (
    flight_id TEXT PRIMARY KEY,               -- the id of its letter, too
    channel   TEXT NOT NULL,
    address   TEXT NOT NULL,
    begun_at  INTEGER NOT NULL,
    rings_at  INTEGER NOT NULL,
    rung_at   INTEGER,
    back_at   INTEGER
) STRICT;
CREATE INDEX canary_place ON canary (channel, address, begun_at);
