// Package schematest reads docs/data.md, so that tests can compare it with keys and rows.
package schematest

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/schema"
)

// placeholders are what names in angle brackets stand for. Any other stands for a text without
// "#".
var placeholders = map[string]string{
	"<stream>":   `(?:account/[a-z0-9]+|catalog|marketplace(?:/[a-z0-9]+)?|licence/l-[A-Za-z0-9]+|legacy/[^ #/]+/[^ #/]+)`,
	"<sequence>": `\d{12}`,
	"<ms>":       `\d{15}`,
	"<ns>":       `\d{20}`,
	"<shard>":    `\d{2}`,
	"<piece>":    `\d{4}`,
	"<part>":     `\d{3}`,
	"<v>":        `\d+`,
	"<run>":      `[a-z0-9]{26}`,
}

var (
	heading   = regexp.MustCompile(`^## (\w+)$`)
	cells     = regexp.MustCompile("^\\| `([^`]+)` \\| `([^`]+)` \\| `([^`]+)` \\| .* \\| ([^|]+) \\|$")
	bracketed = regexp.MustCompile(`<\w+>`)
	lasting   = regexp.MustCompile(`TTL, (\d+) (hours|days)`)
)

// Line is a line of the page: a kind of row.
type Line struct {
	// Name is the table and both keys as the page has them, with blanks between.
	Name string
	// Table is the name of the table without its prefix.
	Table string
	// Owner and Kept are the cells of these columns, without backticks.
	Owner, Kept string
	pattern     *regexp.Regexp
}

// Page reads the page.
func Page(t testing.TB, file string) []Line {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []Line
	table := ""
	for text := range strings.SplitSeq(string(page), "\n") {
		if found := heading.FindStringSubmatch(text); found != nil {
			table = found[1]
		}
		found := cells.FindStringSubmatch(text)
		if found == nil {
			if strings.HasPrefix(text, "| `") {
				t.Errorf("%s: this line has not the cells pk, sk, owner, holds and kept: %s", file, text)
			}
			continue
		}
		name := table + " " + found[1] + " " + found[2]
		pattern := bracketed.ReplaceAllStringFunc(name, func(placeholder string) string {
			if known, ok := placeholders[placeholder]; ok {
				return known
			}
			return `[^#]+`
		})
		lines = append(lines, Line{
			Name: name, Table: table, Owner: found[3], Kept: strings.ReplaceAll(found[4], "`", ""),
			pattern: regexp.MustCompile("^" + pattern + "$"),
		})
	}
	return lines
}

// Of lists the lines that a key of a table is like: one, if the page is in order.
func Of(lines []Line, table string, key schema.Key) []Line {
	var found []Line
	for _, line := range lines {
		if line.pattern.MatchString(table + " " + key.PK + " " + key.SK) {
			found = append(found, line)
		}
	}
	return found
}

// Fault says what is wrong with the lifetime of a row that was written within the last hour,
// "" if nothing is. expires is the row's attribute schema.TTL, 0 if it has none.
func (l Line) Fault(expires int64, now time.Time) string {
	always, sometimes := strings.HasPrefix(l.Kept, "TTL, "), strings.Contains(l.Kept, "; TTL, ") || strings.Contains(l.Kept, "(TTL)")
	switch {
	case expires == 0 && always:
		return "it has no time to live"
	case expires == 0:
		return ""
	case !always && !sometimes:
		return "it has a time to live"
	}
	left := time.Unix(expires, 0).Sub(now)
	found := lasting.FindStringSubmatch(l.Kept)
	if found == nil {
		return ""
	}
	n, _ := strconv.Atoi(found[1])
	want := time.Duration(n) * time.Hour
	if found[2] == "days" {
		want *= 24
	}
	if left > want+time.Minute || left < want-time.Hour {
		return "it has " + left.String() + " to live"
	}
	return ""
}
