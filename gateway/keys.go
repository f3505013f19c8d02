package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Key is a key to create.
type Key struct {
	Name        string
	Value       string `json:"-"`
	Description string
	// Customer is the customer identifier of AWS Marketplace that API Gateway meters the key's
	// requests for, "" for none.
	Customer string
}

// Format never prints the value, a secret.
func (k Key) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "key "+k.Name) }

// KeyName is a key's name in API Gateway. Ours are unique, since key ids are never reused; API
// Gateway does not check it.
func KeyName(prefix string, account portal.AccountID, key portal.KeyID) string {
	return prefix + "/" + string(account) + "/" + string(key)
}

const issuedBegins = "Issued by Gatehouse: "

// Description is a key's description in API Gateway. With the name it shows that Gatehouse made the
// key: anybody can give a key such a name.
func Description(name string) string { return issuedBegins + name }

func issued(description *string) bool {
	return strings.HasPrefix(aws.ToString(description), issuedBegins)
}

// ParseKeyName takes a KeyName apart; ok is false for any other name.
func ParseKeyName(prefix, name string) (account portal.AccountID, key portal.KeyID, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix+"/")
	a, k, both := strings.Cut(rest, "/")
	if !ok || !both || a == "" || k == "" || strings.Contains(k, "/") {
		return "", "", false
	}
	return portal.AccountID(a), portal.KeyID(k), true
}

// CreateKey creates an enabled key, or returns the existing key of that name, so it may be
// repeated. If API Gateway says that the value is taken but no list shows the name yet, the error
// is an Unavailable with ValueTaken. While the account is full, the error is a *LimitReached and
// API Gateway is not called.
func (s *Session) CreateKey(ctx context.Context, key Key) (portal.GatewayKeyID, error) {
	p, err := s.admit(ctx, createAPIKey)
	if err != nil {
		return "", err
	}
	return s.createKey(ctx, key, p)
}

// DeriveAndCreateKey is CreateKey for a key that is derived while the call waits for its token.
// If derive fails, it returns derive's error without calling API Gateway.
func (s *Session) DeriveAndCreateKey(ctx context.Context, derive func(context.Context) (Key, error)) (portal.GatewayKeyID, error) {
	key, p, err := s.deriveAndAdmit(ctx, derive)
	if err != nil {
		return "", err
	}
	return s.createKey(ctx, key, p)
}

func (s *Session) deriveAndAdmit(ctx context.Context, derive func(context.Context) (Key, error)) (key Key, p permit, err error) {
	admitted := false
	both, within := errgroup.WithContext(ctx)
	both.Go(portal.Guard(func() (err error) {
		key, err = derive(within)
		return err
	}))
	both.Go(portal.Guard(func() (err error) {
		p, err = s.admit(within, createAPIKey)
		admitted = err == nil
		return err
	}))
	err = both.Wait()
	switch {
	case err != nil && admitted:
		s.returnPermit(createAPIKey, p)
	case err == nil && !p.token.usable(s.cp.budget.now()): // derive took long
		p, err = s.admit(ctx, createAPIKey)
	}
	return key, p, err
}

func (s *Session) createKey(ctx context.Context, key Key, p permit) (portal.GatewayKeyID, error) {
	var id string
	err := s.attempt(ctx, createAPIKey, p, func(ctx context.Context) error {
		in := &apigateway.CreateApiKeyInput{
			Name: aws.String(key.Name), Value: aws.String(key.Value), Description: aws.String(key.Description),
			Enabled: true, // the default is a disabled key
		}
		if key.Customer != "" {
			in.CustomerId = aws.String(key.Customer)
		}
		out, err := s.cp.client.CreateApiKey(ctx, in)
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

// noteRoom records whether creating the key found room, and sets the error's Until.
func (s *Session) noteRoom(ctx context.Context, err error) {
	var full *LimitReached
	switch {
	case err == nil:
		s.cp.budget.room.recordRoom(ctx)
	case errors.As(err, &full) && full.Limit == Keys && full.Until.IsZero():
		full.Until = s.cp.budget.room.recordFull(ctx)
	}
}

// FindKey finds the key of exactly that name.
func (s *Session) FindKey(ctx context.Context, name string) (id portal.GatewayKeyID, found bool, err error) {
	err = s.eachKey(ctx, name, func(key Listed) (more bool) {
		if key.Name == name {
			id, found = key.ID, true
		}
		return !found
	})
	return id, found, err
}
