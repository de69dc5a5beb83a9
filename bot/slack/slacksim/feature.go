package slacksim

import (
	"fmt"
	"maps"
	"slices"
)

// Feature is something a workspace may lack: by its plan, or because its admins said no.
type Feature string

const (
	// FeatureStatus is assistant.threads.*: status lines, titles and suggested prompts.
	FeatureStatus Feature = "status"
	// FeatureSessions is agents.sessions.*, and with it the stop button.
	FeatureSessions Feature = "sessions"
	// FeatureStreams is chat.startStream, .appendStream and .stopStream.
	FeatureStreams Feature = "streams"
	// FeatureFiles is uploading files.
	FeatureFiles Feature = "files"
	// FeatureFeedback is the context_actions block, with its feedback and icon buttons.
	FeatureFeedback Feature = "feedback"
	// FeatureHome is the app's Home tab.
	FeatureHome Feature = "home"
)

// Features are all there are; a workspace has each of them until [Server.Switch] takes it away.
func Features() []Feature {
	return []Feature{FeatureStatus, FeatureSessions, FeatureStreams, FeatureFiles, FeatureFeedback, FeatureHome}
}

// lackedBy says which feature a Web API method needs and how Slack words that it is not there.
func lackedBy(method string) (f Feature, code string) {
	switch method {
	case "assistant.threads.setStatus", "assistant.threads.setTitle", "assistant.threads.setSuggestedPrompts":
		return FeatureStatus, "feature_not_enabled"
	case "agents.sessions.setStatus", "agents.sessions.rename":
		return FeatureSessions, "feature_disabled"
	case "chat.startStream", "chat.appendStream", "chat.stopStream":
		return FeatureStreams, "feature_not_enabled"
	case "files.getUploadURLExternal", "files.completeUploadExternal":
		return FeatureFiles, "file_uploads_disabled"
	case "views.publish":
		return FeatureHome, "not_enabled"
	}
	return "", ""
}

// enabled refuses a method whose feature the workspace lacks.
func (t *team) enabled(method string) *refusal {
	feature, code := lackedBy(method)
	if t == nil || feature == "" || !t.off[feature] {
		return nil
	}
	return refuse(code)
}

// Switch gives a workspace a feature or takes it away; the first workspace when team is empty. It holds from the
// next call on.
func (s *Server) Switch(team string, f Feature, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.teams[firstOf(team, s.teamOrder[0])]
	if t == nil || t.Foreign {
		return fmt.Errorf("the app is not installed in %q", team)
	}
	if !slices.Contains(Features(), f) {
		return fmt.Errorf("there is no feature %q; there are %v", f, Features())
	}
	delete(t.off, f)
	if !on {
		t.off[f] = true
	}
	s.touch()
	return nil
}

// missingFeatures are those a workspace lacks, by name.
func (t *team) missingFeatures() []Feature {
	return slices.Sorted(maps.Keys(t.off))
}
