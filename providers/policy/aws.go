package policy

import "strings"

// awsGlobals are the aws CLI's own flags, versions 1 and 2.
const awsGlobals = `
--region v scope:region
--output v format
--query v query
--color v
--no-paginate b
--no-cli-pager b
--no-cli-auto-prompt b
--cli-read-timeout v
--cli-connect-timeout v
--cli-binary-format v
--generate-cli-skeleton l
--cli-input-json v !local-file
--cli-input-yaml v !local-file
--profile v !identity-switch
--endpoint-url v !identity-switch
--no-verify-ssl b !identity-switch
--no-sign-request b !identity-switch
--ca-bundle v !local-file
--debug b !debug-output
--v2-debug b !debug-output
--cli-auto-prompt b !interactive
--version b !help
--help b !help
`

// awsValue refuses what version 1 of the CLI opens by itself: file:// and fileb://, also inside shorthand (key@=file://),
// and http(s):// values of parameters that are not addresses by nature.
func (v *Verdict) awsValue(f *givenFlag, value string) {
	if len(value) < 7 || !strings.Contains(value, "://") {
		return
	}
	low := strings.ToLower(value)
	if strings.Contains(low, "file://") || strings.Contains(low, "fileb://") {
		v.forbid("local-file", "The value %q is read from a file of the machine Aurora runs on. Give the content itself.", clip(value))
		return
	}
	fetched := strings.HasPrefix(low, "http://") || strings.HasPrefix(low, "https://")
	if fetched && (f == nil || f.own == nil || f.own.kind&kindURL == 0) || strings.Contains(low, "@=http") {
		v.forbid("fetches-address", "The CLI would fetch %q and send its content. Give the content itself.", clip(value))
	}
}

// judgeAWS tells what only positional arguments tell: output files, and where s3 copies from and to.
func judgeAWS(c *call, v *Verdict) {
	if strings.HasPrefix(c.path, "aws s3 ") {
		judgeS3(c, v)
		return
	}
	names := c.d.table.args[c.leaf.args]
	if len(names) == 0 || names[0] != "outfile" {
		return
	}
	for i := range c.flags { // a word after a flag's first value may still be the output file
		if i > 0 && c.flags[i].name == c.flags[i-1].name && c.flags[i].value != c.flags[i-1].value {
			judgeOutfile(c.flags[i].value, v)
		}
	}
	for _, arg := range c.args {
		judgeOutfile(arg, v)
	}
}

func judgeOutfile(arg string, v *Verdict) {
	if arg != "-" && arg != "/dev/stdout" && (v.Effect != Read || !inRunDirectory(arg)) {
		v.forbid("local-file", "The result would be written to %q on the machine Aurora runs on. Write /dev/stdout in its place.", clip(arg))
	}
}

// judgeS3 looks at the two ends of a copy. Only standard output and the same bucket are known ends: a file is on our
// machine, another bucket may be anybody's.
func judgeS3(c *call, v *Verdict) {
	verb := c.path[len("aws s3 "):]
	if most := s3Words(verb); len(c.args) > most {
		v.forbid(RuleUnknown, "aws s3 %s does not take the word %q.", verb, clip(c.args[most]))
		return
	}
	switch verb {
	case "cp", "mv", "sync":
		judgeCopy(c, v, verb, "s3://", "aws s3api copy-object")
	case "rm", "rb", "mb", "ls", "website", "presign":
		for _, arg := range c.args {
			if verb != "ls" && verb != "presign" && !strings.HasPrefix(arg, "s3://") {
				v.forbid("local-file", "%q is not an s3:// address.", clip(arg))
			}
		}
	}
}

// s3Words is how many addresses an aws s3 command takes.
func s3Words(verb string) int {
	switch verb {
	case "cp", "mv", "sync":
		return 2
	}
	return 1
}

func judgeCopy(c *call, v *Verdict, verb, scheme, instead string) {
	if len(c.args) == 0 {
		return
	}
	from := c.args[0]
	if len(c.args) == 1 {
		if !strings.HasPrefix(from, scheme) {
			v.forbid("local-file", "%q is a file of the machine Aurora runs on.", clip(from))
		}
		return
	}
	to := c.args[len(c.args)-1]
	for _, arg := range c.args[:len(c.args)-1] {
		if !strings.HasPrefix(arg, scheme) {
			v.forbid("local-file", "%q is a file of the machine Aurora runs on.", clip(arg))
			return
		}
		if strings.HasPrefix(to, scheme) && bucket(arg, scheme) != bucket(to, scheme) {
			v.forbid("other-bucket", "A copy to another bucket cannot be taken back and Aurora cannot tell whose it is. Copy single objects with %s, which waits for a click.", instead)
			return
		}
	}
	switch {
	case strings.HasPrefix(to, scheme):
		v.raise(Disrupt, 0, "raises", "It replaces the objects at the destination.")
	case to == "-" && verb == "cp" && len(c.args) == 2 && !v.recursive(c):
		// The command's effect stays a write: one changed word must not turn a copy into a read.
		v.Facets |= Data
		v.Rule, v.Reason = "object-data", "It prints the object's content, for the asker alone. In Ask mode write: aws s3api get-object with /dev/stdout, or gcloud storage cat."
	default:
		v.forbid("local-file", "%q is a file of the machine Aurora runs on. Write - to print one object.", clip(to))
	}
}

func (v *Verdict) recursive(c *call) bool {
	for _, f := range c.flags {
		switch f.name {
		case "--recursive", "-r", "-R":
			return true
		}
	}
	return false
}

func bucket(address, scheme string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(address, scheme), "/")
	return name
}
