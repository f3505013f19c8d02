package metering

import (
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func switchesIn(tx *store.Tx) store.Bucket { return tx.Bucket("metering", "switches") } // name -> bool

const disabledKey = "disabled"

// SetDisabled makes all calls answer DisabledApiException, as AWS does in Regions without the
// service, or no longer. It is within the caller's transaction.
func SetDisabled(tx *store.Tx, disabled bool) error {
	b := switchesIn(tx)
	return store.PutJSON(b, disabledKey, disabled)
}

func checkEnabled(tx *store.Tx) error {
	disabled, _, err := store.GetJSON[bool](switchesIn(tx), disabledKey)
	if err == nil && disabled {
		err = wire.Errorf("DisabledApiException", "The API is disabled in this Region.")
	}
	return err
}
