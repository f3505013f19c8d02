package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Key is a key to create. Its value is a secret and is not printed.
type Key struct {
	Name        string
	Value       string `json:"-"`
	Description string
}

// Format prints the key without its value, whatever the verb.
func (k Key) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "key "+k.Name) }

// KeyName is the name that a key of Gatehouse's has in API Gateway. API Gateway
// does not keep names unique; ours are, because key ids are never reused.
func KeyName(prefix string, account portal.AccountID, key portal.KeyID) string {
	return prefix + "/" + string(account) + "/" + string(key)
}

// ParseKeyName reads a KeyName; ok is false for any other name.
func ParseKeyName(prefix, name string) (account portal.AccountID, key portal.KeyID, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix+"/")
	a, k, both := strings.Cut(rest, "/")
	if !ok || !both || a == "" || k == "" || strings.Contains(k, "/") {
		return "", "", false
	}
	return portal.AccountID(a), portal.KeyID(k), true
}

// CreateKey creates an enabled key. If there is one of that name and value it
// returns that, so a call whose answer was lost may be repeated; CreateApiKey takes
// no idempotency token. API Gateway says only that the value is taken, and cannot find a key
// by its value. If no key has the name yet, the error is an Unavailable with ValueTaken: the
// key exists and will be listed. While the account is full, the error is a *LimitReached and
// API Gateway is not called.
func (s *Session) CreateKey(ctx context.Context, key Key) (portal.GatewayKeyID, error) {
	var id string
	err := s.call(ctx, createAPIKey, func(ctx context.Context) error {
		out, err := s.cp.client.CreateApiKey(ctx, &apigateway.CreateApiKeyInput{
			Name: aws.String(key.Name), Value: aws.String(key.Value), Description: aws.String(key.Description),
			Enabled: true, // left out, the key would be created disabled
		})
		if err != nil {
			return redact(key.Value, err)
		}
		id = aws.ToString(out.Id)
		return nil
	})
	s.noteRoom(ctx, err)
	var clash *conflict
	if !errors.As(err, &clash) {
		return portal.GatewayKeyID(id), asUnavailable(err)
	}
	found, ok, err := s.FindKey(ctx, key.Name)
	switch {
	case err != nil:
		return "", err
	case ok:
		return found, nil
	case clash.concurrent():
		return "", asUnavailable(clash)
	}
	return "", &Unavailable{ValueTaken: true, Err: clash.err}
}

// noteRoom records what a call that creates one key tells of the room for keys, and tells the
// caller until when not to try again.
func (s *Session) noteRoom(ctx context.Context, err error) {
	var full *LimitReached
	switch {
	case err == nil:
		s.cp.budget.room.recordRoom(ctx)
	case errors.As(err, &full) && full.Limit == Keys && full.Until.IsZero():
		full.Until = s.cp.budget.room.recordFull(ctx)
	}
}

// FindKey looks for the key of exactly that name.
func (s *Session) FindKey(ctx context.Context, name string) (id portal.GatewayKeyID, found bool, err error) {
	err = s.eachKey(ctx, name, func(key Listed) (more bool) {
		if key.Name == name {
			id, found = key.ID, true
		}
		return !found
	})
	return id, found, err
}
