-- The accounts of tocsin on MariaDB, each with the rights that it needs and no others; the tests use
-- them as they stand here. Put your own hosts and passwords in; the database is called tocsin.

CREATE DATABASE IF NOT EXISTS tocsin CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- store.migrate_user: makes and alters tables. The triggers run with its rights, so it stays; it may be
-- locked between migrations (ALTER USER ... ACCOUNT LOCK).
CREATE USER IF NOT EXISTS tocsin_migrate@localhost IDENTIFIED BY 'change-me';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, TRIGGER, CREATE VIEW
    ON tocsin.* TO tocsin_migrate@localhost;

-- The rest after the first `tocsin migrate`, since rights on tables need the tables.

-- The account of store.url: the router. It can add to the audit, not change it; rows that are too old it
-- removes.
CREATE USER IF NOT EXISTS tocsin@localhost IDENTIFIED BY 'change-me';
GRANT SELECT ON tocsin.* TO tocsin@localhost;
GRANT INSERT, UPDATE, DELETE ON tocsin.Monitors TO tocsin@localhost;
GRANT INSERT, UPDATE, DELETE ON tocsin.CronJobs TO tocsin@localhost;
GRANT INSERT, UPDATE ON tocsin.Runners TO tocsin@localhost;
GRANT INSERT, UPDATE, DELETE ON tocsin.Incidents TO tocsin@localhost;
GRANT INSERT, UPDATE, DELETE ON tocsin.Notifications TO tocsin@localhost;
GRANT INSERT, UPDATE ON tocsin.Leases TO tocsin@localhost;
GRANT INSERT, UPDATE ON tocsin.AuditNames TO tocsin@localhost;
GRANT INSERT, DELETE ON tocsin.ApiTokens TO tocsin@localhost;
GRANT INSERT, DELETE ON tocsin.MonitorRuns TO tocsin@localhost;
GRANT INSERT ON tocsin.AuditLog TO tocsin@localhost;
GRANT INSERT ON tocsin.Checkpoints TO tocsin@localhost;
GRANT INSERT ON tocsin.Commands TO tocsin@localhost;
GRANT DELETE ON tocsin.Changes TO tocsin@localhost;

-- store.web_user: the web process and the command line, which only read.
CREATE USER IF NOT EXISTS tocsin_web@localhost IDENTIFIED BY 'change-me';
GRANT SELECT ON tocsin.* TO tocsin_web@localhost;

-- People and scripts that add and edit monitors by SQL.
CREATE USER IF NOT EXISTS tocsin_operator@localhost IDENTIFIED BY 'change-me';
GRANT SELECT ON tocsin.* TO tocsin_operator@localhost;
GRANT INSERT, UPDATE, DELETE ON tocsin.Monitors TO tocsin_operator@localhost;
GRANT INSERT, UPDATE, DELETE ON tocsin.CronJobs TO tocsin_operator@localhost;
