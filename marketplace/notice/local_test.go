package notice_test

import (
	"slices"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestNoticesOfTheLocalAWSAreRead(t *testing.T) {
	t.Parallel()
	for kind, want := range map[marketplace.Kind][]events.NoticeKind{
		marketplace.SNS:         {events.NoticeSubscribed, events.NoticeEntitlement, events.NoticeUnsubscribing, events.NoticeUnsubscribed},
		marketplace.EventBridge: {events.NoticeAgreementCreated, events.NoticeLicenceUpdated, events.NoticeAgreementAmended, events.NoticeAgreementEnded, events.NoticeDeprovisioned},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			market := localawstest.Start(t).Marketplace()
			product, err := market.PutProduct(marketplace.Product{Kind: kind, Dimensions: []string{"requests"}, ContractDimensions: []string{"team", "fleet"}})
			ok(t, err)
			bought, err := market.Subscribe(marketplace.Order{Product: product.Code, Account: "111122223333", Quantities: map[string]int{"team": 1}})
			ok(t, err)
			_, err = market.Pay(bought.Agreement)
			ok(t, err)
			_, err = market.Amend(bought.Agreement, marketplace.Amendment{Quantities: map[string]int{"fleet": 1}})
			ok(t, err)
			_, err = market.Cancel(bought.Agreement)
			ok(t, err)
			if kind == marketplace.SNS {
				_, err = market.End(bought.Agreement, marketplace.Ending{})
			} else {
				_, err = market.Deprovision(bought.Agreement)
			}
			ok(t, err)
			sent, err := market.Notices()
			ok(t, err)
			var kinds []events.NoticeKind
			for _, one := range sent {
				body := one.Body
				if one.Topic != "" {
					body = enveloped(one.Topic, one.Body)
				}
				n, err := notice.Parse([]byte(body), delivery)
				if err != nil {
					t.Fatalf("%s: %v\n%s", one.Type, err, one.Body)
				}
				if subject := n.Subject; subject != portal.MarketplaceStream && subject != portal.LicenceStream(portal.LicenceID(bought.Licence)) && subject != portal.LegacyStream(portal.ProductCode(product.Code), bought.Customer) {
					t.Errorf("%s is about %s, want %+v", one.Type, subject, bought)
				}
				kinds = append(kinds, n.Data.Kind)
			}
			for _, k := range want {
				if !slices.Contains(kinds, k) {
					t.Errorf("the notices are %v, want %v", kinds, want)
				}
			}
			if slices.Contains(kinds, events.NoticeUnknown) {
				t.Errorf("some notices are unknown: %v", kinds)
			}
		})
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
