package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

const (
	betweenColumns = 2
	// roomForText is how narrow the last column of a table may become.
	roomForText = 24
)

// table prints rows below heads. If they are wider than the terminal, the last column is wrapped. If that
// would be too narrow, each row becomes a paragraph with a line for each head.
func table(to io.Writer, indent string, heads []string, rows [][]string) {
	tableWithin(to, width(to), indent, heads, rows)
}

// tableWithin is table for a terminal of so many columns; 0 is no limit.
func tableWithin(to io.Writer, columns int, indent string, heads []string, rows [][]string) {
	before, last := widthsOf(indent, heads, rows)
	switch {
	case columns == 0 || before+last <= columns:
		aligned(to, indent, heads, rows)
	case columns-before >= roomForText:
		aligned(to, indent, heads, wrapped(rows, columns-before))
	default:
		for i, row := range rows {
			if i > 0 {
				fmt.Fprintln(to)
			}
			paragraphOf(to, columns, indent, heads, row)
		}
	}
}

// widthsOf returns the width of all columns before the last with the gaps, and that of the last.
func widthsOf(indent string, heads []string, rows [][]string) (before, last int) {
	before = len(indent)
	for i, head := range heads {
		widest := utf8.RuneCountInString(head)
		for _, row := range rows {
			if i < len(row) {
				widest = max(widest, utf8.RuneCountInString(row[i]))
			}
		}
		if i == len(heads)-1 {
			return before, widest
		}
		before += widest + betweenColumns
	}
	return before, 0
}

func aligned(to io.Writer, indent string, heads []string, rows [][]string) {
	w := tabwriter.NewWriter(to, 0, 4, betweenColumns, ' ', 0)
	for _, row := range append([][]string{heads}, rows...) {
		fmt.Fprintln(w, indent+strings.Join(row, "\t"))
	}
	_ = w.Flush()
}

// wrapped breaks the last column. Each further line of it is a row of its own, empty before that column.
func wrapped(rows [][]string, columns int) (all [][]string) {
	for _, row := range rows {
		last := len(row) - 1
		for i, line := range strings.Split(wrap(row[last], columns, 0), "\n") {
			if i == 0 {
				all = append(all, append(append([]string{}, row[:last]...), line))
				continue
			}
			all = append(all, append(make([]string, last), line))
		}
	}
	return all
}

func paragraphOf(to io.Writer, columns int, indent string, heads, row []string) {
	column := 0
	for _, head := range heads {
		column = max(column, utf8.RuneCountInString(head)+betweenColumns)
	}
	for i, text := range row {
		if text == "" {
			continue
		}
		text = wrap(text, columns-len(indent)-column, 0)
		fmt.Fprintf(to, "%s%-*s%s\n", indent, column, strings.ToLower(heads[i]), strings.ReplaceAll(text, "\n", "\n"+indent+strings.Repeat(" ", column)))
	}
}
