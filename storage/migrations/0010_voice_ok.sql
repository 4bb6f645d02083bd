-- Who cannot speak on the phone, and whether their phone was registered so that it may text 999.

ALTER TABLE person ADD COLUMN voice_ok INTEGER NOT NULL DEFAULT 1;
ALTER TABLE person ADD COLUMN text_999 INTEGER NOT NULL DEFAULT 0;
