package web

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"

	"aurora/bot"
)

//go:embed page.html
var files embed.FS

// view is what the one template shows.
type view struct {
	Title string
	Text  string
	Error string
	Who   string
	Page  *Page
}

func plainView(title, text string) view { return view{Title: title, Text: text} }

// formView is the page that asks. What was typed stands there again after an error, but no secret.
func formView(t bot.ConnectTicket, p Page, typed url.Values, problem string) view {
	for i, f := range p.Fields {
		if v := typed.Get(f.Name); v != "" && !f.Secret {
			p.Fields[i].Value = v
		}
	}
	return view{
		Title: "Connect " + string(t.Cloud), Error: problem, Page: &p,
		Who: "You are connecting " + string(t.Cloud) + " for " + string(t.Person.Platform) + " user " + t.Person.ID + " in workspace " + t.Person.Team +
			". If that is not you, close this page.",
	}
}

func doneView(t bot.ConnectTicket, l Linked) view {
	text := string(t.Cloud) + " account " + l.Account + " is connected. "
	if l.Note != "" {
		text += l.Note + " "
	}
	return plainView("Connected", text+"You can close this page and go back to the chat.")
}

func (s *Server) home(w http.ResponseWriter, _ *http.Request) {
	s.render(w, http.StatusOK, plainView("Aurora", "Aurora lives in your chat: mention it there, or say /aurora help."))
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
