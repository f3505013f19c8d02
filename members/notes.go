package members

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// MaxNote is the most characters of a note.
const MaxNote = 2000

// Note is what an admin or an operator wrote down about an account for other admins. Its owner reads it
// only in an export of the account's data. The deletion of the account deletes it.
type Note struct {
	ID    string           `dynamodbav:"id"`
	At    time.Time        `dynamodbav:"at"`
	Admin portal.AccountID `dynamodbav:"admin,omitempty"`
	// Operator is who wrote it at the command line, as user@host; Admin is then "".
	Operator string `dynamodbav:"operator,omitempty"`
	Text     string `dynamodbav:"text"`
}

// AddNote stores a note about an account, and that there is one in the audit. A second call stores a second
// note. The error is Invalid for an empty or a too long text, and NotFound if nobody has the account.
func (s *Store) AddNote(ctx context.Context, by By, account portal.AccountID, text string) (Note, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Note{}, portal.Fail(portal.Invalid, "Write something. The note is empty.")
	case utf8.RuneCountInString(text) > MaxNote:
		return Note{}, portal.Fail(portal.Invalid, fmt.Sprintf("The note is longer than %d characters. Shorten it.", MaxNote))
	}
	note := Note{At: s.now().UTC().Truncate(time.Millisecond), Admin: by.Admin, Operator: by.Operator, Text: text}
	note.ID = schema.Milliseconds(note.At) + "-" + strings.ToLower(rand.Text())[:10]
	err := s.rows.Transact(ctx, "storing a note", records.OfAPerson(account),
		records.Write{Key: schema.AccountNote(account, note.ID), Put: note},
		s.AuditWrite(AuditEntry{Admin: by.Admin, Operator: by.Operator, What: AuditNoted, Subject: account}))
	if errors.Is(err, records.ErrRefused) {
		return Note{}, portal.Fail(portal.NotFound, "There is no such account, or it was deleted.")
	}
	return note, err
}

// Notes lists at most limit notes about an account, the latest first. Pages are as for Audit.
func (s *Store) Notes(ctx context.Context, account portal.AccountID, before string, limit int) (notes []Note, next string, err error) {
	return filtered(ctx, s.rows, schema.AccountNotes(account), records.Select{Before: before}, limit, func(Note) bool { return true })
}
