// Package text writes OpenAPI documents as Markdown for people and language models. A document's
// texts stay in place: none can add a heading, end a block of code, or leave its cell or quote.
package text

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/snippet"
)

// Document writes all of a document: what it is, how to authenticate, and its operations by tag.
// The base is the URL of the API, "" if it cannot be called. Once the text has limit bytes, no
// further operation is written, so callers may cut it there.
func Document(doc *openapi.Document, base string, limit int) string {
	w := &writer{}
	w.heading(1, doc.Title+" "+doc.Version)
	w.description(doc.Description)
	if base != "" {
		w.block("Base URL: " + span(base, false))
	}
	w.schemes(doc)
	written := map[string]bool{}
	for _, tag := range doc.Tags {
		w.heading(2, nameOf(tag))
		w.description(tag.Description)
		for _, op := range tag.Operations {
			if w.Len() > limit {
				return w.String()
			}
			if written[op.ID] {
				w.block("- " + span(op.Method+" "+op.Path, false) + ": see above")
				continue
			}
			written[op.ID] = true
			w.operation(op, base, 3)
		}
	}
	if hooks, ok := doc.Tag(openapi.WebhooksSlug); ok {
		w.heading(2, nameOf(hooks))
		for _, op := range hooks.Operations {
			if w.Len() > limit {
				return w.String()
			}
			w.call(op, 3, sentToYou)
		}
	}
	return w.String()
}

// Tag writes a tag with its operations. The limit is as for Document.
func Tag(doc *openapi.Document, tag openapi.Tag, base string, limit int) string {
	w := newWriter(doc)
	w.heading(1, nameOf(tag))
	w.description(tag.Description)
	for _, op := range tag.Operations {
		if w.Len() > limit {
			break
		}
		if tag.Slug == openapi.WebhooksSlug {
			w.call(op, 2, sentToYou)
			continue
		}
		w.operation(op, base, 2)
	}
	return w.String()
}

func nameOf(tag openapi.Tag) string { return cmp.Or(tag.Name, "Other operations") }

// Operation writes one operation or webhook, and how each way of authentication is sent, which
// Document says once for all.
func Operation(doc *openapi.Document, op *openapi.Operation, base string) string {
	w := newWriter(doc)
	if slices.Contains(doc.Webhooks, op) {
		w.call(op, 1, sentToYou)
	} else {
		w.operation(op, base, 1)
	}
	return w.String()
}

// Schema writes a component, and reports whether the document has it.
func Schema(doc *openapi.Document, name string) (string, bool) {
	s, ok := doc.Schema(name)
	if !ok {
		return "", false
	}
	w := &writer{}
	w.heading(1, name)
	w.description(s.Description)
	w.block(outlineOf(s))
	return w.String(), true
}

// writer separates blocks by blank lines.
type writer struct {
	strings.Builder
	// sent says in brackets how a scheme is sent, by its name. It may be nil.
	sent map[string]string
}

func newWriter(doc *openapi.Document) *writer {
	w := &writer{sent: map[string]string{}}
	for _, scheme := range doc.Security {
		w.sent[scheme.Name] = " (" + place(scheme) + ")"
	}
	return w
}

func (w *writer) block(s string) {
	if s == "" {
		return
	}
	if w.Len() > 0 {
		w.WriteByte('\n')
	}
	w.WriteString(s + "\n")
}

func (w *writer) heading(level int, s string) {
	s = inline(s)
	if s == "" {
		s = "(no name)"
	}
	w.block(strings.Repeat("#", min(level, 6)) + " " + s)
}

func (w *writer) description(s string) {
	if strings.TrimSpace(s) != "" {
		w.block(quoted(s))
	}
}

func (w *writer) schemes(doc *openapi.Document) {
	if len(doc.Security) == 0 {
		return
	}
	w.heading(2, "Authentication")
	var lines []string
	for _, scheme := range doc.Security {
		line := "- " + span(scheme.Name, false) + ": " + place(scheme)
		if description := inline(scheme.Description); description != "" {
			line += ". " + description
		}
		lines = append(lines, line)
	}
	w.block(strings.Join(lines, "\n"))
}

func place(scheme openapi.SecurityScheme) string {
	switch scheme.Type {
	case "apiKey":
		where := inline(scheme.In)
		if scheme.In == "query" {
			where += " parameter"
		}
		return "API key in the " + where + " " + span(scheme.Parameter, false)
	case "http":
		return "HTTP authentication, scheme " + span(scheme.Scheme, false)
	case "oauth2":
		return "OAuth 2 access token in the header `Authorization`"
	case "openIdConnect":
		return "OpenID Connect token in the header `Authorization`"
	case "mutualTLS":
		return "client certificate (mutual TLS)"
	}
	return "authentication of type " + span(scheme.Type, false)
}

func (w *writer) operation(op *openapi.Operation, base string, level int) {
	w.call(op, level, w.authentication(op))
	w.example(op, base, level+1)
	for _, callback := range op.Callbacks {
		w.heading(level+1, "Callback")
		w.call(callback, level+2, sentToYou)
	}
}

// sentToYou replaces authentication in webhooks and callbacks.
const sentToYou = "The API sends this request to you."

func (w *writer) call(op *openapi.Operation, level int, authentication string) {
	title := op.Summary
	if title == "" {
		title = op.Method + " " + op.Path
	}
	w.heading(level, title)
	w.block(span(op.Method+" "+op.Path, false))
	if op.Deprecated {
		w.block("This operation is deprecated.")
	}
	w.description(op.Description)
	w.block(authentication)
	w.parameters(op, level+1)
	w.body(op, level+1)
	w.responses(op, level+1)
}

func (w *writer) authentication(op *openapi.Operation) string {
	if len(op.Security) == 0 {
		return "Authentication: none"
	}
	var alternatives []string
	for _, names := range op.Security {
		if len(names) == 0 {
			alternatives = append(alternatives, "none")
			continue
		}
		var together []string
		for _, name := range names {
			together = append(together, span(name, false)+w.sent[name])
		}
		alternatives = append(alternatives, strings.Join(together, " with "))
	}
	return "Authentication: " + strings.Join(alternatives, ", or ")
}

func (w *writer) parameters(op *openapi.Operation, level int) {
	if len(op.Parameters) == 0 {
		return
	}
	w.heading(level, "Parameters")
	rows := []string{"| Name | In | Type | Required | Description |", "| --- | --- | --- | --- | --- |"}
	for _, p := range op.Parameters {
		required, kind, more := "no", "any", ""
		if p.Required {
			required = "yes"
		}
		description := inline(p.Description)
		if p.Schema != nil {
			kind = typeOf(p.Schema)
			copied := *p.Schema
			copied.Description = "" // A parameter's own is first.
			if description == "" {
				description = inline(p.Schema.Description)
			}
			more = strings.TrimPrefix(details(&copied, true), ", ")
		}
		if p.Deprecated {
			description = strings.TrimSpace("Deprecated. " + description)
		}
		if more != "" {
			description = strings.TrimSpace(description + " (" + more + ")")
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %s |", span(p.Name, true), inline(p.In), span(kind, true), required, description))
	}
	w.block(strings.Join(rows, "\n"))
}

func (w *writer) body(op *openapi.Operation, level int) {
	if op.Body == nil || len(op.Body.Content) == 0 {
		return
	}
	w.heading(level, "Request body")
	if op.Body.Required {
		w.block("Required.")
	}
	w.description(op.Body.Description)
	for _, media := range op.Body.Content {
		w.block("Media type: " + span(media.Type, false))
		if media.Schema != nil {
			w.block(outlineOf(media.Schema))
		}
	}
}

func (w *writer) responses(op *openapi.Operation, level int) {
	for _, answer := range op.Responses {
		w.heading(level, "Response "+answer.Status)
		w.description(answer.Description)
		for _, h := range answer.Headers {
			w.block("Header " + span(h.Name, false) + ": " + inline(h.Description))
		}
		for _, media := range answer.Content {
			w.block("Media type: " + span(media.Type, false))
			if media.Schema != nil {
				w.block(outlineOf(media.Schema))
			}
		}
	}
}

// example writes the request as cURL, if there is a base, and the first successful
// answer with an example.
func (w *writer) example(op *openapi.Operation, base string, level int) {
	if base != "" {
		if text, err := snippet.Write("curl", snippet.Example(op, base)); err == nil {
			w.heading(level, "Example request")
			w.block(fenced("sh", text))
		}
	}
	for _, answer := range op.Responses {
		if !strings.HasPrefix(answer.Status, "2") || len(answer.Content) == 0 || len(answer.Content[0].Examples) == 0 || answer.Content[0].Examples[0].Text == "" {
			continue
		}
		language := ""
		if strings.Contains(answer.Content[0].Type, "json") {
			language = "json"
		}
		w.heading(level, "Example response")
		w.block(fenced(language, answer.Content[0].Examples[0].Text))
		return
	}
}
