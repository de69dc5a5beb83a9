package redis_test

import (
	"testing"

	"aurora/store/redis"
	"aurora/store/storetest"
)

func open(t *testing.T, url string) *redis.DB {
	t.Helper()
	db, err := redis.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func embedded(t *testing.T) *redis.DB {
	t.Helper()
	db, err := redis.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

var limits = storetest.MemoryLimits{Entries: redis.MemoryEntries, Bytes: redis.MemoryBytes}

func TestState(t *testing.T) {
	t.Run("redis-server", func(t *testing.T) { storetest.StateSuite(t, open(t, storetest.Redis(t).URL), limits) })
	t.Run("embedded", func(t *testing.T) { storetest.StateSuite(t, embedded(t), limits) })
	t.Run("Sentinel", func(t *testing.T) { storetest.StateSuite(t, open(t, storetest.Sentinel(t).URL), limits) })
}

func TestClickRunsOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("so many clicks take seconds")
	}
	t.Run("redis-server", func(t *testing.T) { storetest.Clicks(t, open(t, storetest.Redis(t).URL), 64_000) })
	t.Run("embedded", func(t *testing.T) { storetest.Clicks(t, embedded(t), 4_000) })
}
