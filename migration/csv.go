package migration

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// BadRow is a row of a file that cannot be carried out. Why says what to change.
type BadRow struct {
	Line int    `json:"line"`
	Why  string `json:"why"`
}

// Row is a row of a file: whose key it is, and the plans that it is in.
type Row struct {
	Line  int
	Email string
	Key   portal.GatewayKeyID
	// Plans are none if the row leaves them to API Gateway.
	Plans []portal.PlanID
}

// maxFile and maxEmail bound what ReadCSV reads.
const (
	maxFile  = 64 << 20
	maxEmail = 320
)

// ReadCSV reads rows of an e-mail address, a key's id in API Gateway, and the ids of its plans in one
// or more columns, separated by spaces or semicolons. The first row may be a heading. It reports
// every bad row; err is for a file that cannot be read at all.
func ReadCSV(file io.Reader) (rows []Row, bad []BadRow, err error) {
	body, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, nil, err
	case len(body) > maxFile:
		return nil, nil, portal.Fail(portal.Invalid, "The file is larger than 64 MB. Split it.")
	case !utf8.Valid(body):
		return nil, nil, portal.Fail(portal.Invalid, "The file is not UTF-8 text. Save it as CSV in UTF-8.")
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	reader.FieldsPerRecord, reader.TrimLeadingSpace = -1, true
	first, lines := true, map[portal.GatewayKeyID]int{}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			if len(rows) == 0 && len(bad) == 0 {
				return nil, nil, portal.Fail(portal.Invalid, "The file has no rows. Write a row for each key: an e-mail address, a comma, and the key's id in API Gateway.")
			}
			return rows, bad, nil
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			// The reader cannot tell where the next row begins.
			return rows, append(bad, BadRow{wrong.StartLine, "The quotes do not match. Put \" around the whole value, and double each \" inside."}), nil
		}
		if err != nil {
			return rows, bad, err
		}
		line, _ := reader.FieldPos(0)
		heading := first && isHeading(record)
		first = false
		if heading {
			continue
		}
		row, why := readRow(line, record)
		if earlier := lines[row.Key]; why == "" && earlier != 0 {
			why = fmt.Sprintf("Line %d has the same key. A key belongs to one person: remove one of the rows.", earlier)
		}
		if why != "" {
			bad = append(bad, BadRow{line, why})
			continue
		}
		lines[row.Key] = line
		rows = append(rows, row)
	}
}

// isHeading tells a heading from a row with a bad address: almost every id of a key has a digit.
func isHeading(record []string) bool {
	return len(record) > 1 && !strings.Contains(record[0], "@") && !strings.ContainsAny(record[1], "0123456789")
}

func readRow(line int, record []string) (Row, string) {
	for i := range record {
		record[i] = strings.TrimSpace(record[i])
	}
	if len(record) < 2 {
		return Row{}, "Write an e-mail address, a comma, and the key's id in API Gateway."
	}
	row := Row{Line: line, Email: record[0], Key: portal.GatewayKeyID(record[1])}
	address, err := mail.ParseAddress(row.Email)
	switch {
	case err != nil || address.Address != row.Email || len(row.Email) > maxEmail:
		return Row{}, fmt.Sprintf(`"%s" is not an e-mail address.`, clip(row.Email))
	case !plainID(record[1]):
		return Row{}, fmt.Sprintf(`"%s" is not the id of a key in API Gateway. Do not write the key's value or name.`, clip(shorten(record[1])))
	}
	for _, column := range record[2:] {
		for plan := range strings.FieldsFuncSeq(column, func(r rune) bool { return r == ' ' || r == ';' || r == '\t' }) {
			if !plainID(plan) {
				return Row{}, fmt.Sprintf(`"%s" is not the id of a usage plan.`, clip(plan))
			}
			if !slices.Contains(row.Plans, portal.PlanID(plan)) {
				row.Plans = append(row.Plans, portal.PlanID(plan))
			}
		}
	}
	return row, ""
}

// shorten keeps a key's value, which somebody may have written by mistake, out of reports.
func shorten(id string) string {
	if len(id) > 8 {
		return id[:4] + "…"
	}
	return id
}

// plainID: API Gateway's ids are ten lower-case letters and digits. A value has at least 20
// characters.
func plainID(id string) bool {
	return id != "" && len(id) < 20 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// WorklistOf compares the rows with API Gateway. With a bad row, nothing should be done. ours reports
// whether the portal itself has made the key.
func WorklistOf(rows []Row, has Gateway, ours func(name string) bool) (Worklist, []BadRow) {
	i := newInventory(has)
	var list Worklist
	var bad []BadRow
	people := map[string]int{}
	for _, row := range rows {
		key, why := i.rowKey(row, ours)
		if why != "" {
			bad = append(bad, BadRow{row.Line, why})
			continue
		}
		email := strings.ToLower(row.Email)
		n, known := people[email]
		if !known {
			n = len(list.People)
			people[email] = n
			list.People = append(list.People, Person{Email: row.Email})
		}
		list.People[n].Keys = append(list.People[n].Keys, key)
	}
	return list, bad
}

func (i inventory) rowKey(row Row, ours func(name string) bool) (key events.KeyToAdopt, why string) {
	listed, exists := i.keys[row.Key]
	switch {
	case !exists:
		return key, fmt.Sprintf("API Gateway has no key %s in this Region. Correct the id, or remove the row.", row.Key)
	case ours(listed.Name):
		return key, fmt.Sprintf("This portal has made the key %s itself. Remove the row.", row.Key)
	}
	for _, plan := range row.Plans {
		switch _, known := i.plans[plan]; {
		case !known:
			return key, fmt.Sprintf("API Gateway has no usage plan %s. Correct the id, or remove it.", plan)
		case !slices.Contains(i.InPlan[row.Key], plan):
			return key, fmt.Sprintf("The key %s is not in the usage plan %s. Add it there in API Gateway, or remove the plan from the row.", row.Key, plan)
		}
	}
	for _, plan := range i.InPlan[row.Key] {
		if len(row.Plans) > 0 && !slices.Contains(row.Plans, plan) {
			return key, fmt.Sprintf("The key %s is also in the usage plan %s. Add the plan to the row, or take the key out of it in API Gateway.", row.Key, plan)
		}
	}
	return i.adopt(row.Key)
}
