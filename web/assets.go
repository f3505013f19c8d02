package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/highlight"
)

//go:embed assets
var assetFiles embed.FS

// assetNames maps a file's name to the name it is served under. That has a hash of the
// content, so browsers can cache it permanently. assetContents maps the served name to the
// content.
var assetNames, assetContents = hashAssets()

func hashAssets() (names map[string]string, contents map[string][]byte) {
	names, contents = map[string]string{}, map[string][]byte{}
	files, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		panic(err)
	}
	add := func(name string, content []byte) {
		sum := sha256.Sum256(content)
		extension := path.Ext(name)
		hashed := strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:6]) + extension
		names[name], contents[hashed] = hashed, content
	}
	for _, file := range files {
		content, err := assetFiles.ReadFile("assets/" + file.Name())
		if err != nil {
			panic(err)
		}
		add(file.Name(), content)
	}
	add("highlight.css", []byte(highlight.Stylesheet()))
	return names, contents
}

// assetPath returns the path of a file. An unknown file fails the template.
func assetPath(name string) (string, error) {
	hashed, ok := assetNames[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %s", name)
	}
	return "/assets/" + hashed, nil
}

// asset serves a file by its hashed name. Caches may keep it for a year (RFC 2616) without
// revalidating it (RFC 8246).
func (s *Web) asset(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	content, ok := assetContents[name]
	if !ok {
		s.notFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
