package postman

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

type body struct {
	Mode       string   `json:"mode"`
	Raw        string   `json:"raw,omitempty"`
	URLEncoded []field  `json:"urlencoded,omitempty"`
	FormData   []field  `json:"formdata,omitempty"`
	File       *file    `json:"file,omitempty"`
	Options    *options `json:"options,omitempty"`
}

// file is chosen by the person.
type file struct{}

type options struct {
	Raw language `json:"raw"`
}

type language struct {
	Language string `json:"language"`
}

func (r *request) setBody(media openapi.Media, example openapi.Request) {
	text := example.Body
	switch kind, _, _ := mime.ParseMediaType(media.Type); {
	case kind == "application/x-www-form-urlencoded":
		r.Body = &body{Mode: "urlencoded", URLEncoded: formFields(text)}
	case kind == "multipart/form-data":
		// Postman chooses the boundary and sends the header.
		r.Header = slices.DeleteFunc(r.Header, func(h field) bool { return h.Key == "Content-Type" })
		r.Body = &body{Mode: "formdata", FormData: parts(text)}
	case !textual(media.Type) && (text == "" || media.Examples[0].Generated):
		r.Body = &body{Mode: "file", File: &file{}}
	default:
		r.Body = &body{Mode: "raw", Raw: rawText(media.Type, text), Options: &options{Raw: language{languageOf(media.Type)}}}
	}
}

// rawText is literal for a body. In JSON, two braces together are in a string, where an escape can
// stand for one.
func rawText(mediaType, text string) string {
	if languageOf(mediaType) == "json" {
		return strings.ReplaceAll(text, "{{", `{\u007b`)
	}
	return literal(text)
}

func formFields(text string) []field {
	list := []field{}
	for pair := range strings.SplitSeq(text, "&") {
		key, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(key)
		text, err2 := url.QueryUnescape(value)
		if pair != "" && err1 == nil && err2 == nil {
			list = append(list, field{Key: literal(name), Value: literal(text), Type: "text"})
		}
	}
	return list
}

// parts reads a multipart body, whose first line is the boundary.
func parts(text string) []field {
	list := []field{}
	first, _, _ := strings.Cut(text, "\n")
	boundary, ok := strings.CutPrefix(strings.TrimSpace(first), "--")
	if !ok || boundary == "" {
		return list
	}
	reader := multipart.NewReader(strings.NewReader(text), boundary)
	for {
		part, err := reader.NextPart()
		if err != nil {
			return list
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return list
		}
		one := field{Key: literal(part.FormName()), Value: literal(string(value)), Type: "text"}
		if part.FileName() != "" {
			one.Value, one.Type = "", "file"
		}
		list = append(list, one)
	}
}

func textual(mediaType string) bool {
	return languageOf(mediaType) != "text" || strings.HasPrefix(mediaType, "text/") || strings.Contains(mediaType, "yaml")
}

// languageOf is how Postman colours a body.
func languageOf(mediaType string) string {
	switch {
	case strings.Contains(mediaType, "json") || strings.Contains(mediaType, "*"):
		return "json"
	case strings.Contains(mediaType, "xml"):
		return "xml"
	case strings.Contains(mediaType, "html"):
		return "html"
	}
	return "text"
}

// maxAnswers is how many responses are saved with a request.
const maxAnswers = 10

type answer struct {
	Name     string   `json:"name"`
	Original *request `json:"originalRequest,omitempty"`
	Status   string   `json:"status"`
	Code     int      `json:"code"`
	Language string   `json:"_postman_previewlanguage"`
	Header   []field  `json:"header"`
	Cookie   []field  `json:"cookie"`
	Body     string   `json:"body"`
}

func answers(op *openapi.Operation, sent request) []answer {
	list := []answer{}
	sent.Description = ""
	for _, response := range op.Responses {
		code, err := strconv.Atoi(response.Status)
		if err != nil || len(list) == maxAnswers {
			continue
		}
		one := answer{
			Name: cut(firstLine(response.Description), 200), Original: &sent, Status: http.StatusText(code), Code: code, Language: "text", Header: []field{}, Cookie: []field{},
		}
		if one.Name == "" {
			one.Name = strings.TrimSpace(response.Status + " " + one.Status)
		}
		for _, media := range response.Content[:min(len(response.Content), 1)] {
			one.Language = languageOf(media.Type)
			one.Header = append(one.Header, field{Key: "Content-Type", Value: media.Type})
			if len(media.Examples) > 0 && len(media.Examples[0].Text) <= maxBody {
				one.Body = media.Examples[0].Text
			}
		}
		list = append(list, one)
	}
	return list
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}
