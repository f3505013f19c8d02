package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

const (
	featured = 3
	// exampleEndpoint is in the quickstart while nothing is published. RFC 2606 reserves the
	// name, so it leads nowhere.
	exampleEndpoint = "https://api.example.com/"
)

type homePage struct {
	Featured []card
	More     bool
	Call     string
	homeWords
}

// homeWords are the operator's words on the home page, or the portal's own.
type homeWords struct {
	Tagline string
	Action  link
	Own     fragments
}

func (s *Web) homeWords() homeWords {
	words := homeWords{Tagline: s.Tagline(), Action: link{"Browse APIs", "/apis"}, Own: s.homeFragments()}
	if action := s.branding().Action; action.URL != "" {
		words.Action = link{action.Text, action.URL}
	}
	return words
}

// home is the home page. If the catalog cannot be read, it is shown without products.
func (s *Web) home(w http.ResponseWriter, r *http.Request) error {
	published, err := s.views.Catalog(r.Context())
	if err != nil {
		zerolog.Ctx(r.Context()).Warn().Err(err).Msg("the home page is shown without products")
	}
	body := homePage{Call: firstCall(exampleEndpoint, placeholderKey), homeWords: s.homeWords()}
	products := byName(published.Products)
	for _, product := range products {
		if at := endpoint(product); at != "" {
			body.Call = firstCall(at, placeholderKey)
			break
		}
	}
	shown := subscribableFirst(products)[:min(featured, len(products))]
	body.Featured, body.More = cards(shown), len(shown) < len(products)
	s.render(w, r, http.StatusOK, view{page: "home", Title: s.Name(), Body: body})
	return nil
}

// subscribableFirst puts products with plans before those without.
func subscribableFirst(products []catalog.Product) []catalog.Product {
	return slices.SortedStableFunc(slices.Values(products), func(a, b catalog.Product) int {
		return cmp.Compare(min(len(b.Plans), 1), min(len(a.Plans), 1))
	})
}

type card struct {
	catalog.Product
	Versions []string
}

// byName sorts products by name, ignoring case.
func byName(products []catalog.Product) []catalog.Product {
	return slices.SortedStableFunc(slices.Values(products), func(a, b catalog.Product) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Name, b.Name))
	})
}

func cards(products []catalog.Product) []card {
	list := make([]card, 0, len(products))
	for _, product := range products {
		list = append(list, card{Product: product, Versions: versions(product)})
	}
	return list
}
