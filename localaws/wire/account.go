package wire

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// accountShift and accountMask say where an access key id has its account: in 40 of the first 48 bits after its
// prefix. AWS's own ids have it there, so that GetAccessKeyInfo needs no secret.
const (
	accountShift = 7
	accountMask  = 1<<40 - 1
	keyPrefix    = 4
)

// NewAccessKeyID returns an access key id with that prefix, such as ASIA, of an account.
func NewAccessKeyID(prefix, account string) string {
	number, _ := strconv.ParseUint(account, 10, 64)
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	binary.BigEndian.PutUint64(raw, number<<accountShift)
	return prefix + base32.StdEncoding.EncodeToString(append(raw[2:8:8], raw[8:12]...))
}

// accountOfKey is "" for an id that has no account.
func accountOfKey(id string) string {
	if len(id) < keyPrefix {
		return ""
	}
	raw, err := base32.StdEncoding.DecodeString(id[keyPrefix:])
	if err != nil || len(raw) < 6 {
		return ""
	}
	number := binary.BigEndian.Uint64(append([]byte{0, 0}, raw[:6]...))
	return fmt.Sprintf("%012d", number>>accountShift&accountMask)
}

// AccountOf returns the account whose credentials signed the request. It is the account of the env, unless the access
// key id is of one of the others.
func (e Env) AccountOf(r *http.Request) string {
	if r == nil || len(e.Others) == 0 {
		return e.Account
	}
	if account := accountOfKey(CallerOf(r).AccessKeyID); slices.Contains(e.Others, account) {
		return account
	}
	return e.Account
}

// Caller returns the account that calls the operation.
func (e Env) Caller(ctx context.Context) string { return e.AccountOf(RequestFrom(ctx)) }

// In returns the env of another account.
func (e Env) In(account string) Env {
	e.Account = account
	return e
}

// Stored returns an account as resources store their owner: "" for the env's own account.
func (e Env) Stored(account string) string {
	if account == e.Account {
		return ""
	}
	return account
}

// Owner returns the account of a stored owner.
func (e Env) Owner(stored string) string { return cmp.Or(stored, e.Account) }

// StoredKey returns the key of a resource: its name, with the stored owner before it if that is another account.
func StoredKey(owner, name string) string {
	if owner == "" {
		return name
	}
	return owner + "/" + name
}

// AccountIn returns the account in an ARN, "" if it has none.
func AccountIn(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
