-- +goose Up

CREATE TABLE organisations (
	id         text PRIMARY KEY,
	platform   text NOT NULL,
	team       text NOT NULL,
	name       text NOT NULL DEFAULT '',
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (platform, team)
);

CREATE TABLE users (
	id              text PRIMARY KEY,
	org_id          text NOT NULL REFERENCES organisations (id),
	role            text NOT NULL CHECK (role IN ('viewer', 'operator', 'approver', 'admin')),
	active          boolean NOT NULL DEFAULT true,
	prefer          json NOT NULL DEFAULT '[]',
	person_platform text NOT NULL,
	person_team     text NOT NULL,
	person_id       text NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX users_org ON users (org_id);

CREATE TABLE persons (
	platform  text NOT NULL,
	team      text NOT NULL,
	id        text NOT NULL,
	user_id   text NOT NULL REFERENCES users (id),
	linked_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (platform, team, id)
);

CREATE TABLE selections (
	user_id text NOT NULL REFERENCES users (id),
	cloud   text NOT NULL,
	project text NOT NULL,
	PRIMARY KEY (user_id, cloud)
);

CREATE TABLE channel_rules (
	org_id  text NOT NULL REFERENCES organisations (id),
	channel text NOT NULL,
	rule    json NOT NULL,
	PRIMARY KEY (org_id, channel)
);

CREATE TABLE user_tokens (
	id         text PRIMARY KEY,
	org_id     text NOT NULL REFERENCES organisations (id),
	user_id    text REFERENCES users (id),
	owner      text NOT NULL CHECK (owner = CASE WHEN user_id IS NULL THEN 'organisation' ELSE 'user' END),
	cloud      text NOT NULL,
	account    text NOT NULL,
	label      text NOT NULL DEFAULT '',
	region     text NOT NULL DEFAULT '',
	projects   json NOT NULL DEFAULT '[]',
	settings   json NOT NULL DEFAULT '{}',
	token      text NOT NULL CHECK (token LIKE 'vault:%'),
	generation bigint NOT NULL DEFAULT 1,
	status     text NOT NULL CHECK (status IN ('active', 'broken')),
	read_only  boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (org_id, id)
);
CREATE UNIQUE INDEX user_tokens_account ON user_tokens (org_id, coalesce(user_id, ''), cloud, account);

CREATE TABLE grants (
	org_id        text NOT NULL,
	connection_id text NOT NULL,
	user_id       text NOT NULL DEFAULT '',
	role          text NOT NULL DEFAULT '',
	project       text NOT NULL DEFAULT '',
	max_effect    text NOT NULL,
	PRIMARY KEY (connection_id, user_id, role, project),
	FOREIGN KEY (org_id, connection_id) REFERENCES user_tokens (org_id, id) ON DELETE CASCADE
);

-- A setting made by set_config(..., true) reads as '' once its transaction is over, and as NULL before the first one.
ALTER TABLE user_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY own_or_organisation ON user_tokens USING (
	org_id = nullif(current_setting('app.org_id', true), '')
	AND nullif(current_setting('app.user_id', true), '') IS NOT NULL
	AND (user_id IS NULL OR user_id = current_setting('app.user_id', true))
);
ALTER TABLE grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE grants FORCE ROW LEVEL SECURITY;
CREATE POLICY organisation ON grants USING (
	org_id = nullif(current_setting('app.org_id', true), '')
	AND nullif(current_setting('app.user_id', true), '') IS NOT NULL
);

-- The fence starts at the time of creation, so that a row pruned and made again never repeats an old one.
CREATE TABLE threads (
	key         text PRIMARY KEY,
	runner      text NOT NULL DEFAULT '',
	fence       bigint NOT NULL DEFAULT extract(epoch FROM now())::bigint,
	lease_until timestamptz,
	due_at      timestamptz,
	touched_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX threads_due ON threads (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX threads_idle ON threads (touched_at) WHERE due_at IS NULL;

CREATE TABLE inbox (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key             text NOT NULL UNIQUE,
	message_key     text UNIQUE,
	kind            text NOT NULL,
	thread          text NOT NULL,
	person_platform text NOT NULL,
	person_team     text NOT NULL,
	person_id       text NOT NULL,
	place           json NOT NULL,
	text            text NOT NULL,
	payload         json,
	at              timestamptz NOT NULL,
	turn_id         text,
	settled_at      timestamptz
);
CREATE INDEX inbox_open ON inbox (thread, id) WHERE settled_at IS NULL;
CREATE INDEX inbox_turn ON inbox (turn_id) WHERE settled_at IS NULL;
CREATE INDEX inbox_settled ON inbox (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE turns (
	id              text PRIMARY KEY,
	thread          text NOT NULL,
	inbox_id        bigint NOT NULL UNIQUE,
	org_id          text NOT NULL,
	user_id         text NOT NULL,
	person_platform text NOT NULL,
	person_team     text NOT NULL,
	person_id       text NOT NULL,
	place           json NOT NULL,
	mode            text NOT NULL,
	state           text NOT NULL CHECK (state IN ('running', 'waiting', 'done', 'stopped')),
	text            text NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now(),
	ended_at        timestamptz,
	stopped_at      timestamptz,
	stopped_by      text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX turns_running ON turns (thread) WHERE state = 'running';
CREATE INDEX turns_asker ON turns (person_id) WHERE state IN ('running', 'waiting');
CREATE INDEX turns_ended ON turns (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE steps (
	turn_id text NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
	n       integer NOT NULL,
	reply   json NOT NULL,
	joined  json NOT NULL,
	PRIMARY KEY (turn_id, n)
);

CREATE TABLE results (
	turn_id text NOT NULL,
	n       integer NOT NULL,
	call    text NOT NULL,
	result  json NOT NULL,
	PRIMARY KEY (turn_id, n, call),
	FOREIGN KEY (turn_id, n) REFERENCES steps (turn_id, n) ON DELETE CASCADE
);

CREATE TABLE intents (
	id            text PRIMARY KEY,
	org_id        text NOT NULL,
	user_id       text NOT NULL,
	turn          text NOT NULL,
	step          integer NOT NULL,
	call          text NOT NULL,
	confirmation  text NOT NULL,
	effect        text NOT NULL,
	cloud         text NOT NULL,
	connection_id text NOT NULL,
	account       text NOT NULL,
	argv          json NOT NULL,
	policy_rule   text NOT NULL,
	policy        text NOT NULL,
	runner        text NOT NULL,
	lease_until   timestamptz NOT NULL,
	outcome       json,
	started_at    timestamptz NOT NULL DEFAULT now(),
	ended_at      timestamptz
);
CREATE UNIQUE INDEX intents_call ON intents (turn, step, call) WHERE confirmation = '';
CREATE UNIQUE INDEX intents_confirmation ON intents (confirmation) WHERE confirmation <> '';
CREATE INDEX intents_open ON intents (lease_until) WHERE outcome IS NULL;
CREATE INDEX intents_ended ON intents (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE outbox (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	thread     text NOT NULL,
	turn       text NOT NULL,
	part       integer NOT NULL,
	kind       text NOT NULL,
	target     integer NOT NULL,
	place      json NOT NULL,
	body       json,
	ts         text NOT NULL DEFAULT '',
	tried      boolean NOT NULL DEFAULT false,
	sent       boolean NOT NULL DEFAULT false,
	secret     boolean NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (turn, part)
);
CREATE INDEX outbox_unsent ON outbox (thread, id) WHERE NOT sent;
CREATE INDEX outbox_created ON outbox (created_at);

CREATE TABLE freezes (
	org_id text PRIMARY KEY REFERENCES organisations (id),
	frozen boolean NOT NULL DEFAULT false,
	by     text NOT NULL DEFAULT '',
	reason text NOT NULL DEFAULT '',
	at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE audit (
	seq     bigint PRIMARY KEY,
	at      timestamptz NOT NULL,
	kind    text NOT NULL,
	org_id  text NOT NULL,
	user_id text NOT NULL,
	person  text NOT NULL,
	turn    text NOT NULL,
	subject text NOT NULL,
	detail  text NOT NULL,
	prev    text NOT NULL UNIQUE,
	hash    text NOT NULL UNIQUE
);
CREATE INDEX audit_org ON audit (org_id, seq);
CREATE INDEX audit_asked ON audit (subject, seq) WHERE kind = 'asked';
