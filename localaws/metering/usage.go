package metering

import (
	"fmt"
	"math"
	"regexp"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const (
	maxRecords     = 25
	maxAllocations = 2500
	maxTags        = 5
)

type usageRecord struct {
	Timestamp            *float64 // seconds since 1970
	CustomerAWSAccountID *string  `json:"CustomerAWSAccountId,omitempty"`
	CustomerIdentifier   *string  `json:",omitempty"`
	LicenseARN           *string  `json:"LicenseArn,omitempty"`
	Dimension            *string
	Quantity             *int64       `json:",omitempty"`
	UsageAllocations     []Allocation `json:",omitempty"`
}

// Allocation is a part of a record's quantity, with tags.
type Allocation struct {
	AllocatedUsageQuantity *int64
	Tags                   []Tag `json:",omitempty"`
}

// Tag labels an allocation.
type Tag struct{ Key, Value string }

// at needs a record that has passed checkMembers.
func (u usageRecord) at() time.Time {
	return time.UnixMilli(int64(math.Round(*u.Timestamp * 1000))).UTC()
}

func (u usageRecord) quantity() int64 {
	if u.Quantity == nil {
		return 0
	}
	return *u.Quantity
}

func invalid(member, rule string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must %s",
		member, fmt.Sprintf(rule, args...))
}

var (
	dimensionForm = regexp.MustCompile(`^\S{1,255}$`)
	licenceForm   = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:\S+$`)
	tagForm       = regexp.MustCompile(`^[a-zA-Z0-9+ \-=._:/\\@]+$`)
)

// checkMembers checks the record against the model. at is its path in errors.
func (u usageRecord) checkMembers(at string) error {
	switch {
	case u.Timestamp == nil:
		return invalid(at+"timestamp", "not be null")
	case u.Dimension == nil:
		return invalid(at+"dimension", "not be null")
	case !dimensionForm.MatchString(*u.Dimension):
		return invalid(at+"dimension", "satisfy regular expression pattern: [\\s\\S]+")
	case u.quantity() < 0 || u.quantity() > math.MaxInt32:
		return invalid(at+"quantity", "have value from 0 to 2147483647")
	case u.LicenseARN != nil && !licenceForm.MatchString(*u.LicenseARN):
		return invalid(at+"licenseArn", "satisfy regular expression pattern: %s", licenceForm)
	case u.UsageAllocations != nil && len(u.UsageAllocations) == 0:
		return invalid(at+"usageAllocations", "have length greater than or equal to 1")
	case len(u.UsageAllocations) > maxAllocations:
		return invalid(at+"usageAllocations", "have length less than or equal to %d", maxAllocations)
	}
	for i, a := range u.UsageAllocations {
		if err := a.check(fmt.Sprintf("%susageAllocations.%d.member.", at, i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (a Allocation) check(at string) error {
	switch {
	case a.AllocatedUsageQuantity == nil:
		return invalid(at+"allocatedUsageQuantity", "not be null")
	case *a.AllocatedUsageQuantity < 0 || *a.AllocatedUsageQuantity > math.MaxInt32:
		return invalid(at+"allocatedUsageQuantity", "have value from 0 to 2147483647")
	case len(a.Tags) > maxTags:
		return wire.Errorf("InvalidTagException", "The tag is invalid, or the number of tags is greater than %d.", maxTags)
	}
	keys := map[string]bool{}
	for _, t := range a.Tags {
		if keys[t.Key] || len(t.Key) > 100 || len(t.Value) > 256 || !tagForm.MatchString(t.Key) || !tagForm.MatchString(t.Value) {
			return wire.Errorf("InvalidTagException", "The tag is invalid, or the number of tags is greater than %d.", maxTags)
		}
		keys[t.Key] = true
	}
	return nil
}

func (u usageRecord) checkSum() error {
	if len(u.UsageAllocations) == 0 {
		return nil
	}
	var sum int64
	for _, a := range u.UsageAllocations {
		sum += *a.AllocatedUsageQuantity
	}
	if sum != u.quantity() {
		return wire.Errorf("InvalidUsageAllocationsException", "The sum of the allocated usage quantities is not equal to the usage quantity.")
	}
	return nil
}
