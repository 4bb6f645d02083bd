-- The open cases of an organisation, oldest first, and those of which somebody was alerted: however many are past.

CREATE INDEX case_row_open ON case_row (organisation, case_id) WHERE status <> 'closed';
CREATE INDEX alert_person ON alert (person, case_id);
