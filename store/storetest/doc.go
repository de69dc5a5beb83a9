// Package storetest starts the real servers that stores are tested on (PostgreSQL, Redis, Sentinel, Vault) and holds
// the conformance suites that every implementation of a store runs. Only tests import it; its suites
// know the stored types alone, so that no implementation is tested against itself. Postgres alone imports store/sql,
// to migrate the databases it gives.
package storetest
