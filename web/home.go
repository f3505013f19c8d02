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
	// featured is how many products the home page shows.
	featured = 3
	// exampleEndpoint stands in the quickstart while nothing is published. The name is
	// reserved by RFC 2606 and leads nowhere.
	exampleEndpoint = "https://api.example.com/"
)

type homePage struct {
	Featured []card
	More     bool
	Call     string
}

// home is the front page. It needs no catalog to be of use, so one that cannot be read
// only leaves the products out.
func (s *Web) home(w http.ResponseWriter, r *http.Request) error {
	published, err := s.views.Catalog(r.Context())
	if err != nil {
		zerolog.Ctx(r.Context()).Warn().Err(err).Msg("the home page is shown without products")
	}
	body := homePage{Call: firstCall(exampleEndpoint, placeholderKey)}
	products := byName(published.Products)
	for _, product := range products {
		if at := endpoint(product); at != "" {
			body.Call = firstCall(at, placeholderKey)
			break
		}
	}
	shown := subscribableFirst(products)[:min(featured, len(products))]
	body.Featured, body.More = cards(shown), len(shown) < len(products)
	s.render(w, r, http.StatusOK, view{page: "home", Title: s.name, Body: body})
	return nil
}

// subscribableFirst has the products that have plans before those that have none.
func subscribableFirst(products []catalog.Product) []catalog.Product {
	return slices.SortedStableFunc(slices.Values(products), func(a, b catalog.Product) int {
		return cmp.Compare(min(len(b.Plans), 1), min(len(a.Plans), 1))
	})
}

// card is a product in a list.
type card struct {
	catalog.Product
	Versions []string
}

// byName orders products as people look them up: capitals make no difference.
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
