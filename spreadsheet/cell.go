// Package spreadsheet writes text for CSV files that people open in a spreadsheet.
package spreadsheet

import "strings"

// formula has the characters with which a formula can begin (OWASP, CSV Injection).
const formula = "=+-@\t\r\n|%＝＋－＠"

// Cell returns the text of a cell. If a spreadsheet would take it for a formula, it begins with an
// apostrophe.
func Cell(text string) string {
	// Spreadsheets skip blanks before a formula.
	if trimmed := strings.TrimLeft(text, " \u00a0\ufeff"); trimmed != "" && strings.ContainsRune(formula, []rune(trimmed)[0]) {
		return "'" + text
	}
	return text
}
