DROP TABLE client_assertions;
-- Those with keys cannot be kept.
DELETE FROM clients WHERE secret IS NULL;
ALTER TABLE clients DROP COLUMN public_keys, DROP COLUMN service, DROP COLUMN roles;
ALTER TABLE clients ALTER COLUMN secret SET NOT NULL;
-- Nor can what there was not.
UPDATE clients
SET grants = CASE WHEN grants LIKE '%client_credentials%' THEN '["client_credentials"]' ELSE '[]' END
WHERE grants LIKE '%token_exchange%';
DELETE FROM audit_events WHERE kind IN ('client_changed', 'client_removed', 'token_revoked');
