package app

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/mcp"
	"github.com/gatehouse-portal/gatehouse/plain"
	"github.com/gatehouse-portal/gatehouse/web"
)

func serveDocuments(router chi.Router, base string, shelves *library.Library, pages *web.Web,
	onError func(http.ResponseWriter, *http.Request, error), guard ...func(http.Handler) http.Handler,
) {
	documents := plain.New(plain.Config{Library: shelves, BaseURL: base, Name: pages.Name, Tagline: pages.Tagline, Error: onError})
	documents.Routes(router, guard...)
	mcp.New(mcp.Config{Library: shelves, Documents: documents, BaseURL: base, Version: Version, Error: onError}).Routes(router, guard...)
}
