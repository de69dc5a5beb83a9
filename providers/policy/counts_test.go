package policy

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// floors are the commands each table had when it was last reviewed; a table that shrinks below has lost its source.
var floors = map[string]int{"aws": 18793, "gcloud": 14582, "az": 5189, "scw": 989, "kubectl": 113, "terraform": 39, "helm": 35, "gsutil": 60, "bq": 30}

func TestTablesDoNotShrink(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("tables/counts.txt")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+) commands=(\d+)`).FindAllStringSubmatch(string(text), -1) {
		told[m[1]], _ = strconv.Atoi(m[2])
	}
	for tool, floor := range floors {
		d := engine().dialects[tool]
		n := 0
		for _, node := range d.table.nodes {
			if node.class >= 0 {
				n++
			}
		}
		if n < floor || n != told[tool] {
			t.Errorf("%s has %d commands, counts.txt says %d, want at least %d", tool, n, told[tool], floor)
		}
	}
}

// TestSecretReadsAreNeverShown checks every command that is known to return a secret.
func TestSecretReadsAreNeverShown(t *testing.T) {
	t.Parallel()
	for _, r := range readRows(t, "gen/labels/secret_reads.csv.gz") {
		j := judge(r["command"])
		if j.ask.Decision == Allow && !j.ask.Mask && !j.v.Facets.Any(Data|Log) && !harmless[r["command"]] {
			t.Errorf("%s is shown as it is: %s (%s)", r["command"], j.v.Facets, r["what"])
		}
	}
}

// harmless are commands of that list that were reviewed: they name secrets and do not show them, or show none without a
// flag that is refused.
var harmless = map[string]bool{
	"aws iam get-credential-report": true, "az ad app federated-credential list": true, "az ad app federated-credential show": true,
	"az identity federated-credential list": true, "az identity federated-credential show": true, "az afd secret show": true,
	"az dla catalog credential list": true, "az dla catalog credential show": true, "kubectl get": true,
}

func TestDigestNamesTables(t *testing.T) {
	t.Parallel()
	if v := engine().Version(); len(v) != 16 || strings.Trim(v, "0123456789abcdef") != "" {
		t.Errorf("version %q", v)
	}
}
