package apigateway

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type keyRow struct {
	line    int
	key     apiKeyInput
	planIDs []string
}

// refusal must not show the key's value.
func (row keyRow) refusal(err *wire.Error) string {
	return fmt.Sprintf("Line %d: %s", row.line, err.Message)
}

// keyColumns are positions (developer guide, "API Gateway API key file format"). Order and
// case do not matter; other columns are ignored.
type keyColumns struct{ name, key, description, enabled, plans int }

// readKeysFile reads comma-separated values with a header line. An invalid row is a
// warning, an unreadable file an error.
func readKeysFile(body []byte) (rows []keyRow, warnings []string, err error) {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	in.FieldsPerRecord = -1
	header, err := in.Read()
	if err != nil {
		return nil, nil, badRequest("The API key file has no header line that could be read")
	}
	columns, err := findKeyColumns(header)
	if err != nil {
		return nil, nil, err
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, warnings, nil
		}
		if err != nil {
			return nil, nil, unreadable(err)
		}
		line, _ := in.FieldPos(0)
		row := keyRow{line: line}
		if refused := row.read(columns, len(header), record); refused != nil {
			warnings = append(warnings, row.refusal(refused))
			continue
		}
		rows = append(rows, row)
	}
}

func unreadable(err error) error {
	var bad *csv.ParseError
	if !errors.As(err, &bad) {
		return fmt.Errorf("reading an API key file: %w", err)
	}
	return badRequest("The API key file cannot be read at line %d: %s", bad.Line, bad.Err)
}

func findKeyColumns(header []string) (keyColumns, error) {
	c := keyColumns{-1, -1, -1, -1, -1}
	known := map[string]*int{"name": &c.name, "key": &c.key, "description": &c.description, "enabled": &c.enabled, "usageplanids": &c.plans}
	for i, name := range header {
		at, ok := known[strings.ToLower(strings.TrimSpace(name))]
		switch {
		case !ok:
		case *at >= 0:
			return c, badRequest("The API key file has the column %s twice", strings.TrimSpace(name))
		default:
			*at = i
		}
	}
	if c.name < 0 || c.key < 0 {
		return c, badRequest("The API key file lacks a required column: Name and Key are needed")
	}
	return c, nil
}

func (row *keyRow) read(c keyColumns, width int, record []string) *wire.Error {
	if len(record) != width {
		return badRequest("%d values for %d columns", len(record), width)
	}
	value := func(column int) string {
		if column < 0 {
			return ""
		}
		return strings.TrimSpace(record[column])
	}
	row.key = apiKeyInput{Name: value(c.name), Value: value(c.key), Description: value(c.description)}
	switch strings.ToLower(value(c.enabled)) {
	case "", "true":
		row.key.Enabled = true
	case "false":
	default:
		return badRequest("Enabled must be TRUE or FALSE")
	}
	for _, id := range strings.Split(value(c.plans), ",") {
		if id = strings.TrimSpace(id); id != "" {
			row.planIDs = append(row.planIDs, id)
		}
	}
	switch {
	case row.key.Name == "":
		return badRequest("Name is empty")
	case row.key.Value == "":
		return badRequest("Key is empty")
	}
	var refused *wire.Error
	if err := row.key.check(); errors.As(err, &refused) {
		return refused
	}
	return nil
}
