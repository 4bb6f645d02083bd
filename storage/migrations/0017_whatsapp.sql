-- Whose texts go by WhatsApp, through the same provider.

ALTER TABLE person ADD COLUMN whatsapp INTEGER NOT NULL DEFAULT 0;
