package slack

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"aurora/manifests"
)

func manifest(t testing.TB) slackgo.Manifest {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(manifests.Slack))
	decoder.DisallowUnknownFields()
	var m slackgo.Manifest
	if err := decoder.Decode(&m); err != nil {
		t.Fatalf("manifests/slack.json: %v", err)
	}
	return m
}

// TestManifestKeepsToTheSchema checks what schema 2.0.0 of Slack's app manifests demands of what we use of it.
func TestManifestKeepsToTheSchema(t *testing.T) {
	t.Parallel()
	m := manifest(t)
	command := m.Features.SlashCommands[0]
	for what, ok := range map[string]bool{
		"major_version is 2":                      m.Metadata.MajorVersion == 2,
		"name of 1 to 35 characters":              within1(m.Display.Name, 35),
		"description of 1 to 140 characters":      within1(m.Display.Description, 140),
		"display_name of 1 to 80 characters":      within1(m.Features.BotUser.DisplayName, 80),
		"agent_description of 1 to 300":           m.Features.AgentView != nil && within1(m.Features.AgentView.AgentDescription, 300),
		"at most 4 suggested prompts":             len(m.Features.AgentView.SuggestedPrompts) <= 4,
		"no assistant_view beside agent_view":     m.Features.AssistantView == nil,
		"one slash command, /aurora":              len(m.Features.SlashCommands) == 1 && command.Command == "/aurora",
		"no url on the command in Socket Mode":    command.Url == "",
		"usage hint of at most 1000":              utf8.RuneCountInString(command.UsageHint) <= 1000,
		"names and links in commands are escaped": command.ShouldEscape,
		"at most 100 bot events":                  len(m.Settings.EventSubscriptions.BotEvents) <= 100,
		"no request url for events":               m.Settings.EventSubscriptions.RequestUrl == "",
		"interactivity without a url":             m.Settings.Interactivity.IsEnabled && m.Settings.Interactivity.RequestUrl == "",
		"Socket Mode":                             m.Settings.SocketModeEnabled,
		"no token rotation":                       !m.Settings.TokenRotationEnabled,
		"no org-wide installation":                !m.Settings.OrgDeployEnabled,
		"background colour":                       len(m.Display.BackgroundColor) == 7 && m.Display.BackgroundColor[0] == '#',
	} {
		if !ok {
			t.Errorf("the manifest breaks: %s", what)
		}
	}
	if !bytes.Contains(manifests.Slack, []byte(`"messages_tab_read_only_enabled": false`)) {
		t.Error("people cannot write to Aurora: messages_tab_read_only_enabled must be false and spelled out")
	}
}

func within1(s string, most int) bool { return s != "" && utf8.RuneCountInString(s) <= most }

// TestManifestEventsAreHandled compares three lists: what the manifest subscribes to, what the adapter says it
// handles, and the event types its code switches on.
func TestManifestEventsAreHandled(t *testing.T) {
	t.Parallel()
	subscribed := slices.Sorted(slices.Values(manifest(t).Settings.EventSubscriptions.BotEvents))
	if diff := cmp.Diff(subscribed, slices.Sorted(slices.Values(HandledEvents()))); diff != "" {
		t.Errorf("subscribed events differ from handled ones:\n%s", diff)
	}
	types := map[string]string{"AppMentionEvent": "app_mention", "AppHomeOpenedEvent": "app_home_opened", "MessageEvent": "message.im", "AgentSessionStoppedEvent": "agent_session_stopped",
		"AppUninstalledEvent": "app_uninstalled", "TokensRevokedEvent": "tokens_revoked", "UserChangeEvent": "user_change"}
	var switched []string
	for _, name := range slackeventsCases(t) {
		if types[name] == "" {
			t.Errorf("the adapter handles %s, which this test does not know: subscribe to it and add it here", name)
		}
		switched = append(switched, types[name])
	}
	if diff := cmp.Diff(subscribed, slices.Sorted(slices.Values(switched))); diff != "" {
		t.Errorf("subscribed events differ from those in the switch:\n%s", diff)
	}
	for _, event := range subscribed {
		inner, _, _ := strings.Cut(event, ".")
		if _, ok := slackevents.EventsAPIInnerEventMapping[slackevents.EventsAPIType(inner)]; !ok {
			t.Errorf("slack-go cannot decode %s", event)
		}
	}
}

// slackeventsCases lists the slackevents types in the type switch of receiveEvent.
func slackeventsCases(t *testing.T) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "translate.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		clause, ok := n.(*ast.CaseClause)
		if !ok {
			return true
		}
		for _, e := range clause.List {
			if star, ok := e.(*ast.StarExpr); ok {
				if sel, ok := star.X.(*ast.SelectorExpr); ok {
					names = append(names, sel.Sel.Name)
				}
			}
		}
		return true
	})
	return names
}

// scopesOf says which scopes each thing the adapter uses needs. Web API methods go by slack-go's names.
var scopesOf = map[string][]string{
	"AuthTestContext":                            nil,
	"StartSocketModeContext":                     nil, // the app-level token's own
	"PostMessageContext":                         {"chat:write"},
	"PostEphemeralContext":                       {"chat:write"},
	"UpdateMessageContext":                       {"chat:write"},
	"SetAssistantThreadsStatusContext":           {"chat:write"},
	"SetAssistantThreadsTitleContext":            {"assistant:write"},
	"SetAssistantThreadsSuggestedPromptsContext": {"assistant:write"},
	"SetAgentSessionStatusContext":               {"assistant:write"},
	"RenameAgentSessionContext":                  {"assistant:write"},
	"OpenConversationContext":                    {"im:write"},
	"GetConversationInfoContext":                 {"channels:read", "groups:read"},
	"GetUsersInConversationContext":              {"channels:read", "groups:read"},
	"GetConversationRepliesContext":              {"channels:history", "groups:history", "im:history"},
	"GetConversationHistoryContext":              {"channels:history", "groups:history", "im:history"},
	"GetUserInfoContext":                         {"users:read", "users:read.email"},
	"GetUsersPaginated":                          {"users:read"},
	"GetUploadURLExternalContext":                {"files:write"},
	"UploadToURL":                                {"files:write"},
	"CompleteUploadExternalContext":              {"files:write"},
	"OpenViewContext":                            nil,
	"UpdateViewContext":                          nil,
	"PublishViewContext":                         nil,
	"event app_mention":                          {"app_mentions:read"},
	"event message.im":                           {"im:history"},
	"slash command":                              {"commands"},
	"agent_view":                                 {"assistant:write"},
}

func TestManifestScopesAreThoseUsed(t *testing.T) {
	t.Parallel()
	needed := map[string]bool{}
	used := append(apiMethods(t), "event app_mention", "event message.im", "slash command", "agent_view")
	for _, what := range used {
		scopes, known := scopesOf[what]
		if !known {
			t.Errorf("the adapter calls %s, which is not in the table of scopes", what)
		}
		for _, scope := range scopes {
			needed[scope] = true
		}
	}
	scopes := manifest(t).OAuthConfig.Scopes
	asked := slices.Sorted(slices.Values(append(slices.Clone(scopes.Bot), scopes.BotOptional...)))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(needed)), asked); diff != "" {
		t.Errorf("scopes needed (-) and asked for (+) differ:\n%s", diff)
	}
	if len(scopes.User) > 0 || len(scopes.UserOptional) > 0 {
		t.Error("the app asks for scopes of its users")
	}
	for what := range scopesOf {
		if !slices.Contains(used, what) {
			t.Errorf("the table of scopes has %s, which is not used", what)
		}
	}
}

// apiMethods lists the methods called on the Web API client.
func apiMethods(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok {
				if on, ok := call.X.(*ast.SelectorExpr); ok && on.Sel.Name == "api" {
					names[call.Sel.Name] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(names))
}

// TestNoDebugging keeps slack-go's debug mode out: it logs message bodies and asks for sockets of six minutes.
func TestNoDebugging(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		body, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"OptionDebug", "debug_reconnects", "SocketmodeHandler", "LinkNames", "httputil.Dump"} {
			if bytes.Contains(body, []byte(word)) {
				t.Errorf("%s uses %s", f.Name(), word)
			}
		}
	}
}
