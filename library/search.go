package library

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// MaxQuery bounds a query, in characters. The rest is ignored.
	MaxQuery = 200
	// MaxResults bounds the results of one search.
	MaxResults = 50
	maxWords   = 8
	firstWait  = 1500 * time.Millisecond
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
	Kind  string
	Title string
	URL   string
	// ProductID and Product are "" for the portal's own pages; Slug and API are "" for products
	// and pages.
	ProductID, Product string
	Slug, API          string
	Method, Path       string
	Excerpt            []Piece
}

// Piece is a piece of text. Match says that it matched.
type Piece struct {
	Text  string
	Match bool
}

// Results are what a search found, the best first.
type Results struct {
	Items      []Result
	More       bool
	Incomplete bool
}

type question struct {
	words     []string
	path      string
	pathWords []string
}

func parse(text string) question {
	if utf8.RuneCountInString(text) > MaxQuery {
		text = string([]rune(text)[:MaxQuery])
	}
	var q question
	for _, part := range strings.Fields(text) {
		if strings.HasPrefix(part, "/") && len(part) > 1 && q.path == "" {
			q.path, q.pathWords = pathPattern(part), asked(part)
			continue
		}
		q.words = append(q.words, asked(part)...)
	}
	q.words = q.words[:min(len(q.words), maxWords)]
	q.pathWords = q.pathWords[:min(len(q.pathWords), maxWords)]
	return q
}

func (q question) fuzzy() bool {
	return slices.ContainsFunc(slices.Concat(q.words, q.pathWords), mayBeWrong)
}

func mayBeWrong(word string) bool { return utf8.RuneCountInString(word) >= minFuzzy }

func (q question) empty() bool { return len(q.words) == 0 && q.path == "" }

// Search finds products, pages, operations and schemas that have every word of the query, at
// most limit and at most MaxResults. The end of a word may be missing, and one letter of a
// longer word may be wrong; both rank lower. A path such as /harbours/{id} finds operations. An
// empty query finds nothing.
//
// The first search of a process waits a moment for the index.
func (s *Shelf) Search(ctx context.Context, text string, limit int) (Results, error) {
	q := parse(text)
	if q.empty() || limit < 1 {
		return Results{}, nil
	}
	limit = min(limit, MaxResults)
	indexer := s.library.indexer
	var results Results
	results.Incomplete = !indexer.ready(ctx, firstWait)
	found, err := s.find(ctx, q, false)
	if err == nil && len(found) < limit && q.fuzzy() {
		var alike []entry
		alike, err = s.find(ctx, q, true)
		found = append(found, without(alike, found)...)
	}
	if err != nil {
		return Results{}, &portal.Error{Code: portal.Unavailable, Message: "The search does not answer right now. Try again in a moment.", Err: err}
	}
	results.More = len(found) > limit
	for _, one := range found[:min(limit, len(found))] {
		results.Items = append(results.Items, s.result(one, q))
	}
	return results, nil
}

func (s *Shelf) find(ctx context.Context, q question, fuzzy bool) ([]entry, error) {
	found, err := s.library.indexer.find(ctx, q, s.audiences, fuzzy)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(one entry) bool { return !s.has(one) })
	scores := make(map[string]float64, len(found))
	for _, one := range found {
		scores[one.key()] = q.score(one)
	}
	slices.SortFunc(found, func(a, b entry) int {
		return cmp.Or(
			cmp.Compare(scores[b.key()], scores[a.key()]),
			cmp.Compare(kinds[a.kind], kinds[b.kind]),
			cmp.Compare(len(a.title), len(b.title)),
			cmp.Compare(a.title, b.title),
			cmp.Compare(a.url, b.url),
		)
	})
	return found, nil
}

var kinds = map[string]int{KindProduct: 0, KindPage: 1, KindOperation: 2, KindSchema: 3}

func (e entry) key() string { return e.kind + " " + e.url + " " + e.title }

func without(all, gone []entry) []entry {
	known := map[string]bool{}
	for _, one := range gone {
		known[one.key()] = true
	}
	return slices.DeleteFunc(all, func(one entry) bool { return known[one.key()] })
}

// has reports whether the entry is on the shelf, since the index may be older.
func (s *Shelf) has(one entry) bool {
	switch {
	case one.product == "":
		return slices.ContainsFunc(s.Pages, func(page catalog.Page) bool { return PagePath(page.Name) == one.url })
	case one.slug != "":
		_, _, err := s.API(one.product, one.slug)
		return err == nil
	}
	product, err := s.Product(one.product)
	return err == nil && product.ID == one.product
}

func (s *Shelf) result(one entry, q question) Result {
	result := Result{
		Kind: one.kind, Title: one.title, URL: one.url, ProductID: one.product, Slug: one.slug,
		Method: one.method, Path: one.path, Excerpt: q.excerpt(one),
	}
	if one.slug != "" {
		api, product, err := s.API(one.product, one.slug)
		if err == nil {
			result.API, result.Product = api.Name, product.Name
		}
	} else if one.product != "" {
		product, err := s.Product(one.product)
		if err == nil {
			result.Product = product.Name
		}
	}
	return result
}
