package bot

import (
	"encoding/json"
	"strings"

	"aurora/providers"
	"aurora/store"
)

// mostTitle is the longest title of a thread, in characters.
const mostTitle = 80

// titleOf names a thread by the first line of what began it.
func titleOf(ask string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(ask), "\n")
	return clip(strings.Join(strings.Fields(line), " "), mostTitle)
}

// titleFor names the thread that a direct message begins; "" for any other message.
func titleFor(row store.Received, text string) string {
	var p MentionPayload
	if json.Unmarshal(row.Payload, &p) != nil || !p.Direct || p.InThread {
		return ""
	}
	return titleOf(text)
}

// FirstPrompts is what somebody could say who has just opened the direct messages.
func FirstPrompts() []Prompt {
	return []Prompt{
		{Title: "What is connected?", Text: "Which cloud accounts are connected for me?"},
		{Title: "What is wrong?", Text: "Is anything unhealthy in my clouds at the moment?"},
		{Title: "Connect a cloud", Text: "connect aws"},
		{Title: "What can I say?", Text: "help"},
	}
}

// prompts is what the asker could say next. They are made of our own words alone.
func (r *report) prompts() []Prompt {
	var next []Prompt
	if _, ok := r.switchButton(); ok {
		next = append(next, Prompt{Title: "Switch to Agent mode", Text: "mode agent"})
	}
	if cloud := r.unconnected(); cloud != "" {
		next = append(next, Prompt{Title: "Connect " + string(cloud), Text: "connect " + string(cloud)})
	}
	if r.final.Text != "" && r.final.Notice != "" {
		next = append(next, Prompt{Title: "Go on", Text: "Go on from there."})
	}
	return append(next,
		Prompt{Title: "In more detail", Text: "Explain that in more detail."},
		Prompt{Title: "What next?", Text: "What should I look at next?"})
}

// unconnected is the cloud a command was meant for that the asker has no connection to, "" where there is none.
func (r *report) unconnected() store.Cloud {
	for _, c := range r.done {
		if c.Result.Code == providers.CodeNotConnected {
			return c.Result.Cloud
		}
	}
	return ""
}
