-- The duty lines of one home are looked up by themselves.

CREATE INDEX duty_place ON duty (organisation, home, position);
