package slacksim

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// maxFile is the largest file this Slack takes.
const maxFile = 20 << 20

// upload is a file on its way in, and then the file.
type upload struct {
	id, name, title string
	want            int // announced length in bytes
	contents        []byte
	sent            bool
	team            *team
	shared          bool
	created         time.Time
}

func (s *Server) filesGetUploadURL(q *request) (object, *refusal) {
	name := q.str("filename")
	if name == "" {
		return nil, missing("filename")
	}
	length, ok := q.number("length", 0)
	if !ok || length <= 0 {
		return nil, refuse("invalid_arguments", "[ERROR] must be greater than 0 [json-pointer:/length]")
	}
	if length > maxFile {
		return nil, refuse("file_upload_size_restricted")
	}
	u := &upload{id: "F" + newID(10), name: name, want: length, team: q.team, created: time.Now()}
	ticket := newID(26)
	s.uploads[ticket], s.files[u.id] = u, u
	return object{"upload_url": s.base + "/upload/v1/" + ticket, "file_id": u.id}, nil
}

// serveUpload takes the bytes of a file, as they are or in a form.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	c := s.begin("upload", args{"content_type": r.Header.Get("Content-Type")}, "", false)
	f := s.takeFault("upload", c)
	if s.failBefore(w, r, c, f) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFile+1<<20)
	contents, err := uploaded(r)
	status := s.store(r.PathValue("ticket"), contents, err)
	s.finish(c, status, object{"ok": status == http.StatusOK})
	if status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	// The client may be gone; the file is here all the same.
	_, _ = io.WriteString(w, "OK - "+r.PathValue("ticket"))
}

// uploaded reads the file of an upload request.
func uploaded(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return io.ReadAll(r.Body)
	}
	if err := r.ParseMultipartForm(maxFile); err != nil {
		return nil, err
	}
	for _, headers := range r.MultipartForm.File {
		file, err := headers[0].Open()
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		return io.ReadAll(file)
	}
	return nil, http.ErrMissingFile
}

func (s *Server) store(ticket string, contents []byte, err error) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[ticket]
	if u == nil {
		return http.StatusNotFound
	}
	if err != nil || len(contents) != u.want {
		return http.StatusBadRequest
	}
	u.contents, u.sent = contents, true
	delete(s.uploads, ticket)
	s.touch()
	return http.StatusOK
}

func (s *Server) filesComplete(q *request) (object, *refusal) {
	v, err := q.json("files")
	list, ok := v.([]any)
	if err != nil || !ok || len(list) == 0 {
		return nil, missing("files")
	}
	var done []*upload
	for _, e := range list {
		u := s.files[str(asObject(e)["id"])]
		if u == nil || !u.sent || u.shared || u.team != q.team {
			return nil, refuse("file_not_found")
		}
		u.title = firstOf(str(asObject(e)["title"]), u.name)
		done = append(done, u)
	}
	if q.str("channel_id") != "" {
		if f := s.shareFiles(q, done); f != nil {
			return nil, f
		}
	}
	return object{"files": s.filesWire(done)}, nil
}

// shareFiles posts files as a message. Slack does so a moment later; here it is there at once.
func (s *Server) shareFiles(q *request, files []*upload) *refusal {
	ch, f := s.reachable(q, "channel_id")
	if f != nil {
		return f
	}
	thread := q.str("thread_ts")
	if thread != "" && !timestamp.MatchString(thread) {
		return refuse("invalid_thread_ts")
	}
	for _, u := range files {
		u.shared = true
	}
	m := &message{thread: thread, author: q.team.botKey(), fromApp: true, text: q.str("initial_comment"), files: files}
	s.add(ch, m)
	s.emitMessage(ch, m, 1)
	return nil
}

func (s *Server) filesWire(files []*upload) []object {
	var out []object
	for _, u := range files {
		out = append(out, object{"id": u.id, "name": u.name, "title": u.title, "size": len(u.contents), "mimetype": "text/plain",
			"filetype": "text", "mode": "snippet", "created": u.created.Unix(), "timestamp": u.created.Unix(), "user": u.team.BotUser,
			"is_external": false, "url_private": s.base + "/files/" + u.id, "permalink": s.base + "/files/" + u.id})
	}
	return out
}
