package gateway

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// ImportRow is a key to import and its plans.
type ImportRow struct {
	Key   Key
	Plans []portal.PlanID
}

// ImportAnswer is AWS's answer to an import. Neither ids nor warnings say which row they are
// about, so they are only counted.
type ImportAnswer struct{ IDs, Warnings int }

// ImportKeys makes one import, which creates keys and attaches them to their plans. It overwrites
// an existing key with the name of a row, and enables it.
//
// rows is called right before the import; if it returns none, no call is made. hasRoom: the room
// for keys was checked a moment ago. The error is one of Session's, or one that FileRefused
// reports.
func (s *Session) ImportKeys(ctx context.Context, hasRoom bool, rows func() []ImportRow) (ImportAnswer, error) {
	op := ImportAPIKeys
	op.creates = !hasRoom
	p, err := s.admit(ctx, op)
	if err != nil {
		return ImportAnswer{}, err
	}
	file := rows()
	if len(file) == 0 {
		s.returnPermit(op, p)
		return ImportAnswer{}, nil
	}
	var answer ImportAnswer
	err = s.attempt(ctx, op, p, func(ctx context.Context) (err error) {
		answer, err = ImportRows(ctx, s.cp.client, file)
		return err
	})
	if err == nil && answer.IDs > 0 || len(file) == 1 {
		s.noteRoom(ctx, err)
	}
	if !FileRefused(err) {
		err = asUnavailable(err)
	}
	return answer, err
}

// ImportRows makes the bare call, within a Call. Its error holds no key value.
func ImportRows(ctx context.Context, client *apigateway.Client, rows []ImportRow) (ImportAnswer, error) {
	out, err := client.ImportApiKeys(ctx, &apigateway.ImportApiKeysInput{
		Body: keyFile(rows), Format: types.ApiKeysFormatCsv, FailOnWarnings: false,
	})
	if err != nil {
		for _, row := range rows {
			err = redact(row.Key.Value, err)
		}
		return ImportAnswer{}, err
	}
	return ImportAnswer{IDs: len(out.Ids), Warnings: len(out.Warnings)}, nil
}

// FileRefused reports whether an import created nothing because of its file. A 413 means the
// same, even from a proxy.
func FileRefused(err error) bool {
	var no *Refused
	var clash *conflict
	var full *LimitReached
	switch {
	case errors.As(err, &no), IsNotFound(err):
		return true
	case errors.As(err, &full):
		return full.Limit == PlansPerKey
	case errors.As(err, &clash):
		return !clash.concurrent()
	}
	return statusOf(err) == http.StatusRequestEntityTooLarge
}

// keyFile names every column that matters, so that no default decides whether a key works; see
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-key-file-format.html.
func keyFile(rows []ImportRow) []byte {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	_ = w.Write([]string{"name", "key", "description", "enabled", "usageplanIds"})
	for _, row := range rows {
		plans := make([]string, len(row.Plans))
		for i, plan := range row.Plans {
			plans[i] = string(plan)
		}
		_ = w.Write([]string{row.Key.Name, row.Key.Value, plain(row.Key.Description), "true", strings.Join(plans, ",")})
	}
	w.Flush() // a bytes.Buffer takes everything
	return file.Bytes()
}

// plain replaces characters that have a meaning in the file. Otherwise a user's words in a
// description could add rows: AWS does not document how it reads a quoted line break.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune("\",\u0085\u2028\u2029", r) {
			return ' '
		}
		return r
	}, text)
}
