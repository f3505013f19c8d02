package seller

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/events"
)

// Contract is one contract dimension that a buyer has paid for.
type Contract struct {
	// Licence is the ARN as AWS writes it, "" for older listings.
	Licence   string
	Dimension string
	// Until is when the entitlement ends unless renewed, zero if AWS does not say.
	Until time.Time
}

// entitlements calls GetEntitlements of the AWS Marketplace Entitlement Service without the SDK,
// whose package the Go module proxy does not have.
type entitlements struct {
	config   aws.Config
	endpoint string
}

func newEntitlements(cfg aws.Config) entitlements {
	endpoint := "https://entitlement.marketplace." + cfg.Region + ".amazonaws.com"
	if base := aws.ToString(cfg.BaseEndpoint); base != "" {
		endpoint = strings.TrimSuffix(base, "/")
	}
	return entitlements{cfg, endpoint}
}

const (
	// AWS documents at most 25 entitlements a page; answers are far smaller than this.
	maxEntitlements = 25
	maxAnswer       = 1 << 20
)

type getEntitlements struct {
	ProductCode string
	Filter      map[string][]string
	MaxResults  int
	NextToken   string `json:",omitempty"`
}

type gotEntitlements struct {
	Entitlements []struct {
		LicenseArn, Dimension string
		// ExpirationDate is in seconds since 1970.
		ExpirationDate float64
	}
	NextToken string
}

// Contracts lists the contract dimensions that a buyer has paid for: none for a listing without
// contracts, and before AWS has granted any.
func (s *Seller) Contracts(ctx context.Context, bought events.Purchase) ([]Contract, error) {
	in := getEntitlements{ProductCode: string(bought.Product), Filter: map[string][]string{"LICENSE_ARN": {bought.ARN}}, MaxResults: maxEntitlements}
	if bought.ARN == "" {
		in.Filter = map[string][]string{"CUSTOMER_IDENTIFIER": {bought.Customer}}
	}
	var all []Contract
	for {
		page, err := s.entitlements.call(ctx, in)
		if err != nil {
			return nil, failure("reading the entitlements of a buyer of "+in.ProductCode, err)
		}
		for _, e := range page.Entitlements {
			one := Contract{Licence: e.LicenseArn, Dimension: e.Dimension}
			if e.ExpirationDate > 0 && e.ExpirationDate < math.MaxInt32 {
				one.Until = time.UnixMilli(int64(e.ExpirationDate * 1000)).UTC()
			}
			all = append(all, one)
		}
		if in.NextToken = page.NextToken; in.NextToken == "" {
			return all, nil
		}
	}
}

func (e entitlements) call(ctx context.Context, in getEntitlements) (page gotEntitlements, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return page, fmt.Errorf("encoding the call: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return page, fmt.Errorf("making the call: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSMPEntitlementService.GetEntitlements")
	if err := e.sign(ctx, request, body); err != nil {
		return page, err
	}
	client := e.config.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return page, fmt.Errorf("calling: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return page, fmt.Errorf("reading the answer: %w", err)
	case response.StatusCode != http.StatusOK:
		return page, refusalOf(answer)
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		return page, fmt.Errorf("decoding the answer: %w", err)
	}
	return page, nil
}

func (e entitlements) sign(ctx context.Context, request *http.Request, body []byte) error {
	if e.config.Credentials == nil {
		return &smithy.GenericAPIError{Code: "AccessDeniedException"}
	}
	credentials, err := e.config.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("finding credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "aws-marketplace", e.config.Region, time.Now()); err != nil {
		return fmt.Errorf("signing the call: %w", err)
	}
	return nil
}

func refusalOf(answer []byte) error {
	var said struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(answer, &said) // an answer that is no JSON has no code
	return &smithy.GenericAPIError{Code: said.Type[strings.LastIndex(said.Type, "#")+1:]}
}

// Bought returns the contract dimensions that a buyer has paid for, sorted; before AWS has
// granted any, those of the agreement about the licence that is in force and was changed last. It
// is empty if AWS knows none yet.
func (s *Seller) Bought(ctx context.Context, bought events.Purchase) (dimensions []string, err error) {
	is, err := s.Rights(ctx, bought)
	return is.Dimensions, err
}

// Rights is what a buyer is entitled to.
type Rights struct {
	// Dimensions are the contract dimensions that the buyer has paid for, sorted.
	Dimensions []string
	// Until is when the entitlement ends unless it is renewed, zero if AWS does not say.
	Until time.Time
	// Lapsed means that AWS has granted the buyer nothing, or no longer does. It is only set for a buyer of
	// an older listing: License Deprovisioned says so of a licence.
	Lapsed bool
}

// Rights asks AWS what a buyer is entitled to. As long as AWS has granted nothing for a licence, it returns
// what the agreement about the licence says: of several agreements, the one that is in force and was
// changed last. It is the zero Rights if AWS knows nothing about the licence.
func (s *Seller) Rights(ctx context.Context, bought events.Purchase) (is Rights, err error) {
	contracts, err := s.Contracts(ctx, bought)
	if err != nil {
		return Rights{}, err
	}
	unlimited := false
	for _, contract := range contracts {
		is.Dimensions = append(is.Dimensions, contract.Dimension)
		if unlimited = unlimited || contract.Until.IsZero(); contract.Until.After(is.Until) {
			is.Until = contract.Until
		}
	}
	switch {
	case unlimited:
		is.Until = time.Time{}
	case len(contracts) == 0 && bought.ARN == "":
		return Rights{Lapsed: true}, nil
	case len(contracts) == 0:
		return s.agreed(ctx, bought.ARN)
	}
	slices.Sort(is.Dimensions)
	is.Dimensions = slices.Compact(is.Dimensions)
	return is, nil
}

// agreed is what the agreements about a licence say.
func (s *Seller) agreed(ctx context.Context, licence string) (is Rights, err error) {
	var newest Agreement
	err = s.Granting(ctx, licence, func(a Agreement) error {
		if newest.ID == "" || a.Active() || !newest.Active() {
			newest = a
		}
		return nil
	})
	if err != nil || newest.ID == "" {
		return Rights{}, err
	}
	is.Dimensions, err = s.Dimensions(ctx, newest.ID)
	is.Until = newest.End
	return is, err
}
