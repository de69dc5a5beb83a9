// Package storetest starts the real servers that stores are tested on (PostgreSQL, Redis, Sentinel, Vault) and holds
// the conformance suites that every implementation of a store runs. Only tests import it; it imports no store but the
// stored types, so that no implementation is tested against itself.
package storetest
