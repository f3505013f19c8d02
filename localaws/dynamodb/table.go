package dynamodb

import (
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// The buckets below "dynamodb": the tables by name; the items of each table, in a
// bucket named by the table's id, so that a table created again starts empty.
const (
	bucket       = "dynamodb"
	tablesBucket = "tables"
	itemsBucket  = "items"
)

// table is what is stored of a table besides its items.
type table struct {
	Name       string
	ID         string
	Created    float64 // seconds since the epoch
	Hash       keyAttribute
	Range      *keyAttribute `json:",omitempty"`
	Billing    string        // PROVISIONED or PAY_PER_REQUEST
	Throughput throughput
	Class      string            `json:",omitempty"`
	Protected  bool              `json:",omitempty"`
	Encryption *sseSpecification `json:",omitempty"`
	Tags       map[string]string `json:",omitempty"`
	// TTL is the attribute of the time to live, empty if it was never enabled;
	// TTLOff says that it was disabled since, TTLChanged when either happened.
	TTL        string    `json:",omitempty"`
	TTLOff     bool      `json:",omitempty"`
	TTLChanged time.Time `json:",omitzero"`
	// Recovery is the point-in-time recovery that was turned on, nil if it is off.
	Recovery *recovery `json:",omitempty"`
	// OnDemandSince is when the table became PAY_PER_REQUEST, if not at its creation.
	OnDemandSince float64 `json:",omitempty"` // seconds since the epoch
}

// keyAttribute is one part of the primary key; its type is S, N or B.
type keyAttribute struct{ Name, Type string }

// keys are the one or two parts of the primary key.
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

// describedTable fails with ResourceNotFoundException in the wording of the operations
// on tables; tableCache.find is for those on items.
func describedTable(tx *store.Tx, name string) (*table, error) {
	t, found, err := store.GetJSON[*table](tx.Bucket(bucket, tablesBucket), name)
	if err == nil && !found {
		err = tableNotFound(name)
	}
	return t, err
}

var tableNameForm = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// tableName reads a TableName, which may be the table's ARN.
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
