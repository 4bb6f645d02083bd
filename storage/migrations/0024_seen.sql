-- When the person of an alert looked at its case: more than delivered, less than taken.
ALTER TABLE alert ADD COLUMN seen_at INTEGER;
