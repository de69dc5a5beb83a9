-- +goose Up

-- When a user's chat account was deactivated; NULL for everybody else.
ALTER TABLE users ADD COLUMN left_at text;

-- +goose Down

ALTER TABLE users DROP COLUMN left_at;
