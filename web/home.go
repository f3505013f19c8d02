package web

import (
	"net/http"

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
	body := homePage{Call: firstCall(exampleEndpoint)}
	for _, product := range published.Products {
		if at := endpoint(product); at != "" {
			body.Call = firstCall(at)
			break
		}
	}
	shown := published.Products[:min(featured, len(published.Products))]
	body.Featured, body.More = cards(shown), len(shown) < len(published.Products)
	s.render(w, r, http.StatusOK, view{page: "home", Title: s.name, Body: body})
	return nil
}

// card is a product in a list.
type card struct {
	catalog.Product
	Versions []string
}

func cards(products []catalog.Product) []card {
	list := make([]card, 0, len(products))
	for _, product := range products {
		list = append(list, card{Product: product, Versions: versions(product)})
	}
	return list
}
