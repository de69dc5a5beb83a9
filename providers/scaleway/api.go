package scaleway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aurora/providers"
)

// refusal is an answer of the API that says no.
type refusal struct {
	status int
	path   string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("scaleway answers %s with status %d", r.path, r.status)
}

func refused(err error, statuses ...int) bool {
	var no *refusal
	if !errors.As(err, &no) {
		return false
	}
	for _, s := range statuses {
		if no.status == s {
			return true
		}
	}
	return false
}

// apiKey is what the API says of a key.
type apiKey struct {
	AccessKey     string     `json:"access_key"`
	ApplicationID string     `json:"application_id"`
	UserID        string     `json:"user_id"`
	Project       string     `json:"default_project_id"`
	ExpiresAt     *time.Time `json:"expires_at"`
}

type project struct{ ID, Name string }

const (
	pageSize  = 100
	mostPages = 20
)

// projects lists the organisation's projects that the key can see.
func (c *Connector) projects(ctx context.Context, k key, organization string) ([]project, error) {
	var all []project
	for page := 1; page <= mostPages; page++ {
		var answer struct {
			Projects []project `json:"projects"`
			Total    int       `json:"total_count"`
		}
		query := url.Values{"organization_id": {organization}, "page": {fmt.Sprint(page)}, "page_size": {fmt.Sprint(pageSize)}}
		if err := c.get(ctx, k, "/account/v3/projects?"+query.Encode(), &answer); err != nil {
			return nil, err
		}
		for _, p := range answer.Projects {
			if uuid.MatchString(p.ID) {
				all = append(all, project{p.ID, providers.Clean(p.Name)})
			}
		}
		if len(answer.Projects) == 0 || len(all) >= answer.Total {
			break
		}
	}
	return all, nil
}

// permissionSets gives the names of all permission sets that the policies of a key's owner hold, and those of the groups
// it is in. known is false when the key may not look at them.
func (c *Connector) permissionSets(ctx context.Context, k key, info apiKey, organization string) (names []string, known bool, err error) {
	if info.ApplicationID == "" { // of a person, an owner has all rights without any policy
		return nil, false, nil
	}
	within := url.Values{"organization_id": {organization}, "application_ids": {info.ApplicationID}}
	groups, known, err := c.listIAM(ctx, k, "groups", within)
	if !known {
		return nil, false, err
	}
	held, known, err := c.listIAM(ctx, k, "policies", within)
	for i := 0; known && i < len(groups.Groups); i++ {
		var more iamList
		more, known, err = c.listIAM(ctx, k, "policies", url.Values{"organization_id": {organization}, "group_ids": {groups.Groups[i].ID}})
		held.Policies = append(held.Policies, more.Policies...)
	}
	for i := 0; known && i < len(held.Policies); i++ {
		var rules iamList
		rules, known, err = c.listIAM(ctx, k, "rules", url.Values{"policy_id": {held.Policies[i].ID}})
		for _, r := range rules.Rules {
			names = append(names, r.Sets...)
		}
	}
	if !known {
		return nil, false, err
	}
	return names, true, nil
}

// iamList is a list of IAM's; the one member that was asked for is filled.
type iamList struct {
	Groups, Policies []struct{ ID string }
	Rules            []struct {
		Sets []string `json:"permission_set_names"` // null where the rule names its rights in another way
	}
	Total int `json:"total_count"`
}

// listIAM asks for one of IAM's lists. known is false when the key may not look at it, or not at the whole of it.
func (c *Connector) listIAM(ctx context.Context, k key, what string, query url.Values) (list iamList, known bool, err error) {
	query = maps.Clone(query)
	query.Set("page_size", fmt.Sprint(pageSize))
	err = c.get(ctx, k, "/iam/v1alpha1/"+what+"?"+query.Encode(), &list)
	if refused(err, http.StatusForbidden, http.StatusNotFound) {
		return iamList{}, false, nil
	}
	return list, err == nil && list.Total <= len(list.Groups)+len(list.Policies)+len(list.Rules), err
}

// get asks the API with a key.
func (c *Connector) get(ctx context.Context, k key, path string, into any) error {
	body, err := c.do(ctx, k, http.MethodGet, path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return unreachable(errors.New("scaleway's answer cannot be read"))
	}
	return nil
}

func (c *Connector) do(ctx context.Context, k key, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.api+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask scaleway: %w", err)
	}
	req.Header.Set("X-Auth-Token", k.secret)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }() // read below
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostBytes))
	switch {
	case err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return nil, unreachable(fmt.Errorf("scaleway answers with status %d", resp.StatusCode))
	case resp.StatusCode >= http.StatusMultipleChoices:
		place, _, _ := strings.Cut(path, "?")
		return nil, &refusal{resp.StatusCode, place}
	}
	return body, nil
}
