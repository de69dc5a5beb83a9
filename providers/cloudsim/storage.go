package cloudsim

import (
	"crypto/md5" //nolint:gosec // the checksum Cloud Storage gives; nothing rests on it
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// GCSBucket is one bucket of Cloud Storage. Objects are contents by name.
type GCSBucket struct {
	Name     string            `json:"name"`
	Location string            `json:"location"`
	Objects  map[string]string `json:"objects,omitempty"`
}

func defaultGCSBuckets() []GCSBucket {
	return []GCSBucket{{Name: "acme-reports", Location: "EU", Objects: map[string]string{
		"2026/march.csv": "day,orders\n1,42\n", "2026/april.csv": "day,orders\n1,43\n", "readme.txt": "Reports, by year.\n",
	}}}
}

// storageRoutes are the reading methods of Cloud Storage's JSON API, below /storage/v1. Whose bucket it is decides who may.
var storageRoutes = []gcpRoute{
	{method: "GET", pattern: "/b", action: "storage.buckets.list", permission: "-", run: listGCSBuckets},
	{method: "GET", pattern: "/b/{bucket}", action: "storage.buckets.get", permission: "-", run: inBucket(getGCSBucket)},
	{method: "GET", pattern: "/b/{bucket}/o", action: "storage.objects.list", permission: "-", run: inBucket(listGCSObjects)},
	{method: "GET", pattern: "/b/{bucket}/o/{object}", action: "storage.objects.get", permission: "-", run: inBucket(getGCSObject)},
}

func (c *gcpCall) storageRefusal(resource, permission string) *gcpError {
	return &gcpError{code: http.StatusForbidden, reason: "forbidden", message: fmt.Sprintf(
		"%s does not have %s access to %s. Permission '%[2]s' denied on resource (or it may not exist).", c.token.grant.subject, permission, resource)}
}

func (c *gcpCall) bucketDocument(p Project, b GCSBucket) map[string]any {
	at := worldBegan.Format("2006-01-02T15:04:05.000Z")
	return map[string]any{
		"kind": "storage#bucket", "id": b.Name, "name": b.Name, "projectNumber": p.Number, "location": b.Location, "storageClass": "STANDARD",
		"timeCreated": at, "updated": at, "metageneration": "1", "selfLink": c.base + "/storage/v1/b/" + b.Name,
	}
}

func listGCSBuckets(c *gcpCall) (any, *gcpError) {
	id := c.query.Get("project")
	p := c.cloud.server.world.GCP.project(id)
	if p == nil || !p.may(c.token.grant.subject, c.route.action) {
		return nil, c.storageRefusal("the Google Cloud project", c.route.action)
	}
	c.entry.Account = p.ID
	var all []map[string]any
	for _, b := range p.Buckets {
		all = append(all, c.bucketDocument(*p, b))
	}
	return c.list("storage#buckets", all)
}

// inBucket finds the bucket the path names, with the project it is in, and checks the caller's right to it.
func inBucket(run func(*gcpCall, *Project, *GCSBucket) (any, *gcpError)) func(*gcpCall) (any, *gcpError) {
	return func(c *gcpCall) (any, *gcpError) {
		for i := range c.cloud.server.world.GCP.Projects {
			p := &c.cloud.server.world.GCP.Projects[i]
			at := slices.IndexFunc(p.Buckets, func(b GCSBucket) bool { return b.Name == c.params["bucket"] })
			if at < 0 {
				continue
			}
			if !p.may(c.token.grant.subject, c.route.action) {
				return nil, c.storageRefusal("the Google Cloud Storage bucket", c.route.action)
			}
			c.entry.Account = p.ID
			return run(c, p, &p.Buckets[at])
		}
		return nil, &gcpError{code: http.StatusNotFound, reason: "notFound", message: "The specified bucket does not exist."}
	}
}

func getGCSBucket(c *gcpCall, p *Project, b *GCSBucket) (any, *gcpError) {
	return c.bucketDocument(*p, *b), nil
}

func (c *gcpCall) objectDocument(b GCSBucket, name string) map[string]any {
	sum := md5.Sum([]byte(b.Objects[name])) //nolint:gosec // see above
	at := worldBegan.Format("2006-01-02T15:04:05.000Z")
	return map[string]any{
		"kind": "storage#object", "id": b.Name + "/" + name + "/1", "name": name, "bucket": b.Name, "generation": "1", "metageneration": "1",
		"contentType": "text/plain", "storageClass": "STANDARD", "size": strconv.Itoa(len(b.Objects[name])), "timeCreated": at, "updated": at,
		"md5Hash": base64.StdEncoding.EncodeToString(sum[:]), "etag": "CAE=",
	}
}

// listGCSObjects lists by prefix; a delimiter folds what lies below it into prefixes.
func listGCSObjects(c *gcpCall, _ *Project, b *GCSBucket) (any, *gcpError) {
	prefix, delimiter := c.query.Get("prefix"), c.query.Get("delimiter")
	items, folded := []map[string]any{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(b.Objects)) {
		rest, below := strings.CutPrefix(name, prefix)
		if !below {
			continue
		}
		if head, _, deeper := strings.Cut(rest, delimiter); delimiter != "" && deeper {
			folded[prefix+head+delimiter] = true
			continue
		}
		items = append(items, c.objectDocument(*b, name))
	}
	out := map[string]any{"kind": "storage#objects", "items": items}
	if len(folded) > 0 {
		out["prefixes"] = slices.Sorted(maps.Keys(folded))
	}
	return out, nil
}

func getGCSObject(c *gcpCall, _ *Project, b *GCSBucket) (any, *gcpError) {
	name := c.params["object"]
	text, there := b.Objects[name]
	if !there {
		return nil, &gcpError{code: http.StatusNotFound, reason: "notFound", message: "No such object: " + b.Name + "/" + name}
	}
	if c.query.Get("alt") == "media" {
		return media(text), nil
	}
	return c.objectDocument(*b, name), nil
}

// media is an answer that is not a document.
type media string
