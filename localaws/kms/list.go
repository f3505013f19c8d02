package kms

import (
	"context"
	"encoding/base64"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// pageInput is common to all lists. A marker holds the previous page's last name.
type pageInput struct {
	Limit  *int
	Marker string
}

type pageOutput struct {
	NextMarker string `json:"NextMarker,omitempty"`
	Truncated  bool   `json:"Truncated"`
}

// limits also returns the name after which the page starts.
func (p pageInput) limits(usual, most int) (limit int, after string, err error) {
	var c constraints
	c.Within("limit", p.Limit, 1, most)
	if err := c.err(); err != nil {
		return 0, "", err
	}
	limit = usual
	if p.Limit != nil {
		limit = *p.Limit
	}
	raw, err := base64.RawURLEncoding.DecodeString(p.Marker)
	if err != nil {
		return 0, "", wire.Errorf("InvalidMarkerException", "The marker is not valid.")
	}
	return limit, string(raw), nil
}

// page requires items ordered by name.
func page[T any](items []T, name func(T) string, limit int, after string) ([]T, pageOutput) {
	from := 0
	for from < len(items) && name(items[from]) <= after {
		from++
	}
	items = items[from:]
	if len(items) <= limit {
		return items, pageOutput{}
	}
	last := name(items[limit-1])
	return items[:limit], pageOutput{NextMarker: base64.RawURLEncoding.EncodeToString([]byte(last)), Truncated: true}
}

type listKeysOutput struct {
	Keys []keyEntry `json:"Keys"`
	pageOutput
}

type keyEntry struct {
	KeyID  string `json:"KeyId"`
	KeyARN string `json:"KeyArn"`
}

func (s *Service) listKeys(_ context.Context, in *pageInput) (*listKeysOutput, error) {
	limit, after, err := in.limits(100, 1000)
	if err != nil {
		return nil, err
	}
	var entries []keyEntry
	err = s.env.DB.View(func(tx *store.Tx) error {
		keys, err := store.AllJSON[key](s.keys(tx))
		if err != nil {
			return err
		}
		entries = []keyEntry{}
		for _, k := range keys {
			if !k.gone(s.env.Now()) {
				entries = append(entries, keyEntry{KeyID: k.ID, KeyARN: s.keyARN(k.ID)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	keys, next := page(entries, func(e keyEntry) string { return e.KeyID }, limit, after)
	return &listKeysOutput{Keys: keys, pageOutput: next}, nil
}

type listAliasesInput struct {
	// KeyID, if set, restricts the list to that key's aliases.
	KeyID string `json:"KeyId"`
	pageInput
}

type listAliasesOutput struct {
	Aliases []aliasEntry `json:"Aliases"`
	pageOutput
}

type aliasEntry struct {
	AliasName       string  `json:"AliasName"`
	AliasARN        string  `json:"AliasArn"`
	TargetKeyID     string  `json:"TargetKeyId"`
	CreationDate    float64 `json:"CreationDate"`
	LastUpdatedDate float64 `json:"LastUpdatedDate"`
}

func (s *Service) listAliases(_ context.Context, in *listAliasesInput) (*listAliasesOutput, error) {
	limit, after, err := in.limits(50, 100)
	if err != nil {
		return nil, err
	}
	var entries []aliasEntry
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		entries, err = s.aliasEntries(tx, in.KeyID)
		return err
	})
	if err != nil {
		return nil, err
	}
	aliases, next := page(entries, func(e aliasEntry) string { return e.AliasName }, limit, after)
	return &listAliasesOutput{Aliases: aliases, pageOutput: next}, nil
}

func (s *Service) aliasEntries(tx *store.Tx, keyName string) ([]aliasEntry, error) {
	wanted := ""
	if keyName != "" {
		k, err := s.findKey(tx, keyName)
		if err != nil {
			return nil, err
		}
		wanted = k.ID
	}
	all, err := store.AllJSON[alias](s.aliases(tx))
	if err != nil {
		return nil, err
	}
	entries := []aliasEntry{}
	for _, a := range all {
		if wanted != "" && a.Target != wanted {
			continue
		}
		if _, err := s.findByID(tx, a.Target); err != nil {
			if wire.IsCode(err, "NotFoundException") {
				continue
			}
			return nil, err
		}
		entries = append(entries, aliasEntry{
			AliasName: a.Name, AliasARN: s.aliasARN(a.Name), TargetKeyID: a.Target,
			CreationDate: epoch(a.Created), LastUpdatedDate: epoch(a.Updated),
		})
	}
	return entries, nil
}
