package metering

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// lateness is the age at which usage is refused. The SDK's model says six hours; newer
// pages say a day, or six hours after the end of the month.
const lateness = 6 * time.Hour

type batchMeterUsageIn struct {
	UsageRecords []usageRecord
	ProductCode  string
}

type usageResult struct {
	MeteringRecordID string `json:"MeteringRecordId,omitempty"`
	Status           string
	UsageRecord      usageRecord
}

type batchMeterUsageOut struct {
	Results            []usageResult
	UnprocessedRecords []usageRecord
}

// Statuses of a record in a batch that was accepted.
const (
	success       = "Success"
	notSubscribed = "CustomerNotSubscribed"
	duplicate     = "DuplicateRecord"
)

// batchMeterUsage meters all records, or none if AWS would refuse the batch for one of
// them.
func (s *Service) batchMeterUsage(ctx context.Context, in *batchMeterUsageIn) (*batchMeterUsageOut, error) {
	if err := in.checkMembers(); err != nil {
		return nil, err
	}
	var out *batchMeterUsageOut
	err := s.env.DB.Update(func(tx *store.Tx) error {
		if err := checkEnabled(tx); err != nil {
			return err
		}
		if s.env.Caller(ctx) != s.env.Seller {
			return invalidProduct()
		}
		m := market{tx, s.env.Now()}
		licences, err := in.judge(m)
		if err != nil {
			return err
		}
		out = &batchMeterUsageOut{Results: []usageResult{}, UnprocessedRecords: []usageRecord{}}
		for i, u := range in.UsageRecords {
			result := usageResult{Status: notSubscribed, UsageRecord: u}
			if l := licences[i]; l != nil && l.active(m.now) {
				if result.Status, result.MeteringRecordID, err = meter(tx, in.ProductCode == "", *l, u); err != nil {
					return err
				}
			}
			out.Results = append(out.Results, result)
		}
		return nil
	})
	return out, err
}

func (in *batchMeterUsageIn) checkMembers() error {
	if in.UsageRecords == nil {
		return invalid("usageRecords", "not be null")
	}
	if len(in.UsageRecords) > maxRecords {
		return invalid("usageRecords", "have length less than or equal to %d", maxRecords)
	}
	for i, u := range in.UsageRecords {
		if err := u.checkMembers(fmt.Sprintf("usageRecords.%d.member.", i+1)); err != nil {
			return err
		}
	}
	return nil
}

// judge returns each record's licence, nil if the customer holds none. A batch is for one
// product, named by its code or, since June 2026, by the licences.
func (in *batchMeterUsageIn) judge(m market) ([]*Licence, error) {
	if in.ProductCode != "" {
		if known, err := m.knows(in.ProductCode); err != nil {
			return nil, err
		} else if !known {
			return nil, invalidProduct()
		}
	}
	product := in.ProductCode
	licences := make([]*Licence, len(in.UsageRecords))
	for i, u := range in.UsageRecords {
		l, err := u.licence(m, in.ProductCode)
		if err != nil {
			return nil, err
		}
		if licences[i] = l; l != nil {
			if product == "" {
				product = l.Product
			}
			if l.Product != product {
				return nil, invalidProduct()
			}
		}
		if has, err := m.has(product, *u.Dimension); err != nil {
			return nil, err
		} else if !has {
			return nil, wire.Errorf("InvalidUsageDimensionException", "The usage dimension %s does not match one of the UsageDimensions associated with products.", *u.Dimension)
		}
		if err := u.checkTime(m.now); err != nil {
			return nil, err
		}
		if err := u.checkSum(); err != nil {
			return nil, err
		}
	}
	return licences, nil
}

func invalidProduct() error {
	return wire.Errorf("InvalidProductCodeException", "The product code passed does not match the product code used for publishing the product.")
}

// licence returns the licence for a record, or nil. A licence that the record names must be
// the customer's and have started by the hour of the usage. Otherwise it is the customer's
// licence of the product.
func (u usageRecord) licence(m market, product string) (*Licence, error) {
	if (u.CustomerAWSAccountID == nil) == (u.CustomerIdentifier == nil) {
		return nil, wire.Errorf("InvalidCustomerIdentifierException", "A usage record must have either CustomerAWSAccountId or CustomerIdentifier.")
	}
	var account, customer string
	if u.CustomerIdentifier != nil {
		customer = *u.CustomerIdentifier
	} else {
		account = *u.CustomerAWSAccountID
	}
	switch {
	case account == "" && customer == "", account != "" && !accountForm.MatchString(account):
		return nil, wire.Errorf("InvalidCustomerIdentifierException", "You have metered usage for a customer that does not exist.")
	case u.LicenseARN == nil && product == "":
		return nil, invalidProduct()
	case u.LicenseARN == nil:
		return m.held(product, account, customer)
	}
	l, ok, err := Get(m.tx, *u.LicenseARN)
	if err != nil {
		return nil, err
	}
	if !ok || l.Started.IsZero() || l.ARN != *u.LicenseARN || l.Account != account || hourOf(u.at()).Before(hourOf(l.Started)) {
		return nil, wire.Errorf("InvalidLicenseException", "The LicenseArn is not valid, does not match the customer, or the usage is not within the license activation period.")
	}
	return &l, nil
}

func (u usageRecord) checkTime(now time.Time) error {
	if at := u.at(); at.After(now) || !at.After(now.Add(-lateness)) {
		return wire.Errorf("TimestampOutOfBoundsException", "The timestamp value passed in the UsageRecord is out of allowed range.")
	}
	return nil
}
