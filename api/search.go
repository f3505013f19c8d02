package api

import (
	"context"
	"strings"

	"github.com/gatehouse-portal/gatehouse/library"
)

// Found is something that a search found.
type Found struct {
	Kind        string `json:"kind" enum:"product,page,operation,schema"`
	Title       string `json:"title"`
	URL         string `json:"url" doc:"The path of its page."`
	Product     string `json:"product,omitempty" doc:"The product's id; missing for the portal's own pages."`
	ProductName string `json:"product_name,omitempty"`
	API         string `json:"api,omitempty" doc:"The API's slug, for operations and schemas."`
	APIName     string `json:"api_name,omitempty"`
	Method      string `json:"method,omitempty"`
	Path        string `json:"path,omitempty"`
	Summary     string `json:"summary" doc:"A piece of its text, around the first match."`
}

// SearchResults are what a search found, the best first.
type SearchResults struct {
	Items      []Found `json:"items"`
	More       bool    `json:"more" doc:"There are further results. Ask for them with more words."`
	Incomplete bool    `json:"incomplete" doc:"The portal has just started and is still reading. Ask again in a moment for all results."`
}

func (s *service) search(ctx context.Context, in *struct {
	Query string `query:"q" required:"true" maxLength:"200" doc:"Words, or a path. All words have to be there; their ends may be missing, and one letter of a longer word may be wrong." example:"harbours"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"20" doc:"How many results to list, at most." example:"20"`
}) (*struct{ Body SearchResults }, error) {
	shelf, err := s.shelf(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	results, err := shelf.Search(ctx, in.Query, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body SearchResults }{SearchResults{
		Items: list(results.Items, showFound).Items, More: results.More, Incomplete: results.Incomplete,
	}}, nil
}

func showFound(r library.Result) Found {
	var summary strings.Builder
	for _, piece := range r.Excerpt {
		summary.WriteString(piece.Text)
	}
	return Found{
		Kind: r.Kind, Title: r.Title, URL: r.URL, Product: r.ProductID, ProductName: r.Product, API: r.Slug, APIName: r.API,
		Method: r.Method, Path: r.Path, Summary: summary.String(),
	}
}
