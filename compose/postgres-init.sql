-- Run once, on an empty volume: a database for each service, which the other service's role cannot even connect to.

-- A statement that fails is logged, and these hold passwords.
SET log_min_error_statement = panic;

\set auth_password `cat /run/secrets/postgres/auth_password`
\set resource_password `cat /run/secrets/postgres/resource_password`

CREATE ROLE auth LOGIN PASSWORD :'auth_password';
CREATE ROLE resource LOGIN PASSWORD :'resource_password';
CREATE DATABASE auth OWNER auth;
CREATE DATABASE resource OWNER resource;
REVOKE ALL ON DATABASE auth, resource, postgres, template1 FROM PUBLIC;
