package marketplace

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type searchFilter struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

type searchIn struct {
	Catalog    *string        `json:"catalog"`
	Filters    []searchFilter `json:"filters"`
	MaxResults *int           `json:"maxResults"`
	NextToken  *string        `json:"nextToken"`
	Sort       *searchSort    `json:"sort"`
}

type searchSort struct {
	SortBy    *string `json:"sortBy"`
	SortOrder *string `json:"sortOrder"`
}

type searchOut struct {
	AgreementViewSummaries []agreementOut `json:"agreementViewSummaries"`
	NextToken              string         `json:"nextToken,omitempty"`
}

// searchAgreements lists agreements as their proposer sees them.
func (s *Service) searchAgreements(ctx context.Context, in *searchIn) (*searchOut, error) {
	if in.Catalog != nil && *in.Catalog != catalogName {
		return nil, invalid("INVALID_CATALOG", "catalog", "The catalog must be AWSMarketplace.")
	}
	limit, err := checkPage(in.MaxResults)
	if err != nil {
		return nil, err
	}
	filters, err := parseFilters(in.Filters)
	if err != nil {
		return nil, err
	}
	order, err := in.Sort.parse()
	if err != nil {
		return nil, err
	}
	found, err := s.search(filters)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, order.compare)
	after, err := in.position()
	if err != nil {
		return nil, err
	}
	if after != nil {
		found = slices.DeleteFunc(found, func(a searched) bool { return order.compare(a, after.searched()) <= 0 })
	}
	if !s.sells(ctx) {
		found = nil
	}
	out := &searchOut{AgreementViewSummaries: []agreementOut{}}
	if len(found) > limit {
		last := found[limit-1].Purchase
		out.NextToken = cursor{in.query(), last.Agreement, last.Start, last.End, last.Updated}.String()
		found = found[:limit]
	}
	for _, a := range found {
		out.AgreementViewSummaries = append(out.AgreementViewSummaries, s.summary(a))
	}
	return out, nil
}

func (s *Service) summary(a searched) agreementOut {
	out := s.shown(a.Purchase, a.product)
	out.LastUpdateTime = wire.Epoch{Time: a.Updated}
	out.Entitlements = []entitlement{{a.LicenceARN}}
	if a.expires() {
		out.EndTimeBehaviorType, out.EndTimeBehaviorReasonCode = expire, noRenewalTerm
	}
	return out
}

// searched is a purchase with its product.
type searched struct {
	Purchase
	product Product
}

func (s *Service) search(filters []func(searched) bool) (found []searched, err error) {
	err = s.env.DB.View(func(tx *store.Tx) error {
		found = nil
		products := map[string]Product{}
		listed, err := store.AllJSON[Product](productsIn(tx))
		if err != nil {
			return err
		}
		for _, product := range listed {
			products[product.Code] = product
		}
		all, err := store.AllJSON[Purchase](purchasesIn(tx))
		for _, p := range all {
			a := searched{p, products[p.Product]}
			if !slices.ContainsFunc(filters, func(passes func(searched) bool) bool { return !passes(a) }) {
				found = append(found, a)
			}
		}
		return err
	})
	return found, err
}

// order compares by one attribute, then by agreement id. No end is later than every end.
type order struct {
	by         func(Purchase) time.Time
	descending bool
}

func (by *searchSort) parse() (order, error) {
	attributes := map[string]func(Purchase) time.Time{
		"EndTime": func(p Purchase) time.Time {
			if p.End.IsZero() {
				return time.Unix(1<<40, 0)
			}
			return p.End
		},
		"StartTime":      func(p Purchase) time.Time { return p.Start },
		"LastUpdateTime": func(p Purchase) time.Time { return p.Updated },
	}
	attribute, direction := "EndTime", "ASCENDING"
	if by != nil && by.SortBy != nil {
		attribute = *by.SortBy
	}
	if by != nil && by.SortOrder != nil {
		direction = *by.SortOrder
	}
	switch {
	case attributes[attribute] == nil:
		return order{}, invalid("INVALID_SORT_BY", "sortBy", "sortBy must be EndTime, StartTime or LastUpdateTime.")
	case direction != "ASCENDING" && direction != "DESCENDING":
		return order{}, invalid("INVALID_SORT_ORDER", "sortOrder", "sortOrder must be ASCENDING or DESCENDING.")
	}
	return order{attributes[attribute], direction == "DESCENDING"}, nil
}

func (o order) compare(a, b searched) int {
	sign := 1
	if o.descending {
		sign = -1
	}
	return sign * cmp.Or(o.by(a.Purchase).Compare(o.by(b.Purchase)), cmp.Compare(a.Agreement, b.Agreement))
}

// cursor is a next token: the last agreement of a page, and the query that it is for.
type cursor struct {
	Query, Agreement    string
	Start, End, Updated time.Time
}

func (c cursor) String() string {
	encoded, err := json.Marshal(c)
	if err != nil {
		panic(err) // texts and times cannot fail
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

func (c cursor) searched() searched {
	return searched{Purchase: Purchase{Agreement: c.Agreement, Start: c.Start, End: c.End, Updated: c.Updated}}
}

// query identifies the search without its page.
func (in *searchIn) query() string {
	encoded, err := json.Marshal([]any{in.Filters, in.Sort})
	if err != nil {
		panic(err) // texts cannot fail
	}
	sum := sha256.Sum256(encoded)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// position refuses a token of another search.
func (in *searchIn) position() (*cursor, error) {
	if in.NextToken == nil {
		return nil, nil
	}
	var c cursor
	encoded, err := base64.RawURLEncoding.DecodeString(*in.NextToken)
	if err != nil || json.Unmarshal(encoded, &c) != nil || c.Query != in.query() {
		return nil, invalid("INVALID_NEXT_TOKEN", "nextToken", "The next token is invalid.")
	}
	return &c, nil
}
