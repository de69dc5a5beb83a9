package main

// row is one figure of the page.
type row struct {
	what   string
	of     string // a sample
	atMost float64
	exact  bool   // atMost is what it must be, no more and no less
	peer   string // who is measured beside it, in the same run
	beside string // the peer's sample
	readme bool   // README shows it as well
}

// section is rows under one heading.
type section struct {
	title, text string
	rows        []row
}

const (
	bolt    = "Bolt echo"
	regexes = "the regular expressions it replaced"
	rawCLI  = "the CLI as one calls it"
)

var sections = []section{
	{"Acknowledgements", `2,000 mentions at once, then 200 a second while those are in flight, on two sockets of the simulated Slack. Aurora commits each
before it acknowledges. The peer is an echo bot on Bolt, on the same Slack, which keeps nothing.`, []row{
		{what: "acknowledged after, p50, PostgreSQL", of: sample("Mentions/aurora-postgres", "ack-p50-ms"), peer: bolt, beside: sample("Mentions/bolt-echo", "ack-p50-ms")},
		{what: "acknowledged after, p99, 2,000 in flight, PostgreSQL", of: sample("Mentions/aurora-postgres", "ack-p99-ms"), atMost: 50, peer: bolt, beside: sample("Mentions/bolt-echo", "ack-p99-ms"), readme: true},
		{what: "acknowledged after, p50, embedded", of: sample("Mentions/aurora-embedded", "ack-p50-ms"), peer: bolt, beside: sample("Mentions/bolt-echo", "ack-p50-ms")},
		{what: "acknowledged after, p99, 2,000 in flight, embedded", of: sample("Mentions/aurora-embedded", "ack-p99-ms"), atMost: 50, peer: bolt, beside: sample("Mentions/bolt-echo", "ack-p99-ms"), readme: true},
		{what: "of 2,000 at once, acknowledged, PostgreSQL", of: sample("Mentions/aurora-postgres", "acks/s"), peer: bolt, beside: sample("Mentions/bolt-echo", "acks/s"), readme: true},
		{what: "of 2,000 at once, acknowledged, embedded", of: sample("Mentions/aurora-embedded", "acks/s"), peer: bolt, beside: sample("Mentions/bolt-echo", "acks/s")},
		{what: "sent again by Slack, PostgreSQL", of: sample("Mentions/aurora-postgres", "sent-again"), exact: true, peer: bolt, beside: sample("Mentions/bolt-echo", "sent-again")},
		{what: "answered, every step kept, PostgreSQL", of: sample("Mentions/aurora-postgres", "answers/s"), peer: bolt, beside: sample("Mentions/bolt-echo", "answers/s"), readme: true},
		{what: "answered, every step kept, embedded", of: sample("Mentions/aurora-embedded", "answers/s"), peer: bolt, beside: sample("Mentions/bolt-echo", "answers/s")},
		{what: "the adapter alone, 1,000 a second, p99", of: sample("Ack/1000_a_second", "ack-p99-ms")},
		{what: "the simulated Slack's own share: a mention sent and acknowledged", of: sample("MentionToAck", "ns/op")},
	}},
	{"Answers and clicks", `One mention after the other, with a model and a cloud that answer at once: two replies of the model and one read of a cloud's API are part of
the turn. A click is timed until the CLI's process runs, on PostgreSQL, Redis and Vault, the sign-ins at STS and Vault included.`, []row{
		{what: "mention to first visible sign, p50, PostgreSQL", of: sample("Turn/postgres", "first-sign-p50-ms"), atMost: 150, readme: true},
		{what: "mention to first visible sign, p99, PostgreSQL", of: sample("Turn/postgres", "first-sign-p99-ms")},
		{what: "mention to first visible sign, p50, embedded", of: sample("Turn/embedded", "first-sign-p50-ms"), atMost: 150},
		{what: "mention to answer, p50, PostgreSQL", of: sample("Turn/postgres", "turn-p50-ms"), atMost: 50, readme: true},
		{what: "mention to answer, p99, PostgreSQL", of: sample("Turn/postgres", "turn-p99-ms")},
		{what: "mention to answer, p50, embedded", of: sample("Turn/embedded", "turn-p50-ms"), atMost: 50},
		{what: "click to process start, p50", of: sample("Click", "click-to-start-p50-ms")},
		{what: "click to process start, p99", of: sample("Click", "click-to-start-p99-ms"), atMost: 100, readme: true},
	}},
	{"Programs", `The same read by the real CLI against the same simulated cloud: as one would call it, and through Aurora, confined and with a way out of its own.
It can be faster through Aurora, which starts the program behind the wrapper scripts.`, []row{
		{what: "aws through Aurora", of: sample("ExecutorBesideRawCLI/aws", "aurora-ms"), peer: rawCLI, beside: sample("ExecutorBesideRawCLI/aws", "raw-ms")},
		{what: "aws through Aurora, wall time against the CLI alone", of: sample("ExecutorBesideRawCLI/aws", "ratio"), atMost: 1.1, readme: true},
		{what: "gcloud through Aurora", of: sample("ExecutorBesideRawCLI/gcloud", "aurora-ms"), peer: rawCLI, beside: sample("ExecutorBesideRawCLI/gcloud", "raw-ms")},
		{what: "gcloud through Aurora, wall time against the CLI alone", of: sample("ExecutorBesideRawCLI/gcloud", "ratio"), atMost: 1.1, readme: true},
		{what: "output cleaned and redacted, 1 MiB", of: sample("Redact1MiB", "ns/op")},
	}},
	{"Policy", `Real command lines from the CLIs' documentation, parsed, classified and decided. Cedar cannot read a command: it is given the facts that Aurora
found and only decides. What the engine gets right and wrong is in providers/policy/COVERAGE.md.`, []row{
		{what: "a command classified and decided, p99", of: sample("Decide", "p99-µs"), atMost: 50, readme: true},
		{what: "the same, on average", of: sample("Decide", "ns/op"), peer: regexes, beside: sample("SeedRegexes", "ns/op")},
		{what: "the same beside Cedar, p99", of: sample("Aurora", "p99-µs"), peer: "cedar-go, the decision alone", beside: sample("CedarDecisionOnly", "p99-µs")},
		{what: "an unknown command, its nearest name found", of: sample("Unknown/command", "ns/op")},
		{what: "an unknown flag, its nearest name found", of: sample("Unknown/flag", "ns/op")},
		{what: "all tables loaded", of: sample("Load", "ns/op"), atMost: 20e6, readme: true},
	}},
	{"Footprint", `A real process, from its start until readyz says yes; and what it occupies with embedded stores after answers in 10,000 threads.`, []row{
		{what: "start to ready, embedded, the database made on the way", of: sample("Ready/embedded", "ready-ms"), atMost: 500, readme: true},
		{what: "start to ready, PostgreSQL, Redis and Vault", of: sample("Ready/postgres", "ready-ms")},
		{what: "memory after answers in 10,000 threads", of: sample("Memory", "RSS-MB"), atMost: 150, readme: true},
		{what: "the most it had on the way", of: sample("Memory", "peak-RSS-MB")},
		{what: "memory idle", of: sample("Memory", "idle-RSS-MB")},
	}},
	{"Stores", `The store methods by themselves, with the disk waited for at each commit.`, []row{
		{what: "an event's commit, p50, alone, PostgreSQL", of: sample("Receive/inflight=1/postgres", "p50-ms"), readme: true},
		{what: "an event's commit, p50, alone, SQLite", of: sample("Receive/inflight=1/sqlite", "p50-ms")},
		{what: "an event's commit, p99, 64 at once, PostgreSQL", of: sample("Receive/inflight=64/postgres", "p99-ms")},
		{what: "an event's commit, p99, 64 at once, SQLite", of: sample("Receive/inflight=64/sqlite", "p99-ms")},
		{what: "events committed, 2,000 at once, PostgreSQL", of: sample("Receive/inflight=2000/postgres", "events/s")},
		{what: "events committed, 2,000 at once, SQLite", of: sample("Receive/inflight=2000/sqlite", "events/s")},
		{what: "audit rows, three writers on one chain, PostgreSQL", of: sample("Audit/postgres", "rows/s")},
		{what: "audit rows, three writers on one chain, SQLite", of: sample("Audit/sqlite", "rows/s")},
		{what: "threads claimed and released, eight workers, PostgreSQL", of: sample("Claim/postgres", "claims/s")},
		{what: "threads claimed and released, eight workers, SQLite", of: sample("Claim/sqlite", "claims/s")},
	}},
	{"Refresh", `Twelve processes find one access token at its end, a hundred times over, all at once; the authorization server is oidc-provider, which ends the
whole sign-in when it sees a refresh token twice.`, []row{
		{what: "renewals in 100 rounds of 12 processes", of: sample("RefreshRace", "renewals"), atMost: 100, exact: true, readme: true},
		{what: "refused by the server (invalid_grant)", of: sample("RefreshRace", "refused"), exact: true},
		{what: "a round, until all twelve have the new token, p50", of: sample("RefreshRace", "round-p50-ms")},
	}},
}
