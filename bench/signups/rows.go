package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-portal/gatehouse/schema"
)

// rowCounter counts requests to DynamoDB by program, operation and the kinds of rows that they name. It
// is a proxy in front of the local AWS, with one path for each program.
type rowCounter struct {
	aws func() http.Handler

	mu     sync.Mutex
	counts map[string]int
}

const countedPath = "/counted/"

func newRowCounter(aws func() http.Handler) *rowCounter {
	return &rowCounter{aws: aws, counts: map[string]int{}}
}

func (c *rowCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	program, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, countedPath), "/")
	r.URL.Path, r.URL.RawPath = "/"+rest, strings.Replace(r.URL.RawPath, countedPath+program, "", 1)
	if service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); strings.HasPrefix(service, "DynamoDB") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c.mu.Lock()
		c.counts[program+" "+operation+" "+rowsIn(body)]++
		c.mu.Unlock()
	}
	c.aws().ServeHTTP(w, r)
}

func (c *rowCounter) snapshot() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}

// since returns what was counted since the snapshot.
func (c *rowCounter) since(before map[string]int) map[string]int {
	more := c.snapshot()
	for what, n := range before {
		if more[what] -= n; more[what] == 0 {
			delete(more, what)
		}
	}
	return more
}

// writeRows lists what was counted, for each person, most first. It leaves out what is rare.
func writeRows(out io.Writer, counts map[string]int, people int) error {
	most := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for _, what := range most {
		if each := float64(counts[what]) / float64(people); each >= 0.005 {
			if _, err := fmt.Fprintf(out, "%14.2f %s\n", each, what); err != nil {
				return err
			}
		}
	}
	return nil
}

type text struct{ S string }

// part is a request, or one of those in a transaction.
type part struct {
	TableName string
	Key       map[string]text
	Item      map[string]text
	Values    map[string]json.RawMessage `json:"ExpressionAttributeValues"`
}

func (p part) row() string {
	pk, sk := cmp.Or(p.Key[schema.PK].S, p.Item[schema.PK].S), cmp.Or(p.Key[schema.SK].S, p.Item[schema.SK].S)
	if pk == "" {
		pk = cmp.Or(p.value(":pk"), p.value(":stream"))
		sk = cmp.Or(p.value(":begins"), p.value(":from"), p.value(":after"))
	}
	return p.TableName + " " + kindOf(pk) + " " + kindOf(sk)
}

func (p part) value(name string) string {
	var v text
	if json.Unmarshal(p.Values[name], &v) != nil {
		return ""
	}
	return v.S
}

var id = regexp.MustCompile(`[0-9a-z]*[0-9][0-9a-z-]*`)

// kindOf is a key without what is different for each row.
func kindOf(key string) string { return id.ReplaceAllString(key, "*") }

func rowsIn(body []byte) string {
	var in struct {
		part
		TransactItems []map[string]part
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err.Error()
	}
	if in.TransactItems == nil {
		return in.row()
	}
	kinds := map[string]int{}
	for _, item := range in.TransactItems {
		for verb, of := range item {
			kinds[strings.ToLower(verb)+" "+of.row()]++
		}
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		all = append(all, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	return "of " + strings.Join(all, ", ")
}
