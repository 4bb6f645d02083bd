-- What lies around a home that is a danger at night: water, or a remote place (R15).

ALTER TABLE home ADD COLUMN surroundings TEXT NOT NULL DEFAULT '[]';   -- JSON array: water, remote
