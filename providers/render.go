package providers

import (
	"strings"
)

// rendered is a command's output as it may be shown.
type rendered struct {
	output    string
	full      string // all of output where that was shortened
	private   string
	truncated bool
}

const (
	onceNote     = "The value is shown once, to the asker alone. It is not kept and cannot be read here."
	withheldNote = "The output is withheld: parts of it are secret, and it could not be read as one JSON document to mask them. Ask for fewer items."
)

// render cleans, masks, redacts and shortens, in this order: invisible characters must not hide a secret from
// redaction, and a secret must not be cut in half before it is found.
func (e *Executor) render(j job, out Output) rendered {
	redact := e.Redact.With(out.Secrets...)
	stdout, stderr := string(out.Stdout), redact.Redact(Clean(string(out.Stderr)))
	ruling := j.prepared.Ruling
	if ruling.ShowOnce {
		return renderOnce(j, redact, out, stderr)
	}
	var notes []string
	if ruling.Mask {
		var note string
		stdout, note = maskedText(j, out)
		if note != "" {
			notes = append(notes, note)
		}
	}
	text := strings.TrimRight(redact.Redact(Clean(stdout)), "\n")
	if stderr = strings.TrimSpace(stderr); stderr != "" {
		notes = append(notes, "[stderr]\n"+stderr)
	}
	if said := refusedHosts(j.prepared.Command.Argv[0], out.Refused); said != "" {
		notes = append(notes, redact.Redact(said))
	}
	if said := throttledNote(out.Throttled); said != "" {
		notes = append(notes, said)
	}
	for _, n := range notes {
		text = strings.TrimPrefix(text+"\n"+n, "\n")
	}
	short, cut := shorten(text, j.view)
	shown := rendered{output: short, truncated: cut || out.Truncated}
	if cut {
		shown.full = text
	}
	return shown
}

// maskedText is the output with its secret members masked, in the shape asked for where that can be had.
func maskedText(j job, out Output) (text, note string) {
	masked, err := mask(out.Stdout, j.prepared.Verdict.Masked)
	if err != nil || out.Truncated {
		return withheldNote, ""
	}
	if len(strings.TrimSpace(string(masked))) == 0 {
		return "", ""
	}
	shown, note := project(j.prepared.Command.Argv[0], masked, j.prepared.Verdict.Output)
	return string(shown), note
}

// renderOnce gives a secret that an org rule allows to be read: without the run's own credential, which is never shown.
func renderOnce(j job, redact Redactor, out Output, stderr string) rendered {
	if out.ExitCode != 0 || len(out.Stdout) == 0 {
		said := refusedHosts(j.prepared.Command.Argv[0], out.Refused)
		return rendered{output: strings.TrimSpace(strings.TrimSpace(stderr) + "\n" + redact.Redact(said)), truncated: out.Truncated}
	}
	return rendered{output: onceNote, private: redact.exact(Clean(string(out.Stdout))), truncated: out.Truncated}
}
