package agent

import (
	"embed"
	"strings"
	"text/template"
	"time"

	"aurora/store"
)

//go:embed prompts/*.md
var promptFiles embed.FS

var prompts = template.Must(template.ParseFS(promptFiles, "prompts/*.md"))

// facts is all the system prompt holds besides our own words: values of closed sets and a time. Nothing anybody can
// name, label or write is ever among them.
type facts struct {
	Mode   store.Mode
	Role   store.Role
	Clouds string
	Now    string
}

// systemPrompt draws the system prompt of a turn.
func systemPrompt(t Turn) string {
	f := facts{Mode: store.Ask, Role: store.Viewer, Clouds: "none", Now: t.Started.UTC().Format(time.RFC1123)}
	switch m := t.Caller.Mode; m {
	case store.Agent, store.Incident:
		f.Mode = m
	}
	if role, ok := store.ParseRole(string(t.Caller.User.Role)); ok {
		f.Role = role
	}
	var clouds []store.Cloud
	for _, known := range store.Clouds() { // only known words, in our order
		for _, c := range t.Clouds {
			if c == known {
				clouds = append(clouds, known)
				break
			}
		}
	}
	if len(clouds) > 0 {
		f.Clouds = spellClouds(clouds)
	}
	return draw("system.md", f)
}

func toolText() string { return draw("tool.md", nil) }

// draw fills a template; its parts are embedded, so failing means that the binary is broken.
func draw(name string, data any) string {
	var b strings.Builder
	if err := prompts.ExecuteTemplate(&b, name, data); err != nil {
		panic("agent: " + err.Error()) // unreachable: every template is drawn in the tests
	}
	return strings.TrimSpace(b.String())
}
