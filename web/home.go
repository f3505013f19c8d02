package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/markdown"
)

const (
	featured = 3
	maxNews  = 4
	// exampleEndpoint is in the quickstart while nothing is published. RFC 2606 reserves the
	// name, so it leads nowhere.
	exampleEndpoint = "https://api.example.com/"
)

type homePage struct {
	Featured []card
	More     bool
	Call     firstCall
	// Product is the one that the call is for, the zero value if it is only an example.
	Product link
	News    []newsLine
	homeWords
}

// newsLine is the newest entry of a product's changelog.
type newsLine struct {
	Product string
	// Title is the entry's heading without its date.
	Title string
	// Date is in the form YYYY-MM-DD, "" if the heading has none.
	Date, Href string
}

// Day is the date as people write it.
func (n newsLine) Day() string {
	day, err := time.Parse(time.DateOnly, n.Date)
	if err != nil {
		return n.Date
	}
	return day.Format("2 January 2006")
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
	body := homePage{Call: plainCall(exampleEndpoint, placeholderKey), homeWords: s.homeWords()}
	shelf, err := s.shelf(r)
	if err != nil {
		zerolog.Ctx(r.Context()).Warn().Err(err).Msg("the home page is shown without products")
		s.render(w, r, http.StatusOK, view{page: "home", Title: s.Name(), Body: body})
		return nil
	}
	products := featuredFirst(currentVersions(byName(shelf.Products)))
	for _, product := range products {
		if call := s.firstCall(r.Context(), shelf, product, placeholderKey); call.Text != "" && len(product.Plans) > 0 {
			body.Call, body.Product = call, link{product.Name, escapedPath("apis", product.ID)}
			break
		}
	}
	shown := products[:min(featured, len(products))]
	body.Featured, body.More = cards(shown), len(shown) < len(shelf.Products)
	body.News = s.news(r.Context(), shelf, products)
	s.render(w, r, http.StatusOK, view{page: "home", Title: s.Name(), Body: body})
	return nil
}

// news lists the newest entry of each product's changelog: its first heading below the title. The
// order is by the dates in the headings, as in Keep a Changelog, the newest first.
func (s *Web) news(ctx context.Context, shelf *library.Shelf, products []catalog.Product) []newsLine {
	var list []newsLine
	for _, product := range products {
		changelog, err := shelf.Changelog(ctx, product.ID)
		if err != nil {
			continue
		}
		page := s.rendered(ctx, shelf, changelog.Markdown, inProduct(shelf, product, "changelog.md", 2))
		at := slices.IndexFunc(page.Contents, func(h markdown.Heading) bool { return !strings.Contains(strings.ToLower(h.Text), "unreleased") })
		if at < 0 {
			continue
		}
		entry := page.Contents[at]
		title, date := dated(entry.Text)
		list = append(list, newsLine{product.Name, title, date, escapedPath("apis", product.ID, "changelog") + "#" + entry.ID})
	}
	slices.SortStableFunc(list, func(a, b newsLine) int { return cmp.Compare(b.Date, a.Date) })
	return list[:min(maxNews, len(list))]
}

// dated takes the first date (YYYY-MM-DD) out of a heading. date is "" without one.
func dated(heading string) (title, date string) {
	for _, word := range strings.FieldsFunc(heading, func(r rune) bool { return r != '-' && (r < '0' || r > '9') }) {
		if len(word) == len(time.DateOnly) && strings.Count(word, "-") == 2 {
			before, after, _ := strings.Cut(heading, word)
			return strings.Trim(before+after, " -–—:,()[]"), word
		}
	}
	return heading, ""
}

// featuredFirst puts featured products first, then those with plans.
func featuredFirst(products []catalog.Product) []catalog.Product {
	rank := func(p catalog.Product) int {
		switch {
		case p.Status == catalog.StatusDeprecated:
			return 3
		case p.Featured:
			return 0
		case len(p.Plans) > 0:
			return 1
		}
		return 2
	}
	return slices.SortedStableFunc(slices.Values(products), func(a, b catalog.Product) int { return cmp.Compare(rank(a), rank(b)) })
}

type card struct {
	catalog.Product
	Versions []string
	Badges   []badge
	Image    string
	DocsOnly bool
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
		list = append(list, card{
			Product: product, Versions: versions(product), Badges: productBadges(product), Image: imageOf(product),
			DocsOnly: len(product.Plans) == 0 && len(documented(product)) > 0,
		})
	}
	return list
}

// versions returns the product's version, or else those of its APIs.
func versions(product catalog.Product) []string {
	if product.Version != "" {
		return []string{product.Version}
	}
	var list []string
	for _, api := range product.APIs {
		if api.Version != "" && !slices.Contains(list, api.Version) {
			list = append(list, api.Version)
		}
	}
	return list
}
