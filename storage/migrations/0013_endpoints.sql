-- Where a missing report goes besides the police's folder: children's services by mail, either by a signed request.

ALTER TABLE organisation ADD COLUMN police_webhook TEXT;
ALTER TABLE organisation ADD COLUMN services_email TEXT;
ALTER TABLE organisation ADD COLUMN services_webhook TEXT;
