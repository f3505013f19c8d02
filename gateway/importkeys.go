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

// ImportRow is a key to import, and the plans to attach it to.
type ImportRow struct {
	Key   Key
	Plans []portal.PlanID
}

// ImportAnswer is what AWS answers to an import: how many keys it names and how many warnings
// it gives. Neither says which row it is about.
type ImportAnswer struct{ IDs, Warnings int }

// ImportKeys makes one import, which creates keys and attaches them to their plans. A key of a
// row's name that exists already is overwritten, and enabled if somebody has disabled it.
//
// rows is called once the import may be made, right before it, and returns what to import;
// without rows no call is made. hasRoom says that an import was let through a moment ago, so
// that this one need not ask whether the account has room for keys. The error is one of those
// of Session, or one that FileRejected reports.
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
	if !FileRejected(err) {
		err = asUnavailable(err)
	}
	return answer, err
}

// ImportRows is the bare call of an import, to be made within a Call. Its error holds no value
// of a key.
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

// FileRejected says whether an import created nothing because of what its file holds. A 413 may
// come from something in between, and means the same.
func FileRejected(err error) bool {
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

// keyFile is the file that ImportApiKeys reads, a row a key. Every column that matters is
// explicit, so that no default decides whether a key works. The columns are those of
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

// plain takes out of a text what has a meaning in the file. Descriptions hold words of
// users; whether AWS reads a quoted line break as we write it is not documented, and a
// line of their own would let them make keys.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune("\",\u0085\u2028\u2029", r) {
			return ' '
		}
		return r
	}, text)
}
