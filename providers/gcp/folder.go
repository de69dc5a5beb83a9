package gcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"aurora/providers"
	"aurora/store"
)

const (
	impersonateAddress = "https://iamcredentials.googleapis.com/"
	// scopeIAM is what it takes to ask for the token of another account, and nothing else.
	scopeIAM    = "https://www.googleapis.com/auth/iam"
	tokenLife   = time.Hour
	mostFolders = 2000
)

var folderID = regexp.MustCompile(`^[0-9]{1,20}$`)

// FolderSetup is what an admin gives to link the projects of a folder at once: the key of a service account that may do nothing
// but ask for tokens of two others, which have their roles on the folder.
type FolderSetup struct {
	Key      string // the JSON file of the key
	Reader   string // e-mail address of the account that Ask mode works as
	Operator string // of the one that Agent mode works as; empty to connect for reading only
	Folder   string // number of the folder, with or without folders/ before it
}

// ConnectFolder checks that the key may ask for tokens of both accounts, and lists the projects below the folder, however deep.
// What is wrong is a *providers.Problem.
func (c *Connector) ConnectFolder(ctx context.Context, s FolderSetup) (providers.SignedIn, error) {
	key, err := readKey(s.Key)
	if err != nil {
		return providers.SignedIn{}, err
	}
	folder := strings.TrimPrefix(strings.TrimSpace(s.Folder), "folders/")
	reader, operator := strings.TrimSpace(s.Reader), strings.TrimSpace(s.Operator)
	if err := checkFolder(key, folder, reader, operator); err != nil {
		return providers.SignedIn{}, err
	}
	cred := store.NewCredential(map[string]string{
		"kind": providers.KindServiceAccount, "email": key.Email, "subject": reader, "project_id": key.Project, "private_key": key.Key, "private_key_id": key.KeyID,
		"reader_account": reader, "operator_account": operator,
	})
	read, err := c.sign(ctx, cred, providers.ReadSlot)
	if err != nil {
		return providers.SignedIn{}, folderRefused(err)
	}
	if operator != "" {
		if _, err := c.sign(ctx, cred, providers.WideSlot); err != nil {
			return providers.SignedIn{}, folderRefused(err)
		}
	}
	projects, more, err := c.below(ctx, read.Access, folder)
	if err != nil {
		return providers.SignedIn{}, err
	}
	if len(projects) == 0 {
		return providers.SignedIn{}, refused("There is no active project below the folder %s.", folder)
	}
	return providers.SignedIn{
		Account: reader, Label: "folder " + folder, Projects: projects, Settings: settings(projects, ""), ReadOnly: operator == "", Reduced: more,
		Credential: providers.WithTokens(cred, providers.ReadSlot, read),
	}, nil
}

func checkFolder(key keyFile, folder, reader, operator string) error {
	switch {
	case !folderID.MatchString(folder):
		return refused("%q is not the number of a folder.", folder)
	case !accountEmail.MatchString(reader):
		return refused("%q is not the address of a service account.", reader)
	case operator != "" && !accountEmail.MatchString(operator):
		return refused("%q is not the address of a service account.", operator)
	case reader == operator:
		return refused("Reading and changing need two service accounts: Ask mode's must not be able to change anything.")
	case slices.Contains([]string{reader, operator}, key.Email):
		return refused("The key must be of a third service account, which may do nothing but ask for tokens of the other two.")
	}
	return nil
}

func refused(format string, args ...any) error {
	return &providers.Problem{Code: providers.CodeRefused, Sentence: fmt.Sprintf(format, args...)}
}

// folderRefused says of what was just given what a connection in use would say in other words.
func folderRefused(err error) error {
	var p *providers.Problem
	if errors.As(err, &p) && p.Broken {
		return &providers.Problem{Code: providers.CodeRefused, Err: p.Err, Sentence: p.Sentence}
	}
	return err
}

// actsAs is the account whose tokens a slot holds: the credential's own, or one that it may ask for tokens of. Where there is
// none for changing, both slots only read.
func actsAs(cred store.Credential, slot providers.Slot) (account, scope string) {
	reader, operator := cred.Get("reader_account"), cred.Get("operator_account")
	switch {
	case reader == "":
		return "", scopeFor(slot == providers.WideSlot)
	case slot == providers.WideSlot && operator != "":
		return operator, ScopeWide
	}
	return reader, ScopeRead
}

// impersonate asks for a token of another service account.
func (c *Connector) impersonate(ctx context.Context, access, account, scope string) (providers.Tokens, error) {
	body, err := json.Marshal(map[string]any{"scope": []string{scope}, "lifetime": fmt.Sprintf("%ds", int(tokenLife.Seconds()))})
	if err != nil {
		return providers.Tokens{}, fmt.Errorf("ask for a token: %w", err)
	}
	address := strings.TrimSuffix(c.credentials, "/") + "/v1/projects/-/serviceAccounts/" + url.PathEscape(account) + ":generateAccessToken"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return providers.Tokens{}, fmt.Errorf("ask for a token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return providers.Tokens{}, impersonateAway(errors.New("iam credentials cannot be reached"))
	}
	defer func() { _ = resp.Body.Close() }() // read below
	switch {
	case resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests:
		return providers.Tokens{}, impersonateAway(fmt.Errorf("iam credentials answered %d", resp.StatusCode))
	case resp.StatusCode != http.StatusOK:
		return providers.Tokens{}, &providers.Problem{Code: providers.CodeExpired, Broken: true, Err: fmt.Errorf("iam credentials answered %d", resp.StatusCode),
			Sentence: "Google does not give Aurora's service account a token of " + account + ": give it the role Service Account Token Creator on that account, " +
				"and see that the IAM Service Account Credentials API is on in its project."}
	}
	var out struct {
		Token  string    `json:"accessToken"`
		Expiry time.Time `json:"expireTime"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || out.Token == "" || out.Expiry.IsZero() {
		return providers.Tokens{}, impersonateAway(errors.New("the answer of iam credentials cannot be read"))
	}
	return providers.Tokens{Access: out.Token, Expiry: out.Expiry, Scopes: []string{scope}}, nil
}

func impersonateAway(cause error) error {
	return &providers.Problem{Code: providers.CodeUnavailable, Err: cause, Sentence: "Google gave no token, so nothing was done. Try again in a minute."}
}

// below lists the active projects of a folder and of the folders in it.
func (c *Connector) below(ctx context.Context, access, folder string) (projects []string, more string, err error) {
	open := []string{folder}
	for n := 0; n < len(open); n++ {
		if n > mostFolders {
			return nil, "", refused("There are more than %d folders below the folder %s: take one further down.", mostFolders, folder)
		}
		found, more, err := c.list(ctx, access, "/v3/projects", url.Values{"parent": {"folders/" + open[n]}}, mostProjects-len(projects))
		if err != nil {
			return nil, "", err
		}
		if projects = append(projects, found...); more != "" {
			return projects, more, nil
		}
		inside, err := c.folders(ctx, access, open[n])
		if err != nil {
			return nil, "", err
		}
		open = append(open, inside...)
	}
	return projects, "", nil
}

// folders are the numbers of the folders directly in one.
func (c *Connector) folders(ctx context.Context, access, parent string) (inside []string, err error) {
	for next := ""; ; {
		var page struct {
			Folders []struct {
				Name  string `json:"name"`
				State string `json:"state"`
			} `json:"folders"`
			Next string `json:"nextPageToken"`
		}
		if err := c.page(ctx, access, "/v3/folders", url.Values{"parent": {"folders/" + parent}}, next, &page); err != nil {
			return nil, err
		}
		for _, f := range page.Folders {
			if id := strings.TrimPrefix(f.Name, "folders/"); f.State == "ACTIVE" && folderID.MatchString(id) {
				inside = append(inside, id)
			}
		}
		if page.Next == "" || page.Next == next {
			return inside, nil
		}
		next = page.Next
	}
}
