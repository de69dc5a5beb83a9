package ovh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"aurora/providers"
)

// client asks the API of one region on behalf of one account.
type client struct {
	base     string
	token    string
	readOnly bool // nothing but GET leaves it: OVHcloud has no consent that only reads
	http     *http.Client
}

// apiError is a refusal of the API.
type apiError struct {
	status  int
	message string
}

// Error gives OVHcloud's message and the status.
func (e *apiError) Error() string { return fmt.Sprintf("%s (HTTP %d)", e.message, e.status) }

// errBadArgument says that an argument is not what the API takes.
var errBadArgument = errors.New("not a valid argument")

// segment is what may stand in a path. Policy checks the same; nothing gets there that was not checked here too.
var segment = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$`)

// get reads a thing. Every part of the path is checked and escaped.
func (c client) get(ctx context.Context, query url.Values, path ...string) (json.RawMessage, error) {
	return c.do(ctx, http.MethodGet, query, nil, path...)
}

// post changes a thing.
func (c client) post(ctx context.Context, body any, path ...string) (json.RawMessage, error) {
	return c.do(ctx, http.MethodPost, nil, body, path...)
}

func (c client) do(ctx context.Context, method string, query url.Values, body any, path ...string) (json.RawMessage, error) {
	if c.readOnly && method != http.MethodGet {
		return nil, &providers.Problem{Code: providers.CodeRefused, Sentence: "In Ask mode nothing is changed at OVHcloud: switch to Agent mode."}
	}
	address := c.base
	for _, part := range path {
		if !segment.MatchString(part) || strings.Contains(part, "..") {
			return nil, fmt.Errorf("%q is %w", part, errBadArgument)
		}
		address += "/" + url.PathEscape(part)
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	var sent io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("ask ovh: %w", err)
		}
		sent = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, sent)
	if err != nil {
		return nil, fmt.Errorf("ask ovh: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.answer(req)
}

func (c client) answer(req *http.Request) (json.RawMessage, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask ovh: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read ovh answer: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		refused := struct {
			Message string `json:"message"`
		}{}
		_ = json.Unmarshal(raw, &refused) // without a message the status must do
		if refused.Message == "" {
			refused.Message = http.StatusText(resp.StatusCode)
		}
		return nil, &apiError{resp.StatusCode, refused.Message}
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	if !json.Valid(raw) {
		return nil, errors.New("read ovh answer: it is not JSON")
	}
	return raw, nil
}

// names reads a list that has names only.
func (c client) names(ctx context.Context, path ...string) ([]string, error) {
	raw, err := c.get(ctx, nil, path...)
	if err != nil {
		return nil, err
	}
	var list []any // some lists are of numbers
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("read ovh answer: %w", err)
	}
	out := make([]string, 0, len(list))
	for _, one := range list {
		out = append(out, fmt.Sprint(one))
	}
	return out, nil
}

// mostDetails is how many of a list that has names only are read one by one; the rest stays names.
const mostDetails = 60

// details reads what stands behind names, one after the other: the executor lets two commands of an account run at once.
// One that cannot be read does not hide the others; being asked too often ends the list, for it to be asked again later.
func (c client) details(ctx context.Context, names []string, path ...string) ([]any, error) {
	out := make([]any, len(names))
	for i, name := range names {
		if i >= mostDetails {
			out[i] = map[string]string{"id": name}
			continue
		}
		raw, err := c.get(ctx, nil, append(append([]string{}, path...), name)...)
		var refused *apiError
		switch {
		case err == nil:
			out[i] = raw
		case errors.As(err, &refused) && refused.status != http.StatusUnauthorized && refused.status != http.StatusTooManyRequests:
			out[i] = map[string]string{"id": name, "error": refused.Error()}
		default:
			return nil, err
		}
	}
	return out, nil
}
