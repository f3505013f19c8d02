// Package demo is an API for trying the portal: Seamark, the tides and lights of an invented
// coast, with its OpenAPI document and its installation in API Gateway. Answers depend only
// on the request.
package demo

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
)

// OpenAPI is the API's OpenAPI 3.1 document, JSON. It names no server, since the address
// is known only after installing.
//
//go:embed catalog/seamark/openapi.json
var OpenAPI []byte

//go:embed catalog
var catalogFiles embed.FS

// Catalog is the demo's catalog folder: Seamark, an older version of it, and an API that is only
// documented.
var Catalog = catalogFolder()

func catalogFolder() fs.FS {
	folder, err := fs.Sub(catalogFiles, "catalog")
	if err != nil {
		panic(err) // the name is valid
	}
	return folder
}

// API serves the demo API from the root; to mount it below a prefix, use
// http.StripPrefix. Errors are {"error": {"code": …, "message": …}}.
func API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", about)
	mux.HandleFunc("GET /harbours", listHarbours)
	mux.HandleFunc("GET /harbours/{id}", getHarbour)
	mux.HandleFunc("GET /harbours/{id}/tides", getTides)
	mux.HandleFunc("GET /tides", getTidesOf)
	mux.HandleFunc("GET /lights", listLights)
	mux.HandleFunc("GET /lights/{id}", getLight)
	mux.HandleFunc("POST /passages", planPassage)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "not_found", "There is no such path in this API.")
	})
	return mux
}

func about(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"name":    "Seamark",
		"about":   "Tides and lights of an invented coast. Not for navigation.",
		"paths":   []string{"/harbours", "/harbours/{id}", "/harbours/{id}/tides", "/lights", "/lights/{id}", "/passages", "/tides"},
		"version": "1.1.0",
	})
}

type list[T any] struct {
	Items []T `json:"items"`
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails only if the caller is gone
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}
