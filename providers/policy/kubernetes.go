package policy

import (
	"slices"
	"strings"
)

// kubectlGlobals are kubectl's own flags.
const kubectlGlobals = `
--namespace,-n v scope:namespace
--request-timeout v
--match-server-version b
--warnings-as-errors b
--disable-compression b
--log-flush-frequency v
--v,-v v verbosity
--vmodule v !debug-output
--profile v !debug-output
--profile-output v !local-file
--cache-dir v !local-file
--as v !identity-switch
--as-group v !identity-switch
--as-uid v !identity-switch
--as-user-extra v !identity-switch
--certificate-authority v !identity-switch
--client-certificate v !identity-switch
--client-key v !identity-switch
--cluster v !identity-switch
--context v !identity-switch
--insecure-skip-tls-verify b !identity-switch
--kubeconfig v !identity-switch
--kuberc v !identity-switch
--password v !identity-switch
--proxy-url v !identity-switch
--server,-s v !identity-switch
--tls-server-name v !identity-switch
--token v !identity-switch
--user v !identity-switch
--username v !identity-switch
--help,-h b !help
`

// helmGlobals are helm's own flags.
const helmGlobals = `
--namespace,-n v scope:namespace
--color v
--qps v
--burst-limit v
--debug b !debug-output
--kube-apiserver v !identity-switch
--kube-as-group v !identity-switch
--kube-as-user v !identity-switch
--kube-ca-file v !identity-switch
--kube-context v !identity-switch
--kube-insecure-skip-tls-verify b !identity-switch
--kube-tls-server-name v !identity-switch
--kube-token v !identity-switch
--kubeconfig v !identity-switch
--registry-config v !local-file
--repository-cache v !local-file
--repository-config v !local-file
--help,-h b !help
`

// terraformGlobals stand in front of terraform's command word.
const terraformGlobals = `
-chdir v !local-file
-help,-h b !help
-version,-v b
-var-file v !local-file
-generate-config-out v !local-file
-out v !local-file
-state v !local-file
`

// judgeKubectl tells what only resource kinds, output formats and dry runs tell.
func judgeKubectl(c *call, v *Verdict) {
	for i := range c.flags {
		f := &c.flags[i]
		if f.global != nil && f.global.action == "verbosity" && f.value > "5" || f.global != nil && f.global.action == "verbosity" && len(f.value) != 1 {
			v.forbid("debug-output", "-v=%s prints requests and responses. Leave it out.", f.value)
		}
		if f.own != nil && (f.name == "-o" || f.name == "--output" || f.name == "--template") && fileFormat(f) {
			v.forbid("local-file", "The output format %q is read from a file of the machine Aurora runs on.", clip(f.value))
		}
	}
	verb := strings.TrimPrefix(c.path, "kubectl ")
	if verb == "logs" {
		v.Facets |= Log
	}
	judgeObjects(c, v, verb)
	if dryRun(c) && v.Effect != Forbidden {
		// A dry run changes nothing, and prints as much as the real one.
		v.Effect, v.Facets = Read, v.Facets&(Secret|Masked|Log|Data)
		if !v.Facets.Has(Secret) {
			v.Rule, v.Reason = "dry-run", "A dry run changes nothing."
		}
		return
	}
	if v.Effect > Read && v.Effect < Forbidden && c.d.table.flag(c.leaf, "--dry-run") != nil {
		v.DryRun = dryRunArgv(c)
	}
}

func fileFormat(f *givenFlag) bool {
	format, _, _ := strings.Cut(f.value, "=")
	return strings.HasSuffix(format, "file") || f.name == "--template" && strings.HasPrefix(f.value, "/")
}

// dryRun reports a proven dry run: the last --dry-run on the line says client or server.
func dryRun(c *call) bool {
	last := ""
	for _, f := range c.flags {
		if f.name == "--dry-run" {
			last = f.value
		}
	}
	return last == "client" || last == "server"
}

// dryRunArgv is the same command asking the server what it would do.
func dryRunArgv(c *call) []string {
	argv := make([]string, 0, len(c.argv)+1)
	for i, word := range c.argv {
		if word == "--" {
			return append(append(argv, "--dry-run=server"), c.argv[i:]...)
		}
		if !strings.HasPrefix(word, "--dry-run") {
			argv = append(argv, word)
		}
	}
	return append(argv, "--dry-run=server")
}

// judgeObjects looks for secrets among the objects whose members a command prints: reads do by their output format, and so
// do changes, dry or not.
func judgeObjects(c *call, v *Verdict, verb string) {
	first, _, _ := strings.Cut(verb, " ")
	if slices.Contains(memberless, first) {
		return
	}
	members := verb == "describe" || verb == "apply view-last-applied"
	for _, f := range c.flags {
		if f.own == nil {
			continue
		}
		switch f.own.names[len(f.own.names)-1] {
		case "--output":
			v.Output.Format = f.value
			members = members || showsMembers(f.value)
		case "--template":
			v.Output.Query = f.value
			members = true
		case "--sort-by":
			members = members || strings.Contains(strings.ToLower(f.value), "data")
		case "--resolve":
			v.raise(Read, Secret, "secret-value", "--resolve prints the values of the secrets that the environment refers to.")
		case "--revision", "--list":
			members = members || first == "rollout" || first == "set"
		}
	}
	switch {
	case !members:
	case first != "describe" && first != "create" && namesSecrets(c.args):
		v.raise(Read, Secret, "secret-value", "Secrets print their values in this format; that never goes to a channel or a model.")
	default:
		v.Facets |= Masked
		v.Masked = kubernetesMembers
	}
}

// memberless are commands whose answer has no members of stored objects, whatever its format.
var memberless = []string{"version", "api-resources", "api-versions", "explain", "top", "auth", "config", "cluster-info", "events", "options", "completion", "plugin", "logs"}

// kubernetesMembers are the members of any object that may hold a secret, for one object and for lists.
var kubernetesMembers = []string{
	"data", "stringData", "binaryData", "spec.containers[].env", "spec.initContainers[].env", "spec.template.spec.containers[].env",
	"spec.template.spec.initContainers[].env", "metadata.annotations", "metadata.managedFields", "items[].data", "items[].stringData",
	"items[].binaryData", "items[].spec.containers[].env", "items[].spec.initContainers[].env", "items[].spec.template.spec.containers[].env",
	"items[].spec.template.spec.initContainers[].env", "items[].metadata.annotations", "items[].metadata.managedFields",
}

// showsMembers tells formats that print an object's members from the plain tables, which do not show secret values.
func showsMembers(format string) bool {
	switch format {
	case "", "wide", "name":
		return false
	}
	return true
}

// namesSecrets reports whether the arguments of a kubectl command mean Secret objects: kind lists, kind/name pairs, any spelling
// of the kind with its group or version.
func namesSecrets(args []string) bool {
	for i, arg := range args {
		if i > 0 && !strings.Contains(arg, "/") {
			continue
		}
		for kind := range strings.SplitSeq(arg, ",") {
			kind, _, _ = strings.Cut(kind, "/")
			kind, _, _ = strings.Cut(strings.ToLower(kind), ".")
			if kind == "secret" || kind == "secrets" {
				return true
			}
		}
	}
	return false
}

// judgeTerraform lowers the one proven read and raises applies.
func judgeTerraform(c *call, v *Verdict) {
	if v.Effect == Forbidden || c.path != "terraform fmt" {
		return
	}
	check := ""
	for _, f := range c.flags {
		if f.name == "-check" {
			check = "true"
			if f.valued {
				check = f.value
			}
		}
		if f.name == "-write" && f.value != "false" {
			check = "false"
		}
	}
	if check == "true" {
		v.Effect, v.Rule, v.Reason = Read, "dry-run", "With -check nothing is rewritten."
	}
}
