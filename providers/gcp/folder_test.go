package gcp

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"
)

func organised(t *testing.T) (*cloudsim.Server, *Connector, FolderSetup) {
	t.Helper()
	sim, c := simulated(t)
	sim.OrganiseGCP(700)
	return sim, c, FolderSetup{Key: sim.ServiceAccountKey(cloudsim.GCPBase), Reader: cloudsim.GCPReader, Operator: cloudsim.GCPOperator, Folder: "folders/" + cloudsim.GCPFolder}
}

func TestAFolderGivesTheProjectsBelowIt(t *testing.T) {
	t.Parallel()
	sim, c, setup := organised(t)
	link, err := c.ConnectFolder(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	if len(link.Projects) != 700 || !slices.Contains(link.Projects, cloudsim.GCPMember(8)) || slices.Contains(link.Projects, cloudsim.GCPMember(701)) || link.ReadOnly {
		t.Errorf("%d projects, read only %v", len(link.Projects), link.ReadOnly)
	}
	if n := sim.Executed("resourcemanager.projects.list"); n != 4 {
		t.Errorf("the projects were asked for in %d pages", n)
	}
	for slot, row := range map[providers.Slot][2]string{
		providers.ReadSlot: {cloudsim.GCPReader, ScopeRead}, providers.WideSlot: {cloudsim.GCPOperator, ScopeWide},
	} {
		tokens, err := c.Renew(t.Context(), store.Connection{}, link.Credential, slot)
		if err != nil || !slices.Equal(tokens.Scopes, []string{row[1]}) {
			t.Fatalf("%s: %v, %v", slot, tokens.Scopes, err)
		}
		sim.Forget()
		if _, _, err := c.Projects(t.Context(), tokens.Access); err != nil {
			t.Fatal(err)
		}
		if asked := sim.Requests("resourcemanager.*"); asked[0].Principal != row[0] {
			t.Errorf("%s works as %s", slot, asked[0].Principal)
		}
	}
	sim.Change(func(w *cloudsim.World) { w.GCP.Impersonators = nil })
	var p *providers.Problem
	if _, err := c.Renew(t.Context(), store.Connection{}, link.Credential, providers.ReadSlot); !errors.As(err, &p) || !p.Broken || !strings.Contains(p.Sentence, "Token Creator") {
		t.Errorf("without the role: %v", err)
	}
}

func TestAFolderForReadingNeverChanges(t *testing.T) {
	t.Parallel()
	_, c, setup := organised(t)
	setup.Operator = ""
	link, err := c.ConnectFolder(t.Context(), setup)
	if err != nil || !link.ReadOnly {
		t.Fatalf("read only %v, %v", link.ReadOnly, err)
	}
	if tokens, err := c.Renew(t.Context(), store.Connection{}, link.Credential, providers.WideSlot); err != nil || !slices.Equal(tokens.Scopes, []string{ScopeRead}) {
		t.Errorf("%v, %v", tokens.Scopes, err)
	}
}

func TestAFolderThatCannotBeUsedIsNotLinked(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*cloudsim.Server, *FolderSetup)
		says   string
	}{
		"not a folder":         {func(_ *cloudsim.Server, s *FolderSetup) { s.Folder = "../projects" }, "not the number of a folder"},
		"another's folder":     {func(_ *cloudsim.Server, s *FolderSetup) { s.Folder = "999" }, "does not let this identity list projects"},
		"a person":             {func(_ *cloudsim.Server, s *FolderSetup) { s.Reader = cloudsim.GCPUser }, "not the address of a service account"},
		"one account for both": {func(_ *cloudsim.Server, s *FolderSetup) { s.Operator = s.Reader }, "two service accounts"},
		"the key's own":        {func(_ *cloudsim.Server, s *FolderSetup) { s.Reader = cloudsim.GCPBase }, "a third service account"},
		"no token creator": {func(w *cloudsim.Server, _ *FolderSetup) {
			w.Change(func(w *cloudsim.World) { delete(w.GCP.Impersonators, cloudsim.GCPOperator) })
		}, "Service Account Token Creator"},
		"no key": {func(_ *cloudsim.Server, s *FolderSetup) { s.Key = "{}" }, "service account"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, c, setup := organised(t)
			row.change(sim, &setup)
			_, err := c.ConnectFolder(t.Context(), setup)
			var p *providers.Problem
			if !errors.As(err, &p) || p.Code != providers.CodeRefused || !strings.Contains(p.Sentence, row.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
