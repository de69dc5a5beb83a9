package cloudsim

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

var s3Ops = map[string]awsOp{
	"s3:ListBuckets":       {run: listBuckets, iam: "s3:ListAllMyBuckets"},
	"s3:HeadBucket":        {run: headBucket, iam: "s3:ListBucket", resources: bucketResource},
	"s3:GetBucketLocation": {run: bucketLocation, resources: bucketResource},
	"s3:ListObjectsV2":     {run: listObjects, iam: "s3:ListBucket", resources: bucketResource},
	"s3:GetObject":         {run: getObject, resources: objectResource},
	"s3:HeadObject":        {run: getObject, iam: "s3:GetObject", resources: objectResource},
	"s3:PutObject":         {run: putObject, resources: objectResource},
	"s3:DeleteObject":      {run: deleteObject, resources: objectResource},
}

const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// s3Action reads the action, bucket and key out of a path-style request.
func s3Action(method string, u *url.URL) (action string, form url.Values) {
	form = u.Query()
	bucket, key, hasKey := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	hasKey = hasKey && key != ""
	location := form.Has("location")
	form.Set("Bucket", bucket)
	form.Set("Key", key)
	switch {
	case method == http.MethodGet && bucket == "":
		return "ListBuckets", form
	case method == http.MethodGet && !hasKey && location:
		return "GetBucketLocation", form
	case method == http.MethodGet && !hasKey && form.Get("list-type") == "2":
		return "ListObjectsV2", form
	case method == http.MethodHead && !hasKey:
		return "HeadBucket", form
	case !hasKey:
		return method + "Bucket", form
	}
	byMethod := map[string]string{
		http.MethodGet: "GetObject", http.MethodHead: "HeadObject", http.MethodPut: "PutObject", http.MethodDelete: "DeleteObject",
	}
	return byMethod[method], form
}

func bucketResource(c *awsCall) []string { return []string{"arn:aws:s3:::" + c.form.Get("Bucket")} }

func objectResource(c *awsCall) []string {
	return []string{"arn:aws:s3:::" + c.form.Get("Bucket") + "/" + c.form.Get("Key")}
}

func s3Document(root string, value any) rawOutput {
	return rawOutput{contentType: "application/xml", body: element(root, s3Namespace, value)}
}

func (c *awsCall) bucket() (*Bucket, *awsError) {
	name := c.form.Get("Bucket")
	i := slices.IndexFunc(c.account.Buckets, func(b Bucket) bool { return b.Name == name })
	if i < 0 {
		return nil, &awsError{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"}
	}
	return &c.account.Buckets[i], nil
}

type s3Bucket struct {
	Name         string
	CreationDate string
}

func listBuckets(c *awsCall) (any, *awsError) {
	var out struct {
		Owner struct {
			ID string
		}
		Buckets struct {
			List []s3Bucket `xml:"Bucket"`
		}
	}
	out.Owner.ID = hexID(c.account.ID, 64)
	for _, b := range c.account.Buckets {
		out.Buckets.List = append(out.Buckets.List, s3Bucket{b.Name, worldBegan.Format(ec2Time)})
	}
	return s3Document("ListAllMyBucketsResult", out), nil
}

func headBucket(c *awsCall) (any, *awsError) {
	b, refused := c.bucket()
	if refused != nil {
		return nil, refused
	}
	return rawOutput{contentType: "application/xml", header: map[string]string{"X-Amz-Bucket-Region": b.Region}}, nil
}

func bucketLocation(c *awsCall) (any, *awsError) {
	b, refused := c.bucket()
	if refused != nil {
		return nil, refused
	}
	region := b.Region
	if region == "us-east-1" {
		region = "" // S3's oldest region has no name there
	}
	return s3Document("LocationConstraint", region), nil
}

type s3Object struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
	StorageClass string
}

type s3Prefix struct{ Prefix string }

func listObjects(c *awsCall) (any, *awsError) {
	b, refused := c.bucket()
	if refused != nil {
		return nil, refused
	}
	var out struct {
		Name, Prefix, Delimiter string
		KeyCount, MaxKeys       int
		IsTruncated             bool
		Contents                []s3Object
		CommonPrefixes          []s3Prefix
	}
	out.Name, out.Prefix, out.Delimiter, out.MaxKeys = b.Name, c.form.Get("prefix"), c.form.Get("delimiter"), 1000
	for _, key := range slices.Sorted(maps.Keys(b.Objects)) {
		rest, ok := strings.CutPrefix(key, out.Prefix)
		if !ok {
			continue
		}
		if folder, _, deeper := strings.Cut(rest, out.Delimiter); out.Delimiter != "" && deeper {
			prefix := s3Prefix{out.Prefix + folder + out.Delimiter}
			if !slices.Contains(out.CommonPrefixes, prefix) {
				out.CommonPrefixes = append(out.CommonPrefixes, prefix)
			}
			continue
		}
		body := b.Objects[key]
		out.Contents = append(out.Contents, s3Object{key, worldBegan.Format(ec2Time), etag(body), len(body), "STANDARD"})
	}
	out.KeyCount = len(out.Contents) + len(out.CommonPrefixes)
	return s3Document("ListBucketResult", out), nil
}

func etag(body string) string { return fmt.Sprintf(`"%s"`, hexID(body, 32)) }

func getObject(c *awsCall) (any, *awsError) {
	b, refused := c.bucket()
	if refused != nil {
		return nil, refused
	}
	body, ok := b.Objects[c.form.Get("Key")]
	if !ok {
		return nil, &awsError{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	}
	header := map[string]string{
		"Etag": etag(body), "Last-Modified": worldBegan.Format(http.TimeFormat), "Content-Length": strconv.Itoa(len(body)), "Accept-Ranges": "bytes",
	}
	return rawOutput{contentType: "binary/octet-stream", body: []byte(body), header: header}, nil
}

func putObject(c *awsCall) (any, *awsError) {
	b, refused := c.bucket()
	if refused != nil {
		return nil, refused
	}
	if strings.HasPrefix(c.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return nil, &awsError{http.StatusNotImplemented, "NotImplemented", "Streaming uploads are not simulated."}
	}
	if b.Objects == nil {
		b.Objects = map[string]string{}
	}
	b.Objects[c.form.Get("Key")] = string(c.body)
	return rawOutput{contentType: "application/xml", header: map[string]string{"Etag": etag(string(c.body))}}, nil
}

func deleteObject(c *awsCall) (any, *awsError) {
	b, refused := c.bucket()
	if refused != nil {
		return nil, refused
	}
	delete(b.Objects, c.form.Get("Key")) // deleting what is not there succeeds, as on S3
	return rawOutput{contentType: "application/xml"}, nil
}
