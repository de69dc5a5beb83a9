package cloudsim

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// signIn answers a sign-in address: with a page for people, at once when the consent was given beforehand, and with a
// redirect when the page's form comes back.
func (a *authorizationServer) signIn(r *request, w *World) reply {
	query := r.URL.Query()
	if r.Method == http.MethodPost {
		form, err := url.ParseQuery(string(r.body))
		if err != nil {
			return signInRefusal("invalid_request: the form could not be read.")
		}
		query = form
	}
	redirect, refused, code := a.authorize(query)
	if refused != nil {
		return signInRefusal(refused.Error())
	}
	if code != "" {
		back := redirect.Query()
		back.Set("error", code)
		back.Set("state", query.Get("state"))
		answer := redirectTo(redirect, back)
		answer.code = code
		return answer
	}
	if r.Method == http.MethodPost {
		return a.answer(query, redirect, Consent{Account: query.Get("account"), Scopes: query["granted"], Deny: query.Get("decision") != "allow"})
	}
	if a.consent != nil {
		return a.answer(query, redirect, *a.consent)
	}
	return a.page(query, w)
}

func signInRefusal(text string) reply {
	code, _, _ := strings.Cut(text, ":")
	return reply{status: http.StatusBadRequest, code: code, body: []byte("Error 400: " + text + "\n"), header: map[string]string{"Content-Type": "text/plain; charset=utf-8"}}
}

type signInPage struct {
	Cloud    string
	Accounts []string
	Chosen   string
	Scopes   []string
	Hidden   map[string]string
}

func (a *authorizationServer) page(query url.Values, w *World) reply {
	data := signInPage{Cloud: a.name, Accounts: a.accounts(w), Scopes: strings.Fields(query.Get("scope")), Hidden: map[string]string{}}
	if len(data.Accounts) > 0 {
		data.Chosen = data.Accounts[0]
	}
	if hint := query.Get("login_hint"); slices.Contains(data.Accounts, hint) {
		data.Chosen = hint
	}
	for name := range query {
		data.Hidden[name] = query.Get(name)
	}
	var b bytes.Buffer
	if err := signInTemplate.Execute(&b, data); err != nil {
		return signInRefusal("server_error: " + err.Error())
	}
	return reply{status: http.StatusOK, body: b.Bytes(), header: map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
	}}
}

var signInTemplate = template.Must(template.New("sign-in").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated sign-in</title>
<style>body{font:16px/1.5 sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}fieldset{border:1px solid #ccc;border-radius:8px;margin:1rem 0}button{font:inherit;padding:.4rem 1rem;margin-right:.5rem}</style></head>
<body><h1>Sign in</h1><p>This is the simulated sign-in of <strong>{{.Cloud}}</strong>. No real account is involved.</p>
<form method="post">{{range $name, $value := .Hidden}}<input type="hidden" name="{{$name}}" value="{{$value}}">{{end}}
<fieldset><legend>Account</legend>{{range $i, $a := .Accounts}}<label><input type="radio" name="account" value="{{$a}}"{{if eq $a $.Chosen}} checked{{end}}> {{$a}}</label><br>{{end}}</fieldset>
<fieldset><legend>May do</legend>{{range .Scopes}}<label><input type="checkbox" name="granted" value="{{.}}" checked> {{.}}</label><br>{{end}}</fieldset>
<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form></body></html>
`))
