package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// maxQuery bounds the search text, in characters. The rest is ignored.
const maxQuery = 100

type catalogPage struct {
	Query  string
	Cards  []card
	Total  int
	Facets []facet
	// Chosen are the chosen options, each with the address that removes it.
	Chosen []facetOption
	// List shows products as lines, not cards. Cards and Lines are the addresses of both
	// views.
	List             bool
	AsCards, AsLines string
	Synchronized     bool
	SignIn           string
	SignedIn         bool
	Hidden           []link
}

type facet struct {
	Name    string
	Options []facetOption
}

type facetOption struct {
	Label  string
	Count  int
	Href   string
	Chosen bool
}

// facets are the properties that filter the catalog, by query parameter. Options of one facet
// widen the list; those of different facets narrow it.
var facets = []struct {
	param, name string
	of          func(catalog.Product) []string
}{
	{"category", "Category", func(p catalog.Product) []string { return nonEmpty(p.Category) }},
	{"tag", "Tag", func(p catalog.Product) []string { return p.Tags }},
	{"status", "Status", func(p catalog.Product) []string { return nonEmpty(statusLabel(p.Status)) }},
	{"price", "Price", prices},
}

func (s *Web) catalog(w http.ResponseWriter, r *http.Request) error {
	shelf, err := s.shelf(r)
	if err != nil {
		return err
	}
	query, chosen := searchedFor(r), chosenFacets(r.URL.Query())
	products := byName(shelf.Products)
	found := matching(products, query)
	body := catalogPage{
		Query: query, Total: len(currentVersions(products)), Synchronized: shelf.Hash != "",
		Cards: cards(currentVersions(filtered(found, chosen, ""))), List: r.URL.Query().Get("view") == "list",
		SignIn: signIn(here(r)), SignedIn: signedIn(r),
	}
	at := catalogAddress{query: query, chosen: chosen, list: body.List}
	for _, f := range facets {
		body.Facets = append(body.Facets, facetOf(f.name, f.param, f.of, found, at))
	}
	body.Facets = slices.DeleteFunc(body.Facets, func(f facet) bool { return len(f.Options) < 2 && !f.chosen() })
	for _, f := range body.Facets {
		for _, option := range f.Options {
			if option.Chosen {
				body.Chosen = append(body.Chosen, option)
			}
		}
	}
	body.AsCards, body.AsLines, body.Hidden = at.view(false), at.view(true), at.hidden()
	s.render(w, r, http.StatusOK, view{page: "catalog", Title: "APIs", Section: "apis", Body: body})
	return nil
}

func chosenFacets(query url.Values) map[string][]string {
	chosen := map[string][]string{}
	for _, f := range facets {
		for _, value := range query[f.param] {
			if value != "" && len(value) <= maxID && utf8.ValidString(value) && !slices.Contains(chosen[f.param], value) {
				chosen[f.param] = append(chosen[f.param], value)
			}
		}
	}
	return chosen
}

// filtered applies the chosen options of all facets but one.
func filtered(products []catalog.Product, chosen map[string][]string, but string) []catalog.Product {
	var found []catalog.Product
	for _, product := range products {
		matches := true
		for _, f := range facets {
			if options := chosen[f.param]; f.param != but && len(options) > 0 {
				matches = matches && slices.ContainsFunc(f.of(product), func(value string) bool { return slices.Contains(options, value) })
			}
		}
		if matches {
			found = append(found, product)
		}
	}
	return found
}

func facetOf(name, param string, of func(catalog.Product) []string, products []catalog.Product, at catalogAddress) facet {
	counts := map[string]int{}
	for _, product := range currentVersions(filtered(products, at.chosen, param)) {
		for _, value := range of(product) {
			counts[value]++
		}
	}
	for _, value := range at.chosen[param] {
		counts[value] += 0
	}
	f := facet{Name: name}
	for value, count := range counts {
		f.Options = append(f.Options, facetOption{
			Label: value, Count: count, Chosen: slices.Contains(at.chosen[param], value), Href: at.toggled(param, value),
		})
	}
	slices.SortFunc(f.Options, func(a, b facetOption) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label)), cmp.Compare(a.Label, b.Label))
	})
	return f
}

func (f facet) chosen() bool {
	return slices.ContainsFunc(f.Options, func(o facetOption) bool { return o.Chosen })
}

type catalogAddress struct {
	query  string
	chosen map[string][]string
	list   bool
}

func (a catalogAddress) String() string {
	values := url.Values{}
	if a.query != "" {
		values.Set("q", a.query)
	}
	for param, options := range a.chosen {
		values[param] = options
	}
	if a.list {
		values.Set("view", "list")
	}
	if len(values) == 0 {
		return "/apis"
	}
	return "/apis?" + values.Encode()
}

func (a catalogAddress) view(list bool) string {
	a.list = list
	return a.String()
}

func (a catalogAddress) hidden() []link {
	var list []link
	for _, f := range facets {
		for _, value := range a.chosen[f.param] {
			list = append(list, link{f.param, value})
		}
	}
	if a.list {
		list = append(list, link{"view", "list"})
	}
	return list
}

// toggled is the address with the option added, or removed if it is chosen.
func (a catalogAddress) toggled(param, value string) string {
	chosen := map[string][]string{}
	for p, options := range a.chosen {
		chosen[p] = slices.DeleteFunc(slices.Clone(options), func(v string) bool { return p == param && v == value })
		if len(chosen[p]) == 0 {
			delete(chosen, p)
		}
	}
	if !slices.Contains(a.chosen[param], value) {
		chosen[param] = append(chosen[param], value)
		slices.Sort(chosen[param])
	}
	a.chosen = chosen
	return a.String()
}

// currentVersions leaves out deprecated versions of products that have another version in the
// list.
func currentVersions(products []catalog.Product) []catalog.Product {
	current := map[string]bool{}
	for _, p := range products {
		if p.VersionOf != "" && p.Status != catalog.StatusDeprecated {
			current[p.VersionOf] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(products), func(p catalog.Product) bool {
		return p.Status == catalog.StatusDeprecated && current[p.VersionOf]
	})
}

func searchedFor(r *http.Request) string {
	query := strings.ToValidUTF8(strings.TrimSpace(r.URL.Query().Get("q")), "")
	if utf8.RuneCountInString(query) > maxQuery {
		query = string([]rune(query)[:maxQuery])
	}
	return query
}

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
	lines := []string{product.Name, product.Description, product.Category}
	lines = append(lines, product.Tags...)
	for _, api := range product.APIs {
		lines = append(lines, api.Name, api.Description, api.Version)
	}
	for _, plan := range product.Plans {
		lines = append(lines, plan.Name, plan.Description)
	}
	return strings.Join(lines, "\n")
}

func prices(product catalog.Product) []string {
	var list []string
	for _, plan := range product.Plans {
		label := ""
		switch {
		case isFree(plan.Price):
			label = "Free"
		case plan.Price != "" || plan.Marketplace:
			label = "Paid"
		}
		if label != "" && !slices.Contains(list, label) {
			list = append(list, label)
		}
	}
	return list
}

// isFree reports whether a price begins with "free" or an amount of 0, such as "0 €" or "$0".
func isFree(price string) bool {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(price)), " ")
	word = strings.Trim(word, ".,;:")
	amount := strings.Trim(word, "€$£¥abcdefghijklmnopqrstuvwxyz")
	return word == "free" || (amount != "" && strings.Trim(amount, "0.,") == "")
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func statusLabel(status string) string {
	switch status {
	case catalog.StatusBeta:
		return "Beta"
	case catalog.StatusNew:
		return "New"
	case catalog.StatusDeprecated:
		return "Deprecated"
	}
	return ""
}
