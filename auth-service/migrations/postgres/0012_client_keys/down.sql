DROP TABLE client_assertions;
-- Those with keys cannot be kept.
DELETE FROM clients WHERE secret IS NULL;
ALTER TABLE clients DROP COLUMN public_keys, DROP COLUMN service, DROP COLUMN roles;
ALTER TABLE clients ALTER COLUMN secret SET NOT NULL;
UPDATE audit_events SET kind = 'client_scope_changed' WHERE kind = 'client_changed';
DELETE FROM audit_events WHERE kind IN ('client_removed', 'token_revoked');
