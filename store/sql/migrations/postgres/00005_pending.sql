-- +goose Up

-- Connections that an admin has to approve first. Nothing that runs commands reads this table.
CREATE TABLE pending_connections (
	id         text PRIMARY KEY,
	org_id     text NOT NULL REFERENCES organisations (id),
	user_id    text NOT NULL REFERENCES users (id),
	connection json NOT NULL,
	person     json NOT NULL,
	place      json NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX pending_connections_created ON pending_connections (created_at);

-- +goose Down

DROP TABLE pending_connections;
