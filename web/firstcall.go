package web

import (
	"context"
	"fmt"
	"strings"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/snippet"
	"github.com/gatehouse-portal/gatehouse/shell"
)

// Placeholders that the reader replaces in a first call.
const (
	placeholderKey  = snippet.PlaceholderKey
	placeholderPath = "A_PATH"
)

type firstCall struct {
	Text string
	// Path says that the reader must fill in a path.
	Path, Key bool
}

// firstCall returns the simplest call in a product's documentation. Without
// documentation the reader fills in a path, since few APIs answer at their root.
func (s *Web) firstCall(ctx context.Context, shelf *library.Shelf, product catalog.Product, key string) firstCall {
	for _, api := range product.APIs {
		if api.Definition == "" || api.Endpoint == "" || api.Kind == catalog.Docs {
			continue
		}
		doc, err := shelf.Definition(ctx, product.ID, api.Slug)
		if err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Str("product", product.ID).Msg("a first call is shown without a path, because the API's definition cannot be read")
			continue
		}
		op := simplest(doc)
		if op == nil {
			continue
		}
		if text := exampleCall(op, api.Endpoint, "curl", key); text != "" {
			return firstCall{Text: text, Key: op.TakesKey()}
		}
	}
	return plainCall(endpoint(product), key)
}

func plainCall(endpoint, key string) firstCall {
	if endpoint == "" {
		return firstCall{}
	}
	at := strings.TrimSuffix(endpoint, "/") + "/" + placeholderPath
	return firstCall{Text: fmt.Sprintf("curl -H %s %s", shell.Quote("x-api-key: "+key), shell.Quote(at)), Path: true, Key: true}
}

// simplest returns the operation that is easiest to try: a GET with few required parameters,
// preferably one that needs no more than a key.
func simplest(doc *openapi.Document) *openapi.Operation {
	var best *openapi.Operation
	least := 0
	for _, tag := range doc.Tags {
		for _, op := range tag.Operations {
			if op.Method != "GET" || op.Deprecated {
				continue
			}
			effort := 1
			for _, p := range op.Parameters {
				if p.Required {
					effort += 2
				}
			}
			if !op.TakesKey() && !op.Open() {
				effort += 10
			}
			if best == nil || effort < least {
				best, least = op, effort
			}
		}
	}
	return best
}

// exampleCall writes an operation's example request, "" if it cannot be written.
func exampleCall(op *openapi.Operation, base, language, key string) string {
	call := snippet.Example(op, base)
	for i, h := range call.Header {
		if h.Value == snippet.PlaceholderKey {
			call.Header[i].Value = key
		}
	}
	text, err := snippet.Write(language, call)
	if err != nil {
		return ""
	}
	return text
}
