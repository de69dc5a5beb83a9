package web

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"aurora/bot"
	"aurora/store"
)

//go:embed page.html style.css
var files embed.FS

// view is what the one template shows.
type view struct {
	Title   string
	Text    string
	Error   string
	Who     string
	Token   string // of the page's forms
	Prove   bool   // the page is a button that leads to the chat's own sign-in
	Go      string // where the browser goes on by itself
	Host    string // of Go, for people
	Page    *Page
	Buttons []Choice // of a form without fields
	Conns   []connRow
	Clouds  []string // that can be connected
	Signed  bool     // somebody is signed in here
	Slack   bool     // nobody is, and Slack can tell who it is
	Back    string   // a page of ours to go back to
	Choose  []string // projects to choose the default from
	Chosen  string
}

func plainView(title, text string) view { return view{Title: title, Text: text} }

// who says on every page who gives what to whom.
func who(p pass) string {
	if p.Purpose != bot.PurposeConnect {
		return "This link was made for " + string(p.Person.Platform) + " user " + p.Person.ID + " in workspace " + p.Person.Team + ". If that is not you, close this page."
	}
	if p.Shared {
		return "You are connecting " + string(p.Cloud) + " for everyone in workspace " + p.Person.Team + ", as " + string(p.Person.Platform) + " user " + p.Person.ID +
			". The organisation will own it, not you, and Aurora will use it for those whom an Aurora admin grants it. If that is not what you want, close this page."
	}
	return "You are connecting " + string(p.Cloud) + " for " + string(p.Person.Platform) + " user " + p.Person.ID + " in workspace " + p.Person.Team +
		". Aurora will use it when that person asks, and for nobody else. If that is not you, close this page."
}

func title(p pass) string {
	if p.Shared {
		return "Connect " + string(p.Cloud) + " for everyone"
	}
	return "Connect " + string(p.Cloud)
}

// formView is the page that asks. What was typed stands there again after an error, but no secret.
func formView(p pass, page Page, typed url.Values, problem, token string) view {
	for i, f := range page.Fields {
		if v := typed.Get(f.Name); v != "" && !f.Secret {
			page.Fields[i].Value = v
		}
	}
	return view{Title: title(p), Error: problem, Page: &page, Who: who(p), Token: token}
}

// proveView asks to sign in to the chat first.
func proveView(p pass, token string) view {
	return view{Title: "Who are you?", Who: who(p), Token: token, Prove: true,
		Text: "First sign in with Slack as that person: a link alone does not prove who you are."}
}

// goView goes on to a sign-in.
func goView(p pass) view {
	v := view{Title: "One moment", Who: who(p), Go: p.Go}
	if u, err := url.Parse(p.Go); err == nil {
		v.Host = u.Host
	}
	return v
}

// connectedView tells what was connected and offers what can follow.
func connectedView(p pass, c store.Connection, choices []Choice, token string) view {
	v := view{Title: "Connected", Text: p.Done.Text + " You can close this page and go back to the chat.", Token: token,
		Chosen: c.Settings[store.SettingDefaultProject]}
	if len(c.Projects) > 1 {
		v.Choose = c.Projects
	}
	var wider []Choice
	for _, choice := range choices {
		if strings.HasPrefix(choice.Value, choiceWide) {
			wider = append(wider, choice)
		}
	}
	if wider != nil {
		v.Page = &Page{Choices: wider}
	}
	return v
}

func (s *Server) home(w http.ResponseWriter, _ *http.Request) {
	s.render(w, http.StatusOK, plainView("Aurora", "Aurora lives in your chat: mention it there, or say /aurora help."))
}

// style serves the one style sheet: pages hold no style of their own, so that none can be slipped in.
func (s *Server) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "style.css")
}

func (s *Server) render(w http.ResponseWriter, status int, v view) {
	page, err := template.ParseFS(files, "page.html")
	if err != nil { // unreachable: the page is embedded and its test parses it
		http.Error(w, "Aurora's page is broken.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := page.Execute(w, v); err != nil {
		s.Log.Info().Err(err).Msg("write a page")
	}
}
