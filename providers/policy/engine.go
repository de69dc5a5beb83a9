// Package policy judges cloud commands: it parses a line into an argv, classifies the argv by the CLIs' own
// grammar (effect and facets), and decides in a context (mode, role, channel, org rules). The executor calls it
// before every run and again at every click; `aurora policy` and `aurora explain` print what it thinks. It is
// pure: it runs nothing, opens nothing, and reads nothing but its embedded tables and what it is given.
// Whatever it does not know is refused.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
)

// Engine holds the tables and the organisation's rules. It is safe for concurrent use.
type Engine struct {
	dialects map[string]*dialect
	programs []string // in alphabetical order, for sentences
	rules    *Rules
	version  string
}

// New loads the embedded tables; rules may be nil. An error means that the binary is broken and nothing may run.
func New(rules *Rules) (*Engine, error) {
	dialects := []*dialect{
		{name: "aws", provider: "aws", style: argparse, globals: parseGlobals(awsGlobals), judge: judgeAWS},
		{name: "gcloud", provider: "gcp", style: argparse, globals: parseGlobals(gcloudGlobals), judge: judgeGcloud},
		{name: "az", provider: "azure", style: argparse, globals: parseGlobals(azGlobals), judge: judgeAz},
		{name: "scw", provider: "scaleway", style: keyvalue, globals: parseGlobals(scwGlobals), judge: judgeScw},
		{name: "kubectl", provider: "kubernetes", style: pflag, globals: parseGlobals(kubectlGlobals), judge: judgeKubectl},
		{name: "helm", provider: "helm", style: pflag, globals: parseGlobals(helmGlobals)},
		{name: "terraform", provider: "terraform", style: goflag, globals: parseGlobals(terraformGlobals), judge: judgeTerraform},
		{name: "gsutil", provider: "gcp", style: pflag, globals: parseGlobals(gsutilGlobals), judge: judgeGsutil},
		{name: "bq", provider: "gcp", style: abslflag, globals: parseGlobals(bqGlobals), judge: judgeBQ},
	}
	digest, err := loadTables(dialects)
	if err != nil {
		return nil, err
	}
	dialects = append(dialects, &dialect{name: "tailscale", provider: "tailscale"}, &dialect{name: "ovhcloud", provider: "ovh"})
	e := &Engine{dialects: map[string]*dialect{}, rules: rules}
	for _, d := range dialects {
		e.dialects[d.name] = d
		e.programs = append(e.programs, d.name)
	}
	slices.Sort(e.programs)
	e.version = digest
	if rules != nil {
		e.version += "+" + rules.digest
	}
	return e, nil
}

// loadTables reads the tables side by side: two of them are as large as all others.
func loadTables(dialects []*dialect) (string, error) {
	packed := make([][]byte, len(dialects))
	errs := make([]error, len(dialects))
	var wait sync.WaitGroup
	for i, d := range dialects {
		wait.Go(func() { d.table, packed[i], errs[i] = loadTable(d.name) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, p := range packed {
		sum.Write(p)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// Version is a digest of tables and org rules; it belongs into every audit row.
func (e *Engine) Version() string { return e.version }
