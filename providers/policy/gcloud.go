package policy

import "strings"

// gcloudGlobals are gcloud's own flags, the hidden ones too.
const gcloudGlobals = `
--project v scope:project
--format v format
--filter v
--flatten v shape
--sort-by v
--limit v
--page-size v
--uri b shape
--quiet,-q b
--user-output-enabled o
--no-user-output-enabled b
--verbosity v verbosity
--http-timeout v
--document v
--access-token-file v !identity-switch
--account v !identity-switch
--authority-selector v !identity-switch
--authorization-token-file v !identity-switch
--billing-project v !identity-switch
--configuration v !identity-switch
--credential-file-override v !identity-switch
--impersonate-service-account v !identity-switch
--universe-domain v !identity-switch
--flags-file v !local-file
--log-http b !debug-output
--no-log-http b !debug-output
--trace-token v !debug-output
--trace-email v !debug-output
--capture-session-file v !local-file
--help,-h b !help
--version,-v b !help
`

// gsutilGlobals stand in front of gsutil's command word; the ones that change identity or settings are refused.
const gsutilGlobals = `
-m b
-q b
-u v scope:project
-D b !debug-output
-DD b !debug-output
-d b !debug-output
-h v !identity-switch
-i v !identity-switch
-o v !identity-switch
--help b !help
--version b !help
`

// bqGlobals are bq's own flags; it takes them anywhere.
const bqGlobals = `
--project_id v scope:project
--location v scope:location
--dataset_id v
--format v format
--quiet,-q b
--noquiet b
--headless b
--noheadless b
--synchronous_mode,--sync b
--nosynchronous_mode,--nosync b
--fingerprint_job_id b
--max_rows_per_request v
--api v !identity-switch
--api_version v !identity-switch
--apilog v !debug-output
--bigqueryrc v !local-file
--flagfile v !local-file
--ca_certificates_file v !local-file
--credential_file v !identity-switch
--application_default_credential_file v !identity-switch
--service_account v !identity-switch
--service_account_private_key_file v !identity-switch
--service_account_private_key_password v !identity-switch
--service_account_credential_file v !identity-switch
--oauth_access_token v !identity-switch
--use_gce_service_account b !identity-switch
--proxy_address v !identity-switch
--proxy_port v !identity-switch
--proxy_username v !identity-switch
--proxy_password v !identity-switch
--disable_ssl_validation b !identity-switch
--debug_mode b !debug-output
--trace v !debug-output
--show_stack_trace b !debug-output
--help b !help
--version b !help
`

// judgeGcloud tells what only values and arguments tell.
func judgeGcloud(c *call, v *Verdict) {
	for i := range c.flags {
		f := &c.flags[i]
		if f.global != nil && f.global.action == "verbosity" && (f.value == "debug" || f.value == "info") {
			v.forbid("debug-output", "--verbosity=%s %s", f.value, forbiddenFlags["debug-output"])
		}
	}
	gcloudPlaces(c, v)
	words := strings.Fields(c.path)
	last := words[len(words)-1]
	if last == "help" {
		judgeHelp(c, v)
		return
	}
	if len(words) > 2 && (words[1] == "storage" || words[2] == "storage") && (last == "cp" || last == "mv" || last == "rsync") {
		judgeCopy(c, v, last, "gs://", "gcloud storage objects compose or the Storage Transfer Service")
		return
	}
	if c.storage() {
		for _, arg := range c.args {
			if !strings.HasPrefix(arg, "gs://") {
				v.forbid("local-file", "%q is no gs:// address; it may be a file of the machine Aurora runs on.", clip(arg))
			}
		}
		return
	}
	names := c.d.table.args[c.leaf.args]
	for i := range c.args {
		if len(names) == 0 {
			break
		}
		name := names[min(i, len(names)-1)]
		if fileArg(name) && v.namesFile(c.args[i]) {
			v.forbid("local-file", "The argument %q is a file of the machine Aurora runs on; chat has none.", clip(c.args[i]))
		}
	}
}

// judgeHelp lets gcloud help speak of commands. It runs the words it is given with one more flag, so they must be command
// words and nothing else, and not of a command that takes anything. What stands after -- it searches for, in an index of
// all its commands that every run makes anew: a minute of work for nothing, where it works at all.
func judgeHelp(c *call, v *Verdict) {
	if len(c.args) == 0 || c.args[0] == "help" || len(c.rest) > 0 {
		v.forbid("help", "gcloud help alone opens a manual, and a search with -- takes minutes. Name a command: gcloud help compute instances list")
		return
	}
	n := &c.d.table.nodes[0]
	for _, word := range c.args {
		if n = c.d.table.child(n, word); n == nil {
			v.forbid(RuleUnknown, "gcloud has no command with the word %q. Name a command: gcloud help compute instances list", clip(word))
			return
		}
	}
	if n.class >= 0 && c.d.table.classes[n.class].effect == Forbidden {
		v.forbid("local-config", "This command never runs from chat, nor does its help. Read it in the documentation.")
	}
}

// storage reports the gcloud storage commands that take a file's name as gladly as an object's.
func (c *call) storage() bool {
	_, verb, ok := strings.Cut(c.path, " storage ")
	switch verb {
	case "cat", "du", "hash", "ls", "rm":
		return ok
	}
	return false
}

// fileArg reports arguments that the grammar names as local files.
func fileArg(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "..."))
	return name == "file" || strings.HasSuffix(name, "_file") || strings.HasSuffix(name, "-file") || strings.HasSuffix(name, "_files") || name == "local_path" || name == "local-path"
}

func judgeBQ(c *call, v *Verdict) {
	bqPlaces(c, v)
	for _, f := range c.flags {
		if f.name == "--udf_resource" || f.name == "--schema" && f.valued && !strings.Contains(f.value, ":") {
			v.forbid("local-file", "%s %s", f.name, forbiddenFlags["local-file"])
		}
	}
	if c.path == "bq load" && len(c.args) > 1 && !strings.HasPrefix(c.args[1], "gs://") {
		v.forbid("local-file", "%q is a file of the machine Aurora runs on. Load from gs://.", clip(c.args[1]))
	}
	if c.path == "bq extract" && len(c.args) > 1 && !strings.HasPrefix(c.args[1], "gs://") {
		v.forbid("local-file", "%q is not a gs:// address.", clip(c.args[1]))
	}
}

func judgeGsutil(c *call, v *Verdict) {
	if v.Effect == Forbidden {
		return
	}
	for _, arg := range c.args {
		if !strings.HasPrefix(arg, "gs://") {
			v.forbid("local-file", "%q is not a gs:// address.", clip(arg))
		}
	}
}
