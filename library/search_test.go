package library

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/openapi"
)

// coast publishes a product with two APIs and a page, beside others.
func coast(s *stored) {
	definition := &openapi.Document{Tags: []openapi.Tag{
		{Name: "Harbours", Operations: []*openapi.Operation{
			{ID: "listHarbours", OperationID: "listHarbours", Method: "GET", Path: "/harbours", Summary: "List harbours", Description: "All harbours of the coast, from north to south.", Tags: []string{"Harbours"}},
			{
				ID: "getHarbour", OperationID: "getHarbour", Method: "GET", Path: "/harbours/{id}", Summary: "Get a harbour", Tags: []string{"Harbours"},
				Responses: []openapi.Response{{Status: "200", Content: []openapi.Media{{Type: "application/json", Schema: harbour()}}}},
			},
		}},
		{Name: "Tides", Operations: []*openapi.Operation{
			{ID: "getTides", OperationID: "getTides", Method: "GET", Path: "/harbours/{id}/tides", Description: "High and low water at a harbour, in metres above chart datum.", Tags: []string{"Tides"}},
			{ID: "postWarning", OperationID: "postWarning", Method: "POST", Path: "/warnings", Summary: "Warn mariners", Description: "Mentions the harbourmaster and tide tables.", Tags: []string{"Tides"}},
		}},
	}}
	s.parsesBy(func([]byte) (*openapi.Document, error) { return definition, nil })
	s.publish(
		catalog.Product{
			ID: "seamark", Name: "Seamark", Description: "Tides and harbours of the whole coast.", Category: "Sea", Tags: []string{"maritime"},
			Overview: s.put("Seamark began as a lighthouse keeper's notebook."),
			Pages:    []catalog.Page{{Name: "chart-datum", Title: "What is chart datum?", Hash: s.put("Depths are measured from it. Müller wrote the first table.")}},
			Plans:    []catalog.Plan{{ID: "p1", Name: "Navigator"}},
			APIs:     []catalog.API{{Slug: "coast", Name: "Coast API", Kind: catalog.REST, Definition: s.put("coast")}},
		},
		catalog.Product{ID: "forecast", Name: "Forecast", Description: "Weather at sea, with a word on tides."},
		catalog.Product{ID: "secret", Name: "Harbour defence", Description: "Secret tides.", Visibility: catalog.VisibleGroups, Groups: []string{"navy"}},
	)
}

func harbour() *openapi.Schema {
	s := &openapi.Schema{Name: "Harbour", Type: "object", Description: "A place to moor."}
	s.Properties = []openapi.Property{{Name: "berthCount", Schema: &openapi.Schema{Type: "integer"}}, {Name: "neighbour", Schema: s}}
	return s
}

func titles(results Results) []string {
	var all []string
	for _, one := range results.Items {
		all = append(all, one.Kind+" "+one.Title)
	}
	return all
}

func search(t testing.TB, s *Shelf, query string) Results {
	t.Helper()
	results, err := s.Search(t.Context(), query, 10)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestSearchFindsAndRanks(t *testing.T) {
	t.Parallel()
	s := store()
	coast(s)
	shelf := shelf(t, s.library(t), stranger)
	for name, c := range map[string]struct {
		query string
		want  []string // the beginning of the results
		only  bool     // and there is nothing else
	}{
		"names come before summaries, and summaries before text": {"tides", []string{"operation GET /harbours/{id}/tides", "product Seamark", "product Forecast", "operation Warn mariners"}, true},
		"a product by its name":                                  {"seamark", []string{"product Seamark"}, true},
		"a product by its tag":                                   {"maritime", []string{"product Seamark"}, true},
		"a product by its category":                              {"sea", []string{"product Seamark", "product Forecast"}, true},
		"a product by a plan":                                    {"navigator", []string{"product Seamark"}, true},
		"a product by its overview":                              {"lighthouse", []string{"product Seamark"}, true},
		"a product by an API's name":                             {"coast api", []string{"product Seamark"}, true},
		"a page by its text":                                     {"depths", []string{"page What is chart datum?"}, true},
		"a page by its title before an operation by its text":    {"chart datum", []string{"page What is chart datum?", "operation GET /harbours/{id}/tides"}, true},
		"a word without its accent":                              {"muller", []string{"page What is chart datum?"}, true},
		"a word in other letters":                                {"MÜLLER", []string{"page What is chart datum?"}, true},
		"the beginning of a word, while somebody types":          {"harb", []string{"operation Get a harbour", "operation List harbours"}, false},
		"a word with a wrong letter":                             {"harbpur", []string{"operation Get a harbour"}, false},
		"a word that lacks a letter":                             {"lighthose", []string{"product Seamark"}, true},
		"a word with a letter too many":                          {"seamarkk", []string{"product Seamark"}, true},
		"two wrong letters find nothing":                         {"lighhtose", nil, true},
		"all words have to be there":                             {"harbour mariners", []string{"operation Warn mariners"}, true},
		"a word that is nowhere":                                 {"harbour zeppelin", nil, true},
		"an operation by its id":                                 {"getTides", []string{"operation GET /harbours/{id}/tides"}, true},
		"an operation by a part of its id":                       {"warning", []string{"operation Warn mariners"}, true},
		"an operation by its path":                               {"/harbours/{id}", []string{"operation Get a harbour", "operation GET /harbours/{id}/tides"}, true},
		"an operation by its path with another variable":         {"/harbours/{name}/tides", []string{"operation GET /harbours/{id}/tides"}, true},
		"an operation by method and path":                        {"GET /harbours", []string{"operation List harbours"}, false},
		"operations by the beginning of a path":                  {"/warn", []string{"operation Warn mariners"}, true},
		"a path and a word":                                      {"/harbours high", []string{"operation GET /harbours/{id}/tides"}, true},
		"a schema by a property":                                 {"berthCount", []string{"schema Harbour"}, true},
		"a schema by a part of a property":                       {"berth", []string{"schema Harbour"}, true},
		"nothing":                                                {"", nil, true},
		"nothing but space and signs":                            {" \t{}!? / ", nil, true},
		"the signs of a query language are not special":          {`+seamark -forecast "title:*" ~2 ^`, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := titles(search(t, shelf, c.query))
			if len(got) > len(c.want) && !c.only {
				got = got[:len(c.want)]
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", c.query, diff)
			}
		})
	}
}

func TestAResultSaysWhereItIs(t *testing.T) {
	t.Parallel()
	s := store()
	coast(s)
	shelf := shelf(t, s.library(t), stranger)
	for query, want := range map[string]Result{
		"low water": {
			Kind: KindOperation, Title: "GET /harbours/{id}/tides", URL: "/apis/seamark/docs/coast/operations/getTides", ProductID: "seamark", Product: "Seamark",
			Slug: "coast", API: "Coast API", Method: "GET", Path: "/harbours/{id}/tides",
			Excerpt: []Piece{{Text: "High and "}, {"low", true}, {Text: " "}, {"water", true}, {Text: " at a harbour, in metres above chart datum."}},
		},
		"berthcount": {
			Kind: KindSchema, Title: "Harbour", URL: "/apis/seamark/docs/coast/schemas/Harbour", ProductID: "seamark", Product: "Seamark",
			Slug: "coast", API: "Coast API", Excerpt: []Piece{{"berthCount", true}},
		},
		"müller": {
			Kind: KindPage, Title: "What is chart datum?", URL: "/apis/seamark/pages/chart-datum", ProductID: "seamark", Product: "Seamark",
			Excerpt: []Piece{{Text: "Depths are measured from it. "}, {"Müller", true}, {Text: " wrote the first table."}},
		},
		"maritime": {
			Kind: KindProduct, Title: "Seamark", URL: "/apis/seamark", ProductID: "seamark", Product: "Seamark",
			Excerpt: []Piece{{Text: "Tides and harbours of the whole coast."}},
		},
	} {
		results := search(t, shelf, query)
		if len(results.Items) != 1 {
			t.Errorf("%q finds %v", query, titles(results))
			continue
		}
		if diff := cmp.Diff(want, results.Items[0]); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestSearchFindsOnlyWhatTheViewerSees(t *testing.T) {
	t.Parallel()
	s := store()
	products := every(s)
	s.parsesBy(func(body []byte) (*openapi.Document, error) {
		of := strings.TrimPrefix(string(body), "definition of ")
		return &openapi.Document{Tags: []openapi.Tag{{Operations: []*openapi.Operation{{
			ID: "op-" + of, Method: "GET", Path: "/" + of, Summary: "Operation of " + of,
			Body: &openapi.Body{Content: []openapi.Media{{Schema: &openapi.Schema{Name: "Schema" + of}}}},
		}}}}}, nil
	})
	s.publish(products...)
	l := s.library(t)
	queries := []string{"the", "of", "guide", "overview", "operation", "schema", "/", "/hidden", "hidden", "hiden", "groups", "signed", "get", "api", "op", "h", "g"}
	for name, viewer := range map[string]catalog.Viewer{"a stranger": stranger, "a member": member, "a partner": partner, "an admin": admin} {
		seen := shelf(t, l, viewer)
		// A catalog without the other products gives the same results.
		other := store()
		other.parsesBy(s.parse)
		other.blobs = s.blobs
		other.publish(seen.Products...)
		alone := shelf(t, other.library(t), admin)
		for _, query := range queries {
			for _, limit := range []int{1, 3, MaxResults} {
				got, err := seen.Search(t.Context(), query, limit)
				if err != nil {
					t.Fatal(err)
				}
				want, err := alone.Search(t.Context(), query, limit)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %q (-alone +got):\n%s", name, query, diff)
				}
			}
		}
	}
	if got := search(t, shelf(t, l, admin), "hidden"); len(got.Items) == 0 {
		t.Error("an admin does not find what is hidden, so nothing was tested")
	}
}

func TestAProductThatWasHiddenIsNotFoundWhileTheOldIndexServes(t *testing.T) {
	t.Parallel()
	s := store()
	coast(s)
	l := s.library(t)
	if got := titles(search(t, shelf(t, l, stranger), "coast")); len(got) == 0 {
		t.Fatal("nothing is found")
	}
	release := make(chan struct{})
	s.parsesBy(func([]byte) (*openapi.Document, error) { <-release; return nil, errors.New("too late") })
	s.publish(catalog.Product{ID: "seamark", Name: "Seamark", Visibility: catalog.VisibleHidden, APIs: []catalog.API{{Slug: "coast", Definition: s.put("another")}}},
		catalog.Product{ID: "forecast", Name: "Forecast", Description: "Weather at sea, with a word on tides."})
	defer close(release)
	for _, query := range []string{"coast", "seamark", "harbours", "/harbours", "chart"} {
		if got := titles(search(t, shelf(t, l, stranger), query)); len(got) > 0 {
			t.Errorf("%q finds %v", query, got)
		}
	}
	if got := titles(search(t, shelf(t, l, stranger), "weather")); len(got) != 1 {
		t.Errorf("the old index does not serve: %v", got)
	}
}

func TestAChangedCatalogIsFoundSoonAndUnchangedDocumentsAreNotParsedAgain(t *testing.T) {
	t.Parallel()
	s := store()
	coast(s)
	l := s.library(t, func(c *Config) { c.Memory = 1 })
	search(t, shelf(t, l, stranger), "coast")
	parsed := s.parsed()
	s.publish(append(s.catalog.Products, catalog.Product{ID: "new", Name: "Zeppelins"})...)
	until(t, "the new product is found", func() bool { return len(search(t, shelf(t, l, stranger), "zeppelin").Items) == 1 })
	if got := titles(search(t, shelf(t, l, stranger), "getTides")); len(got) != 1 {
		t.Errorf("what has not changed is gone: %v", got)
	}
	if now := s.parsed(); now != parsed {
		t.Errorf("%d documents were parsed again", now-parsed)
	}
}

func TestAPartThatCannotBeReadIsMissingUntilItCan(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() (*openapi.Document, error){
		"with an error": func() (*openapi.Document, error) { return nil, errors.New("unreadable") },
		"with a panic":  func() (*openapi.Document, error) { panic("nested too deeply") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := store()
			coast(s)
			good := s.parse
			s.parsesBy(func([]byte) (*openapi.Document, error) { return fail() })
			var mu sync.Mutex
			now := time.Now()
			l := s.library(t, func(c *Config) {
				c.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
			})
			if got := titles(search(t, shelf(t, l, stranger), "coast")); len(got) != 1 || got[0] != "product Seamark" {
				t.Errorf("found %v, want the product although its API's document cannot be read", got)
			}
			mu.Lock()
			now = now.Add(tryAgain + time.Second)
			mu.Unlock()
			s.parsesBy(good)
			until(t, "the operation is found", func() bool { return len(search(t, shelf(t, l, stranger), "getTides").Items) == 1 })
		})
	}
}

func TestTheFirstSearchWaitsForTheIndexAndALongOneIsIncomplete(t *testing.T) {
	t.Parallel()
	s := store()
	coast(s)
	release := make(chan struct{})
	s.parsesBy(func([]byte) (*openapi.Document, error) { <-release; return &openapi.Document{}, nil })
	l := s.library(t)
	seen := shelf(t, l, stranger)
	gone, leave := context.WithCancel(t.Context())
	leave()
	results, err := seen.Search(gone, "seamark", 10)
	if err == nil && !results.Incomplete {
		t.Errorf("before the index is there: %+v", results)
	}
	until(t, "products are found before documents are read", func() bool {
		l.indexer.use.RLock()
		defer l.indexer.use.RUnlock()
		return l.indexer.index != nil
	})
	found, err := l.indexer.find(t.Context(), parse("seamark"), seen.audiences, false)
	if err != nil || len(found) != 1 {
		t.Errorf("while a document is read, %v is found, %v", found, err)
	}
	close(release)
	if results := search(t, seen, "seamark"); results.Incomplete || len(results.Items) != 1 {
		t.Errorf("with the index: %+v", results)
	}
}

func TestAQueryIsBounded(t *testing.T) {
	t.Parallel()
	s := store()
	var products []catalog.Product
	for i := range 3 * MaxResults {
		products = append(products, catalog.Product{ID: fmt.Sprintf("p%d", i), Name: fmt.Sprintf("Harbour %d", i)})
	}
	s.publish(products...)
	shelf := shelf(t, s.library(t), stranger)
	for _, c := range []struct{ limit, want int }{{-1, 0}, {0, 0}, {7, 7}, {1 << 30, MaxResults}} {
		results, err := shelf.Search(t.Context(), "harbour", c.limit)
		if err != nil || len(results.Items) != c.want || results.More != (c.want > 0) {
			t.Errorf("at most %d: %d results, more: %t, %v", c.limit, len(results.Items), results.More, err)
		}
	}
	for name, query := range map[string]string{
		"a very long word":  strings.Repeat("harbour", 10_000),
		"very many words":   strings.Repeat("harbour ", 10_000),
		"very many slashes": strings.Repeat("/", 10_000) + "harbour",
		"no UTF-8":          "harbour \xff\xfe\xfd",
		"NUL":               "harbour \x00",
		"deep variables":    "/" + strings.Repeat("{", 10_000),
	} {
		if _, err := shelf.Search(t.Context(), query, 10); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if q := parse(strings.Repeat("harbour ", 10_000)); len(q.words) > maxWords {
		t.Errorf("%d words are looked for", len(q.words))
	}
}

func TestWordsOfTextsAreThoseThatPeopleAskFor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"listHarbours":           "listharbours list harbours",
		"HTTPServerError":        "httpservererror http server error",
		"snake_case and kebab-s": "snake case and kebab s",
		"/harbours/{harbourId}":  "harbours harbourid harbour id",
		"Crème Brûlée ﬁne":       "creme brulee fine",
		"東京タワー tower":            "東 京 タ ワ ー tower",
		"v1.2":                   "v1 2",
		"":                       "",
	} {
		if got := strings.Join(words(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestAnExcerptIsTextThatAPersonCanRead(t *testing.T) {
	t.Parallel()
	s := store()
	s.parsesBy(func([]byte) (*openapi.Document, error) {
		return &openapi.Document{Tags: []openapi.Tag{{Operations: []*openapi.Operation{
			{
				ID: "listSqualls", Method: "GET", Path: "/squalls", Summary: "List squalls", Description: "The **strong** ones, as `JSON`.",
				Parameters: []openapi.Parameter{{Name: "isobar"}, {Name: "front"}},
			},
			{ID: "listBreezes", Method: "GET", Path: "/breezes", Summary: "List breezes", Parameters: []openapi.Parameter{{Name: "knots"}}},
		}}}}, nil
	})
	guide := s.put("# Passages\n\nCall `GET /passages` with a *good* chart:\n\n| Speed | Time |\n|---|---|\n| fast | zephyr |\n\n## Winds\n\nSee [them](winds.md).")
	s.publish(catalog.Product{
		ID: "sails", Name: "Sails", Pages: []catalog.Page{{Name: "passages", Title: "Passages", Hash: guide}},
		APIs: []catalog.API{{Slug: "weather", Name: "Weather", Kind: catalog.Docs, Definition: s.put("weather")}},
	})
	shelf := shelf(t, s.library(t), stranger)
	for query, want := range map[string]string{
		"zephyr":  "… Call GET /passages with a good chart: Speed Time fast zephyr Winds See them.",
		"squalls": "The strong ones, as JSON.",
		"isobar":  "isobar, front",
		"breezes": "",
	} {
		var got string
		for _, result := range search(t, shelf, query).Items {
			for _, piece := range result.Excerpt {
				got += piece.Text
			}
		}
		if got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", query, got, want)
		}
	}
}

func TestAnExcerptIsShortAndShowsTheMatch(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("lorem ipsum dolor sit amet ", 200)
	for name, c := range map[string]struct {
		text, query, begins, ends string
	}{
		"from the middle":      {long + "the harbour " + long, "harbour", "… ", " …"},
		"from the beginning":   {"The harbour. " + long, "harbour", "The ", " …"},
		"to the end":           {long + "the harbour.", "harbour", "… ", "."},
		"without any spaces":   {strings.Repeat("x", 5000) + " harbour", "harbour", "… ", "harbour"},
		"in letters of others": {strings.Repeat("ж", 5000) + " harbour " + strings.Repeat("ж", 5000), "harbour", "… ", " …"},
	} {
		var whole string
		matched := false
		for _, piece := range parse(c.query).excerpt(entry{kind: KindPage, text: c.text}) {
			whole += piece.Text
			matched = matched || piece.Match
		}
		if !matched || len(whole) > 2*maxExcerpt || !strings.HasPrefix(whole, c.begins) || !strings.HasSuffix(whole, c.ends) || strings.ToValidUTF8(whole, "") != whole {
			t.Errorf("%s: %q", name, whole)
		}
	}
}

// until polls until so returns true.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not happen that %s", what)
		}
		runtime.Gosched()
	}
}

func TestAnAddressInAPageIsNotFound(t *testing.T) {
	t.Parallel()
	s := store()
	s.publish(catalog.Product{
		ID: "open", Name: "Open", Overview: s.put("An [overview](../hush/overview.md) of *everything*."),
		Pages: []catalog.Page{{Name: "guide", Title: "Guide", Hash: s.put("A ![chart](../hush/chart.svg) for everything.")}},
	})
	open := shelf(t, s.library(t), stranger)
	for query, want := range map[string]int{"hush": 0, "everything": 2} {
		results, err := open.Search(t.Context(), query, 10)
		if err != nil || len(results.Items) != want {
			t.Errorf("%q finds %+v, %v", query, results.Items, err)
		}
		for _, item := range results.Items {
			for _, piece := range item.Excerpt {
				if strings.ContainsAny(piece.Text, "[(*") {
					t.Errorf("the excerpt has markup: %q", piece.Text)
				}
			}
		}
	}
}
