-- +goose Up

-- How often an event was tried in vain for a reason that does not pass.
ALTER TABLE inbox ADD COLUMN tries integer NOT NULL DEFAULT 0;

-- A click names the message it was made on.
CREATE INDEX outbox_standing ON outbox (ts) WHERE ts <> '';
