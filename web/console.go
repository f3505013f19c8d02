package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/snippet"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

type trying interface {
	Try(ctx context.Context, caller tryit.Caller, attempt tryit.Attempt) (tryit.Exchange, error)
}

// maxTry bounds a console's form in bytes: the largest body that try-it sends, escaped, and
// its fields.
const maxTry = 3*tryit.MaxRequest + 64<<10

// maxAnswerShown bounds an answer's text in a page, in bytes. Browsers are slow with more, and a
// page needs several times the memory.
const maxAnswerShown = 1 << 20

// console is the form that tries an operation, and the result.
type console struct {
	Action      string
	Base        string
	Unavailable string
	NeedsKey    bool
	Keys        []keyChoice
	NoKey       bool
	// WhyNoKey says why there is no key to choose, GetKey how to get one.
	WhyNoKey string
	GetKey   link
	Fields   []consoleField
	Body     *consoleBody
	Headers  string
	Problem  string
	Exchange *exchangeView
}

type keyChoice struct {
	ID     portal.KeyID
	Name   string
	Chosen bool
}

type consoleField struct {
	// ID is the element's, Input the name in the form.
	ID, Input          string
	Name, In, Type     string
	Required           bool
	Options            []string
	Value, Placeholder string
	Error              string
}

type consoleBody struct {
	Type     string
	Types    []string
	Required bool
	Text     string
	Rows     int
	Error    string
}

type exchangeView struct {
	tryit.Exchange
	// Class is the first digit of the status.
	Class, Took, Size, Left string
	Shown                   template.HTML
}

// filledConsole fills the form with the operation's example; nil if the operation cannot be tried.
func (ref *reference) filledConsole(r *http.Request, op *openapi.Operation) (*console, error) {
	if ref.web.trying == nil || ref.isWebhook(op) {
		return nil, nil
	}
	c, err := ref.console(r, op)
	if err != nil {
		return nil, err
	}
	for _, p := range op.Parameters {
		field := fieldOf(p)
		if field.Input == "" {
			continue
		}
		if p.Required {
			field.Value = p.Example
		} else if p.Example != "" {
			field.Placeholder = "for example " + p.Example
		}
		c.Fields = append(c.Fields, field)
	}
	if body := op.Body; body != nil && len(body.Content) > 0 {
		c.Body = bodyOf(body, body.Content[0].Type)
		if examples := body.Content[0].Examples; len(examples) > 0 {
			c.Body.setText(examples[0].Text)
		}
	}
	return c, nil
}

func fieldOf(p openapi.Parameter) consoleField {
	if p.In == "cookie" || (p.In == "header" && strings.EqualFold(p.Name, "x-api-key")) {
		return consoleField{}
	}
	field := consoleField{ID: "try-" + p.In + "-" + p.Name, Input: p.Key(), Name: p.Name, In: p.In, Required: p.Required}
	if p.Schema != nil {
		field.Type = p.Schema.Type
		if len(p.Schema.Enum) <= maxValues {
			field.Options = p.Schema.Enum
		}
		if field.Type == "boolean" {
			field.Options = []string{"true", "false"}
		}
	}
	return field
}

func bodyOf(body *openapi.Body, mediaType string) *consoleBody {
	b := &consoleBody{Type: mediaType, Required: body.Required}
	for _, media := range body.Content {
		b.Types = append(b.Types, media.Type)
	}
	return b
}

func (b *consoleBody) setText(text string) {
	b.Text, b.Rows = text, min(max(strings.Count(text, "\n")+2, 4), 20)
}

func (ref *reference) console(r *http.Request, op *openapi.Operation) (*console, error) {
	c := &console{Action: ref.path("operations", op.ID, "try"), Base: ref.base, NeedsKey: op.TakesKey()}
	switch {
	case ref.api.Private:
		c.Unavailable = "This API can be called only from inside its owner's network. Copy the code and run it there."
		return c, nil
	case ref.api.Endpoint == "":
		c.Unavailable = "This API has no public address, so it cannot be tried here."
		return c, nil
	}
	if c.NeedsKey = c.NeedsKey && ref.shelf.TakesKeys(ref.api); !c.NeedsKey {
		return c, nil
	}
	id, ok := identity.From(r.Context())
	if !ok {
		c.WhyNoKey, c.GetKey = "This operation needs an API key.", link{"Sign in to use yours", signIn(here(r))}
		return c, nil
	}
	account, err := ref.web.account(r.Context(), id.Account)
	if err != nil {
		return nil, err
	}
	if note := ref.web.standingNote(account.Profile); note != nil {
		c.Unavailable, c.GetKey = "This operation needs an API key. "+note.Keys, link{"What you can do", "/dashboard#standing"}
		return c, nil
	}
	for _, key := range account.Keys {
		if key.State == projections.KeyActive {
			c.Keys = append(c.Keys, keyChoice{ID: key.ID, Name: key.Name, Chosen: len(c.Keys) == 0})
		}
	}
	c.WhyNoKey, c.GetKey = "This operation needs an API key. You get one with your first subscription.", link{"See the plans", escapedPath("apis", ref.product.ID, "plans")}
	if len(account.Subscriptions) > 0 {
		c.WhyNoKey, c.GetKey = "This operation needs an API key, and none of yours works right now.", link{"See your keys", "/dashboard#keys"}
	}
	return c, nil
}

// try sends the request and shows the operation with the result.
func (ref *reference) try(w http.ResponseWriter, r *http.Request) error {
	op, tag, err := ref.operationOf(r)
	if err != nil {
		return err
	}
	if ref.web.trying == nil {
		return errNothing
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTry)
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return portal.Fail(portal.TooLarge, "The body is too large to be tried here.")
		}
		return &portal.Error{Code: portal.Invalid, Message: "The form could not be read.", Err: err}
	}
	form, err := ref.console(r, op)
	if err != nil {
		return err
	}
	status := ref.attempt(r, form, op)
	w.Header().Set("Cache-Control", "private, no-store")
	return ref.showOperation(w, r, status, op, tag, form)
}

func (ref *reference) attempt(r *http.Request, c *console, op *openapi.Operation) (status int) {
	values := openapi.Values{Parameters: map[string]string{}}
	for _, p := range op.Parameters {
		field := fieldOf(p)
		if field.Input == "" {
			continue
		}
		if field.Value = r.PostForm.Get(field.Input); field.Value != "" {
			values.Parameters[p.Key()] = field.Value
		}
		c.Fields = append(c.Fields, field)
	}
	if op.Body != nil {
		c.Body = bodyOf(op.Body, r.PostForm.Get("content_type"))
		// A browser sends CRLF at the ends of lines.
		c.Body.setText(strings.ReplaceAll(r.PostForm.Get("body"), "\r\n", "\n"))
		values.Body, values.ContentType = c.Body.Text, c.Body.Type
	}
	c.Headers = strings.ReplaceAll(r.PostForm.Get("headers"), "\r\n", "\n")
	key := portal.KeyID(r.PostForm.Get("key"))
	for i := range c.Keys {
		c.Keys[i].Chosen = c.Keys[i].ID == key
	}
	c.NoKey = key == ""
	if _, err := op.Request(ref.api.Endpoint, values); err != nil {
		c.explain(err)
		return http.StatusUnprocessableEntity
	}
	header, err := headersOf(c.Headers)
	if err != nil {
		c.Problem = portal.MessageOf(err)
		return http.StatusUnprocessableEntity
	}
	id, _ := identity.From(r.Context())
	exchange, err := ref.web.trying.Try(r.Context(), tryit.Caller{Viewer: library.Viewer(r.Context()), Account: id.Account}, tryit.Attempt{
		Product: ref.product.ID, API: ref.api.Slug, Operation: op.ID, Values: values, Header: header, Key: key,
	})
	if err != nil {
		c.Problem = portal.MessageOf(err)
		return ref.web.status(err)
	}
	c.Exchange = exchangeOf(exchange)
	return http.StatusOK
}

// explain puts errors at their fields.
func (c *console) explain(err error) {
	c.Problem = "Nothing was sent. Correct the marked fields first."
	var problems openapi.Problems
	if !errors.As(err, &problems) {
		c.Problem = "Nothing was sent: " + err.Error()
		return
	}
	for _, problem := range problems {
		placed := false
		for i := range c.Fields {
			if c.Fields[i].Input == problem.Parameter {
				c.Fields[i].Error, placed = problem.String(), true
			}
		}
		if problem.Parameter == "body" && c.Body != nil {
			c.Body.Error, placed = problem.String(), true
		}
		if !placed {
			c.Problem = "Nothing was sent: " + problem.String()
		}
	}
}

// headersOf reads the headers that a person added, one per line.
func headersOf(added string) (http.Header, error) {
	header := http.Header{}
	for line := range strings.Lines(added) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, portal.Fail(portal.Invalid, fmt.Sprintf("Nothing was sent: “%s” is not a header. Write Name: value.", clipped(line, 100)))
		}
		header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
	}
	return header, nil
}

func clipped(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func exchangeOf(e tryit.Exchange) *exchangeView {
	v := &exchangeView{Exchange: e, Took: strconv.FormatInt(e.TookMS, 10) + " ms"}
	if e.TookMS >= 10_000 {
		v.Took = strconv.FormatInt(e.TookMS/1000, 10) + " s"
	}
	if e.Response != nil {
		shortenAnswer(v)
		v.Class, v.Size = strconv.Itoa(e.Response.Status/100), bytesText(e.Response.Body.Size)
		v.Shown = snippet.Highlight(map[tryit.Kind]string{tryit.KindJSON: "json"}[v.Response.Body.Kind], v.Response.Body.Text)
	}
	if e.Left != nil {
		v.Left = count(int(e.Left.Remaining), "request") + " left"
		if e.Left.Limit != nil {
			v.Left += " of " + grouped(int(*e.Left.Limit))
		}
		v.Left += ", says the API."
	}
	return v
}

func shortenAnswer(v *exchangeView) {
	if len(v.Response.Body.Text) <= maxAnswerShown {
		return
	}
	response := *v.Response
	response.Body.Text = strings.ToValidUTF8(response.Body.Text[:maxAnswerShown], "")
	response.Body.Note = "Here is the first megabyte of the answer. Copy the code and run it yourself to get the rest."
	v.Response = &response
}

func bytesText(n int) string {
	switch {
	case n < 1000:
		return count(n, "byte")
	case n < 1000_000:
		return strconv.FormatFloat(float64(n)/1000, 'f', 1, 64) + " kB"
	}
	return strconv.FormatFloat(float64(n)/1000_000, 'f', 1, 64) + " MB"
}
