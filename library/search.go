package library

import (
	"context"
)

// Kinds of results.
const (
	KindProduct   = "product"
	KindPage      = "page"
	KindOperation = "operation"
	KindSchema    = "schema"
)

// Result is something that a search found.
type Result struct {
	// Kind is one of the constants.
	Kind  string
	Title string
	// URL is the path of its page.
	URL string
	// ProductID and Product are the product's id and name, "" for the portal's own pages; Slug and
	// API those of the API, "" for products and pages.
	ProductID, Product string
	Slug, API          string
	// Method and Path are an operation's.
	Method, Path string
	// Excerpt is a piece of its text, with the words that matched.
	Excerpt []Piece
}

// Piece is a piece of text. Match says that it matched.
type Piece struct {
	Text  string
	Match bool
}

// Results are what a search found, the best first.
type Results struct {
	Items []Result
	// More says that there are further results.
	More bool
	// Incomplete says that the index is still being built for the first time.
	Incomplete bool
}

// Search finds products, pages, operations and schemas that have every word of the query. The
// last letters of words may be missing, and one letter of a longer word may be wrong.
func (s *Shelf) Search(_ context.Context, _ string, _ int) (Results, error) {
	return Results{}, nil
}
