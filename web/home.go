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
	// name.
	exampleEndpoint = "https://api.example.com/"
)

type homePage struct {
	Featured []card
	More     bool
	Call     firstCall
	Product  link
	News     []newsLine
	homeWords
}

// newsLine is a changelog's newest entry. Text is its beginning.
type newsLine struct {
	Product, Title, Text, Href string
	// Date is in the form 2026-11-02, When the same in words. Both may be empty.
	Date, When string
}

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

// home is the home page. It has no products if the catalog cannot be read.
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

// news lists the newest entry of each product's changelog: the first heading below the title that
// is not "Unreleased". The newest comes first.
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
		line := newsLine{Product: product.Name, Title: entry.Text, Href: escapedPath("apis", product.ID, "changelog") + "#" + entry.ID}
		line.Title, line.Date, line.When = titleAndDate(entry.Text)
		line.Text = beginningAfter(changelog.Markdown, entry.Text)
		list = append(list, line)
	}
	slices.SortStableFunc(list, func(a, b newsLine) int { return cmp.Compare(b.Date, a.Date) })
	return list[:min(maxNews, len(list))]
}

func beginningAfter(source, heading string) string {
	found, below := false, ""
	for line := range strings.Lines(source) {
		isHeading := strings.HasPrefix(line, "#")
		switch {
		case !found:
			found = isHeading && strings.TrimSpace(markdown.Text(line)) == heading
		case isHeading && strings.TrimSpace(below) != "":
			return firstLineOf(below)
		case !isHeading:
			below += line
		}
	}
	return firstLineOf(below)
}

func firstLineOf(source string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(markdown.Text(source)), "\n")
	return line
}

// titleAndDate splits a heading such as "1.1.0 - 2026-10-05".
func titleAndDate(heading string) (title, date, when string) {
	date = dateIn(heading)
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return heading, date, ""
	}
	before, after, _ := strings.Cut(heading, date)
	return strings.Trim(before+after, " -–—:()[]"), date, day.Format("2 January 2006")
}

func dateIn(text string) string {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r != '-' && (r < '0' || r > '9') }) {
		if len(word) == len("2006-01-02") && strings.Count(word, "-") == 2 {
			return word
		}
	}
	return ""
}

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
			DocsOnly: len(product.Plans) == 0 && len(product.Documented()) > 0,
		})
	}
	return list
}

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
