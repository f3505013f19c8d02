package web

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// maxQuery bounds the search text, in characters; the rest is ignored.
const maxQuery = 100

type catalogPage struct {
	Query string
	Cards []card
	Total int
	// Synchronized says that a catalog has been published.
	Synchronized bool
}

func (s *Web) catalog(w http.ResponseWriter, r *http.Request) error {
	published, err := s.views.Catalog(r.Context())
	if err != nil {
		return err
	}
	query := searchedFor(r)
	body := catalogPage{
		Query: query, Total: len(published.Products), Synchronized: published.Hash != "",
		Cards: cards(matching(byName(published.Products), query)),
	}
	s.render(w, r, http.StatusOK, view{page: "catalog", Title: "APIs", Section: "apis", Body: body})
	return nil
}

func searchedFor(r *http.Request) string {
	query := strings.ToValidUTF8(strings.TrimSpace(r.URL.Query().Get("q")), "")
	if utf8.RuneCountInString(query) > maxQuery {
		query = string([]rune(query)[:maxQuery])
	}
	return query
}

// matching returns the products that contain every word of the query.
func matching(products []catalog.Product, query string) []catalog.Product {
	words := strings.Fields(strings.ToLower(query))
	var found []catalog.Product
	for _, product := range products {
		text := strings.ToLower(searchable(product))
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
			found = append(found, product)
		}
	}
	return found
}

func searchable(product catalog.Product) string {
	lines := []string{product.Name, product.Description}
	for _, api := range product.APIs {
		lines = append(lines, api.Name, api.Description, api.Version)
	}
	for _, plan := range product.Plans {
		lines = append(lines, plan.Name, plan.Description)
	}
	return strings.Join(lines, "\n")
}

func versions(product catalog.Product) []string {
	var list []string
	for _, api := range product.APIs {
		if api.Version != "" && !slices.Contains(list, api.Version) {
			list = append(list, api.Version)
		}
	}
	return list
}
