package dynamodb

import (
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// Buckets below "dynamodb": tables by name, and items by table id, so that a recreated
// table starts empty.
const (
	bucket       = "dynamodb"
	tablesBucket = "tables"
	itemsBucket  = "items"
)

type table struct {
	Name       string
	ID         string
	Created    float64 // seconds since 1970
	Hash       keyAttribute
	Range      *keyAttribute `json:",omitempty"`
	Billing    string        // PROVISIONED or PAY_PER_REQUEST
	Throughput throughput
	Class      string            `json:",omitempty"`
	Protected  bool              `json:",omitempty"`
	Encryption *sseSpecification `json:",omitempty"`
	Tags       map[string]string `json:",omitempty"`
	// TTL is the time-to-live attribute, empty if never enabled. TTLOff means disabled
	// afterwards; TTLChanged is the time of the last change.
	TTL        string    `json:",omitempty"`
	TTLOff     bool      `json:",omitempty"`
	TTLChanged time.Time `json:",omitzero"`
	Recovery   *recovery `json:",omitempty"`
	// OnDemandSince is when the table changed to PAY_PER_REQUEST.
	OnDemandSince float64 `json:",omitempty"` // seconds since 1970
}

type keyAttribute struct{ Name, Type string }

func (t *table) keys() []keyAttribute {
	if t.Range == nil {
		return []keyAttribute{t.Hash}
	}
	return []keyAttribute{t.Hash, *t.Range}
}

func (t *table) items(tx *store.Tx) store.Bucket { return tx.Bucket(bucket, itemsBucket, t.ID) }

func (t *table) save(tx *store.Tx) error {
	return store.PutJSON(tx.Bucket(bucket, tablesBucket), t.Name, t)
}

// describedTable returns the not-found error of operations on tables; tableCache.find
// that of operations on items.
func describedTable(tx *store.Tx, name string) (*table, error) {
	t, found, err := store.GetJSON[*table](tx.Bucket(bucket, tablesBucket), name)
	if err == nil && !found {
		err = tableNotFound(name)
	}
	return t, err
}

var tableNameForm = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// tableName also accepts an ARN.
func (s *Service) tableName(at, given string) (string, error) {
	name := given
	if strings.HasPrefix(given, "arn:") {
		name = strings.TrimPrefix(given, s.tableARN(""))
	}
	switch {
	case given == "":
		return "", violated(at, nil, "Member must not be null")
	case !tableNameForm.MatchString(name):
		return "", invalid("Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	return name, nil
}

func (s *Service) tableARN(name string) string { return s.env.ARN("dynamodb", "table/"+name) }
