package usage

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/spreadsheet"
)

// FileName is the name under which a report is saved as CSV.
func FileName(q Query) string { return "usage-" + show(q.First) + "-to-" + show(q.Last) + ".csv" }

// WriteCSV writes a line for each day, plan and key (RFC 4180, UTF-8), after a line of headings.
// Days that were never collected have no line. A cell that a spreadsheet would take for a formula
// begins with an apostrophe.
func WriteCSV(w io.Writer, report Report, names Names) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return out.WriteAll(append([][]string{headings()}, lines(report, names)...))
}

// AllCSV writes reports of several accounts like WriteCSV, with the account in the first column.
type AllCSV struct{ out *csv.Writer }

// NewAllCSV writes the line of headings.
func NewAllCSV(w io.Writer) (AllCSV, error) {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return AllCSV{out}, out.Write(append([]string{"account"}, headings()...))
}

// Add writes the lines of an account.
func (c AllCSV) Add(account portal.AccountID, report Report, names Names) error {
	for _, line := range lines(report, names) {
		if err := c.out.Write(append([]string{spreadsheet.Cell(string(account))}, line...)); err != nil {
			return err
		}
	}
	c.out.Flush()
	return c.out.Error()
}

// Flush writes what is buffered, such as the headings of a file without lines.
func (c AllCSV) Flush() error {
	c.out.Flush()
	return c.out.Error()
}

func headings() []string {
	return []string{"date", "plan", "plan_name", "key", "key_name", "used", "limit", "remaining", "period", "as_of"}
}

func lines(report Report, names Names) (all [][]string) {
	for _, s := range report.Series {
		for _, d := range s.Days {
			all = append(all, []string{
				show(d.Day), spreadsheet.Cell(string(s.Plan)), spreadsheet.Cell(names.Plan(s.Plan)), spreadsheet.Cell(string(s.Key)), spreadsheet.Cell(names.Key(s.Key)),
				strconv.FormatInt(d.Used, 10), optional(d.Limit), optional(d.Remaining), string(d.Period), d.AsOf.UTC().Format(time.RFC3339),
			})
		}
	}
	return all
}

func optional(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}
