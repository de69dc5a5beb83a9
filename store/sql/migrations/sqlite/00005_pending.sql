-- +goose Up

-- Connections that an admin has to approve first. Nothing that runs commands reads this table.
CREATE TABLE pending_connections (
	id         text PRIMARY KEY,
	org_id     text NOT NULL REFERENCES organisations (id),
	user_id    text NOT NULL REFERENCES users (id),
	connection text NOT NULL,
	person     text NOT NULL,
	place      text NOT NULL,
	created_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
CREATE INDEX pending_connections_created ON pending_connections (created_at);

-- +goose Down

DROP TABLE pending_connections;
