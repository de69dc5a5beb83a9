package redis_test

import (
	"strings"
	"testing"

	"aurora/store/storetest"
)

func TestAMasterWithoutReplicasIsTold(t *testing.T) {
	servers := storetest.Sentinel(t)
	db := open(t, servers.URL)
	if err := db.InStep(t.Context()); err != nil || !db.Replicated() {
		t.Fatalf("with replicas: %v", err)
	}
	for _, replica := range servers.Replicas(t) {
		replica.Kill(t)
	}
	if err := db.InStep(t.Context()); err == nil || !strings.Contains(err.Error(), "no replica of Redis is in step") {
		t.Errorf("without replicas: %v", err)
	}
	if err := db.Ready(t.Context()); err != nil {
		t.Errorf("the master itself: %v", err)
	}
}
