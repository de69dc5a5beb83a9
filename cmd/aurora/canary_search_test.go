package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

// search looks everywhere.
func (h *hunt) search() {
	h.canaries.addSessions(h.t, h.sims.clouds)
	export := call(h.t, h.replicas[0].cmd.Env, "audit", "export")
	places := map[string]string{"the logs": h.logs(), "PostgreSQL": h.tables(), "Redis": h.keys(), "the export": export.out + export.err}
	h.mu.Lock()
	for line := range h.lines {
		if !strings.Contains(line, "vault") { // the test's own server is started with its root token alone
			places["command lines"] += line + "\n"
		}
	}
	h.mu.Unlock()
	for _, r := range h.replicas {
		places["files of "+r.name] = filesBelow(h.t, r.cmd.Env)
	}
	for _, r := range h.sims.model.Requests() {
		places["the model"] += string(r.Body)
	}
	for _, call := range h.sims.slack.Calls("") {
		raw, _ := json.Marshal(call.Args)
		places["Slack"] += string(raw) + "\n"
	}
	messages, _ := h.sims.slack.Messages(people["ada"], rooms["ops"])
	for _, m := range messages {
		places["Slack"] += m.Plain + "\n"
	}
	for where, text := range places {
		for what, canary := range h.canaries {
			absent(h.t, where, text, what, canary)
		}
	}
	h.searchVault()
	if export.code != 0 || strings.Count(export.out, "\n") < 10 {
		h.t.Errorf("the export ended with %d and %d lines", export.code, strings.Count(export.out, "\n"))
	}
	if !strings.Contains(places["command lines"], "describe-instances") || !strings.Contains(places["Slack"], privateCanary) || len(places["PostgreSQL"]) < 10_000 || len(places["Redis"]) < 500 {
		h.t.Errorf("the search saw little: %d bytes of tables, %d of keys", len(places["PostgreSQL"]), len(places["Redis"]))
	}
	seen, _ := h.sims.slack.Messages(people["ben"], rooms["ops"])
	for _, m := range seen {
		if strings.Contains(m.Plain, privateCanary) {
			h.t.Errorf("ben sees what is for ada alone: %s", m.Plain)
		}
	}
	absent(h.t, "the logs", places["the logs"], "an output", privateCanary)
}

// absent fails when a text holds a canary in any of the forms it may be written in.
func absent(t testing.TB, where, text, what, canary string) {
	t.Helper()
	quoted, _ := json.Marshal(canary)
	forms := []string{canary, strings.Trim(string(quoted), `"`), url.QueryEscape(canary), hex.EncodeToString([]byte(canary))}
	for shift := range 3 {
		padded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), canary...))
		if inner := padded[4:max(4, len(padded)-4)]; len(inner) >= 8 { // of a shorter one nothing can be told
			forms = append(forms, inner)
		}
	}
	for _, form := range forms {
		if at := strings.Index(text, form); at >= 0 {
			t.Errorf("%s stands in %s: ...%q", what, where, text[max(0, at-120):at])
			return
		}
	}
}

// column reads the texts of a query's only column.
func (h *hunt) column(query string) (texts []string) {
	h.t.Helper()
	rows, err := h.raw.QueryContext(h.t.Context(), query)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			h.t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return texts
}

// tables is every row of every table.
func (h *hunt) tables() string {
	h.t.Helper()
	var all strings.Builder
	for _, n := range h.column(`SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`) {
		all.WriteString(n + "\n" + strings.Join(h.column(`SELECT row_to_json(t)::text FROM `+n+` t`), "\n") + "\n")
	}
	return all.String()
}

// keys is every value in Redis, read by its type: a dump may be compressed.
func (h *hunt) keys() string {
	h.t.Helper()
	o, err := goredis.ParseURL(h.redisURL)
	if err != nil {
		h.t.Fatal(err)
	}
	client := goredis.NewClient(o)
	defer func() { _ = client.Close() }()
	return everyKey(h.t, client)
}

func everyKey(t testing.TB, client goredis.UniversalClient) string {
	t.Helper()
	ctx := t.Context()
	var all strings.Builder
	each := client.Scan(ctx, 0, "*", 100).Iterator()
	for each.Next(ctx) {
		k := each.Val()
		fmt.Fprintln(&all, k, client.Dump(ctx, k).Val(), client.Get(ctx, k).Val(), client.LRange(ctx, k, 0, -1).Val(),
			client.HGetAll(ctx, k).Val(), client.SMembers(ctx, k).Val(), client.ZRange(ctx, k, 0, -1).Val())
	}
	if err := each.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// searchVault reads all of Vault as root: a credential stands at its own path and nowhere else, nothing is left of one that
// was disconnected, and what is known about a path says nothing of what stands there.
func (h *hunt) searchVault() {
	h.t.Helper()
	found := h.below("kv/metadata/")
	if len(found) == 0 || len(found) >= len(h.paths) {
		h.t.Errorf("%d credentials were made, one was disconnected, and Vault has %d: %v", len(h.paths), len(found), found)
	}
	for _, path := range found {
		about, _ := json.Marshal(h.v.Call(h.t, "GET", "kv/metadata/"+path, nil))
		kept, _ := json.Marshal(h.v.Call(h.t, "GET", "kv/data/"+path, nil))
		for what, canary := range h.canaries {
			absent(h.t, "what Vault knows about "+path, string(about), what, canary)
			if !strings.HasSuffix(what, " of vault:kv/data/"+path) {
				absent(h.t, "Vault at "+path, string(kept), what, canary)
			}
		}
	}
	mounts, _ := json.Marshal(h.v.Call(h.t, "GET", "sys/mounts", nil)["data"])
	var engines map[string]any
	if err := json.Unmarshal(mounts, &engines); err != nil {
		h.t.Fatal(err)
	}
	for _, usual := range []string{"kv/", "secret/", "cubbyhole/", "identity/", "sys/"} {
		delete(engines, usual)
	}
	if len(engines) > 0 {
		h.t.Errorf("Vault has engines nobody looked into: %v", engines)
	}
	if others := h.below("secret/metadata/"); len(others) > 0 {
		h.t.Errorf("something stands in Vault where Aurora has no business: %v", others)
	}
}

// below lists every path below one of Vault's.
func (h *hunt) below(path string) (found []string) {
	h.t.Helper()
	at := "?list=true"
	if status := h.v.Status(h.t, "GET", path+at, h.v.RootToken, nil); status == http.StatusNotFound {
		return nil
	}
	reply, _ := h.v.Call(h.t, "GET", path+at, nil)["data"].(map[string]any)
	names, _ := reply["keys"].([]any)
	for _, n := range names {
		name := path + n.(string)
		if strings.HasSuffix(name, "/") {
			found = append(found, h.below(name)...)
			continue
		}
		_, inner, _ := strings.Cut(name, "/metadata/")
		found = append(found, inner)
	}
	return found
}

// filesBelow is what a replica left in its own directories.
func filesBelow(t testing.TB, environ []string) string {
	t.Helper()
	var all strings.Builder
	for _, v := range environ {
		if dir, ok := strings.CutPrefix(v, "TMPDIR="); ok {
			all.WriteString(filesIn(t, dir))
		}
	}
	return all.String()
}

// filesIn is every file below a directory, with its name.
func filesIn(t testing.TB, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !e.Type().IsRegular() { // what a command had goes with it
			return nil
		}
		if err != nil {
			return err
		}
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		all.WriteString(path + "\n" + string(raw) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
