-- A text with a parent's four digits finds the cases they belong to by a key, among years of codes.

CREATE INDEX reply_code_digits ON reply_code (digits);
