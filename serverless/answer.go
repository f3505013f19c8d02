package serverless

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// maxAnswer is what AWS Lambda passes on of a function's answer (AWS Lambda Developer Guide, "Lambda
// quotas": 6 MB), less room for its own envelope.
const maxAnswer = 6<<20 - 1<<10

// answer collects a handler's response. It is no http.Flusher: AWS Lambda passes an answer on once
// it is whole.
type answer struct {
	request *http.Request
	header  http.Header
	// sent is the header at the time of WriteHeader, nil before.
	sent   http.Header
	status int
	body   bytes.Buffer
}

func newAnswer(r *http.Request) *answer { return &answer{request: r, header: http.Header{}} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.sent != nil || status < 200 {
		return
	}
	a.status, a.sent = status, a.header.Clone()
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.request.Method == http.MethodHead || a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return len(p), nil
	}
	return a.body.Write(p)
}

func (a *answer) event() events.APIGatewayV2HTTPResponse {
	a.WriteHeader(http.StatusOK)
	if a.body.Len() > 0 && a.sent.Get("Content-Type") == "" && a.sent.Get("Content-Encoding") == "" {
		a.sent.Set("Content-Type", http.DetectContentType(a.body.Bytes()))
	}
	out := a.encode()
	// JSON makes at most six bytes of one, so most answers need not be encoded to be measured.
	if len(out.Body) > maxAnswer/8 && size(out) > maxAnswer {
		return tooLarge(a.request, a.body.Len())
	}
	return out
}

func (a *answer) encode() events.APIGatewayV2HTTPResponse {
	out := events.APIGatewayV2HTTPResponse{StatusCode: a.status, Headers: map[string]string{}, Cookies: a.sent.Values("Set-Cookie")}
	for name, values := range a.sent {
		if name != "Set-Cookie" {
			out.Headers[name] = strings.Join(values, ", ")
		}
	}
	if readable(a.sent) && utf8.Valid(a.body.Bytes()) {
		out.Body = a.body.String()
		return out
	}
	out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(a.body.Bytes()), true
	return out
}

// readable reports whether the body is text that JSON can carry.
func readable(header http.Header) bool {
	if header.Get("Content-Encoding") != "" {
		return false
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && (strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml") ||
		strings.HasSuffix(kind, "javascript") || strings.HasSuffix(kind, "yaml") || kind == "application/x-www-form-urlencoded")
}

func size(out events.APIGatewayV2HTTPResponse) int {
	body, err := json.Marshal(out)
	if err != nil {
		return 0 // it has strings only
	}
	return len(body)
}

func tooLarge(r *http.Request, bytes int) events.APIGatewayV2HTTPResponse {
	status, next := http.StatusInternalServerError, "Ask the operator to run the portal in containers."
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		status, next = http.StatusNotAcceptable, "Ask for it with the header Accept-Encoding: gzip."
	}
	problem, _ := json.Marshal(map[string]any{ // it has strings and a number only
		"title": http.StatusText(status), "status": status, "code": "answer_too_large",
		"detail": fmt.Sprintf("The answer has %.1f MB, and AWS Lambda passes on at most 6. %s", float64(bytes)/1e6, next),
	})
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status, Body: string(problem),
		Headers: map[string]string{"Content-Type": "application/problem+json", "Content-Length": strconv.Itoa(len(problem)), "Cache-Control": "no-store"},
	}
}
