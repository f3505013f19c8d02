package marketplace_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

// asSeller are the filters that AWS requires.
func asSeller(more ...types.Filter) []types.Filter {
	return append([]types.Filter{filter("AgreementType", "PurchaseAgreement"), filter("PartyType", "Proposer")}, more...)
}

// found lists the agreements of all pages.
func (l *local) found(in *marketplaceagreement.SearchAgreementsInput) (all []types.AgreementViewSummary) {
	l.t.Helper()
	pages := marketplaceagreement.NewSearchAgreementsPaginator(l.agreements, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(l.ctx)
		l.must(err)
		all = append(all, page.AgreementViewSummaries...)
	}
	return all
}

var unexported = cmpopts.IgnoreUnexported(
	types.AgreementViewSummary{}, types.Acceptor{}, types.Proposer{}, types.ProposalSummary{}, types.Resource{}, types.Entitlement{},
	types.AgreementEntitlement{}, types.EndTimeBehavior{}, marketplaceagreement.DescribeAgreementOutput{}, marketplaceagreement.GetAgreementEntitlementsOutput{})

func TestASellerSeesAgreements(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.EventBridge)
	end := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Account: buyer, Offer: "offer-1", End: end}))
	accepted := l.Now()
	l.advance(90 * time.Second)
	l.step(l.Pay(l.ctx, p.Agreement))
	resources := []types.Resource{{Id: aws.String("prod-eventbridge"), Type: aws.String("SaaSProduct")}}
	proposal := &types.ProposalSummary{OfferId: aws.String("offer-1"), Resources: resources}
	want := []types.AgreementViewSummary{{
		AgreementId: &p.Agreement, InitialAgreementId: &p.Agreement, AgreementType: aws.String("PurchaseAgreement"), Status: types.AgreementStatusActive,
		AcceptanceTime: &accepted, StartTime: &accepted, EndTime: &end, LastUpdateTime: aws.Time(l.Now()),
		Acceptor: &types.Acceptor{AccountId: aws.String(buyer)}, Proposer: &types.Proposer{AccountId: aws.String("000000000000")},
		ProposalSummary: proposal, Entitlements: []types.Entitlement{{LicenseArn: &p.LicenceARN}},
		EndTimeBehaviorType: types.EndTimeBehaviorTypeExpire, EndTimeBehaviorReasonCode: types.EndTimeBehaviorReasonCodeNoRenewalTerm,
	}}
	got := l.found(&marketplaceagreement.SearchAgreementsInput{Catalog: aws.String("AWSMarketplace"), Filters: asSeller()})
	if diff := cmp.Diff(want, got, unexported); diff != "" {
		t.Errorf("search (-want +got):\n%s", diff)
	}
	described, err := l.agreements.DescribeAgreement(l.ctx, &marketplaceagreement.DescribeAgreementInput{AgreementId: &p.Agreement})
	l.must(err)
	wantDescribed := &marketplaceagreement.DescribeAgreementOutput{
		AgreementId: &p.Agreement, InitialAgreementId: &p.Agreement, AgreementType: aws.String("PurchaseAgreement"), Status: types.AgreementStatusActive,
		AcceptanceTime: &accepted, StartTime: &accepted, EndTime: &end, Acceptor: want[0].Acceptor, Proposer: want[0].Proposer, ProposalSummary: proposal,
		EndTimeBehavior: &types.EndTimeBehavior{Type: types.EndTimeBehaviorTypeExpire, ReasonCode: types.EndTimeBehaviorReasonCodeNoRenewalTerm},
	}
	if diff := cmp.Diff(wantDescribed, described, unexported, cmpopts.IgnoreFields(marketplaceagreement.DescribeAgreementOutput{}, "ResultMetadata")); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
}

func TestAnEntitlementSaysWhereItIs(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.EventBridge)
	order := marketplace.Order{Product: product.Code, Account: buyer}
	want := func(p marketplace.Purchase, status, reason string) {
		t.Helper()
		out, err := l.agreements.GetAgreementEntitlements(l.ctx, &marketplaceagreement.GetAgreementEntitlementsInput{AgreementId: &p.Agreement})
		l.must(err)
		want := []types.AgreementEntitlement{{
			LicenseArn: &p.LicenceARN, Resource: &types.Resource{Id: &product.ID, Type: aws.String("SaaSProduct")},
			Status: types.AgreementEntitlementStatus(status), StatusReasonCode: types.AgreementEntitlementStatusReasonCode(reason),
		}}
		if diff := cmp.Diff(want, out.AgreementEntitlements, unexported); diff != "" {
			t.Errorf("entitlements (-want +got):\n%s", diff)
		}
	}
	p := l.step(l.Subscribe(l.ctx, order))
	want(p, "PENDING", "PROVISIONING_IN_PROGRESS")
	l.step(l.Pay(l.ctx, p.Agreement))
	want(p, "PROVISIONED", "AGREEMENT_ACTIVE")
	l.step(l.Cancel(l.ctx, p.Agreement))
	want(p, "PROVISIONED", "AGREEMENT_ACTIVE")
	l.step(l.Deprovision(l.ctx, p.Agreement))
	want(p, "DEPROVISIONED", "AGREEMENT_INACTIVE")
	unpaid := l.step(l.Subscribe(l.ctx, order))
	l.step(l.FailPayment(l.ctx, unpaid.Agreement))
	want(unpaid, "FAILED", "INVALID_PAYMENT_INSTRUMENT")
	order.Start = l.Now().Add(time.Hour)
	want(l.step(l.Subscribe(l.ctx, order)), "SCHEDULED", "FUTURE_START_DATE")
}

// shop has four agreements of two products, by name.
func (l *local) shop() map[string]marketplace.Purchase {
	l.t.Helper()
	a, b := l.list(marketplace.EventBridge), l.list(marketplace.SNS)
	all := map[string]marketplace.Purchase{}
	buy := func(name string, o marketplace.Order) {
		l.advance(time.Minute)
		all[name] = l.step(l.Subscribe(l.ctx, o))
	}
	buy("open", marketplace.Order{Product: a.Code, Account: buyer, Offer: "offer-1", Paid: true})
	buy("short", marketplace.Order{Product: a.Code, Account: buyer, Offer: "offer-2", End: l.Now().Add(240 * time.Hour), Paid: true})
	buy("long", marketplace.Order{Product: a.Code, Account: "111122223333", Offer: "offer-1", End: l.Now().Add(4800 * time.Hour), Paid: true})
	buy("old", marketplace.Order{Product: b.Code, Account: buyer, Offer: "offer-3", Start: l.Now().Add(time.Hour)})
	l.advance(time.Minute)
	l.step(l.Cancel(l.ctx, all["open"].Agreement))
	return all
}

func TestAgreementsAreFilteredAndSorted(t *testing.T) {
	t.Parallel()
	l := start(t)
	all := l.shop()
	at := func(d time.Duration) string { return newClock().Now().Add(d).Format(time.RFC3339Nano) }
	by := func(attribute string, order types.SortOrder) *types.Sort {
		return &types.Sort{SortBy: &attribute, SortOrder: order}
	}
	for name, c := range map[string]struct {
		filters []types.Filter
		sort    *types.Sort
		want    string
	}{
		"all, by end; no end is the last":     {nil, nil, "short long"},
		"by end, the last first":              {nil, by("EndTime", types.SortOrderDescending), "long short"},
		"by start":                            {nil, by("StartTime", types.SortOrderAscending), "open short long old"},
		"by start, the last first":            {nil, by("StartTime", types.SortOrderDescending), "old long short open"},
		"by update":                           {nil, by("LastUpdateTime", types.SortOrderAscending), "short long old open"},
		"active":                              {[]types.Filter{filter("Status", "ACTIVE")}, by("StartTime", ""), "short long old"},
		"cancelled":                           {[]types.Filter{filter("Status", "CANCELLED")}, nil, "open"},
		"one buyer's":                         {[]types.Filter{filter("AcceptorAccountId", "111122223333")}, nil, "long"},
		"one product's":                       {[]types.Filter{filter("ResourceIdentifier", "prod-sns")}, nil, "old"},
		"one offer's of one buyer":            {[]types.Filter{filter("OfferId", "offer-1"), filter("AcceptorAccountId", buyer)}, nil, "open"},
		"one licence's":                       {[]types.Filter{filter("LicenseArn", all["short"].LicenceARN)}, nil, "short"},
		"a chain of renewals":                 {[]types.Filter{filter("InitialAgreementId", all["long"].Agreement)}, nil, "long"},
		"what is a SaaS product":              {[]types.Filter{filter("ResourceType", "AmiProduct")}, nil, ""},
		"updated after the third purchase":    {[]types.Filter{filter("AfterLastUpdateTime", at(3*time.Minute))}, by("LastUpdateTime", ""), "old open"},
		"updated before the third purchase":   {[]types.Filter{filter("BeforeLastUpdateTime", at(3*time.Minute))}, nil, "short"},
		"starting later":                      {[]types.Filter{filter("AfterStartTime", at(time.Hour))}, nil, "old"},
		"ending soon; no end is never before": {[]types.Filter{filter("BeforeEndTime", at(2400*time.Hour))}, nil, "short"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, a := range l.found(&marketplaceagreement.SearchAgreementsInput{Filters: asSeller(c.filters...), Sort: c.sort, MaxResults: aws.Int32(2)}) {
				for name, p := range all {
					if p.Agreement == *a.AgreementId {
						got = append(got, name)
					}
				}
			}
			if c.filters == nil && (c.sort == nil || *c.sort.SortBy == "EndTime") { // those without an end are in no known order
				if len(got) != 4 {
					t.Errorf("found %v, want all four", got)
				}
				got = slices.DeleteFunc(got, func(name string) bool { return name == "open" || name == "old" })
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("found %q, want %q", text, c.want)
			}
		})
	}
}

func TestEntitlementsMayChangeWithoutAnUpdateOfTheirAgreement(t *testing.T) {
	t.Parallel()
	l := start(t)
	_, err := l.SetSettings(l.ctx, marketplace.Settings{QuietEntitlements: true})
	l.must(err)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.EventBridge).Code}))
	accepted := l.Now()
	l.advance(time.Minute)
	l.step(l.Pay(l.ctx, p.Agreement))
	if got := *l.found(&marketplaceagreement.SearchAgreementsInput{Filters: asSeller()})[0].LastUpdateTime; !got.Equal(accepted) {
		t.Errorf("the agreement was updated at %s, want %s", got, accepted)
	}
}

func TestSearchesThatAWSRefuses(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.shop()
	first, err := l.agreements.SearchAgreements(l.ctx, &marketplaceagreement.SearchAgreementsInput{Filters: asSeller(), MaxResults: aws.Int32(1)})
	l.must(err)
	type input = marketplaceagreement.SearchAgreementsInput
	for name, c := range map[string]struct {
		in   *input
		want types.ValidationExceptionReason
	}{
		"no filters":                  {&input{}, types.ValidationExceptionReasonUnsupportedFilters},
		"no party":                    {&input{Filters: asSeller()[:1]}, types.ValidationExceptionReasonMissingPartyType},
		"no such party":               {&input{Filters: []types.Filter{filter("AgreementType", "PurchaseAgreement"), filter("PartyType", "Buyer")}}, types.ValidationExceptionReasonInvalidPartyType},
		"another type":                {&input{Filters: []types.Filter{filter("AgreementType", "Other")}}, types.ValidationExceptionReasonInvalidFilterValues},
		"an unknown filter":           {&input{Filters: asSeller(filter("Colour", "red"))}, types.ValidationExceptionReasonInvalidFilterName},
		"a filter without a name":     {&input{Filters: asSeller(filter("", "red"))}, types.ValidationExceptionReasonMissingFilterName},
		"a filter without a value":    {&input{Filters: asSeller(filter("Status"))}, types.ValidationExceptionReasonMissingFilterValues},
		"a filter with two values":    {&input{Filters: asSeller(filter("Status", "ACTIVE", "EXPIRED"))}, types.ValidationExceptionReasonInvalidFilterValues},
		"a filter given twice":        {&input{Filters: asSeller(filter("Status", "ACTIVE"), filter("Status", "EXPIRED"))}, types.ValidationExceptionReasonInvalidFilters},
		"a time that is none":         {&input{Filters: asSeller(filter("AfterLastUpdateTime", "yesterday"))}, types.ValidationExceptionReasonInvalidFilterValues},
		"another catalog":             {&input{Catalog: aws.String("Other"), Filters: asSeller()}, types.ValidationExceptionReasonInvalidCatalog},
		"an unknown attribute":        {&input{Filters: asSeller(), Sort: &types.Sort{SortBy: aws.String("Price")}}, types.ValidationExceptionReasonInvalidSortBy},
		"an unknown order":            {&input{Filters: asSeller(), Sort: &types.Sort{SortOrder: "UP"}}, types.ValidationExceptionReasonInvalidSortOrder},
		"a page of 51":                {&input{Filters: asSeller(), MaxResults: aws.Int32(51)}, types.ValidationExceptionReasonInvalidMaxResults},
		"a page of none":              {&input{Filters: asSeller(), MaxResults: aws.Int32(0)}, types.ValidationExceptionReasonInvalidMaxResults},
		"a made-up token":             {&input{Filters: asSeller(), NextToken: aws.String("abc")}, types.ValidationExceptionReasonInvalidNextToken},
		"the token of another search": {&input{Filters: asSeller(filter("Status", "ACTIVE")), NextToken: first.NextToken}, types.ValidationExceptionReasonInvalidNextToken},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.agreements.SearchAgreements(l.ctx, c.in)
			var refusal *types.ValidationException
			if !errors.As(err, &refusal) || refusal.Reason != c.want || len(refusal.Fields) != 1 || aws.ToString(refusal.RequestId) == "" {
				t.Errorf("refused with %v, want the reason %s", err, c.want)
			}
		})
	}
	for name, more := range map[string]types.Filter{"an unsupported filter": filter("OfferSetId", "x"), "the buyer's side": {}} {
		filters := asSeller(more)
		if more.Name == nil {
			filters = []types.Filter{filter("AgreementType", "PurchaseAgreement"), filter("PartyType", "Acceptor")}
		}
		if _, err := l.agreements.SearchAgreements(l.ctx, &input{Filters: filters}); codeOf(err) != "NotImplementedException" {
			t.Errorf("%s is refused with %v", name, err)
		}
	}
}

func TestAnUnknownAgreementIsNotFound(t *testing.T) {
	t.Parallel()
	l := start(t)
	_, err := l.agreements.DescribeAgreement(l.ctx, &marketplaceagreement.DescribeAgreementInput{AgreementId: aws.String("agmt-x")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) || *missing.ResourceId != "agmt-x" || missing.ResourceType != types.ResourceTypeAgreement {
		t.Errorf("an unknown agreement is %v", err)
	}
	_, err = l.agreements.GetAgreementEntitlements(l.ctx, &marketplaceagreement.GetAgreementEntitlementsInput{AgreementId: aws.String("a b")})
	if codeOf(err) != "ValidationException" {
		t.Errorf("an agreement with a space is %v", err)
	}
	_, err = l.agreements.CancelAgreement(l.ctx, &marketplaceagreement.CancelAgreementInput{AgreementId: aws.String("agmt-x")})
	if codeOf(err) != "NotImplementedException" {
		t.Errorf("an operation that is not here is %v", err)
	}
}

func TestTheAgreementAPIFailsByPlan(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.must(l.srv.SetFaults(faults.Plan{Rules: []faults.Rule{{Service: "agreements", Operation: "SearchAgreements", Kind: faults.Error, Error: faults.Throttling}}}))
	_, err := l.agreements.SearchAgreements(l.ctx, &marketplaceagreement.SearchAgreementsInput{Filters: asSeller()})
	var throttled *types.ThrottlingException
	if !errors.As(err, &throttled) {
		t.Errorf("a throttled search is %v", err)
	}
	if n := l.srv.Counts().Of("agreements", "SearchAgreements").Requests; n != 1 {
		t.Errorf("%d searches were counted", n)
	}
}

// post sends AWS JSON, as SDKs do that do not speak CBOR.
func (l *local) post(target, body string) (status int, answer map[string]any) {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.ctx, http.MethodPost, l.srv.Endpoint()+"/", strings.NewReader(body))
	l.must(err)
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	res, err := http.DefaultClient.Do(r)
	l.must(err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	l.must(err)
	if err := json.Unmarshal(raw, &answer); err != nil {
		l.t.Fatalf("answered %s", raw)
	}
	return res.StatusCode, answer
}

func TestTheAgreementAPIAlsoSpeaksJSON(t *testing.T) {
	t.Parallel()
	l := start(t)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.EventBridge).Code}))
	status, answer := l.post("AWSMPCommerceService_v20200301.DescribeAgreement", fmt.Sprintf(`{"agreementId":%q}`, p.Agreement))
	if status != http.StatusOK || answer["agreementId"] != p.Agreement || answer["startTime"] != 1787235791.013 {
		t.Errorf("answered %d %v", status, answer)
	}
}

func TestEntitlementsOfContracts(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.SNS, "seats", "team")
	buy := func(account string, quantities map[string]int) marketplace.Purchase {
		return l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Account: account, Quantities: quantities, Paid: true}))
	}
	first := buy(buyer, map[string]int{"seats": 3, "team": 1})
	second := buy("111122223333", map[string]int{"seats": 9})
	unpaid := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Quantities: map[string]int{"seats": 5}}))
	over := buy("444455556666", map[string]int{"seats": 7})
	l.step(l.End(l.ctx, over.Agreement, marketplace.Ending{}))
	get := func(filter string, more ...string) (dimensions []string, next string) {
		t.Helper()
		status, answer := l.post("AWSMPEntitlementService.GetEntitlements", fmt.Sprintf(`{"ProductCode":%q,"Filter":%s%s}`, product.Code, filter, strings.Join(more, "")))
		if status != http.StatusOK {
			t.Fatalf("answered %d %v", status, answer)
		}
		for _, e := range answer["Entitlements"].([]any) {
			e := e.(map[string]any)
			dimensions = append(dimensions, fmt.Sprint(e["Dimension"], " ", e["Value"].(map[string]any)["IntegerValue"]))
		}
		next, _ = answer["NextToken"].(string)
		return dimensions, next
	}
	for filter, want := range map[string][]string{
		`{"CUSTOMER_AWS_ACCOUNT_ID":["845735284135"]}`:                            {"seats 3", "team 1"},
		`{"CUSTOMER_AWS_ACCOUNT_ID":["845735284135"],"DIMENSION":["team","x"]}`:   {"team 1"},
		`{"CUSTOMER_IDENTIFIER":["` + second.Customer + `"]}`:                     {"seats 9"},
		`{"LICENSE_ARN":["` + first.LicenceARN + `"],"DIMENSION":["seats"]}`:      {"seats 3"},
		`{"LICENSE_ARN":["` + unpaid.LicenceARN + `","` + over.LicenceARN + `"]}`: nil,
	} {
		if got, _ := get(filter); cmp.Diff(want, got) != "" {
			t.Errorf("%s finds %v, want %v", filter, got, want)
		}
	}
	var paged []string
	for token := ""; ; {
		more := `,"MaxResults":1`
		if token != "" {
			more += fmt.Sprintf(`,"NextToken":%q`, token)
		}
		page, next := get(`{}`, more)
		paged = append(paged, page...)
		if token = next; token == "" {
			break
		}
	}
	if len(paged) != 3 {
		t.Errorf("three pages have %v", paged)
	}
	l.step(l.Amend(l.ctx, first.Agreement, marketplace.Amendment{Quantities: map[string]int{"team": 2}}))
	if got, _ := get(`{"LICENSE_ARN":["` + first.LicenceARN + `"]}`); cmp.Diff([]string{"team 2"}, got) != "" {
		t.Errorf("after the amendment: %v", got)
	}
	_, answer := l.post("AWSMPEntitlementService.GetEntitlements", fmt.Sprintf(`{"ProductCode":%q}`, product.Code))
	e := answer["Entitlements"].([]any)[0].(map[string]any)
	if e["ProductCode"] != product.Code || e["CustomerAWSAccountId"] == "" || !strings.HasPrefix(e["LicenseArn"].(string), "arn:aws:license-manager::") || e["ExpirationDate"] != 1818771791.013 {
		t.Errorf("an entitlement is %v", e)
	}
	for _, body := range []string{
		`{}`, `{"ProductCode":"other"}`, `{"ProductCode":"code-sns","Filter":{"COLOUR":["a"]}}`, `{"ProductCode":"code-sns","Filter":{"DIMENSION":[]}}`,
		`{"ProductCode":"code-sns","MaxResults":26}`, `{"ProductCode":"code-sns","NextToken":"*"}`,
		`{"ProductCode":"code-sns","Filter":{"CUSTOMER_IDENTIFIER":["a"],"CUSTOMER_AWS_ACCOUNT_ID":["b"]}}`,
	} {
		status, answer := l.post("AWSMPEntitlementService.GetEntitlements", body)
		if status != http.StatusBadRequest || !strings.HasSuffix(fmt.Sprint(answer["__type"]), "#InvalidParameterException") {
			t.Errorf("%s is answered %d %v", body, status, answer)
		}
	}
}
