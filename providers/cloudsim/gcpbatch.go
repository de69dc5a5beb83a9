package cloudsim

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

const maxBatch = 1000 // requests in one batch, Google's own limit

func multipartBoundary(contentType string) (string, bool) {
	kind, params, err := mime.ParseMediaType(contentType)
	return params["boundary"], err == nil && kind == "multipart/mixed" && params["boundary"] != ""
}

// batchParts reads the requests inside a batch. A part that says nothing of who asks inherits the batch's token.
func batchParts(outer *http.Request, body []byte, boundary string) (parts []request, ids []string, err error) {
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts, ids, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if len(parts) == maxBatch {
			return nil, nil, errors.New("more than 1000 requests")
		}
		raw, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, err
		}
		inner, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return nil, nil, err
		}
		// The parts of real batches often lack a Content-Length: everything after the empty line is the body.
		_, text, _ := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
		inner = inner.WithContext(outer.Context())
		inner.Host = outer.Host
		if inner.Header.Get("Authorization") == "" {
			inner.Header.Set("Authorization", outer.Header.Get("Authorization"))
		}
		inner.Header.Set("User-Agent", outer.UserAgent())
		parts = append(parts, request{Request: inner, body: bytes.TrimSpace(text)})
		ids = append(ids, part.Header.Get("Content-ID"))
	}
}
