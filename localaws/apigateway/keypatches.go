package apigateway

import (
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func (s *Service) updateAPIKey(r *http.Request, in *patches) (*apiKey, error) {
	return update(s, func(tx *store.Tx) (*apiKey, error) {
		key, err := findKey(tx, r.PathValue("key"))
		if err != nil {
			return nil, err
		}
		err = s.change(tx, &key, func() error { return in.apply(key.patch) })
		return key.answer(false), err
	})
}

func (key *apiKey) patch(p patch) error {
	switch p.change() {
	case "replace /name":
		key.Name = p.Value
	case "replace /description":
		key.Description = p.Value
	case "replace /customerId":
		key.CustomerID = p.Value
	case "replace /enabled":
		key.Enabled = strings.EqualFold(p.Value, "true") // AWS reads anything else as false
	case "add /stages", "remove /stages", "add /labels", "remove /labels":
		return wire.NotImplemented("The patch path " + p.Path)
	default:
		return p.invalid("/description", "/enabled", "/name", "/customerId")
	}
	return nil
}

func (s *Service) change(tx *store.Tx, key *apiKey, edit func() error) error {
	before := key.nameIndex()
	if err := edit(); err != nil {
		return err
	}
	if err := checkKeyTexts(key.Name, key.Description); err != nil {
		return err
	}
	key.LastUpdatedDate = s.now()
	if err := bucket(tx, "keynames").Delete(before); err != nil {
		return err
	}
	if err := key.indexName(tx); err != nil {
		return err
	}
	return store.PutJSON(bucket(tx, "keys"), key.ID, key)
}
