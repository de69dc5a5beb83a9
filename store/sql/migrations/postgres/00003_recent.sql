-- +goose Up

-- What a person sees on his Home: his own turns, and when his connections were last used.
CREATE INDEX turns_user ON turns (user_id, created_at);
CREATE INDEX intents_user ON intents (user_id, connection_id);

-- +goose Down

DROP INDEX intents_user;
DROP INDEX turns_user;
