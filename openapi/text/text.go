// Package text writes what an OpenAPI document says as Markdown, for people and language models
// that read text.
//
// The document is other people's. Their text cannot leave its place: descriptions are quoted, other
// text is escaped, and examples are in fences that they cannot close. Texts are bounded, whatever
// the size of the document.
package text

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

const (
	// maxOperation bounds an operation or a schema, in bytes. Its last part may go beyond it.
	maxOperation = 256 << 10
	// maxDetailed bounds the operations and schemas that Document describes, in bytes. The last one
	// may go beyond it.
	maxDetailed = 2 << 20
	// maxListed bounds each list of names, in bytes.
	maxListed = 256 << 10
)

// Operation describes an operation, webhook or callback: how to call it, its parameters, bodies
// and responses with their schemas, and examples. base is the URL of the API; with "" there is no
// example request.
func Operation(doc *openapi.Document, op *openapi.Operation, base string) string {
	w := writer{doc: doc, base: base, level: 1, limit: maxOperation, schemas: newSchemas()}
	w.operation(op, slices.Contains(doc.Webhooks, op))
	return w.String()
}

// Schema describes a component by its name. It returns "" if the document has none of that name.
func Schema(doc *openapi.Document, name string) string {
	schema, ok := doc.Schema(name)
	if !ok {
		return ""
	}
	w := writer{doc: doc, level: 1, limit: maxOperation, schemas: newSchemas()}
	w.component(name, schema)
	return w.String()
}

// Document describes all operations, and after them the components that they use. A document that
// is too long for this ends with lists of the operations and components that are left out.
func Document(doc *openapi.Document, base string) string {
	w := writer{doc: doc, base: base, level: 1, limit: maxOperation, schemas: newSchemas()}
	w.schemas.apart = true
	w.heading(cmp.Or(inline(doc.Title), "API"))
	if doc.Version != "" {
		w.paragraph("Version " + inline(doc.Version))
	}
	if address := cmp.Or(base, serverOf(doc)); address != "" {
		w.paragraph("Base URL: " + code(address))
	}
	w.paragraph(inline(doc.Summary))
	w.quote(doc.Description)
	w.schemes()
	w.level = 2
	left := w.tags()
	w.webhooks()
	w.level = 2
	w.components()
	if len(left) > 0 {
		w.heading("Further operations")
		w.paragraph("This document is too long to describe these operations here. Read them one by one.")
		w.list(len(left), func(i int) string { return item(left[i]) })
	}
	return w.String()
}

func serverOf(doc *openapi.Document) string {
	for _, server := range doc.Servers {
		if strings.HasPrefix(server.URL, "http") {
			return server.URL
		}
	}
	return ""
}

// tags describes the operations by tag, each under its first tag, and returns those that are left
// out.
func (w *writer) tags() (left []*openapi.Operation) {
	seen := map[*openapi.Operation]bool{}
	for _, tag := range w.doc.Tags {
		headed := false
		for _, op := range tag.Operations {
			if seen[op] {
				continue
			}
			seen[op] = true
			if w.Len() > maxDetailed {
				left = append(left, op)
				continue
			}
			if !headed {
				w.level = 2
				w.heading(cmp.Or(inline(tag.Name), "Operations"))
				w.quote(tag.Description)
				w.level, headed = 3, true
			}
			w.limit = w.Len() + maxOperation
			w.operation(op, false)
		}
	}
	w.level = 2
	return left
}

func (w *writer) webhooks() {
	if len(w.doc.Webhooks) == 0 || w.Len() > maxDetailed {
		return
	}
	w.heading("Webhooks")
	w.paragraph("The API sends these requests.")
	w.level = 3
	for _, hook := range w.doc.Webhooks {
		if w.Len() > maxDetailed {
			return
		}
		w.limit = w.Len() + maxOperation
		w.operation(hook, true)
	}
}

// components describes the components that were named so far, and those that they name.
func (w *writer) components() {
	if len(w.schemas.named) == 0 {
		return
	}
	w.heading("Schemas")
	w.level = 3
	described := 0
	for ; described < len(w.schemas.named) && w.Len() <= maxDetailed; described++ { // named grows
		w.limit = w.Len() + maxOperation
		w.component(w.schemas.named[described].Name, w.schemas.named[described])
	}
	w.level = 2
	if left := w.schemas.named[described:]; len(left) > 0 {
		w.heading("Further schemas")
		w.paragraph("This document is too long to describe these schemas here.")
		w.list(len(left), func(i int) string { return "- " + code(left[i].Name) + "\n" })
	}
}

// item is a line of a list: an operation with its summary and id.
func item(op *openapi.Operation) string {
	line := "- " + code(op.Method+" "+op.Path)
	if summary := plain(op.Summary); summary != "" {
		line += ": " + summary
	}
	return line + " (" + code(op.ID) + ")\n"
}

// list writes as many of the lines of a list as fit.
func (w *writer) list(n int, line func(int) string) {
	for end, i := w.Len()+maxListed, 0; i < n; i++ {
		if w.Len() > end {
			fmt.Fprintf(w, "- and %d more\n", n-i)
			break
		}
		w.WriteString(line(i))
	}
	w.WriteString("\n")
}
