package providers

import (
	"slices"
	"strings"
)

// outputFlags are the flags that shape a program's output, and what makes it plain JSON instead.
var outputFlags = map[string]struct {
	valued []string // flags with a value, which are left out with it
	bare   []string // switches, which are left out
	force  []string // what is added at the end
	first  []string // what is added before the command's words, where a program takes flags there alone
}{
	"aws":    {[]string{"--query", "--output"}, nil, []string{"--output", "json"}, nil},
	"gcloud": {[]string{"--format", "--flatten"}, []string{"--uri"}, []string{"--format=json"}, nil},
	"az":     {[]string{"--query", "--output", "-o"}, nil, []string{"--output", "json"}, nil},
	"bq":     {[]string{"--format"}, nil, nil, []string{"--format=json"}},
	"scw":    {[]string{"--output", "-o"}, nil, []string{"--output", "json"}, nil},
}

// jsonArgv gives the argv with JSON forced in place of what was asked for; false when the program cannot do that. Our
// own typed commands always print JSON.
func jsonArgv(argv []string) ([]string, bool) {
	if argv[0] == "tailscale" || argv[0] == "ovhcloud" {
		return argv, true
	}
	flags, ok := outputFlags[argv[0]]
	if !ok {
		return nil, false
	}
	out := append([]string{argv[0]}, flags.first...)
	for i := 1; i < len(argv); i++ {
		name, _, joined := strings.Cut(argv[i], "=")
		switch {
		case slices.Contains(flags.bare, argv[i]):
		case slices.Contains(flags.valued, name):
			if !joined {
				i++ // its value
			}
		default:
			out = append(out, argv[i])
		}
	}
	return append(out, flags.force...), true
}

// forceJSON makes the command one whose secret members can be masked. The new argv is judged like any other: it must be
// the same command to policy, so that leaving flags out cannot change what it does.
func (e *Executor) forceJSON(p Prepared) Prepared {
	if p.Code == "" && !p.Ruling.Mask {
		return e.preferJSON(p)
	}
	if p.Code != "" {
		return p
	}
	if flag, why := probes(p.Verdict); flag != "" && p.Command.Argv[0] == "gcloud" {
		return p.refuse(refusal{CodeRefused, "Parts of the output are secret, and " + flag + " " + why + ". Leave it out, or choose by members that are not secret."})
	}
	argv, ok := jsonArgv(p.Command.Argv)
	if !ok {
		return p.refuse(refusal{CodeRefused, "Parts of what " + p.Command.Argv[0] + " prints here are secret and cannot be masked."})
	}
	if slices.Equal(argv, p.Command.Argv) {
		return p
	}
	reshaped, same := e.reshape(p, argv)
	if !same {
		return p.refuse(refusal{CodeRefused, "Parts of the output are secret. Ask for it without a query or format."})
	}
	reshaped.Verdict.Output = p.Verdict.Output
	return reshaped
}

// preferJSON asks scw for JSON where nothing else is asked for: its own tables leave members out and have no setting.
func (e *Executor) preferJSON(p Prepared) Prepared {
	if p.Command.Argv[0] != "scw" || p.Verdict.Output.Format != "" {
		return p
	}
	if reshaped, same := e.reshape(p, append(slices.Clone(p.Command.Argv), "--output", "json")); same {
		return reshaped
	}
	return p
}

// reshape puts another argv in the command's place; false when it is not the same command to policy.
func (e *Executor) reshape(p Prepared, argv []string) (Prepared, bool) {
	command, bad := e.Policy.ParseArgv(argv)
	if bad != nil || !slices.Equal(command.Argv, argv) {
		return p, false
	}
	v := e.Policy.Classify(command)
	same := v.Effect == p.Verdict.Effect && v.Facets == p.Verdict.Facets && v.Path == p.Verdict.Path &&
		slices.Equal(v.Masked, p.Verdict.Masked) && slices.Equal(v.Position, p.Verdict.Position)
	if same {
		p.Command, p.Verdict = command, v
	}
	return p, same
}
