package e2e

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rareRows are lines of docs/data.md whose rows a journey leaves behind seldom or never:
// they come with trouble, with long streams, go again at once, or are not used yet.
var rareRows = []string{
	"records actor#<actor> intent",
	"records actor#<actor> operation#<ms>#<operation>",
	"records stream#<stream> intent",
	"records snapshot#<stream> <version>",
	"records scratch#catalog-mappings <domain>#<piece>",
	"records catalog-requests <request>",
	"records failure#<hash> failure",
	"records deadletter <id>",
	"records deadletter#<hash> <part>",
	"records lease account#<account>",
	"records limit keys",
	"records import-probe result",
	"views generation live",
}

// placeholders are what the names in angle brackets stand for; others for any text
// without "#".
var placeholders = map[string]string{
	"<stream>":   `(?:account/[a-z0-9]+|catalog)`,
	"<sequence>": `\d{12}`,
	"<ms>":       `\d{15}`,
	"<ns>":       `\d{20}`,
	"<shard>":    `\d{2}`,
	"<piece>":    `\d{4}`,
	"<part>":     `\d{3}`,
	"<v>":        `\d+`,
	"<run>":      `[a-z0-9]{26}(?:-\d{2})?`,
}

// documentedRow is a line of docs/data.md.
type documentedRow struct {
	line    string
	pattern *regexp.Regexp
}

// documentedRows reads docs/data.md: a section for each table, a line for each kind of row.
func documentedRows(t *testing.T) []documentedRow {
	t.Helper()
	page, err := os.ReadFile("../docs/data.md")
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile(`^## (\w+)$`)
	keys := regexp.MustCompile("^\\| `([^`]+)` \\| `([^`]+)` \\|")
	bracketed := regexp.MustCompile(`<\w+>`)
	var all []documentedRow
	table := ""
	for line := range strings.SplitSeq(string(page), "\n") {
		if found := heading.FindStringSubmatch(line); found != nil {
			table = found[1]
		}
		found := keys.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		key := table + " " + found[1] + " " + found[2]
		pattern := bracketed.ReplaceAllStringFunc(key, func(name string) string {
			if known, ok := placeholders[name]; ok {
				return known
			}
			return `[^#]+`
		})
		all = append(all, documentedRow{key, regexp.MustCompile("^" + pattern + "$")})
	}
	return all
}

// holdsWhatIsDocumented checks that every row in the tables is one that docs/data.md tells
// of, and waits until the page tells of no row that is not there, but for the rare ones.
func (s *site) holdsWhatIsDocumented(t *testing.T) {
	t.Helper()
	documented := documentedRows(t)
	for _, rare := range rareRows {
		if !slices.ContainsFunc(documented, func(d documentedRow) bool { return d.line == rare }) {
			t.Errorf("docs/data.md has no line %q any more", rare)
		}
	}
	var missing []string
	defer func() {
		if len(missing) > 0 {
			t.Logf("no row is like %q", missing)
		}
	}()
	eventually(t, "every row of docs/data.md is there", func() bool {
		met := map[string]bool{}
		for _, key := range s.rowKeys(t) {
			matching := 0
			for _, d := range documented {
				if d.pattern.MatchString(key) {
					met[d.line] = true
					matching++
				}
			}
			if matching != 1 {
				t.Fatalf("%d lines of docs/data.md tell of the row %q, want 1", matching, key)
			}
		}
		missing = nil
		for _, d := range documented {
			if !met[d.line] && !slices.Contains(rareRows, d.line) {
				missing = append(missing, d.line)
			}
		}
		return len(missing) == 0
	})
}

// rowKeys are the keys of all rows, after the short name of their table.
func (s *site) rowKeys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for _, table := range names.Tables() {
		short := table[strings.LastIndex(table, "-")+1:]
		for _, r := range s.rows(t, table) {
			keys = append(keys, short+" "+r.key)
		}
	}
	return keys
}
