package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

const (
	betweenColumns = 2
	// roomForText is how narrow the widest column of a table may become.
	roomForText = 24
)

// table prints rows below heads. If they are wider than the terminal, the widest column is wrapped. If that
// would be too narrow, each row becomes a paragraph with a line for each head.
func table(to io.Writer, indent string, heads []string, rows [][]string) {
	tableWithin(to, width(to), indent, heads, rows)
}

// tableWithin is table for a terminal of so many columns; 0 is no limit.
func tableWithin(to io.Writer, columns int, indent string, heads []string, rows [][]string) {
	widest, itsWidth, all := widthsOf(indent, heads, rows)
	room := columns - (all - itsWidth)
	switch {
	case columns == 0 || all <= columns:
		aligned(to, indent, heads, rows)
	case room >= max(roomForText, utf8.RuneCountInString(heads[widest])):
		aligned(to, indent, heads, wrapped(rows, widest, room))
	default:
		for i, row := range rows {
			if i > 0 {
				fmt.Fprintln(to)
			}
			paragraphOf(to, columns, indent, heads, row)
		}
	}
}

// widthsOf returns the widest column with its width, and the width of all columns with the gaps.
func widthsOf(indent string, heads []string, rows [][]string) (widest, itsWidth, all int) {
	all = len(indent) + betweenColumns*(len(heads)-1)
	for i, head := range heads {
		column := utf8.RuneCountInString(head)
		for _, row := range rows {
			if i < len(row) {
				column = max(column, utf8.RuneCountInString(row[i]))
			}
		}
		all += column
		if column > itsWidth {
			widest, itsWidth = i, column
		}
	}
	return widest, itsWidth, all
}

func aligned(to io.Writer, indent string, heads []string, rows [][]string) {
	w := tabwriter.NewWriter(to, 0, 4, betweenColumns, ' ', 0)
	for _, row := range append([][]string{heads}, rows...) {
		fmt.Fprintln(w, indent+strings.Join(row, "\t"))
	}
	_ = w.Flush()
}

// wrapped breaks one column of each row. Each further line of it is a row that is empty elsewhere.
func wrapped(rows [][]string, column, columns int) (all [][]string) {
	for _, row := range rows {
		if column >= len(row) {
			all = append(all, row)
			continue
		}
		lines := strings.Split(wrap(row[column], columns, 0), "\n")
		first := slices.Clone(row)
		first[column] = lines[0]
		all = append(all, first)
		for _, line := range lines[1:] {
			more := make([]string, len(row))
			more[column] = line
			all = append(all, more)
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
