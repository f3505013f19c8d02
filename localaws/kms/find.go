package kms

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// find accepts ids, key ARNs, aliases and alias ARNs, for operations that use a key.
func (s *Service) find(tx *store.Tx, name string) (key, error) {
	resource, err := s.resource(name)
	if err != nil {
		return key{}, err
	}
	alias, isAlias := strings.CutPrefix(resource, "alias/")
	if !isAlias {
		return s.findByID(tx, strings.TrimPrefix(resource, "key/"))
	}
	a, err := s.findAlias(tx, "alias/"+alias)
	if err != nil {
		return key{}, err
	}
	return s.findByID(tx, a.Target)
}

// findKey accepts ids and key ARNs, for operations that manage a key.
func (s *Service) findKey(tx *store.Tx, name string) (key, error) {
	resource, err := s.resource(name)
	if err != nil {
		return key{}, err
	}
	if strings.HasPrefix(resource, "alias/") {
		return key{}, wire.Errorf("NotFoundException", "Invalid keyId '%s'", name)
	}
	return s.findByID(tx, strings.TrimPrefix(resource, "key/"))
}

func (s *Service) findByID(tx *store.Tx, id string) (key, error) {
	k, found, err := store.GetJSON[key](s.keys(tx), id)
	if err != nil {
		return key{}, err
	}
	if !found || k.gone(s.env.Now()) {
		return key{}, wire.Errorf("NotFoundException", "Key '%s' does not exist", s.keyARN(id))
	}
	return k, nil
}

// resource returns an ARN's last part, or a bare id or alias unchanged.
func (s *Service) resource(name string) (string, error) {
	var c constraints
	c.Text("keyId", name, 2048)
	if err := c.err(); err != nil {
		return "", err
	}
	if !strings.HasPrefix(name, "arn:") {
		return name, nil
	}
	parts := strings.SplitN(name, ":", 6)
	if len(parts) != 6 || parts[2] != "kms" || parts[5] == "" {
		return "", wire.Errorf("InvalidArnException", "Invalid arn %s", name)
	}
	if parts[3] != s.env.Region {
		return "", wire.Errorf("InvalidArnException", "Invalid arn %s", parts[3])
	}
	resource := parts[5]
	if !strings.HasPrefix(resource, "key/") && !strings.HasPrefix(resource, "alias/") {
		return "", wire.Errorf("InvalidArnException", "Invalid arn %s", name)
	}
	if parts[4] != s.env.Account {
		return "", wire.Errorf("NotFoundException", "Key '%s' does not exist", name)
	}
	return resource, nil
}
