package gcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"aurora/providers"
)

const (
	managerAddress = "https://cloudresourcemanager.googleapis.com/"
	mostProjects   = 1000
	pageSize       = 300
)

type projectPage struct {
	Projects []struct {
		ID    string `json:"projectId"`
		State string `json:"state"`
	} `json:"projects"`
	Next string `json:"nextPageToken"`
}

// Projects lists the active projects that an access token reaches, in Google's order. more is a sentence when there are
// more than a connection holds. A refusal is a *providers.Problem.
func (c *Connector) Projects(ctx context.Context, access string) (projects []string, more string, err error) {
	return c.list(ctx, access, "/v3/projects:search", nil, mostProjects)
}

// list lists the active projects of a method of Resource Manager, most at most.
func (c *Connector) list(ctx context.Context, access, method string, query url.Values, most int) (projects []string, more string, err error) {
	for next := ""; ; {
		var page projectPage
		if err := c.page(ctx, access, method, query, next, &page); err != nil {
			return nil, "", err
		}
		for _, p := range page.Projects {
			if p.State == "ACTIVE" && projectID.MatchString(p.ID) {
				projects = append(projects, p.ID)
			}
		}
		if len(projects) > most {
			return projects[:most], fmt.Sprintf("Only the first %d projects are connected.", mostProjects), nil
		}
		if page.Next == "" || page.Next == next {
			return projects, "", nil
		}
		next = page.Next
	}
}

// page reads one page of a list into an answer's shape.
func (c *Connector) page(ctx context.Context, access, method string, asked url.Values, token string, into any) error {
	query := url.Values{"pageSize": {fmt.Sprint(pageSize)}}
	maps.Copy(query, asked)
	if token != "" {
		query.Set("pageToken", token)
	}
	address := strings.TrimSuffix(c.manager, "/") + method + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("list google projects: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := c.http.Do(req)
	if err != nil {
		return away(errors.New("resource manager cannot be reached"))
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	if resp.StatusCode != http.StatusOK {
		return c.refusal(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return away(errors.New("resource manager's answer cannot be read"))
	}
	return nil
}

func away(cause error) error {
	return &providers.Problem{Code: providers.CodeUnavailable, Err: cause,
		Sentence: "Google did not list your projects, so nothing was connected. Try again in a minute."}
}

// refusal tells the reason that whoever runs Aurora can mend from the others. Google's words are not repeated.
func (c *Connector) refusal(resp *http.Response) error {
	var said struct {
		Error struct {
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
		} `json:"error"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&said) // without details the status must do
	cause := fmt.Errorf("resource manager answered %d", resp.StatusCode)
	for _, d := range said.Error.Details {
		if d.Reason == "SERVICE_DISABLED" {
			return &providers.Problem{Code: providers.CodeUnavailable, Err: cause,
				Sentence: "The Cloud Resource Manager API is off in the project of Aurora's Google client (or of the key), so your projects cannot be listed and nothing was connected. Whoever owns that project turns it on with: gcloud services enable cloudresourcemanager.googleapis.com"}
		}
	}
	if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests {
		return away(cause)
	}
	return &providers.Problem{Code: providers.CodeRefused, Err: cause,
		Sentence: "Google does not let this identity list projects, so nothing was connected. Give it the role Browser or Viewer on a project first."}
}
