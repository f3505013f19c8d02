package api

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/gatehouse-portal/gatehouse/library"
)

// Conditional is the input of a conditional read.
type Conditional struct {
	IfNoneMatch string `header:"If-None-Match" doc:"One or more ETags of earlier responses."`
}

// has reports whether the ETag, weak or not, is in the list (RFC 9110, section 13.1.2).
func (c Conditional) has(etag string) bool {
	for tag := range strings.SplitSeq(c.IfNoneMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

type stored struct {
	library.Encoded
	contentType string
	// file is the name under which browsers save the body, or "". Browsers show the body
	// unless it is an attachment.
	file       string
	attachment bool
	// public responses are the same for people who are not signed in.
	public bool
}

// storedOutput writes the response itself, so that it is not encoded or compressed again.
type storedOutput struct {
	Body func(huma.Context)
}

// answer sends the body, or 304 if the client has it. Caches must revalidate it each time;
// shared ones may store only public responses.
func answer(c Conditional, response stored) *storedOutput {
	return &storedOutput{func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		response.send(w, r, c)
	}}
}

func (s stored) send(w http.ResponseWriter, r *http.Request, c Conditional) {
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	if s.public {
		h.Set("Cache-Control", "public, no-cache")
	}
	h.Add("Vary", "Authorization, Cookie")
	// The ETag is weak, since the body may be compressed.
	h.Set("ETag", `W/"`+s.Hash+`"`)
	if c.has(`"` + s.Hash + `"`) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", s.contentType)
	if s.file != "" {
		kind := "inline"
		if s.attachment {
			kind = "attachment"
		}
		h.Set("Content-Disposition", mime.FormatMediaType(kind, map[string]string{"filename": s.file}))
	}
	body := s.Body
	if s.Gzip != nil && acceptsGzip(r.Header.Values("Accept-Encoding")) {
		body = s.Gzip
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body)
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3).
func acceptsGzip(headers []string) bool {
	accepts := false
	for coding := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, parameter, _ := strings.Cut(strings.TrimSpace(coding), ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "gzip" && name != "*" {
			continue
		}
		weight := 1.0
		if given, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameter)), "q="); ok {
			weight, _ = strconv.ParseFloat(strings.TrimSpace(given), 64)
		}
		accepts = weight > 0
		if name == "gzip" {
			return accepts
		}
	}
	return accepts
}
