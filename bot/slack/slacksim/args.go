package slacksim

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// maxBody is the largest request Slack reads.
const maxBody = 4 << 20

// args are the arguments of a Web API call: values as decoded for JSON, strings for forms.
type args map[string]any

// str is a text argument; numbers in JSON count as text, as they do for Slack.
func (a args) str(name string) string {
	switch v := a[name].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// flag is a boolean argument and whether it was given at all.
func (a args) flag(name string) (on, given bool) {
	switch v := a[name].(type) {
	case bool:
		return v, true
	case string:
		return v == "true" || v == "1", v != ""
	case float64:
		return v != 0, true
	}
	return false, false
}

// number is a numeric argument, or otherwise when it is absent; ok is false when it is no number.
func (a args) number(name string, otherwise int) (n int, ok bool) {
	switch v := a[name].(type) {
	case nil:
		return otherwise, true
	case float64:
		return int(v), v == float64(int(v))
	case string:
		if v == "" {
			return otherwise, true
		}
		n, err := strconv.Atoi(v)
		return n, err == nil
	}
	return 0, false
}

// json is a structured argument: as it is in a JSON body, encoded in a string otherwise. It is nil when absent
// or empty.
func (a args) json(name string) (any, error) {
	text, ok := a[name].(string)
	if !ok {
		return a[name], nil
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, err
	}
	return v, nil
}

// errNotJSON and errNotObject are bodies that claim to be JSON objects and are none.
var (
	errNotJSON   = errors.New("invalid_json")
	errNotObject = errors.New("json_not_object")
	errFormData  = errors.New("invalid_form_data")
	errPostType  = errors.New("invalid_post_type")
)

// readArgs reads the arguments and the token of a call. A token counts as a Bearer header or as a form field; in
// a JSON body Slack does not look for one.
func readArgs(r *http.Request) (a args, token string, bearer bool, err error) {
	a, err = readBody(r)
	token, bearer = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		token = ""
	}
	if field := str(a["token"]); field != "" && !isJSON(r) {
		delete(a, "token")
		if token == "" {
			token = field
		}
	}
	return a, token, bearer, err
}

func isJSON(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "application/json"
}

func readBody(r *http.Request) (args, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	a := args{}
	if isJSON(r) {
		return readJSON(r.Body)
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "", "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return a, errFormData
		}
	case "multipart/form-data":
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return a, errFormData
		}
	default:
		return a, errPostType
	}
	for name, values := range r.Form {
		a[name] = values[0]
	}
	return a, nil
}

func readJSON(body io.Reader) (args, error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return args{}, errNotJSON
	}
	if len(raw) == 0 {
		return args{}, nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return args{}, errNotJSON
	}
	o, ok := v.(object)
	if !ok {
		return args{}, errNotObject
	}
	return args(o), nil
}
