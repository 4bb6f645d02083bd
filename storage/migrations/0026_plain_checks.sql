-- For a CHECK that a state is one of four or seven, SQLite makes a table in memory at every row that is written, and fills it:
-- more than the row itself costs. Written out with OR, the same check compares. No row changes, so the text of the schema is
-- changed in its place, as SQLite's manual has it for what does not touch the file's layout (lang_altertable, section 7):
-- to copy years of letters would keep the house down for minutes.

-- only sqlite
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(
    sql, 'state IN (''new'', ''done'', ''ignored'', ''quarantined'')',
    'state = ''new'' OR state = ''done'' OR state = ''ignored'' OR state = ''quarantined''')
    WHERE type = 'table' AND name = 'inbox';
UPDATE sqlite_schema SET sql = replace(
    sql, 'state IN (''queued'', ''sending'', ''sent'', ''delivered'', ''failed'', ''expired'', ''cancelled'')',
    'state = ''queued'' OR state = ''sending'' OR state = ''sent'' OR state = ''delivered'' OR state = ''failed'''
    || ' OR state = ''expired'' OR state = ''cancelled''')
    WHERE type = 'table' AND name = 'outbox';
UPDATE sqlite_schema SET sql = replace(
    sql, 'state IN (''live'', ''taken'', ''lapsed'', ''ended'')',
    'state = ''live'' OR state = ''taken'' OR state = ''lapsed'' OR state = ''ended''')
    WHERE type = 'table' AND name = 'alert';
CREATE INDEX read_anew ON meta (value);  -- any change that is one has every connection read the schema again
DROP INDEX read_anew;
PRAGMA writable_schema = RESET;
-- end only

-- only postgresql
-- A folded case was compressed at each piece of news (pglz), a sixth of what the server does for one: up to 4 kB it is kept as it is.
ALTER TABLE case_row SET (toast_tuple_target = 4080);
-- end only
