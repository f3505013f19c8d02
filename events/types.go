package events

import (
	"encoding/json"
	"slices"
)

var types = registry(
	decode[RegisterUser], decode[SubscribeRequested], decode[UnsubscribeRequested], decode[KeyReleaseRequested],
	decode[CatalogSyncRequested], decode[ProvisionRequested], decode[ShowRequested], decode[TellRequested],
	decode[DeliveryRequested], decode[JobRequested],
	decode[KeyRequested], decode[KeyRenameRequested], decode[KeyRotationRequested], decode[KeyEndRequested], decode[KeyEndNoticeRequested],
	decode[PlanChangeRequested], decode[SubscriptionReviewRequested],
	decode[RegistrationReviewRequested], decode[AccountSuspensionRequested], decode[AccountReinstatementRequested],
	decode[AccountDeletionRequested], decode[AdminPromotionRequested], decode[AdminDemotionRequested],
	decode[MarketplaceConfirmed], decode[MarketplaceNotified], decode[LicenceAccessRequested], decode[LicenceReleaseRequested],
	decode[EntitlementCheckRequested], decode[LicenceRenewalRequested], decode[LicenceCorrectionRequested],

	decode[UserRegistered], decode[RequestRejected], decode[RequestUnchanged], decode[RequestJoined],
	decode[RequestSuperseded], decode[RequestFailed], decode[KeyWanted], decode[SubscriptionWanted],
	decode[SubscriptionEnding], decode[WishParked], decode[KeyCreated], decode[KeyAttached], decode[KeyDetached],
	decode[SubscriptionActivated], decode[SubscriptionEnded], decode[SubscriptionLost], decode[KeyObserved],
	decode[KeyReleasing], decode[KeyReleased], decode[CatalogPublished], decode[CatalogSourceFailed],

	decode[KeyReady], decode[KeyRenamed], decode[KeyEndScheduled], decode[KeyEnding], decode[KeyEnded],
	decode[KeyBlocked], decode[KeyUnblocked], decode[KeyEndsSoon], decode[UsageCarried], decode[QuotaUsed], decode[QuotaNotCarried],
	decode[PlanChangeWanted], decode[KeyMoved], decode[PlanChanged], decode[PlanChangeRefused],
	decode[SubscriptionApprovalPending], decode[SubscriptionApproved], decode[SubscriptionDenied],
	decode[RegistrationPending], decode[RegistrationDenied], decode[AccountSuspended], decode[AccountReinstated],
	decode[AccountKeysSwitched], decode[AccountDeleting], decode[AccountDeleted], decode[AdminPromoted], decode[AdminDemoted],

	decode[QuotaThresholdReached],

	decode[LicenceNoticed], decode[LicenceClaimed], decode[LicenceReleased], decode[LicenceAccessWanted], decode[LicenceAccessEnding],
	decode[LicenceAccessSet], decode[LicenceEntitled], decode[LicencePlanChanged], decode[LicenceCorrected], decode[MarketplaceNoticeKept],
)

type decoder func(data []byte) (Payload, error)

func decode[T Payload](data []byte) (Payload, error) {
	var payload T
	if err := json.Unmarshal(data, &payload); err != nil {
		return nil, err
	}
	return payload, nil
}

func registry(decoders ...decoder) map[string]decoder {
	byType := make(map[string]decoder, len(decoders))
	for _, d := range decoders {
		zero, err := d([]byte("{}"))
		if err != nil {
			panic(err)
		}
		byType[zero.EventType()] = d
	}
	return byType
}

// DecodeRequest decodes the data of a request of that type.
func DecodeRequest(eventType string, data []byte) (Request, error) {
	decode, ok := types[eventType]
	if !ok {
		return nil, unreadable("its type is unknown: "+eventType, nil)
	}
	payload, err := decode(data)
	if err != nil {
		return nil, unreadable("its data is not that of a "+Name(eventType), err)
	}
	request, ok := payload.(Request)
	if !ok {
		return nil, unreadable("a "+Name(eventType)+" is not a request", nil)
	}
	return request, nil
}

// Types lists the names of all types, sorted.
func Types() []string {
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// FactTypes lists the names of the fact types, sorted.
func FactTypes() []string {
	var names []string
	for _, name := range Types() {
		if zero, err := types[name]([]byte("{}")); err == nil {
			if _, ok := zero.(Fact); ok {
				names = append(names, name)
			}
		}
	}
	return names
}
