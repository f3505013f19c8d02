package library

import (
	"context"
	"fmt"
	"strings"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/whitespace"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search/query"
)

type index struct {
	bleve   bleve.Index
	entries []entry
}

// Fields of the index with their weights.
const (
	fieldNames    = "names"
	fieldSummary  = "summary"
	fieldText     = "text"
	fieldPath     = "path"
	fieldAudience = "audience"
)

const (
	batchSize = 1000
	// minFuzzy is the shortest word in which one letter may be wrong.
	minFuzzy   = 4
	candidates = 200
)

type indexed struct {
	Names    string `json:"names"`
	Summary  string `json:"summary"`
	Text     string `json:"text"`
	Path     string `json:"path"`
	Audience string `json:"audience"`
}

func mappingOfEntries() (mapping.IndexMapping, error) {
	m := bleve.NewIndexMapping()
	const split = "split"
	if err := m.AddCustomAnalyzer(split, map[string]any{"type": custom.Name, "tokenizer": whitespace.Name}); err != nil {
		return nil, err
	}
	field := func(analyzer string) *mapping.FieldMapping {
		f := bleve.NewTextFieldMapping()
		f.Analyzer, f.Store, f.IncludeInAll, f.IncludeTermVectors, f.DocValues = analyzer, false, false, false, false
		return f
	}
	document := bleve.NewDocumentStaticMapping()
	for _, name := range []string{fieldNames, fieldSummary, fieldText} {
		document.AddFieldMappingsAt(name, field(split))
	}
	document.AddFieldMappingsAt(fieldPath, field(keyword.Name))
	document.AddFieldMappingsAt(fieldAudience, field(keyword.Name))
	m.DefaultMapping = document
	m.DefaultAnalyzer = split
	return m, nil
}

func newIndex(ctx context.Context, of []sourced) (*index, error) {
	m, err := mappingOfEntries()
	if err != nil {
		return nil, err
	}
	inMemory, err := bleve.NewUsing("", m, scorch.Name, scorch.Name, nil)
	if err != nil {
		return nil, err
	}
	made := &index{bleve: inMemory}
	batch := inMemory.NewBatch()
	for _, source := range of {
		for _, one := range source.entries {
			if err := batch.Index(fmt.Sprint(len(made.entries)), one.indexed(source.audience)); err != nil {
				return nil, made.closeAfter(err)
			}
			made.entries = append(made.entries, one)
			if batch.Size() < batchSize {
				continue
			}
			if err := inMemory.Batch(batch); err != nil {
				return nil, made.closeAfter(err)
			}
			if err := ctx.Err(); err != nil {
				return nil, made.closeAfter(err)
			}
			batch = inMemory.NewBatch()
		}
	}
	if err := inMemory.Batch(batch); err != nil {
		return nil, made.closeAfter(err)
	}
	return made, nil
}

func (i *index) closeAfter(err error) error {
	_ = i.bleve.Close()
	return err
}

func (e entry) indexed(audience string) indexed {
	return indexed{
		Names: joined(e.title, e.names), Summary: joined(e.summary), Text: joined(e.text, e.parameters),
		Path: pathPattern(e.path), Audience: audience,
	}
}

func joined(texts ...string) string {
	var all []string
	for _, text := range texts {
		all = append(all, words(text)...)
	}
	return strings.Join(all, " ")
}

// pathPattern is a path in lower case, without the names of variables.
func pathPattern(path string) string {
	segments := strings.Split(strings.ToLower(path), "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") && (strings.HasSuffix(segment, "}") || i == len(segments)-1) {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

func (i *index) find(ctx context.Context, q question, audiences []string, fuzzy bool) ([]entry, error) {
	must := query.NewConjunctionQuery(nil)
	for _, word := range q.words {
		must.AddQuery(anywhere(word, fuzzy))
	}
	if q.path != "" {
		must.AddQuery(byPath(q, fuzzy))
	}
	may := query.NewDisjunctionQuery(nil)
	for _, audience := range audiences {
		term := query.NewTermQuery(audience)
		term.SetField(fieldAudience)
		term.SetBoost(0)
		may.AddQuery(term)
	}
	must.AddQuery(may)
	found, err := i.bleve.SearchInContext(ctx, bleve.NewSearchRequestOptions(must, candidates, 0, false))
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(found.Hits))
	for _, hit := range found.Hits {
		var at int
		if _, err := fmt.Sscan(hit.ID, &at); err != nil {
			return nil, fmt.Errorf("the index has %q: %w", hit.ID, err)
		}
		entries = append(entries, i.entries[at])
	}
	return entries, nil
}

func anywhere(word string, fuzzy bool) query.Query {
	either := query.NewDisjunctionQuery(nil)
	for _, field := range []struct {
		name  string
		boost float64
	}{{fieldNames, 100}, {fieldSummary, 10}, {fieldText, 1}} {
		exact := query.NewTermQuery(word)
		exact.SetField(field.name)
		exact.SetBoost(3 * field.boost)
		either.AddQuery(exact)
		if len(word) > 1 || field.name == fieldNames {
			begins := query.NewPrefixQuery(word)
			begins.SetField(field.name)
			begins.SetBoost(2 * field.boost)
			either.AddQuery(begins)
		}
		if fuzzy && mayBeWrong(word) {
			resembles := query.NewFuzzyQuery(word)
			resembles.SetField(field.name)
			resembles.SetFuzziness(1)
			resembles.SetBoost(field.boost)
			either.AddQuery(resembles)
		}
	}
	return either
}

// byPath matches operations whose path has this pattern or begins with it, and entries with all
// its words.
func byPath(q question, fuzzy bool) query.Query {
	either := query.NewDisjunctionQuery(nil)
	begins := query.NewPrefixQuery(q.path)
	begins.SetField(fieldPath)
	begins.SetBoost(1000)
	either.AddQuery(begins)
	if len(q.pathWords) > 0 {
		all := query.NewConjunctionQuery(nil)
		for _, word := range q.pathWords {
			all.AddQuery(anywhere(word, fuzzy))
		}
		either.AddQuery(all)
	}
	return either
}
