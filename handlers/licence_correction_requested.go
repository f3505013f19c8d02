package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Correcting decides on LicenceCorrectionRequested: AWS names the licence in another way than notices and
// claims have said, or has replaced its ARN. Metering uses the new names from the next record on. The claim
// and the access stay as they are.
//
// There are no facts if the licence has these names already, and so for a second delivery.
func Correcting(licence state.Licence, req events.LicenceCorrectionRequested) []events.Fact {
	if req.Purchase.Or(licence.Purchase) == licence.Purchase {
		return nil
	}
	return []events.Fact{events.LicenceCorrected{Purchase: req.Purchase}}
}
