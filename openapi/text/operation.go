package text

import (
	"cmp"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/snippet"
)

// operation describes an operation. One that the API sends itself has no example request.
func (w *writer) operation(op *openapi.Operation, sent bool) {
	call := op.Method + " " + op.Path
	w.heading(cmp.Or(inline(op.Summary), inline(call)))
	w.paragraph(code(call))
	if op.Deprecated {
		w.paragraph("Deprecated: new programs should not use this operation.")
	}
	w.quote(op.Description)
	w.paragraph("Operation id: " + code(op.ID))
	if !sent {
		w.below("Authentication")
		w.paragraph(w.authentication(op))
	}
	w.parameters(op.Parameters)
	w.body(op.Body, "Request body")
	w.responses(op.Responses)
	w.callbacks(op.Callbacks)
	if !sent {
		w.request(op)
	}
}

func (w *writer) parameters(parameters []openapi.Parameter) {
	if len(parameters) == 0 {
		return
	}
	w.below("Parameters")
	w.WriteString("| name | in | type | required | description |\n|---|---|---|---|---|\n")
	for _, p := range parameters {
		if w.full() {
			w.WriteString("| and more | | | | |\n")
			break
		}
		w.WriteString("| " + strings.Join([]string{cell(code(p.Name)), inline(p.In), parameterType(p), yesNo(p.Required), parameterText(p)}, " | ") + " |\n")
	}
	w.WriteString("\n")
}

func parameterType(p openapi.Parameter) string {
	if p.Schema == nil {
		return "any"
	}
	return inline(p.Schema.Type) + cell(about(p.Schema))
}

func parameterText(p openapi.Parameter) string {
	var parts []string
	if p.Deprecated {
		parts = append(parts, "Deprecated.")
	}
	text := p.Description
	if text == "" && p.Schema != nil {
		text = p.Schema.Description
	}
	if text = plain(text); text != "" {
		parts = append(parts, sentence(text))
	}
	if p.Example != "" {
		parts = append(parts, "Example: "+cell(code(p.Example)))
	}
	return strings.Join(parts, " ")
}

// sentence ends a text with a full stop, unless it has an end of its own.
func sentence(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?") || strings.HasSuffix(text, ":") {
		return text
	}
	return text + "."
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func (w *writer) body(body *openapi.Body, title string) {
	if body == nil {
		return
	}
	if body.Required {
		title += " (required)"
	}
	w.below(title)
	w.quote(body.Description)
	w.content(body.Content)
	for _, media := range body.Content[:min(len(body.Content), 1)] {
		for _, example := range media.Examples[:min(len(media.Examples), 1)] {
			w.paragraph("Example:")
			w.example(languageOf(media.Type), example.Text)
		}
	}
}

// content describes the schema of each media type, those that are alike together.
func (w *writer) content(list []openapi.Media) {
	for i := 0; i < len(list) && !w.full(); {
		types := []string{code(list[i].Type)}
		next := i + 1
		for next < len(list) && list[next].Schema == list[i].Schema {
			types = append(types, code(list[next].Type))
			next++
		}
		w.schema(list[i].Schema, strings.Join(types, ", ")+": ")
		i = next
	}
}

func (w *writer) responses(list []openapi.Response) {
	if len(list) == 0 {
		return
	}
	w.below("Responses")
	w.level++
	for _, response := range list {
		if w.full() {
			w.paragraph("The other responses are left out, since there are too many.")
			break
		}
		w.below(inline(response.Status))
		w.quote(response.Description)
		w.headers(response.Headers)
		w.content(response.Content)
	}
	w.level--
	w.answer(list)
}

func (w *writer) headers(headers []openapi.Parameter) {
	if len(headers) == 0 {
		return
	}
	w.paragraph("Headers:")
	for _, h := range headers {
		if w.full() {
			w.WriteString("- and more\n")
			break
		}
		line := "- " + code(h.Name) + " (" + strings.ReplaceAll(parameterType(h), `\|`, "|") + ")"
		if text := plain(h.Description); text != "" {
			line += ": " + text
		}
		w.WriteString(line + "\n")
	}
	w.WriteString("\n")
}

// answer writes the example of the first successful response that has one.
func (w *writer) answer(list []openapi.Response) {
	for _, response := range list {
		if !strings.HasPrefix(response.Status, "2") && response.Status != "default" {
			continue
		}
		for _, media := range response.Content {
			for _, example := range media.Examples {
				if example.Text == "" {
					continue
				}
				w.below("Example response")
				w.paragraph(inline(response.Status) + " " + code(media.Type))
				w.example(languageOf(media.Type), example.Text)
				return
			}
		}
	}
}

func (w *writer) callbacks(list []*openapi.Operation) {
	if len(list) == 0 {
		return
	}
	w.below("Callbacks")
	w.paragraph("The API sends these requests in answer.")
	w.level += 2
	for _, op := range list {
		if w.full() {
			w.paragraph("The other callbacks are left out, since there are too many.")
			break
		}
		w.operation(op, true)
	}
	w.level -= 2
}

// Key is what stands for the caller's API key in example requests.
const Key = "YOUR_API_KEY"

func (w *writer) request(op *openapi.Operation) {
	if w.base == "" || longBody(op) {
		return
	}
	request := op.ExampleRequest(w.base)
	call := snippet.Request{Method: request.Method, URL: request.URL, Body: request.Body}
	for _, h := range request.Header {
		call.Header = append(call.Header, snippet.Header{Name: h.Name, Value: h.Value})
	}
	if op.TakesKey() {
		call.Header = append(call.Header, snippet.Header{Name: "x-api-key", Value: Key})
	}
	text, err := snippet.Write("curl", call)
	if err != nil {
		return // The request cannot be written, such as one with a binary body.
	}
	w.below("Example request")
	w.example("sh", text)
}

// longBody reports whether the example of the body is too long to be shown in full.
func longBody(op *openapi.Operation) bool {
	if op.Body == nil || len(op.Body.Content) == 0 || len(op.Body.Content[0].Examples) == 0 {
		return false
	}
	return len(op.Body.Content[0].Examples[0].Text) > maxExample/2
}

// languageOf returns the language of a media type for a fence, "" for none.
func languageOf(mediaType string) string {
	switch {
	case strings.Contains(mediaType, "json"):
		return "json"
	case strings.Contains(mediaType, "xml"):
		return "xml"
	case strings.Contains(mediaType, "yaml"):
		return "yaml"
	}
	return ""
}
