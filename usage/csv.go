package usage

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
)

// FileName is the name under which a report is saved as CSV.
func FileName(q Query) string { return "usage-" + show(q.First) + "-to-" + show(q.Last) + ".csv" }

// WriteCSV writes a report with a line for each day, plan and key (RFC 4180, UTF-8), after a line
// of headings. Days that were never collected have no line. A cell that a spreadsheet
// would take for a formula begins with an apostrophe.
func WriteCSV(w io.Writer, report Report, names Names) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	lines := [][]string{{"date", "plan", "plan_name", "key", "key_name", "used", "limit", "remaining", "period", "as_of"}}
	for _, s := range report.Series {
		for _, d := range s.Days {
			lines = append(lines, []string{
				show(d.Day), plain(string(s.Plan)), plain(names.Plan(s.Plan)), plain(string(s.Key)), plain(names.Key(s.Key)),
				strconv.FormatInt(d.Used, 10), optional(d.Limit), optional(d.Remaining), string(d.Period), d.AsOf.UTC().Format(time.RFC3339),
			})
		}
	}
	return out.WriteAll(lines)
}

func optional(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// plain makes a cell safe (OWASP, CSV Injection). Spreadsheets skip blanks before a formula.
func plain(cell string) string {
	if trimmed := strings.TrimLeft(cell, " \u00a0\ufeff"); trimmed != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(trimmed)[0]) {
		return "'" + cell
	}
	return cell
}
