package web

import (
	"context"
	"html/template"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/snippet"
)

type operationView struct {
	*openapi.Operation
	Level        int
	Anchor, Href string
	Title        string
	Description  template.HTML
	Auth         string
	Parameters   []parameterGroup
	Body         *bodyView
	Responses    []responseView
	Callbacks    []callbackView
	// Snippet is the request in the chosen language, "" if there is no address to call.
	Snippet  template.HTML
	Language string
	Answer   *exampleView
	Webhook  bool
	TryHref  string
}

type parameterGroup struct {
	Name       string
	Parameters []parameterView
}

type parameterView struct {
	openapi.Parameter
	Description template.HTML
	Schema      schemaView
}

type bodyView struct {
	Required    bool
	Description template.HTML
	Content     []mediaView
}

type responseView struct {
	Status, Meaning string
	Description     template.HTML
	Headers         []parameterView
	Content         []mediaView
}

type mediaView struct {
	Type     string
	Schema   schemaView
	Examples []exampleView
	Cut      bool
}

type exampleView struct {
	ID, Name  string
	Text      template.HTML
	Generated bool
}

type callbackView struct {
	Title       string
	Method      string
	Path        string
	Description template.HTML
	Body        *bodyView
	Responses   []responseView
}

var parameterPlaces = []struct{ in, name string }{
	{"path", "Path parameters"}, {"query", "Query parameters"}, {"header", "Headers"}, {"cookie", "Cookies"},
}

// view returns an operation for a page whose heading has that level.
func (ref *reference) view(ctx context.Context, op *openapi.Operation, level int) operationView {
	if level == 1 {
		ref.room.examples = exampleBytesOfTheOne
	}
	v := operationView{
		Operation: op, Level: level, Anchor: anchorOf(op), Href: ref.operationHref(op), Title: nameOf(op),
		Auth: ref.authOf(op), Webhook: ref.isWebhook(op), Language: ref.language,
	}
	v.Description = ref.prose(ctx, op.Description, level+1)
	for _, place := range parameterPlaces {
		group := parameterGroup{Name: place.name}
		for _, p := range op.Parameters {
			if p.In == place.in {
				group.Parameters = append(group.Parameters, ref.parameterView(ctx, p))
			}
		}
		if len(group.Parameters) > 0 {
			v.Parameters = append(v.Parameters, group)
		}
	}
	v.Body = ref.bodyView(ctx, op.Body, v.Anchor)
	v.Responses = ref.responses(ctx, op.Responses, v.Anchor)
	for _, c := range op.Callbacks {
		v.Callbacks = append(v.Callbacks, callbackView{
			Title: nameOf(c), Method: c.Method, Path: c.Path, Description: ref.prose(ctx, c.Description, level+1),
			Body: ref.bodyView(ctx, c.Body, v.Anchor+"-"+c.ID), Responses: ref.responses(ctx, c.Responses, v.Anchor+"-"+c.ID),
		})
	}
	v.Answer = firstAnswer(v.Responses)
	if ref.base != "" && !v.Webhook {
		v.Snippet = ref.snippet(op)
		v.TryHref = v.Href + "#try"
	}
	return v
}

func anchorOf(op *openapi.Operation) string { return "op-" + op.ID }

func (ref *reference) isWebhook(op *openapi.Operation) bool {
	return slices.Contains(ref.doc.Webhooks, op)
}

func (ref *reference) snippet(op *openapi.Operation) template.HTML {
	text := exampleCall(op, ref.base, ref.language, placeholderKey)
	if text == "" {
		return ""
	}
	return snippet.Highlight(ref.language, text)
}

func (ref *reference) prose(ctx context.Context, markdown string, level int) template.HTML {
	return ref.web.rendered(ctx, ref.shelf, markdown, place{level: min(level, 6)}).HTML
}

func (ref *reference) parameterView(ctx context.Context, p openapi.Parameter) parameterView {
	return parameterView{Parameter: p, Description: ref.prose(ctx, p.Description, 6), Schema: ref.schemaView(ctx, p.Schema, nil)}
}

func (ref *reference) bodyView(ctx context.Context, body *openapi.Body, anchor string) *bodyView {
	if body == nil {
		return nil
	}
	return &bodyView{Required: body.Required, Description: ref.prose(ctx, body.Description, 6), Content: ref.content(ctx, body.Content, anchor+"-body")}
}

func (ref *reference) responses(ctx context.Context, responses []openapi.Response, anchor string) []responseView {
	var list []responseView
	for _, response := range responses {
		v := responseView{
			Status: response.Status, Meaning: statusMeaning(response.Status), Description: ref.prose(ctx, response.Description, 6),
			Content: ref.content(ctx, response.Content, anchor+"-"+response.Status),
		}
		for _, header := range response.Headers {
			v.Headers = append(v.Headers, ref.parameterView(ctx, header))
		}
		list = append(list, v)
	}
	return list
}

func (ref *reference) content(ctx context.Context, content []openapi.Media, anchor string) []mediaView {
	var list []mediaView
	for i, media := range content {
		v := mediaView{Type: media.Type, Schema: ref.schemaView(ctx, media.Schema, nil)}
		for j, example := range media.Examples {
			if ref.room.examples -= len(example.Text); ref.room.examples < 0 {
				v.Cut = true
				break
			}
			v.Examples = append(v.Examples, exampleView{
				ID: anchor + "-" + string(rune('a'+i%26)) + "-" + string(rune('a'+j%26)), Name: exampleName(example), Generated: example.Generated,
				Text: snippet.Highlight(languageOf(media.Type), example.Text),
			})
		}
		list = append(list, v)
	}
	return list
}

func exampleName(e openapi.Example) string {
	if e.Summary != "" {
		return e.Summary
	}
	return e.Name
}

func languageOf(mediaType string) string {
	switch {
	case strings.Contains(mediaType, "json"):
		return "json"
	case strings.Contains(mediaType, "xml"):
		return "xml"
	}
	return "text"
}

func firstAnswer(responses []responseView) *exampleView {
	for _, response := range responses {
		if !strings.HasPrefix(response.Status, "2") {
			continue
		}
		for _, media := range response.Content {
			if len(media.Examples) > 0 {
				example := media.Examples[0]
				example.Name = response.Status + " " + media.Type
				example.ID += "-aside"
				return &example
			}
		}
	}
	return nil
}

func (ref *reference) authOf(op *openapi.Operation) string {
	if len(op.Security) == 0 {
		return "Needs no authentication."
	}
	var ways []string
	for _, together := range op.Security {
		if len(together) == 0 {
			ways = append(ways, "nothing")
			continue
		}
		var names []string
		for _, name := range together {
			names = append(names, ref.schemeName(name))
		}
		ways = append(ways, strings.Join(names, " and "))
	}
	return "Needs " + strings.Join(ways, ", or ") + "."
}

func (ref *reference) schemeName(name string) string {
	for _, scheme := range ref.doc.Security {
		if scheme.Name != name {
			continue
		}
		switch {
		case scheme.APIKey():
			return "an API key in the header x-api-key"
		case scheme.Type == "apiKey":
			return "an API key in the " + scheme.In + " " + scheme.Parameter
		case scheme.Type == "http" && strings.EqualFold(scheme.Scheme, "bearer"), scheme.Type == "oauth2", scheme.Type == "openIdConnect":
			return "a bearer token (" + name + ")"
		case scheme.Type == "http" && strings.EqualFold(scheme.Scheme, "basic"):
			return "a user name and a password (" + name + ")"
		}
	}
	return name
}

// statusMeaning explains a status in the words of RFC 9110.
func statusMeaning(status string) string {
	switch status {
	case "default":
		return "Any other status"
	case "1XX":
		return "Informational"
	case "2XX":
		return "Successful"
	case "3XX":
		return "Redirection"
	case "4XX":
		return "Client error"
	case "5XX":
		return "Server error"
	}
	return httpStatusText(status)
}
