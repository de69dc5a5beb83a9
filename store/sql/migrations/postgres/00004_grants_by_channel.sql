-- +goose Up

-- A grant may hold in one channel alone.
ALTER TABLE grants ADD COLUMN channel text NOT NULL DEFAULT '';
ALTER TABLE grants DROP CONSTRAINT grants_pkey;
ALTER TABLE grants ADD PRIMARY KEY (connection_id, user_id, role, channel, project);

-- +goose Down

DELETE FROM grants WHERE channel <> '';
ALTER TABLE grants DROP CONSTRAINT grants_pkey;
ALTER TABLE grants ADD PRIMARY KEY (connection_id, user_id, role, project);
ALTER TABLE grants DROP COLUMN channel;
