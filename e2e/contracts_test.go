package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// sellsContracts makes a listing sell two plans of Seamark, which cover the same stage, by contract dimensions. It is
// metered in other dimensions, if there are any.
func (s *site) sellsContracts(t *testing.T, kind marketplace.Kind, metered ...string) (product string) {
	t.Helper()
	// The portal listens to the topics of the older listing that the local AWS Marketplace has.
	code, id := "seamark-contracts", "prod-contracts"
	if kind == marketplace.SNS {
		code, id = local.Fleet.Code, local.Fleet.ID
	}
	made, err := buyers.New(s.AWSURL).PutProduct(t.Context(), marketplace.Product{
		Code: code, ID: id, Name: "Contracts", Kind: kind, Dimensions: metered, ContractDimensions: []string{"small", "large", "gold"},
	})
	if err != nil {
		t.Fatal(err)
	}
	topics, queue := sns.NewFromConfig(s.aws), "arn:aws:sqs:"+localaws.Region+":"+localaws.Account+":gatehouse-marketplace"
	for _, topic := range []string{made.SubscriptionTopic(), made.EntitlementTopic()} {
		if kind != marketplace.SNS {
			break
		}
		if _, err := topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &queue}); err != nil {
			t.Fatal(err)
		}
	}
	for plan, dimension := range map[string]string{"Free": "small", "Plus": "large"} {
		name := "  - name: Seamark " + plan + "\n"
		s.rewrite(t, name, name+"    marketplace:\n      product_code: "+code+"\n      listing: https://aws.amazon.com/marketplace/pp/prodview-contracts\n      meter: none\n      dimensions: ["+dimension+"]\n")
	}
	text, _ := s.operator(t).says(0, "catalog", "sync")
	if strings.Contains(text, "problem") {
		t.Fatalf("the catalog says %s", text)
	}
	return code
}

type purchased struct{ Licence, Plan, State string }

// has waits until the person has one purchase, of that plan and in that state.
func (p person) has(plan, state string) purchased {
	p.t.Helper()
	var got []purchased
	eventually(p.t, "the only purchase is of "+plan+" and "+state, func() bool {
		got = decode[items[purchased]](p.do(http.MethodGet, "/api/v1/marketplace-subscriptions", "").want(http.StatusOK)).Items
		return len(got) == 1 && got[0].Plan == plan && got[0].State == state
	})
	return got[0]
}

// An upgrade and a downgrade on AWS Marketplace move the same key to the other plan, and only there. Dimensions that
// no plan names change nothing.
func TestContractDimensionsChangeThePlan(t *testing.T) {
	t.Parallel()
	for _, kind := range []marketplace.Kind{marketplace.EventBridge, marketplace.SNS} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.waitForCatalog(t)
			code, market := s.sellsContracts(t, kind, "requests"), buyers.New(s.AWSURL)
			small, large := s.Demo.API.FreePlanID, s.Demo.API.PlusPlanID
			ada := s.signUp(t, "ada@example.com")
			ada.succeed(ada.do(http.MethodPost, "/api/v1/register", ""))

			bought, err := market.Subscribe(t.Context(), marketplace.Order{Product: code, Quantities: map[string]int{"small": 1}})
			if err != nil {
				t.Fatal(err)
			}
			claim := ada.do(http.MethodPut, "/api/v1/marketplace-subscriptions/seamark", `{"token":"`+bought.Token+`"}`)
			if kind == marketplace.SNS && claim.status == http.StatusServiceUnavailable {
				// Before the payment, AWS grants a customer nothing.
				if _, err := market.Pay(t.Context(), bought.Agreement); err != nil {
					t.Fatal(err)
				}
				claim = ada.do(http.MethodPut, "/api/v1/marketplace-subscriptions/seamark", `{"token":"`+bought.Token+`"}`)
			} else if _, err := market.Pay(t.Context(), bought.Agreement); err != nil {
				t.Fatal(err)
			}
			ada.succeed(claim.want(http.StatusAccepted))
			licence := ada.has(small, "active").Licence
			key := decode[items[key]](ada.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
			value := ada.valueOf(key)

			buys := func(dimension string) {
				t.Helper()
				if _, err := market.Amend(t.Context(), bought.Agreement, marketplace.Amendment{Quantities: map[string]int{dimension: 1}}); err != nil {
					t.Fatal(err)
				}
			}
			pays := func(plan, other string) {
				t.Helper()
				ada.has(plan, "active")
				eventually(t, "the key is in "+plan+" only", func() bool {
					has := ada.states()
					return has[plan] == "active" && has[other] != "active" && has[other] != "ending" && s.countAttached(t, other) == 0
				})
				if n, status := s.countAttached(t, plan), s.call(t, value); n != 1 || status != http.StatusOK {
					t.Errorf("%s has %d keys, and a call is answered %d", plan, n, status)
				}
			}
			buys("large")
			pays(large, small)
			eventually(t, "ada is told", func() bool {
				return strings.Contains(string(ada.do(http.MethodGet, "/api/v1/notices", "").want(http.StatusOK).body), "Your purchase is now for Plus")
			})
			buys("gold")
			o := s.operator(t)
			eventually(t, "the operator reads of the dimension", func() bool {
				text, _ := o.says(0, "marketplace", "show", licence)
				return strings.Contains(text, "gold")
			})
			pays(large, small)
			if kind == marketplace.EventBridge {
				// The notices are lost, and another buyer's agreement has the workers read AWS's agreements.
				if err := market.LoseNext(t.Context(), 2); err != nil {
					t.Fatal(err)
				}
			}
			buys("small")
			if _, err := market.Subscribe(t.Context(), marketplace.Order{Product: code, Quantities: map[string]int{"small": 1}}); err != nil {
				t.Fatal(err)
			}
			pays(small, large)
			if keys := decode[items[struct{ ID string }]](ada.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items; len(keys) != 1 || keys[0].ID != key {
				t.Errorf("the keys are %+v, want only %s", keys, key)
			}
		})
	}
}

// AWS sends no subscribe-success for an older listing that sells contracts only. It only grants the contract.
func TestAContractOfAnOlderListingGivesAccessWithoutASubscription(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	code, market := s.sellsContracts(t, marketplace.SNS), buyers.New(s.AWSURL)
	small := s.Demo.API.FreePlanID
	for _, c := range []struct {
		email string
		lost  bool
	}{{"ada@example.com", false}, {"bob@example.com", true}} {
		p := s.signUp(t, c.email)
		p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
		bought, err := market.Subscribe(t.Context(), marketplace.Order{Product: code, Quantities: map[string]int{"small": 1}})
		if err != nil {
			t.Fatal(err)
		}
		if c.lost {
			if err := market.LoseNext(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := market.Pay(t.Context(), bought.Agreement); err != nil {
			t.Fatal(err)
		}
		p.succeed(p.do(http.MethodPut, "/api/v1/marketplace-subscriptions/seamark", `{"token":"`+bought.Token+`"}`).want(http.StatusAccepted))
		p.has(small, "active")
		key := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
		value := p.valueOf(key)
		eventually(t, "the key of "+c.email+" works", func() bool { return s.call(t, value) == http.StatusOK })
		if _, err := market.End(t.Context(), bought.Agreement, marketplace.Ending{}); err != nil {
			t.Fatal(err)
		}
		p.has(small, "ended")
		eventually(t, "the key of "+c.email+" no longer works", func() bool { return s.call(t, value) == http.StatusForbidden })
	}
	notices, err := market.Notices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notices {
		if n.Type != marketplace.EntitlementUpdated {
			t.Errorf("AWS has sent %s", n.Type)
		}
	}
}
