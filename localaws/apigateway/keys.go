package apigateway

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"math/big"
	"net/http"
	"regexp"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type apiKey struct {
	ID              string            `json:"id"`
	Value           string            `json:"value,omitempty"`
	Name            string            `json:"name,omitempty"`
	CustomerID      string            `json:"customerId,omitempty"`
	Description     string            `json:"description,omitempty"`
	Enabled         bool              `json:"enabled"`
	CreatedDate     int64             `json:"createdDate"`
	LastUpdatedDate int64             `json:"lastUpdatedDate"`
	StageKeys       []string          `json:"stageKeys"`
	Tags            map[string]string `json:"tags,omitzero"`
}

// apiKeyInput omits stageKeys, which usage plans have replaced.
type apiKeyInput struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Enabled defaults to false, as on AWS.
	Enabled bool `json:"enabled"`
	// GenerateDistinctID has no effect: ids always differ from values.
	GenerateDistinctID bool              `json:"generateDistinctId"`
	Value              string            `json:"value"`
	CustomerID         string            `json:"customerId"`
	Tags               map[string]string `json:"tags"`
}

const (
	maxKeyName        = 1024
	maxKeyDescription = 125_000
)

var alphanumeric = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

// check must not show the value in its errors.
func (in *apiKeyInput) check() error {
	switch {
	case in.Value != "" && len(in.Value) < 20:
		return badRequest("API Key value should be at least 20 characters")
	case len(in.Value) > 128:
		return badRequest("API Key value exceeds maximum size of 128 characters")
	case in.Value != "" && !alphanumeric.MatchString(in.Value):
		return badRequest("API Key value should be alphanumeric")
	}
	if err := checkKeyTexts(in.Name, in.Description); err != nil {
		return err
	}
	return checkTags(in.Tags)
}

func checkKeyTexts(name, description string) error {
	switch {
	case len(name) > maxKeyName:
		return badRequest("Invalid API Key name, can be at most %d characters.", maxKeyName)
	case len(description) > maxKeyDescription:
		return badRequest("Invalid API Key description specified.")
	}
	return nil
}

func (s *Service) createAPIKey(_ *http.Request, in *apiKeyInput) (*apiKey, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return update(s, func(tx *store.Tx) (*apiKey, error) {
		key := &apiKey{
			Value: in.Value, Name: in.Name, CustomerID: in.CustomerID,
			Description: in.Description, Enabled: in.Enabled, Tags: orAbsent(in.Tags),
		}
		if key.Value == "" {
			key.Value = newKeyValue()
		}
		return key, s.insert(tx, key)
	})
}

func (s *Service) insert(tx *store.Tx, key *apiKey) error {
	keys, values, counts := bucket(tx, "keys"), bucket(tx, "keyvalues"), bucket(tx, "counts")
	count, _, err := store.GetJSON[int](counts, "keys")
	if err != nil {
		return err
	}
	switch limit := int(s.keyLimit.Load()); {
	case values.Get([]byte(key.Value)) != nil:
		return conflict("API Key already exists")
	case count >= limit:
		return limitExceeded("Maximum number of API keys has been reached: %d", limit)
	}
	key.ID, key.StageKeys = freshID(keys, 10), []string{}
	key.CreatedDate, key.LastUpdatedDate = s.now(), s.now()
	if err := store.PutJSON(counts, "keys", count+1); err != nil {
		return err
	}
	if err := values.Put([]byte(key.Value), []byte(key.ID)); err != nil {
		return err
	}
	if err := key.indexName(tx); err != nil {
		return err
	}
	return store.PutJSON(keys, key.ID, key)
}

// newKeyValue returns a value like AWS's: 40 letters and digits.
func newKeyValue() string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	value := make([]byte, 40)
	for i := range value {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(letters)))) // rand.Reader never fails
		value[i] = letters[n.Int64()]
	}
	return string(value)
}

func (key *apiKey) nameIndex() []byte { return []byte(key.Name + "\x00" + key.ID) }

func namedID(entry []byte) []byte { return entry[bytes.LastIndexByte(entry, 0)+1:] }

func (key *apiKey) indexName(tx *store.Tx) error {
	names := bucket(tx, "keynames")
	return names.Put(key.nameIndex(), []byte{})
}

// listAPIKeys filters by name prefix, case-sensitive, and by customer. It uses the index by
// name only for a prefix, to keep a page of all keys cheap.
func (s *Service) listAPIKeys(r *http.Request, _ *none) (*list[apiKey], error) {
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	customer, withValues := query.Get("customerId"), query.Get("includeValues") == "true"
	return view(s, func(tx *store.Tx) (*list[apiKey], error) {
		keys := bucket(tx, "keys")
		one := func(_, v []byte) (key apiKey, keep bool, err error) {
			if err := json.Unmarshal(v, &key); err != nil {
				return key, false, err
			}
			if !withValues {
				key.Value = ""
			}
			key.Tags = orAbsent(key.Tags)
			return key, customer == "" || key.CustomerID == customer, nil
		}
		name := query.Get("name")
		if name == "" {
			return collect(p, keys, nil, one)
		}
		return collect(p, bucket(tx, "keynames"), []byte(name), func(k, _ []byte) (apiKey, bool, error) {
			id := namedID(k)
			return one(id, keys.Get(id))
		})
	})
}

func (s *Service) getAPIKey(r *http.Request, _ *none) (*apiKey, error) {
	return view(s, func(tx *store.Tx) (*apiKey, error) {
		key, err := findKey(tx, r.PathValue("key"))
		return key.answer(r.URL.Query().Get("includeValue") == "true"), err
	})
}

func (key apiKey) answer(withValue bool) *apiKey {
	if !withValue {
		key.Value = ""
	}
	key.Tags = orEmpty(key.Tags)
	return &key
}

// deleteAPIKey also removes the key from its plans. Its usage stays.
func (s *Service) deleteAPIKey(r *http.Request, _ *none) (*none, error) {
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		key, err := findKey(tx, r.PathValue("key"))
		if err != nil {
			return err
		}
		counts := bucket(tx, "counts")
		count, _, err := store.GetJSON[int](counts, "keys")
		if err != nil {
			return err
		}
		for _, planID := range keysOf(bucket(tx, "keyplans", key.ID)) {
			if err := bucket(tx, "plankeys", planID).Delete([]byte(key.ID)); err != nil {
				return err
			}
		}
		if err := drop(tx, "keyplans", key.ID); err != nil {
			return err
		}
		if err := store.PutJSON(counts, "keys", count-1); err != nil {
			return err
		}
		if err := bucket(tx, "keyvalues").Delete([]byte(key.Value)); err != nil {
			return err
		}
		if err := bucket(tx, "keynames").Delete(key.nameIndex()); err != nil {
			return err
		}
		return bucket(tx, "keys").Delete([]byte(key.ID))
	})
}

func findKey(tx *store.Tx, id string) (apiKey, error) {
	key, ok, err := store.GetJSON[apiKey](bucket(tx, "keys"), id)
	if err == nil && !ok {
		err = notFound("Invalid API Key identifier specified")
	}
	return key, err
}
