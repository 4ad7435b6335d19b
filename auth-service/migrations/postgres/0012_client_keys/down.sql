DROP TABLE client_assertions;
-- Those with keys cannot be kept.
DELETE FROM clients WHERE secret IS NULL;
ALTER TABLE clients DROP COLUMN public_keys, DROP COLUMN service, DROP COLUMN roles;
ALTER TABLE clients ALTER COLUMN secret SET NOT NULL;
