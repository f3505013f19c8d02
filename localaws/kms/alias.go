package kms

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

var aliasPattern = regexp.MustCompile(`^[a-zA-Z0-9:/_-]+$`)

type alias struct {
	Name    string
	Target  string
	Created time.Time
	Updated time.Time
}

func (s *Service) aliasARN(name string) string { return s.env.ARN("kms", name) }

// findAlias finds no alias of a deleted key: KMS deletes them with it.
func (s *Service) findAlias(tx *store.Tx, name string) (alias, error) {
	a, found, err := store.GetJSON[alias](s.aliases(tx), name)
	if err != nil {
		return alias{}, err
	}
	if found {
		_, err = s.findByID(tx, a.Target)
		if err == nil {
			return a, nil
		}
		if !wire.IsCode(err, "NotFoundException") {
			return alias{}, err
		}
	}
	return alias{}, wire.Errorf("NotFoundException", "Alias %s is not found.", s.aliasARN(name))
}

type aliasInput struct {
	AliasName   string
	TargetKeyID string `json:"TargetKeyId"`
}

func (s *Service) createAlias(_ context.Context, in *aliasInput) (*none, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		target, err := s.aliasTarget(tx, in.TargetKeyID)
		if err != nil {
			return err
		}
		_, err = s.findAlias(tx, in.AliasName)
		switch {
		case err == nil:
			return wire.Errorf("AlreadyExistsException", "An alias with the name %s already exists", s.aliasARN(in.AliasName))
		case !wire.IsCode(err, "NotFoundException"):
			return err
		}
		now := s.env.Now()
		return store.PutJSON(s.aliases(tx), in.AliasName, alias{
			Name: in.AliasName, Target: target, Created: now, Updated: now,
		})
	})
	return &none{}, err
}

// updateAlias need not check type and usage, as KMS does: all keys here have the same.
func (s *Service) updateAlias(_ context.Context, in *aliasInput) (*none, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		target, err := s.aliasTarget(tx, in.TargetKeyID)
		if err != nil {
			return err
		}
		a, err := s.findAlias(tx, in.AliasName)
		if err != nil {
			return err
		}
		a.Target, a.Updated = target, s.env.Now()
		return store.PutJSON(s.aliases(tx), in.AliasName, a)
	})
	return &none{}, err
}

type deleteAliasInput struct{ AliasName string }

func (s *Service) deleteAlias(_ context.Context, in *deleteAliasInput) (*none, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		if _, err := s.findAlias(tx, in.AliasName); err != nil {
			return err
		}
		return s.aliases(tx).Delete([]byte(in.AliasName))
	})
	return &none{}, err
}

func (s *Service) aliasTarget(tx *store.Tx, name string) (string, error) {
	if strings.HasPrefix(name, "alias/") || strings.Contains(name, ":alias/") {
		return "", wire.Errorf("ValidationException", "Aliases must refer to keys. Not aliases")
	}
	k, err := s.findKey(tx, name)
	if err != nil {
		return "", err
	}
	return k.ID, s.notPendingDeletion(k)
}

// checkAliasName applies the rules of
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
func checkAliasName(name string) error {
	var c constraints
	c.Text("aliasName", name, 256)
	c.Matches("aliasName", name, aliasPattern)
	if err := c.err(); err != nil {
		return err
	}
	rest, ok := strings.CutPrefix(name, "alias/")
	switch {
	case !ok || rest == "":
		return wire.Errorf("ValidationException", "Invalid identifier")
	case strings.Contains(name, ":"):
		return wire.Errorf("ValidationException", "%s contains invalid characters for an alias", name)
	case strings.HasPrefix(rest, "aws/"):
		return wire.Errorf("NotAuthorizedException", "The prefix alias/aws/ is reserved for AWS managed keys.")
	}
	return nil
}
