-- +goose Up

-- A grant may hold in one channel alone.
CREATE TABLE grants_by_channel (
	org_id        text NOT NULL,
	connection_id text NOT NULL,
	user_id       text NOT NULL DEFAULT '',
	role          text NOT NULL DEFAULT '',
	channel       text NOT NULL DEFAULT '',
	project       text NOT NULL DEFAULT '',
	max_effect    text NOT NULL,
	PRIMARY KEY (connection_id, user_id, role, channel, project),
	FOREIGN KEY (org_id, connection_id) REFERENCES user_tokens (org_id, id) ON DELETE CASCADE
);
INSERT INTO grants_by_channel (org_id, connection_id, user_id, role, project, max_effect)
	SELECT org_id, connection_id, user_id, role, project, max_effect FROM grants;
DROP TABLE grants;
ALTER TABLE grants_by_channel RENAME TO grants;

-- +goose Down

CREATE TABLE grants_everywhere (
	org_id        text NOT NULL,
	connection_id text NOT NULL,
	user_id       text NOT NULL DEFAULT '',
	role          text NOT NULL DEFAULT '',
	project       text NOT NULL DEFAULT '',
	max_effect    text NOT NULL,
	PRIMARY KEY (connection_id, user_id, role, project),
	FOREIGN KEY (org_id, connection_id) REFERENCES user_tokens (org_id, id) ON DELETE CASCADE
);
INSERT INTO grants_everywhere (org_id, connection_id, user_id, role, project, max_effect)
	SELECT org_id, connection_id, user_id, role, project, max_effect FROM grants WHERE channel = '';
DROP TABLE grants;
ALTER TABLE grants_everywhere RENAME TO grants;
