package app

import (
	"context"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/keys"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// KeyOwner is an API key and the account that owns it.
type KeyOwner struct {
	Account   portal.AccountID
	Key       portal.KeyID
	GatewayID portal.GatewayKeyID
	Disabled  bool
	Calls     int
}

const valueTail = 49

const longestID = 30

// LooksLikeValue reports whether the text is too long for a key's id, and so must be a value.
func LooksLikeValue(text string) bool { return len(text) > longestID }

// CheckValue returns the prefix of a key value, or Invalid if its form or checksum is wrong. It
// makes no call.
func CheckValue(value string) (prefix string, err error) {
	if len(value) > valueTail {
		prefix = value[:len(value)-valueTail]
	}
	if prefix == "" || !keys.Check(value, prefix) {
		return "", portal.Fail(portal.Invalid, "This is not a key value of Gatehouse: its form or its checksum is wrong. It may be cut off or mistyped, or belong to something else.")
	}
	return prefix, nil
}

// FindKey finds an API key and its owner by the key's value, by Gatehouse's id or by API
// Gateway's id. It finds an adopted key by API Gateway's id only. It calls the control plane within the budget: once for API Gateway's id,
// otherwise once for every 500 keys, after calling searching. An unknown key is NotFound.
func (d *Desk) FindKey(ctx context.Context, text string, searching func()) (KeyOwner, error) {
	session := d.plane.Session(gateway.Interactive, nil)
	find := d.byID
	if LooksLikeValue(text) {
		if _, err := CheckValue(text); err != nil {
			return KeyOwner{}, err
		}
		find = d.byValue
	}
	listed, calls, err := find(ctx, session, text, searching)
	if err != nil {
		return KeyOwner{Calls: calls}, InWords(err)
	}
	account, key, ours := gateway.ParseKeyName(d.names.KeyNamePrefix(), listed.Name)
	if !ours {
		adopted, taken, err := adoptions.NewStore(d.dynamodb, d.names.Records, d.now).Find(ctx, listed.ID)
		if err != nil {
			return KeyOwner{Calls: calls}, InWords(err)
		}
		account, key, ours = adopted.Account, adopted.Key, taken
	}
	if !ours {
		return KeyOwner{Calls: calls}, portal.Fail(portal.NotFound, fmt.Sprintf("API Gateway's key %s is named %q, so it is not a key of this portal. Somebody may have created or renamed it by hand.", listed.ID, listed.Name))
	}
	return KeyOwner{Account: account, Key: key, GatewayID: listed.ID, Disabled: listed.Disabled, Calls: calls}, nil
}

func (d *Desk) byValue(ctx context.Context, session *gateway.Session, value string, searching func()) (gateway.Listed, int, error) {
	searching()
	listed, found, calls, err := session.KeyOfValue(ctx, d.names.KeyNamePrefix()+"/", value)
	if err == nil && !found {
		err = portal.Fail(portal.NotFound, "The value is well-formed, but no key of this portal has it. The key may have been deleted, or belong to another installation.")
	}
	return listed, calls, err
}

func (d *Desk) byID(ctx context.Context, session *gateway.Session, id string, searching func()) (gateway.Listed, int, error) {
	listed, found, err := session.KeyByID(ctx, portal.GatewayKeyID(id))
	if found || err != nil {
		return listed, 1, err
	}
	searching()
	all, err := session.Keys(ctx, d.names.KeyNamePrefix()+"/")
	calls := 1 + len(all)/500 + 1
	for _, one := range all {
		if _, key, ok := gateway.ParseKeyName(d.names.KeyNamePrefix(), one.Name); ok && string(key) == id {
			return one, calls, nil
		}
	}
	if err == nil {
		err = portal.Fail(portal.NotFound, "There is no API key "+id+" of this portal in API Gateway. A key that is still being created is not there yet.")
	}
	return gateway.Listed{}, calls, err
}
